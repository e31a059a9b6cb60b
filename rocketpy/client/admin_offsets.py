"""An operator sets the offsets of a group: to a time, with its clients or without them, or to what is given.

Invariant: what is returned is what the brokers have now; the first refusal is raised and ends it, as with upstream's
library, so that offsets on later brokers stay as they were.
"""

from __future__ import annotations

from dataclasses import dataclass

from rocketpy._core.command import Command, request
from rocketpy.client.admin_groups import asked, broker_consume_stats
from rocketpy.client.admin_topics import topic_stats
from rocketpy.client.calls import Calls, addresses, any_address
from rocketpy.protocol import fastjson
from rocketpy.protocol.admin_bodies import OffsetWrapper, ResetOffsetBody
from rocketpy.protocol.bodies import MessageQueue
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import to_wire
from rocketpy.protocol.headers import ResetOffsetRequestHeader

MAX_OFFSET = -1  # as a time: the end of the queue


@dataclass(frozen=True)
class RolledBack:
    """What became of a group's offset in one queue when it was set by time without its clients."""

    queue: MessageQueue
    broker_offset: int
    consumer_offset: int
    timestamp_offset: int
    rollback_offset: int


async def update_offset(calls: Calls, address: str, group: str, queue: MessageQueue, offset: int) -> None:
    """Set a group's offset in one queue."""
    ext = {
        "consumerGroup": group,
        "topic": queue.topic,
        "queueId": str(queue.queue_id),
        "commitOffset": str(offset),
    }
    await calls.ask(address, request(RequestCode.UPDATE_CONSUMER_OFFSET, ext))


async def reset_offsets(
    calls: Calls, topic: str, group: str, timestamp_ms: int, *, force: bool, cpp: bool = False
) -> dict[MessageQueue, int]:
    """Set the offsets of a group and of its running clients to a time, MAX_OFFSET to the end; the new offsets.

    BrokerRefused(CONSUMER_NOT_ONLINE) when no client is there: see `reset_offsets_old`.
    """
    header = ResetOffsetRequestHeader(topic=topic, group=group, timestamp=timestamp_ms, is_force=force)
    found: dict[MessageQueue, int] = {}
    for address in addresses(await calls.route(topic)):  # one by one: a refusal ends it, as with upstream's library
        ask = asked(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, header)
        if cpp:
            ask.language = "CPP"
        found |= reset_body(await calls.ask(address, ask))
    return found


def reset_body(answer: Command) -> dict[MessageQueue, int]:
    """Offsets out of an answer; for C++ clients it is a list of queues with their offsets."""
    table = fastjson.loads(answer.body or b"{}").get("offsetTable")
    if isinstance(table, list):
        return {MessageQueue(row["topic"], row["brokerName"], int(row["queueId"])): int(row["offset"]) for row in table}
    return ResetOffsetBody.decode(answer.body or b"{}").offset_table


async def reset_offsets_old(
    calls: Calls, topic: str, group: str, timestamp_ms: int, *, force: bool
) -> list[RolledBack]:
    """Set the offsets of a group without clients to a time. A broker without offsets of it gets them for all queues."""
    route = await calls.route(topic)
    queue_nums = {data.broker_name: data.read_queue_nums for data in route.queue_datas}
    done: list[RolledBack] = []
    for broker in route.broker_datas:
        if not broker.broker_addrs:
            continue
        address = any_address(broker)
        stats = await broker_consume_stats(calls, address, group)
        queues = {queue: each for queue, each in stats.offset_table.items() if queue.topic == topic}
        if not queues:
            nums = queue_nums.get(broker.broker_name, 0)
            queues = await whole_queues(calls, address, topic, broker.broker_name or "", nums)
        for queue, each in queues.items():
            done.append(await roll_back(calls, address, group, queue, each, timestamp_ms, force))
    return done


async def whole_queues(
    calls: Calls, address: str, topic: str, broker_name: str, queue_nums: int
) -> dict[MessageQueue, OffsetWrapper]:
    """The queues of a topic as if a group had consumed nothing of them."""
    table = (await topic_stats(calls, address, topic)).offset_table
    queues = (MessageQueue(topic, broker_name, queue_id) for queue_id in range(queue_nums))
    ends = {queue: table[queue] for queue in queues if queue in table}
    return {queue: OffsetWrapper(each.max_offset, each.min_offset) for queue, each in ends.items()}


async def roll_back(
    calls: Calls, address: str, group: str, queue: MessageQueue, at: OffsetWrapper, timestamp_ms: int, force: bool
) -> RolledBack:
    """Set a group's offset in one queue to a time; without `force` only when that is not ahead of it."""
    offset = await offset_of_time(calls, address, queue, timestamp_ms)
    moves = force or offset <= at.consumer_offset
    if moves:
        await update_offset(calls, address, group, queue, offset)
    return RolledBack(queue, at.broker_offset, at.consumer_offset, offset, offset if moves else at.consumer_offset)


async def offset_of_time(calls: Calls, address: str, queue: MessageQueue, timestamp_ms: int) -> int:
    """The offset of the message stored nearest to a time, or the end of the queue."""
    ext = {"topic": queue.topic, "queueId": to_wire(queue.queue_id)}
    code = RequestCode.GET_MAX_OFFSET
    if timestamp_ms != MAX_OFFSET:
        code, ext["timestamp"] = RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, str(timestamp_ms)
    answer = await calls.ask(address, request(code, ext))
    return int((answer.ext or {})["offset"])
