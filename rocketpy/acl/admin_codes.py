"""Who a request code is meant for, one row a code; invariant: every code of both request tables stands here.

Upstream asks for an admin with five codes of the broker (ADMIN_OF_UPSTREAM) and with none of the name server. With
aclStrictAdmin all that is ADMIN here needs one. PEER codes are sent by brokers and slaves, whose 4.5.2 do not sign: a
white-listed address goes on letting them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from rocketpy.protocol.codes import RequestCode as Code


class Caller(Enum):
    """Whose code it is."""

    CLIENT = "producers and consumers"
    PEER = "brokers and slaves"
    ADMIN = "operators and their tools"


def _rows(caller: Caller, *codes: Code) -> dict[Code, Caller]:
    return dict.fromkeys(codes, caller)


BROKER: Mapping[Code, Caller] = {
    **_rows(
        Caller.CLIENT,
        Code.SEND_MESSAGE,
        Code.SEND_MESSAGE_V2,
        Code.SEND_BATCH_MESSAGE,
        Code.CONSUMER_SEND_MSG_BACK,
        Code.END_TRANSACTION,
        Code.PULL_MESSAGE,
        Code.QUERY_MESSAGE,
        Code.VIEW_MESSAGE_BY_ID,
        Code.QUERY_CONSUMER_OFFSET,
        Code.UPDATE_CONSUMER_OFFSET,
        Code.SEARCH_OFFSET_BY_TIMESTAMP,
        Code.GET_MAX_OFFSET,
        Code.GET_MIN_OFFSET,
        Code.GET_EARLIEST_MSG_STORETIME,
        Code.HEART_BEAT,
        Code.UNREGISTER_CLIENT,
        Code.GET_CONSUMER_LIST_BY_GROUP,
        Code.CHECK_CLIENT_CONFIG,
        Code.LOCK_BATCH_MQ,
        Code.UNLOCK_BATCH_MQ,
    ),
    **_rows(
        Caller.PEER,
        Code.GET_ALL_TOPIC_CONFIG,
        Code.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
        Code.GET_ALL_CONSUMER_OFFSET,
        Code.GET_ALL_DELAY_OFFSET,
    ),
    **_rows(
        Caller.ADMIN,
        Code.UPDATE_AND_CREATE_TOPIC,
        Code.DELETE_TOPIC_IN_BROKER,
        Code.UPDATE_BROKER_CONFIG,
        Code.GET_BROKER_CONFIG,
        Code.GET_BROKER_RUNTIME_INFO,
        Code.UPDATE_AND_CREATE_ACL_CONFIG,
        Code.DELETE_ACL_CONFIG,
        Code.GET_BROKER_CLUSTER_ACL_INFO,
        Code.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG,
        Code.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
        Code.DELETE_SUBSCRIPTIONGROUP,
        Code.GET_TOPIC_STATS_INFO,
        Code.GET_CONSUMER_CONNECTION_LIST,
        Code.GET_PRODUCER_CONNECTION_LIST,
        Code.GET_CONSUME_STATS,
        Code.GET_BROKER_CONSUME_STATS,
        Code.INVOKE_BROKER_TO_RESET_OFFSET,
        Code.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
        Code.QUERY_TOPIC_CONSUME_BY_WHO,
        Code.QUERY_CONSUME_TIME_SPAN,
        Code.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
        Code.CLEAN_EXPIRED_CONSUMEQUEUE,
        Code.CLEAN_UNUSED_TOPIC,
        Code.GET_CONSUMER_RUNNING_INFO,
        Code.QUERY_CORRECTION_OFFSET,
        Code.CONSUME_MESSAGE_DIRECTLY,
        Code.CLONE_GROUP_OFFSET,
        Code.VIEW_BROKER_STATS_DATA,
        Code.QUERY_CONSUME_QUEUE,
        Code.RESUME_CHECK_HALF_MESSAGE,
    ),
}

NAME_SERVER: Mapping[Code, Caller] = {
    **_rows(Caller.CLIENT, Code.GET_ROUTEINTO_BY_TOPIC),
    **_rows(Caller.PEER, Code.REGISTER_BROKER, Code.UNREGISTER_BROKER, Code.QUERY_DATA_VERSION),
    **_rows(
        Caller.ADMIN,
        Code.PUT_KV_CONFIG,
        Code.GET_KV_CONFIG,
        Code.DELETE_KV_CONFIG,
        Code.GET_KVLIST_BY_NAMESPACE,
        Code.GET_BROKER_CLUSTER_INFO,
        Code.WIPE_WRITE_PERM_OF_BROKER,
        Code.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
        Code.DELETE_TOPIC_IN_NAMESRV,
        Code.GET_TOPICS_BY_CLUSTER,
        Code.GET_SYSTEM_TOPIC_LIST_FROM_NS,
        Code.GET_UNIT_TOPIC_LIST,
        Code.GET_HAS_UNIT_SUB_TOPIC_LIST,
        Code.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST,
        Code.UPDATE_NAMESRV_CONFIG,
        Code.GET_NAMESRV_CONFIG,
    ),
}

ADMIN_OF_UPSTREAM: frozenset[int] = frozenset(
    {
        Code.UPDATE_AND_CREATE_TOPIC,
        Code.UPDATE_BROKER_CONFIG,
        Code.DELETE_TOPIC_IN_BROKER,
        Code.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
        Code.DELETE_SUBSCRIPTIONGROUP,
    }
)


def admin_codes(table: Mapping[Code, Caller]) -> frozenset[int]:
    """The codes of a table that strictness keeps for admins."""
    return frozenset(code for code, caller in table.items() if caller is Caller.ADMIN)
