"""Which function serves which request code of the broker.

A code that is not in SERVED is answered with code 3 and the reason. Invariant: every code that a 4.5.2 broker serves
stands in SERVED, but for what only filter servers used.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from rocketpy._core.command import Command, response
from rocketpy.acl import admin_codes
from rocketpy.broker import overload
from rocketpy.broker.processors import (
    acl,
    cleaning,
    clients,
    consume_queue,
    consumer_calls,
    groups,
    locks,
    offsets,
    progress,
    pull,
    query,
    reset_offset,
    send,
    send_back,
    settings,
    state,
    stats,
    topics,
    transactions,
)
from rocketpy.broker.processors.answers import Answer
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import SEND_CODES, RequestCode, ResponseCode
from rocketpy.protocol.codes_page import refusals
from rocketpy.protocol.headers import REQUEST_HEADERS, RESPONSE_HEADERS

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

Processor: TypeAlias = Callable[[Any, Any, Command, Any], Answer]
Bound: TypeAlias = "Callable[[Connection, Command], Answer]"

SERVED: dict[RequestCode, Processor] = {
    RequestCode.SEND_MESSAGE: send.send_message,
    RequestCode.SEND_MESSAGE_V2: send.send_message,
    RequestCode.SEND_BATCH_MESSAGE: send.send_message,
    RequestCode.CONSUMER_SEND_MSG_BACK: send_back.consumer_send_msg_back,
    RequestCode.END_TRANSACTION: transactions.end_transaction,
    RequestCode.RESUME_CHECK_HALF_MESSAGE: transactions.resume_check_half_message,
    RequestCode.PULL_MESSAGE: pull.pull_message,
    RequestCode.QUERY_MESSAGE: query.query_message,
    RequestCode.VIEW_MESSAGE_BY_ID: query.view_message_by_id,
    RequestCode.QUERY_CONSUMER_OFFSET: offsets.query_consumer_offset,
    RequestCode.UPDATE_CONSUMER_OFFSET: offsets.update_consumer_offset,
    RequestCode.SEARCH_OFFSET_BY_TIMESTAMP: offsets.search_offset_by_timestamp,
    RequestCode.GET_MAX_OFFSET: offsets.get_max_offset,
    RequestCode.GET_MIN_OFFSET: offsets.get_min_offset,
    RequestCode.GET_EARLIEST_MSG_STORETIME: offsets.get_earliest_msg_storetime,
    RequestCode.HEART_BEAT: clients.heart_beat,
    RequestCode.UNREGISTER_CLIENT: clients.unregister_client,
    RequestCode.GET_CONSUMER_LIST_BY_GROUP: clients.get_consumer_list_by_group,
    RequestCode.CHECK_CLIENT_CONFIG: clients.check_client_config,
    RequestCode.LOCK_BATCH_MQ: locks.lock_batch_mq,
    RequestCode.UNLOCK_BATCH_MQ: locks.unlock_batch_mq,
    RequestCode.UPDATE_AND_CREATE_TOPIC: topics.update_and_create_topic,
    RequestCode.DELETE_TOPIC_IN_BROKER: topics.delete_topic_in_broker,
    RequestCode.GET_ALL_TOPIC_CONFIG: topics.get_all_topic_config,
    RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER: topics.get_system_topic_list_from_broker,
    RequestCode.GET_TOPIC_STATS_INFO: topics.get_topic_stats_info,
    RequestCode.QUERY_TOPIC_CONSUME_BY_WHO: topics.query_topic_consume_by_who,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: groups.update_and_create_subscriptiongroup,
    RequestCode.DELETE_SUBSCRIPTIONGROUP: groups.delete_subscriptiongroup,
    RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG: groups.get_all_subscriptiongroup_config,
    RequestCode.GET_CONSUMER_CONNECTION_LIST: groups.get_consumer_connection_list,
    RequestCode.GET_PRODUCER_CONNECTION_LIST: groups.get_producer_connection_list,
    RequestCode.GET_CONSUME_STATS: progress.get_consume_stats,
    RequestCode.GET_BROKER_CONSUME_STATS: progress.get_broker_consume_stats,
    RequestCode.QUERY_CONSUME_TIME_SPAN: progress.query_consume_time_span,
    RequestCode.QUERY_CORRECTION_OFFSET: offsets.query_correction_offset,
    RequestCode.CLONE_GROUP_OFFSET: offsets.clone_group_offset,
    RequestCode.QUERY_CONSUME_QUEUE: consume_queue.query_consume_queue,
    RequestCode.INVOKE_BROKER_TO_RESET_OFFSET: reset_offset.invoke_broker_to_reset_offset,
    RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS: consumer_calls.invoke_broker_to_get_consumer_status,
    RequestCode.GET_CONSUMER_RUNNING_INFO: consumer_calls.get_consumer_running_info,
    RequestCode.CONSUME_MESSAGE_DIRECTLY: consumer_calls.consume_message_directly,
    RequestCode.UPDATE_BROKER_CONFIG: settings.update_broker_config,
    RequestCode.GET_BROKER_CONFIG: settings.get_broker_config,
    RequestCode.GET_BROKER_RUNTIME_INFO: state.get_broker_runtime_info,
    RequestCode.VIEW_BROKER_STATS_DATA: stats.view_broker_stats_data,
    RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE: cleaning.clean_expired_consumequeue,
    RequestCode.CLEAN_UNUSED_TOPIC: cleaning.clean_unused_topic,
    RequestCode.GET_ALL_CONSUMER_OFFSET: state.get_all_consumer_offset,
    RequestCode.GET_ALL_DELAY_OFFSET: state.get_all_delay_offset,
    RequestCode.UPDATE_AND_CREATE_ACL_CONFIG: acl.update_and_create_acl_config,
    RequestCode.DELETE_ACL_CONFIG: acl.delete_acl_config,
    RequestCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG: acl.update_global_white_addrs_config,
    RequestCode.GET_BROKER_CLUSTER_ACL_INFO: acl.get_broker_cluster_acl_info,
}

# Every answer to a send names the region, refusals too.
WITH_REGION = SEND_CODES

# These make or change topics and groups: what a client is answered for has to survive a kill.
MAKES_CONFIG = WITH_REGION | {
    RequestCode.CONSUMER_SEND_MSG_BACK,
    RequestCode.HEART_BEAT,
    RequestCode.UPDATE_AND_CREATE_TOPIC,
    RequestCode.DELETE_TOPIC_IN_BROKER,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    RequestCode.DELETE_SUBSCRIPTIONGROUP,
}

# Of these, an operator asked for nothing else: a disk that refuses the change is the answer.
CHANGES_CONFIG = frozenset({
    RequestCode.UPDATE_AND_CREATE_TOPIC,
    RequestCode.DELETE_TOPIC_IN_BROKER,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    RequestCode.DELETE_SUBSCRIPTIONGROUP,
})


def bind(broker: Broker) -> dict[int, Bound]:
    """The table remoting asks: code -> function of connection and request."""
    table = {int(code): _bound(broker, code, processor) for code, processor in SERVED.items()}
    if broker.access is not None:
        table = broker.access.guarded(table)
    return {**refusals(table, admin_codes.NAME_SERVER, "name server"), **table}


def _bound(broker: Broker, code: RequestCode, processor: Processor) -> Bound:
    header_class = REQUEST_HEADERS.get(code)
    may_wait_too_long = code in overload.GUARDED

    def answer(connection: Connection, request: Command) -> Answer:
        broker.served[code] = broker.served.get(code, 0) + 1
        broker.lane.commit_offsets()  # what pulls before it in this turn committed must not overtake it
        try:
            if may_wait_too_long:
                broker.overload.check(code, connection)
            header = header_class.decode(request) if header_class else None
            given = processor(broker, connection, request, header)
        except RequestRefused as refusal:
            return refusal_answer(broker, code, refusal)
        if code in MAKES_CONFIG and not broker.configs_saved:
            return _saved_first(broker, code, given)
        return _later(broker, code, given) if inspect.isawaitable(given) else given

    return answer


async def _saved_first(broker: Broker, code: RequestCode, given: Answer) -> Command | None:
    """Answer when topics and groups are on disk as they are now."""
    answer = await _later(broker, code, given) if inspect.isawaitable(given) else given
    await broker.save_configs()
    fault = broker.topics.file.fault or broker.groups.file.fault
    if fault and code in CHANGES_CONFIG:
        return response(ResponseCode.SYSTEM_ERROR, f"changed, but not on disk: {fault}")
    return answer


async def _later(broker: Broker, code: RequestCode, given: Awaitable[Command | None]) -> Command | None:
    try:
        return await given
    except RequestRefused as refusal:
        return refusal_answer(broker, code, refusal)


def refusal_answer(broker: Broker, code: RequestCode, refusal: RequestRefused) -> Command:
    """The response; where success has a header class, a refusal has (empty) extFields too."""
    ext: dict[str, str] | None = {} if code in RESPONSE_HEADERS else None
    if code in WITH_REGION:
        ext = dict(broker.region_ext)
    return response(refusal.code, refusal.remark, ext)
