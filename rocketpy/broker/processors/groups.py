"""Subscription groups as tools see them: change, delete, list, who is connected."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy.broker.processors.answers import Answer, refused, success
from rocketpy.protocol import admin_bodies as bodies
from rocketpy.protocol import names
from rocketpy.protocol.bodies import SubscriptionGroupConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import (
    DeleteSubscriptionGroupRequestHeader,
    GetConsumerConnectionListRequestHeader,
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
    broker.stats.forget_group(header.group_name)
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
