"""One queue that a command names, and walks over queues: from where to where, batch by batch.

Invariant: a walk always goes on or ends; an offset that a broker does not move forward ends it with an error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from rocketpy._core.message import Message
from rocketpy.admin.command import CommandFailed
from rocketpy.admin.java import hash_order, queue_hash
from rocketpy.client.pull_consumer import PullConsumer, PullResult, PullStatus
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.names import MessageConst

BATCH = 32
ENDS = (PullStatus.NO_NEW_MSG, PullStatus.OFFSET_ILLEGAL)


async def queues_in_order(consumer: PullConsumer, topic: str) -> list[MessageQueue]:
    """The readable queues of a topic as upstream's set gives them back."""
    queues = await consumer.queues(topic)
    if not queues:
        raise CommandFailed(f"Can not find Message Queue for this topic, {topic}: none of its queues can be read")
    return hash_order(queues, queue_hash)


async def named_queue(consumer: PullConsumer, topic: str, broker_name: str, queue_id: int) -> MessageQueue:
    """A queue of a broker. CommandFailed names the brokers that have the topic when this one has not."""
    names = sorted({data.broker_name or "" for data in (await consumer.route(topic)).queue_datas})
    if broker_name not in names:
        raise CommandFailed(f"{topic} has no queue on a broker named {broker_name}; it is on {', '.join(names)}")
    return MessageQueue(topic, broker_name, queue_id)


@dataclass(frozen=True)
class Window:
    """Messages stored from one time to another, both included; milliseconds, None: all."""

    begin_ms: int | None = None
    end_ms: int | None = None

    def has(self, message: Message) -> bool:
        """Whether a message is in it."""
        return not self.is_before(message) and not self.is_behind(message)

    def is_before(self, message: Message) -> bool:
        """Whether a message is older."""
        return self.begin_ms is not None and message.store_timestamp < self.begin_ms

    def is_behind(self, message: Message) -> bool:
        """Whether a message is younger, and so are all after it in its queue."""
        return self.end_ms is not None and message.store_timestamp > self.end_ms


EVERYTHING = Window()


async def span(consumer: PullConsumer, queue: MessageQueue, window: Window) -> tuple[int, int]:
    """The ends of a queue, or the offsets that a broker gives for times: those of the messages nearest to them."""
    begin_ms, end_ms = window.begin_ms, window.end_ms
    first = await (consumer.min_offset(queue) if begin_ms is None else consumer.offset_by_time(queue, begin_ms))
    last = await (consumer.max_offset(queue) if end_ms is None else consumer.offset_by_time(queue, end_ms))
    return first, last


async def messages_in(
    consumer: PullConsumer, queue: MessageQueue, window: Window, offsets: tuple[int, int], tags: str
) -> AsyncIterator[PullResult]:
    """What pulls find of a window whose `span` is known. That may leave out its last message, and more at one time."""
    first, last = offsets
    end = last if window.end_ms is None else await consumer.max_offset(queue)
    async for result in batches(consumer, queue, first, end, tags):
        yield replace(result, messages=[message for message in result.messages if window.has(message)])
        if any(window.is_behind(message) for message in result.messages):
            return


async def batches(
    consumer: PullConsumer, queue: MessageQueue, begin: int, end: int, tags: str = "*", batch: int = BATCH
) -> AsyncIterator[PullResult]:
    """What pulls from `begin` on find before `end`, or to the end of the queue."""
    offset = begin
    while offset < end:
        result = await consumer.pull(queue, offset, tags=tags, max_nums=min(batch, end - offset))
        # A broker that looks for tags goes on past `end`.
        found = [message for message in result.messages if message.queue_offset < end]
        yield replace(result, messages=wanted(found, tags))
        if result.status in ENDS:
            return
        if result.next_offset <= offset:
            raise CommandFailed(f"the broker does not go on from offset {offset} of {queue.broker_name}")
        offset = result.next_offset


def wanted(messages: list[Message], expression: str) -> list[Message]:
    """Those with one of the tags: brokers compare the tags' hashes only."""
    tags = {tag.strip() for tag in expression.split("||")} - {""}
    if not tags or "*" in tags:
        return messages
    return [message for message in messages if message.get_property(MessageConst.TAGS) in tags]


def ends_of(result: PullResult) -> dict[str, str]:
    """The ends of the queue as the properties that upstream's client gives to what it has pulled."""
    return {MessageConst.MIN_OFFSET: str(result.min_offset), MessageConst.MAX_OFFSET: str(result.max_offset)}
