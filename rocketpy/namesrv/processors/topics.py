"""Where topics are, and which there are."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy.protocol.bodies import TopicList
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import (
    DeleteTopicInNamesrvRequestHeader,
    GetRouteInfoRequestHeader,
    GetTopicsByClusterRequestHeader,
)
from rocketpy.protocol.names import ORDER_TOPIC_NAMESPACE
from rocketpy.protocol.sys_flag import TOPIC_UNIT, TOPIC_UNIT_SUB

if TYPE_CHECKING:
    from rocketpy.namesrv.cluster_test import ClusterTest
    from rocketpy.namesrv.name_server import NameServer
    from rocketpy.remoting.connection import Connection

FAQ = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."


def get_routeinfo_by_topic(
    server: NameServer, connection: Connection, request: Command, header: GetRouteInfoRequestHeader
) -> Command | Awaitable[Command]:
    """A topic's queues and brokers; what clients ask first, and every 30 s."""
    elsewhere = server.cluster_test
    route = server.routes.route(header.topic)
    if route is None:
        return no_route(header.topic) if elsewhere is None else route_from(elsewhere, header.topic)
    if server.config.order_message_enable or elsewhere is not None:
        route.order_topic_conf = server.kv.get(ORDER_TOPIC_NAMESPACE, header.topic)
    return response(body=route.encode())


async def route_from(elsewhere: ClusterTest, topic: str) -> Command:
    """What the other environment knows."""
    route = await elsewhere.route(topic)
    return no_route(topic) if route is None else response(body=route.encode())


def no_route(topic: str) -> Command:
    remark = f"No topic route info in name server for the topic: {topic}{FAQ}"
    return response(ResponseCode.TOPIC_NOT_EXIST, remark)


def delete_topic_in_namesrv(
    server: NameServer, connection: Connection, request: Command, header: DeleteTopicInNamesrvRequestHeader
) -> Command:
    """Forget a topic."""
    server.routes.delete_topic(header.topic)
    return response()


def get_all_topic_list_from_nameserver(
    server: NameServer, connection: Connection, request: Command, header: None
) -> Command:
    """Every topic."""
    return topic_list(server.routes.topics)


def get_topics_by_cluster(
    server: NameServer, connection: Connection, request: Command, header: GetTopicsByClusterRequestHeader
) -> Command:
    """Topics of a cluster; of an unknown one, none."""
    return topic_list(server.routes.topics_of_cluster(header.cluster))


def get_system_topic_list_from_ns(
    server: NameServer, connection: Connection, request: Command, header: None
) -> Command:
    """Topics named as clusters and brokers, and a broker to ask for the others."""
    topics, broker_addr = server.routes.system_topics()
    return response(body=TopicList(topic_list=topics, broker_addr=broker_addr).encode())


def get_unit_topic_list(server: NameServer, connection: Connection, request: Command, header: None) -> Command:
    """Topics of a unit."""
    return topic_list(server.routes.topics_by_sys_flag(TOPIC_UNIT))


def get_has_unit_sub_topic_list(
    server: NameServer, connection: Connection, request: Command, header: None
) -> Command:
    """Topics that a unit subscribes to."""
    return topic_list(server.routes.topics_by_sys_flag(TOPIC_UNIT_SUB))


def get_has_unit_sub_ununit_topic_list(
    server: NameServer, connection: Connection, request: Command, header: None
) -> Command:
    """Topics that a unit subscribes to without being of one."""
    return topic_list(server.routes.topics_by_sys_flag(TOPIC_UNIT_SUB, none_of=TOPIC_UNIT))


def topic_list(topics: Iterable[str]) -> Command:
    return response(body=TopicList(topic_list=list(topics)).encode())
