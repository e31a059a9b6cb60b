"""Bits of the sys flags: of a message, of a pull request, of a subscription, of a topic."""

# Message (sysFlag of a send and of the stored record)
COMPRESSED_FLAG = 0x1           # the body is zlib
MULTI_TAGS_FLAG = 0x2
TRANSACTION_NOT_TYPE = 0x0
TRANSACTION_PREPARED_TYPE = 0x4
TRANSACTION_COMMIT_TYPE = 0x8
TRANSACTION_ROLLBACK_TYPE = 0xC  # also the mask of the transaction type

# Pull request
PULL_COMMIT_OFFSET = 0x1        # commitOffset of the header is to be stored
PULL_SUSPEND = 0x2              # hold the request when there is nothing to give
PULL_SUBSCRIPTION = 0x4         # the subscription is in the header
PULL_CLASS_FILTER = 0x8

# Topic (topicSysFlag) and subscription (sysFlag of a consumer)
TOPIC_UNIT = 0x1
TOPIC_UNIT_SUB = 0x2
SUBSCRIPTION_UNIT = 0x1


def transaction_type(sys_flag: int) -> int:
    """Which of the four transaction types a message is of."""
    return sys_flag & TRANSACTION_ROLLBACK_TYPE


def with_transaction_type(sys_flag: int, kind: int) -> int:
    """The same message flags as another transaction type."""
    return (sys_flag & ~TRANSACTION_ROLLBACK_TYPE) | kind


def pull_flags(*, commit_offset: bool, suspend: bool, subscription: bool, class_filter: bool = False) -> int:
    """The sysFlag of a pull request."""
    return commit_offset * PULL_COMMIT_OFFSET | suspend * PULL_SUSPEND | subscription * PULL_SUBSCRIPTION | (
        class_filter * PULL_CLASS_FILTER
    )


def topic_flags(*, unit: bool, unit_sub: bool) -> int:
    """The topicSysFlag of a topic."""
    return unit * TOPIC_UNIT | unit_sub * TOPIC_UNIT_SUB
