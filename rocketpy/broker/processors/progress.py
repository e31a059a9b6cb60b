"""How far groups are: offsets beside the ends of their queues, and the times of what they consumed.

Store times are read from messages, old ones from the disk: in threads, so that an operator's question holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy.broker.processors.answers import from_disk, refused, success
from rocketpy.protocol.admin_bodies import (
    ConsumeStats,
    ConsumeStatsList,
    OffsetWrapper,
    QueryConsumeTimeSpanBody,
    QueueTimeSpan,
)
from rocketpy.protocol.bodies import MessageQueue, TopicConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import (
    GetConsumeStatsInBrokerHeader,
    GetConsumeStatsRequestHeader,
    QueryConsumeTimeSpanRequestHeader,
)

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

GROUPS_A_TURN = 50


async def get_consume_stats(
    broker: Broker, connection: Connection, request: Command, header: GetConsumeStatsRequestHeader
) -> Command:
    """How far a group is in each queue of one topic, or of all topics in which it has offsets."""
    group = header.consumer_group
    topics = [header.topic] if header.topic else sorted(broker.offsets.topics_of(group))
    whole = ConsumeStats()
    for config in _consumed(broker, group, topics):
        stats = await _stats(broker, group, config.topic_name, config.read_queue_nums)
        whole.offset_table.update(stats.offset_table)
        whole.consume_tps += stats.consume_tps
    return success(whole.encode())


async def get_broker_consume_stats(
    broker: Broker, connection: Connection, request: Command, header: GetConsumeStatsInBrokerHeader
) -> Command:
    """The same of every group, and how many messages they are behind in all; `isOrder`: in ordered topics only."""
    topics_by_group = broker.offsets.topics_by_group()
    answer = ConsumeStatsList(broker_addr=broker.address)
    for number, group in enumerate(list(broker.groups.table)):
        topics = _consumed(broker, group, topics_by_group.get(group, ()))
        if header.is_order:
            topics = [config for config in topics if config.order]
        stats = [await _stats(broker, group, config.topic_name, config.write_queue_nums) for config in topics]
        answer.consume_stats_list.append({group: stats})
        offsets = [offset for of_topic in stats for offset in of_topic.offset_table.values()]
        answer.total_diff += sum(offset.broker_offset - offset.consumer_offset for offset in offsets)
        if number % GROUPS_A_TURN == GROUPS_A_TURN - 1:
            await asyncio.sleep(0)
    return success(answer.encode())


def _consumed(broker: Broker, group: str, topics: Iterable[str]) -> list[TopicConfig]:
    """Those of the topics that exist, and that the group's live consumers, if there are any, subscribe to."""
    configs = [broker.topics.get(topic) for topic in topics if broker.consumers.may_consume(group, topic)]
    return [config for config in configs if config is not None]


async def _stats(broker: Broker, group: str, topic: str, queue_nums: int) -> ConsumeStats:
    offsets = [max(0, broker.offsets.query(group, topic, queue_id)) for queue_id in range(queue_nums)]
    consumed = [(topic, queue_id, offset - 1) for queue_id, offset in enumerate(offsets)]
    times = await from_disk(broker.store.store_times_patiently(consumed))
    stats = ConsumeStats(consume_tps=broker.stats.get_tps(group, topic))
    for queue_id, (offset, time_ms) in enumerate(zip(offsets, times, strict=True)):
        end = broker.store.max_offset(topic, queue_id)
        queue = MessageQueue(topic, broker.config.broker_name, queue_id)
        stats.offset_table[queue] = OffsetWrapper(end, offset, max(0, time_ms))
    return stats


async def query_consume_time_span(
    broker: Broker, connection: Connection, request: Command, header: QueryConsumeTimeSpanRequestHeader
) -> Command:
    """Store times of each queue's first, last and last consumed message, and for how long the next one has waited."""
    config = broker.topics.get(header.topic)
    if config is None:
        raise refused(ResponseCode.TOPIC_NOT_EXIST, f"topic[{header.topic}] not exist")
    queue_ids = range(config.write_queue_nums)
    spans = [await _span(broker, header.group, header.topic, queue_id) for queue_id in queue_ids]
    return success(QueryConsumeTimeSpanBody(spans).encode())


async def _span(broker: Broker, group: str, topic: str, queue_id: int) -> QueueTimeSpan:
    """A time is -1 where there is no such message; upstream's delay of a group without an offset is then since 1970."""
    store, offset = broker.store, broker.offsets.query(group, topic, queue_id)
    end = store.max_offset(topic, queue_id)
    places = [(topic, queue_id, index) for index in (store.min_offset(topic, queue_id), end - 1, offset - 1, offset)]
    first_ms, last_ms, consumed_ms, waiting_ms = await from_disk(store.store_times_patiently(places))
    times_ms = first_ms, last_ms, consumed_ms if offset > 0 else first_ms
    delay_ms = broker.clock.now_ms() - waiting_ms if offset < end else 0
    queue = MessageQueue(topic, broker.config.broker_name, queue_id)
    return QueueTimeSpan(queue, *times_ms, delay_ms, *map(_in_words, times_ms))


def _in_words(timestamp_ms: int) -> str:
    seconds, ms = divmod(timestamp_ms, 1000)
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d#%H:%M:%S}:{ms:03d}"
