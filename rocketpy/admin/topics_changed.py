"""updateTopic, updateTopicPerm and deleteTopic.

A broker that fails costs its line and the exit code; what the others did stands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from rocketpy.admin.command import INT_MAX, Command, CommandFailed, Given, Option
from rocketpy.admin.items import Failed, Item, Said
from rocketpy.admin.java import string_order
from rocketpy.admin.session import Session
from rocketpy.admin.targets import NO_CLUSTER, chosen, each
from rocketpy.admin.topic_deletion import deleted_topic
from rocketpy.admin.topics import TOPIC
from rocketpy.client.admin_brokers import topic_configs
from rocketpy.client.admin_topics import (
    put_kv,
    put_order_of_broker,
)
from rocketpy.errors import RocketPyError
from rocketpy.protocol.bodies import TopicConfig, TopicRouteData
from rocketpy.protocol.names import ORDER_TOPIC_NAMESPACE
from rocketpy.protocol.sys_flag import topic_flags

QUEUE_NUMS = 8
RW = 6


async def update_topic(session: Session, given: Given) -> AsyncIterator[Item]:
    """Create a topic or change it, on one broker or on every master of a cluster."""
    topic, done = asked_topic(given), False
    for address, answer in await each(
        await chosen(session, given), lambda address: session.admin.create_topic(address, topic)
    ):
        if isinstance(answer, RocketPyError):
            yield Failed(address, answer)
            continue
        done = True
        if topic.order and "b" in given:
            yield await ordered_on_broker(session, topic, address)
        yield Said(f"create topic to {address} success.\n", {"brokerAddr": address, "topicConfig": topic})
    if done and topic.order and "c" in given:
        yield await ordered_in_cluster(session, topic, given.text("c"))
    if done:
        yield Said(str(topic))


def asked_topic(given: Given) -> TopicConfig:
    """The topic as the options describe it."""
    return TopicConfig(
        given.text("t"),
        read_queue_nums=given.number("r", QUEUE_NUMS, least=0, most=INT_MAX),
        write_queue_nums=given.number("w", QUEUE_NUMS, least=0, most=INT_MAX),
        perm=given.number("p", RW, least=0, most=INT_MAX),
        topic_sys_flag=topic_flags(unit=given.boolean("u"), unit_sub=given.boolean("s")),
        order=given.boolean("o"),
    )


async def ordered_on_broker(session: Session, topic: TopicConfig, address: str) -> Item:
    """Write this broker's part of the order conf."""
    info = await session.admin.cluster()
    names = [name for name, data in info.broker_addr_table.items() if address in data.broker_addrs.values()]
    if not names:
        raise CommandFailed(f"the topic is made, its order conf is not: the name server knows no broker at {address}")
    await put_order_of_broker(session.admin, topic.topic_name, names[0], topic.write_queue_nums)
    conf = f"{names[0]}:{topic.write_queue_nums}"
    return Said(
        f"set broker orderConf. isOrder=true, orderConf=[{conf}]", {"topic": topic.topic_name, "orderConf": conf}
    )


async def ordered_in_cluster(session: Session, topic: TopicConfig, cluster: str) -> Item:
    """Write the order conf of all brokers of the cluster."""
    names = (await session.admin.cluster()).cluster_addr_table.get(cluster, [])
    if not names:
        raise CommandFailed(f"the cluster {cluster} has no broker", said=NO_CLUSTER)
    conf = ";".join(f"{name}:{topic.write_queue_nums}" for name in string_order(names))
    await put_kv(session.admin, ORDER_TOPIC_NAMESPACE, topic.topic_name, conf)
    return Said(
        f"set cluster orderConf. isOrder=true, orderConf=[{conf}]", {"topic": topic.topic_name, "orderConf": conf}
    )


async def update_topic_perm(session: Session, given: Given) -> AsyncIterator[Item]:
    """Change a topic's permission and nothing else of it, on one broker or on every master of a cluster."""
    name, perm = given.text("t"), given.number("p", least=0, most=INT_MAX)
    route = await session.admin.route(name)
    addresses = await chosen(session, given)
    old = {
        address: config_of(name, found, route)
        for address, found in await each(addresses, lambda address: topic_configs(session.admin, address))
    }
    for address in addresses:
        if isinstance(error := old[address], RocketPyError):
            yield Failed(address, error)
    topics = {address: topic for address, topic in old.items() if isinstance(topic, TopicConfig)}
    different = [address for address, topic in topics.items() if topic.perm != perm]
    if topics and not different:
        yield Said("new perm equals to the old one!\n", {"topic": name, "perm": perm, "changed": False})
        return

    async def change(address: str) -> None:
        await session.admin.create_topic(address, replace(topics[address], perm=perm))

    for address, answer in await each(different, change):
        if isinstance(answer, RocketPyError):
            yield Failed(address, answer)
            continue
        before, topic = topics[address].perm, replace(topics[address], perm=perm)
        text = f"update topic perm from {before} to {perm} in {address} success.\n"
        yield Said(text, {"brokerAddr": address, "oldPerm": before, "topicConfig": topic})
        if "b" in given:
            yield Said(f"{topic}\n")


def config_of(
    name: str, found: dict[str, TopicConfig] | RocketPyError, route: TopicRouteData
) -> TopicConfig | RocketPyError:
    """The topic as the broker has it. One that has it not gets it as the route's first broker has it, as upstream."""
    if isinstance(found, RocketPyError):
        return found
    if name in found:
        return found[name]
    if not route.queue_datas:
        return CommandFailed(f"no broker has a queue of {name}")
    first = route.queue_datas[0]
    return TopicConfig(
        name, first.read_queue_nums, first.write_queue_nums, first.perm, topic_sys_flag=first.topic_syn_flag
    )


def delete_topic(session: Session, given: Given) -> AsyncIterator[Item]:
    """Delete a topic on every broker of a cluster, then in the name servers; not there while a broker has it."""
    return deleted_topic(session, given.text("c"), given.text("t"))


BROKER = Option("b", "brokerAddr", "create topic to which broker", completes="brokerAddr")
CLUSTER = Option("c", "clusterName", "create topic to which cluster", completes="cluster")
COMMANDS = (
    Command(
        "updateTopic",
        update_topic,
        (
            replace(BROKER, group="where"),
            replace(CLUSTER, group="where"),
            TOPIC,
            Option("r", "readQueueNums", "set read queue nums"),
            Option("w", "writeQueueNums", "set write queue nums"),
            Option("p", "perm", "set topic's permission(2|4|6), intro[2:W 4:R; 6:RW]"),
            Option("o", "order", "set topic's order(true|false)"),
            Option("u", "unit", "is unit topic (true|false)"),
            Option("s", "hasUnitSub", "has unit sub (true|false)"),
        ),
    ),
    Command(
        "updateTopicPerm",
        update_topic_perm,
        (
            BROKER,
            CLUSTER,
            TOPIC,
            Option("p", "perm", "set topic's permission(2|4|6), intro[2:W; 4:R; 6:RW]", required=True),
        ),
    ),
    Command(
        "deleteTopic",
        delete_topic,
        (
            TOPIC,
            Option("c", "clusterName", "delete topic from which cluster", required=True, completes="cluster"),
        ),
        asks=lambda given: f"Delete topic {given.text('t')} on every broker of {given.text('c')}, with its messages?",
    ),
)
