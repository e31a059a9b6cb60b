"""cloneGroupOffset, resetOffsetByTime: a group's offsets are set from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.command import Command, CommandFailed, Given, Option
from rocketpy.admin.items import Column, Failed, Item, Rows, Said, Table
from rocketpy.admin.java import boolean, hash_order, queue_hash
from rocketpy.admin.session import Session
from rocketpy.admin.targets import each
from rocketpy.admin.times import given_time
from rocketpy.client.admin_groups import consume_stats
from rocketpy.client.admin_offsets import reset_offsets, reset_offsets_old, update_offset
from rocketpy.client.calls import BrokerRefused, any_address
from rocketpy.errors import RocketPyError
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.message_queue import MessageQueue

RESET = Table(
    "%-40s  %-40s  %-40s",
    (Column("#brokerName", "brokerName", 32), Column("#queueId", "queueId"), Column("#offset", "offset")),
)
ROLLED_BACK = Table(
    "%-20s  %-20s  %-20s  %-20s  %-20s  %-20s",
    (
        Column("#brokerName", "brokerName", 32),
        Column("#queueId", "queueId"),
        Column("#brokerOffset", "brokerOffset"),
        Column("#consumerOffset", "consumerOffset"),
        Column("#timestampOffset", "timestampOffset"),
        Column("#rollbackOffset", "rollbackOffset"),
    ),
)


async def clone_group_offset(session: Session, given: Given) -> AsyncIterator[Item]:
    """Give one group the offsets that another has in a topic.

    Upstream's tool gives it the ends of the queues instead, and of every topic of the other group.
    """
    source, target, topic = given.text("s"), given.text("d"), given.text("t")
    found = await consume_stats(session.admin, source, topic)
    if found.failed:
        address, error = next(iter(found.failed.items()))
        raise CommandFailed(f"{address} does not tell the offsets of {source}, so none is cloned: {error}")
    route = await session.admin.route(topic)
    where = {broker.broker_name: any_address(broker) for broker in route.broker_datas if broker.broker_addrs}
    offsets = {
        queue: at.consumer_offset
        for queue, at in found.stats.offset_table.items()
        if queue.topic == topic and queue.broker_name in where and at.consumer_offset >= 0
    }

    async def clone(queue: MessageQueue) -> None:
        await update_offset(session.admin, where[queue.broker_name], target, queue, offsets[queue])

    failed = False
    for queue, outcome in await each(sorted(offsets), clone):
        if isinstance(outcome, RocketPyError):
            failed = True
            yield Failed(f"{queue.broker_name} queue {queue.queue_id}", outcome)
    if not failed:
        told = f"clone group offset success. srcGroup[{source}], destGroup=[{target}], topic[{topic}]"
        rows = [{"brokerName": q.broker_name, "queueId": q.queue_id, "offset": offsets[q]} for q in sorted(offsets)]
        yield Said(told, {"srcGroup": source, "destGroup": target, "topic": topic, "offsets": rows})


async def reset_offset_by_time(session: Session, given: Given) -> AsyncIterator[Item]:
    """Set a group's offsets in a topic to a time; of a group without clients on the brokers alone."""
    group, topic = given.text("g"), given.text("t")
    millis = session.admin.clock.now_ms() if given.text("s") == "now" else given_time(given, "s")
    force = given.boolean("f", True)
    told = f"topic[{topic}], force[{boolean(force)}], timestamp(string)[{given.text('s')}], timestamp(long)[{millis}]\n"
    try:
        offsets = await reset_offsets(session.admin, topic, group, millis, force=force, cpp="c" in given)
    except BrokerRefused as refusal:
        if refusal.code != ResponseCode.CONSUMER_NOT_ONLINE:
            raise
        async for item in reset_without_clients(session, group, topic, millis, force, told):
            yield item
        return
    yield Said(f"rollback consumer offset by specified group[{group}], {told}")
    rows = Rows(RESET)
    yield rows.head
    for queue in hash_order(offsets, queue_hash):
        yield rows.row(brokerName=queue.broker_name, queueId=queue.queue_id, offset=offsets[queue])


async def reset_without_clients(
    session: Session, group: str, topic: str, millis: int, force: bool, told: str
) -> AsyncIterator[Item]:
    """The way of a group that is not online."""
    done = await reset_offsets_old(session.admin, topic, group, millis, force=force)
    yield Said(f"rollback consumer offset by specified consumerGroup[{group}], {told}")
    rows = Rows(ROLLED_BACK)
    yield rows.head
    for each_queue in done:
        yield rows.row(
            brokerName=each_queue.queue.broker_name,
            queueId=each_queue.queue.queue_id,
            brokerOffset=each_queue.broker_offset,
            consumerOffset=each_queue.consumer_offset,
            timestampOffset=each_queue.timestamp_offset,
            rollbackOffset=each_queue.rollback_offset,
        )


def question(given: Given) -> str:
    """What is lost."""
    group, topic, time = given.text("g"), given.text("t"), given.text("s")
    return f"Set the offsets of the group {group} in {topic} to {time}? Where it is now is not kept."


def clone_question(given: Given) -> str:
    """What is lost."""
    source, dest, topic = given.text("s"), given.text("d"), given.text("t")
    return f"Set the offsets of the group {dest} in {topic} to those of {source}? Where it is now is not kept."


COMMANDS = (
    Command(
        "cloneGroupOffset",
        clone_group_offset,
        (
            Option("s", "srcGroup", "set source consumer group", required=True, completes="group"),
            Option("d", "destGroup", "set destination consumer group", required=True, completes="group"),
            Option("t", "topic", "set the topic", required=True, completes="topic"),
            Option("o", "offline", "the group or the topic is offline"),
        ),
        asks=clone_question,
    ),
    Command(
        "resetOffsetByTime",
        reset_offset_by_time,
        (
            Option("g", "group", "set the consumer group", required=True, completes="group"),
            Option("t", "topic", "set the topic", required=True, completes="topic"),
            Option(
                "s", "timestamp", "set the timestamp[now|currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]", required=True
            ),
            Option("f", "force", "set the force rollback by timestamp switch[true|false]"),
            Option("c", "cplus", "reset c++ client offset", flag=True),
        ),
        asks=question,
    ),
)
