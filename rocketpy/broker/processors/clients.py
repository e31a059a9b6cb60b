"""Who is connected: heartbeats, unregistration, and what a consumer may subscribe to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy.broker.clients import Client
from rocketpy.broker.consumer_filters import COMPILED_AT_ONCE, compiled, is_tag_type
from rocketpy.broker.processors.answers import Answer, refused, success
from rocketpy.broker.processors.pull_filter import check_property_filter
from rocketpy.filter import FilterSyntaxError
from rocketpy.protocol import names, perm, sys_flag
from rocketpy.protocol.bodies import (
    CheckClientRequestBody,
    ConsumerData,
    GetConsumerListByGroupResponseBody,
    HeartbeatData,
)
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import GetConsumerListByGroupRequestHeader, UnregisterClientRequestHeader

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection


def heart_beat(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Keep the client's groups known; the first heartbeat of a consumer group makes its retry topic."""
    heartbeat = HeartbeatData.decode(request.body)

    def client_of() -> Client:  # one for each registry: it keeps its own time of the last heartbeat in it
        return Client(connection, heartbeat.client_id, request.language, request.version)

    room = COMPILED_AT_ONCE
    for consumer in heartbeat.consumer_data_set:
        room = _register_consumer(broker, client_of(), consumer, room)
    for producer in heartbeat.producer_data_set:
        broker.producers.register(producer.group_name, client_of())
    return success()


def _register_consumer(broker: Broker, client: Client, consumer: ConsumerData, room: int) -> int:
    """What is left of `room` for expressions of other groups."""
    names.check_name("group", consumer.group_name)
    group = broker.groups.find(consumer.group_name)
    if group is not None:
        flag = sys_flag.TOPIC_UNIT_SUB if consumer.unit_mode else 0
        retry_topic = names.retry_topic(consumer.group_name)
        broker.topics.create_in_send_back(retry_topic, group.retry_queue_nums, perm.READ | perm.WRITE, flag)
    notify = group is None or group.notify_consumer_ids_changed_enable
    broker.consumers.register(consumer, client, notify=notify)
    return broker.filters.register(consumer.group_name, consumer.subscription_data_set, room)


def unregister_client(
    broker: Broker, connection: Connection, request: Command, header: UnregisterClientRequestHeader
) -> Answer:
    """A client leaves in good order; the rest of its consumer group hears of it."""
    if header.producer_group is not None:
        broker.producers.unregister(header.producer_group, connection)
    if header.consumer_group is not None:
        group = broker.groups.find(header.consumer_group)
        notify = group is None or group.notify_consumer_ids_changed_enable
        broker.consumers.unregister(header.consumer_group, connection, notify=notify)
    return success(ext={})


def get_consumer_list_by_group(
    broker: Broker, connection: Connection, request: Command, header: GetConsumerListByGroupRequestHeader
) -> Answer:
    """Client ids of the group, from which every member computes the same share of the queues."""
    group = broker.consumers.group(header.consumer_group)
    client_ids = group.client_ids if group is not None else []
    if not client_ids:
        raise refused(ResponseCode.SYSTEM_ERROR, f"no consumer for this group, {header.consumer_group}")
    return success(GetConsumerListByGroupResponseBody(client_ids).encode(), {})


def check_client_config(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Whether the broker can serve a subscription; what is no expression is refused with the place of the mistake."""
    subscription = CheckClientRequestBody.decode(request.body).subscription_data
    if subscription is None or is_tag_type(subscription.expression_type):
        return success()
    check_property_filter(broker, subscription.expression_type)
    try:
        compiled(subscription.expression_type, subscription.sub_string or "")
    except FilterSyntaxError as error:
        raise refused(ResponseCode.SUBSCRIPTION_PARSE_FAILED, error.remark) from None
    return success()
