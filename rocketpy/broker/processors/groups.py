"""Subscription groups as tools see them: change, delete, list, who is connected, how far they are."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy.broker.processors.answers import Answer, refused, success
from rocketpy.protocol import admin_bodies as bodies
from rocketpy.protocol import names
from rocketpy.protocol.admin_bodies import OffsetWrapper
from rocketpy.protocol.bodies import MessageQueue, SubscriptionGroupConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import (
    DeleteSubscriptionGroupRequestHeader,
    GetConsumerConnectionListRequestHeader,
    GetConsumeStatsRequestHeader,
    GetProducerConnectionListRequestHeader,
)

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.broker.clients import Client
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqBroker")


def update_and_create_subscriptiongroup(
    broker: Broker, connection: Connection, request: Command, header: None
) -> Answer:
    """Put a group's config; members that are missing have their defaults."""
    group = SubscriptionGroupConfig.decode(request.body)
    names.check_name("group", group.group_name)
    log.info("update subscription group %s, asked by %s", group.group_name, connection.address)
    broker.groups.put(group)
    return success()


def delete_subscriptiongroup(
    broker: Broker, connection: Connection, request: Command, header: DeleteSubscriptionGroupRequestHeader
) -> Answer:
    """Forget a group's config; its next use makes it anew where groups are made automatically."""
    log.info("delete subscription group %s, asked by %s", header.group_name, connection.address)
    broker.groups.delete(header.group_name)
    return success()


def get_all_subscriptiongroup_config(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Every group's config, with the version of the table."""
    return success(broker.groups.wrapper().encode())


def get_consumer_connection_list(
    broker: Broker, connection: Connection, request: Command, header: GetConsumerConnectionListRequestHeader
) -> Answer:
    """A group's consumers and what they are subscribed to."""
    group = broker.consumers.group(header.consumer_group)
    if group is None:
        raise refused(ResponseCode.CONSUMER_NOT_ONLINE, f"the consumer group[{header.consumer_group}] not online")
    body = bodies.ConsumerConnection(
        connection_set=_connections(group.clients.values()),
        subscription_table=dict(group.subscriptions),
        consume_type=group.consume_type,
        message_model=group.message_model,
        consume_from_where=group.consume_from_where,
    )
    return success(body.encode())


def get_producer_connection_list(
    broker: Broker, connection: Connection, request: Command, header: GetProducerConnectionListRequestHeader
) -> Answer:
    """A group's producers."""
    clients = broker.producers.clients(header.producer_group)
    if clients is None:
        raise refused(ResponseCode.SYSTEM_ERROR, f"the producer group[{header.producer_group}] not exist")
    return success(bodies.ProducerConnection(_connections(clients)).encode())


def _connections(clients: Iterable[Client]) -> list[bodies.Connection]:
    return [
        bodies.Connection(client.client_id, client.connection.address, client.language, client.version)
        for client in clients
    ]


def get_consume_stats(
    broker: Broker, connection: Connection, request: Command, header: GetConsumeStatsRequestHeader
) -> Answer:
    """How far a group is in each queue of one topic, or of all topics in which it has offsets."""
    group = header.consumer_group
    topics = [header.topic] if header.topic else sorted(broker.offsets.topics_of(group))
    counted = [topic for topic in topics if _is_consumed(broker, group, topic)]
    table: dict[MessageQueue, OffsetWrapper] = {}
    for topic in counted:
        table.update(_progress(broker, group, topic))
    consume_tps = sum((broker.stats.get_tps(group, topic) for topic in counted), 0.0)
    return success(bodies.ConsumeStats(table, consume_tps).encode())


def _is_consumed(broker: Broker, group_name: str, topic: str) -> bool:
    if broker.topics.get(topic) is None:
        return False
    group = broker.consumers.group(group_name)
    return group is None or not group.subscriptions or topic in group.subscriptions


def _progress(broker: Broker, group: str, topic: str) -> Iterable[tuple[MessageQueue, OffsetWrapper]]:
    config, broker_name = broker.topics.get(topic), broker.config.broker_name
    for queue_id in range(config.read_queue_nums if config else 0):
        offset = max(0, broker.offsets.query(group, topic, queue_id))
        last_ms = max(0, broker.store.store_time(topic, queue_id, offset - 1)) if offset else 0
        max_offset = max(0, broker.store.max_offset(topic, queue_id))
        yield MessageQueue(topic, broker_name, queue_id), OffsetWrapper(max_offset, offset, last_ms)
