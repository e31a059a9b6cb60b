"""topicRoute, topicStatus, topicClusterList and topicList: what is known of topics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from rocketpy.admin.command import Command, CommandFailed, Given, Option
from rocketpy.admin.items import Column, Failed, Item, Rows, Said, Table
from rocketpy.admin.java import local_time_ms, string_order
from rocketpy.admin.session import Session
from rocketpy.admin.targets import each
from rocketpy.client.admin_topics import all_topics, groups_of_topic, topic_stats
from rocketpy.client.calls import addresses, any_address
from rocketpy.errors import RocketPyError
from rocketpy.protocol.bodies import ClusterInfo, TopicRouteData
from rocketpy.protocol.fastjson_pretty import pretty
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.names import is_of_group

TOPIC = Option("t", "topic", "topic name", required=True, completes="topic")
NAMES = Table("%s", (Column("#Topic", "topic"),), head="")
CLUSTERS = Table("%s", (Column("#Cluster Name", "clusterName"),), head="")
BY_CLUSTER = Table(
    "%-20s  %-48s  %-48s",
    (
        Column("#Cluster Name", "clusterName", 20),
        Column("#Topic", "topic", 48),
        Column("#Consumer Group", "consumerGroup", 48),
    ),
)
STATUS = Table(
    "%-32s  %-4s  %-20s  %-20s    %s",
    (
        Column("#Broker Name", "brokerName", 32),
        Column("#QID", "queueId"),
        Column("#Min Offset", "minOffset"),
        Column("#Max Offset", "maxOffset"),
        Column("#Last Updated", "lastUpdateTimestamp", show=lambda millis: local_time_ms(millis) if millis > 0 else ""),
    ),
)


async def topic_route(session: Session, given: Given) -> AsyncIterator[Item]:
    """TopicRouteData as fastjson prints it."""
    route = await session.admin.route(given.text("t"))
    yield Said(pretty(route) + "\n", route)


async def topic_status(session: Session, given: Given) -> AsyncIterator[Item]:
    """The ends of every queue, over all brokers."""
    topic = given.text("t")
    route = await session.admin.route(topic)
    answers = await each(addresses(route), lambda address: topic_stats(session.admin, address, topic))
    offsets: dict[MessageQueue, Any] = {}
    for address, answer in answers:
        if isinstance(answer, RocketPyError):
            yield Failed(address, answer)
        else:
            offsets |= answer.offset_table
    if not offsets:
        raise CommandFailed(f"Not found the topic stats info of {topic}: no broker of its route has a queue of it")
    rows = Rows(STATUS)
    yield rows.head
    for queue in sorted(offsets):
        ends = offsets[queue]
        yield rows.row(
            brokerName=queue.broker_name,
            queueId=queue.queue_id,
            minOffset=ends.min_offset,
            maxOffset=ends.max_offset,
            lastUpdateTimestamp=ends.last_update_timestamp,
        )


async def topic_cluster_list(session: Session, given: Given) -> AsyncIterator[Item]:
    """The clusters that the topic's first broker belongs to."""
    info = await session.admin.cluster()
    route = await session.admin.route(given.text("t"))
    rows = Rows(CLUSTERS)
    for cluster in clusters_of(info, route):
        yield rows.row(clusterName=cluster)


async def topic_list(session: Session, given: Given) -> AsyncIterator[Item]:
    """Every topic; with -c its cluster and groups."""
    if "c" in given:
        async for item in topics_by_cluster(session):
            yield item
        return
    rows = Rows(NAMES)
    for topic in string_order(await all_topics(session.admin)):
        yield rows.row(topic=topic)


async def topics_by_cluster(session: Session) -> AsyncIterator[Item]:
    """A row a topic and group; retry and dead letter topics are left out."""
    info = await session.admin.cluster()
    names = string_order(await all_topics(session.admin))
    topics = [topic for topic in names if not is_of_group(topic)]
    rows = Rows(BY_CLUSTER)
    yield rows.head
    with session.progress("topics", len(topics)) as step:
        answers = await each(topics, lambda topic: cluster_and_groups(session, info, topic), step)
    for topic, answer in answers:
        if isinstance(answer, RocketPyError):
            yield Failed(topic, answer)
        cluster, groups = answer if not isinstance(answer, RocketPyError) else ("", [])
        for group in string_order(groups) or [""]:
            yield rows.row(clusterName=cluster, topic=topic, consumerGroup=group)


async def cluster_and_groups(session: Session, info: ClusterInfo, topic: str) -> tuple[str, list[str]]:
    """A topic's cluster, and the groups that the first broker of its route knows."""
    route = await session.admin.route(topic)
    cluster = next(iter(clusters_of(info, route)), "")
    addresses = [any_address(broker) for broker in route.broker_datas[:1] if broker.broker_addrs]
    return cluster, await groups_of_topic(session.admin, addresses[0], topic) if addresses else []


def clusters_of(info: ClusterInfo, route: TopicRouteData) -> list[str]:
    """The clusters of the first broker of a route."""
    if not route.broker_datas:
        return []
    broker_name = route.broker_datas[0].broker_name
    return string_order(cluster for cluster, names in info.cluster_addr_table.items() if broker_name in names)


COMMANDS = (
    Command("topicRoute", topic_route, (TOPIC,)),
    Command("topicStatus", topic_status, (TOPIC,)),
    Command("topicClusterList", topic_cluster_list, (TOPIC,)),
    Command("topicList", topic_list, (Option("c", "clusterModel", "clusterModel", flag=True),)),
)
