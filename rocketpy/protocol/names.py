"""Names of topics and groups: which are reserved, and which may come from the wire.

Names become paths of the store. Invariant: a name that passed `check_name` is no path: letters, digits, `_ - % |` only.
"""

import re
from collections.abc import Iterable

from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import ResponseCode

MAX_NAME_LENGTH = 255           # what official clients send at most
MAX_STORED_TOPIC_LENGTH = 127   # its length is one signed byte in a stored message
NAME = re.compile(r"[%|a-zA-Z0-9_-]+")

RETRY_PREFIX = "%RETRY%"
DLQ_PREFIX = "%DLQ%"
SYSTEM_TOPIC_PREFIX = "rmq_sys_"
SYSTEM_GROUP_PREFIX = "CID_RMQ_SYS_"

AUTO_CREATE_TOPIC_KEY_TOPIC = "TBW102"
BENCHMARK_TOPIC = "BenchmarkTest"
SELF_TEST_TOPIC = "SELF_TEST_TOPIC"
OFFSET_MOVED_EVENT = "OFFSET_MOVED_EVENT"
SCHEDULE_TOPIC = "SCHEDULE_TOPIC_XXXX"
TRANS_HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC"
TRANS_OP_HALF_TOPIC = "RMQ_SYS_TRANS_OP_HALF_TOPIC"
TRANS_CHECK_MAX_TIME_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC"
TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC"

DEFAULT_PRODUCER_GROUP = "DEFAULT_PRODUCER"
DEFAULT_CONSUMER_GROUP = "DEFAULT_CONSUMER"
TOOLS_CONSUMER_GROUP = "TOOLS_CONSUMER"
FILTERSRV_CONSUMER_GROUP = "FILTERSRV_CONSUMER"
MONITOR_CONSUMER_GROUP = "__MONITOR_CONSUMER"
CLIENT_INNER_PRODUCER_GROUP = "CLIENT_INNER_PRODUCER"
SELF_TEST_PRODUCER_GROUP = "SELF_TEST_P_GROUP"
SELF_TEST_CONSUMER_GROUP = "SELF_TEST_C_GROUP"
ONS_HTTP_PROXY_GROUP = "CID_ONS-HTTP-PROXY"
CID_ONSAPI_PERMISSION_GROUP = "CID_ONSAPI_PERMISSION"
CID_ONSAPI_OWNER_GROUP = "CID_ONSAPI_OWNER"
CID_ONSAPI_PULL_GROUP = "CID_ONSAPI_PULL"
TRANSACTION_GROUP = "CID_RMQ_SYS_TRANS"

GROUPS_AT_START = (  # that every broker has
    TOOLS_CONSUMER_GROUP,
    FILTERSRV_CONSUMER_GROUP,
    SELF_TEST_CONSUMER_GROUP,
    ONS_HTTP_PROXY_GROUP,
    CID_ONSAPI_PULL_GROUP,
    CID_ONSAPI_PERMISSION_GROUP,
    CID_ONSAPI_OWNER_GROUP,
)

DEFAULT_CLUSTER = "DefaultCluster"
MASTER_ID = 0
ORDER_TOPIC_NAMESPACE = "ORDER_TOPIC_CONFIG"


def is_name(name: str) -> bool:
    """Whether official clients allow this name for a topic or a group."""
    return len(name) <= MAX_NAME_LENGTH and NAME.fullmatch(name) is not None


def check_name(kind: str, name: str) -> str:
    """The name again. RequestRefused(SYSTEM_ERROR) when it could not be one; `kind` is `topic` or `group`."""
    if is_name(name):
        return name
    if len(name) > MAX_NAME_LENGTH:
        what = f"is {len(name)} characters long, {MAX_NAME_LENGTH} are allowed"
    else:
        what = f"{name!r} has characters other than letters, digits, _ - % |" if name else "is blank"
    raise RequestRefused(ResponseCode.SYSTEM_ERROR, f"the {kind} {what}")


def retry_topic(group: str) -> str:
    """Where messages of a group wait to be consumed again."""
    return RETRY_PREFIX + group


def dlq_topic(group: str) -> str:
    """Where messages of a group end that were never consumed."""
    return DLQ_PREFIX + group


def groups_in(topics: Iterable[str]) -> list[str]:
    """The groups whose retry topics are among these, in their order: every group that ever had a client has one."""
    return [topic.removeprefix(RETRY_PREFIX) for topic in topics if topic.startswith(RETRY_PREFIX)]


def is_of_group(topic: str) -> bool:
    """Whether a topic holds what a group could not consume."""
    return topic.startswith((RETRY_PREFIX, DLQ_PREFIX))


def is_system_group(group: str) -> bool:
    """Whether the group is one of the broker's own."""
    return group.startswith(SYSTEM_GROUP_PREFIX)


class MessageConst:
    """Keys of message properties, under upstream's names for them."""

    KEYS = "KEYS"
    TAGS = "TAGS"
    WAIT_STORE_MSG_OK = "WAIT"
    DELAY_TIME_LEVEL = "DELAY"
    RETRY_TOPIC = "RETRY_TOPIC"
    REAL_TOPIC = "REAL_TOPIC"
    REAL_QUEUE_ID = "REAL_QID"
    TRANSACTION_PREPARED = "TRAN_MSG"
    PRODUCER_GROUP = "PGROUP"
    MIN_OFFSET = "MIN_OFFSET"
    MAX_OFFSET = "MAX_OFFSET"
    BUYER_ID = "BUYER_ID"
    ORIGIN_MESSAGE_ID = "ORIGIN_MESSAGE_ID"
    TRANSFER_FLAG = "TRANSFER_FLAG"
    CORRECTION_FLAG = "CORRECTION_FLAG"
    MQ2_FLAG = "MQ2_FLAG"
    RECONSUME_TIME = "RECONSUME_TIME"
    MSG_REGION = "MSG_REGION"
    TRACE_SWITCH = "TRACE_ON"
    UNIQ_KEY = "UNIQ_KEY"
    MAX_RECONSUME_TIMES = "MAX_RECONSUME_TIMES"
    CONSUME_START_TIME = "CONSUME_START_TIME"
    TRAN_PREPARED_QUEUE_OFFSET = "TRAN_PREPARED_QUEUE_OFFSET"
    TRANSACTION_CHECK_TIMES = "TRANSACTION_CHECK_TIMES"
    CHECK_IMMUNITY_TIME_IN_SECONDS = "CHECK_IMMUNITY_TIME_IN_SECONDS"
    TRANSACTION_ID = "__transactionId__"
    INSTANCE_ID = "INSTANCE_ID"
