"""Walks over a queue: where they end, what they leave out, and that they never stand still."""

import asyncio

import pytest

from rocketpy._core.message import Message
from rocketpy.admin.command import CommandFailed
from rocketpy.admin.message_consume import consumed_from_all
from rocketpy.admin.queues import EVERYTHING, Window, batches, messages_in, named_queue, span
from rocketpy.client import PullResult, PullStatus
from rocketpy.protocol.bodies import MessageQueue, QueueData, TopicRouteData

QUEUE = MessageQueue("T", "b", 0)


class Broker:
    """A queue with a tag a message. A pull looks at `looks` of them and answers like upstream's broker."""

    def __init__(self, tags, looks=100):
        self.tags, self.looks, self.asked = tags, looks, []

    async def pull(self, queue, offset, *, tags="*", max_nums=32):
        self.asked.append((offset, max_nums))
        end = min(offset + self.looks, len(self.tags))
        if offset >= end:
            return PullResult(PullStatus.NO_NEW_MSG, [], offset, 0, len(self.tags))
        found = [at for at in range(offset, end) if tags == "*" or self.tags[at] in tags][:max_nums]
        messages = [
            Message("T", properties={"TAGS": self.tags[at]}, queue_offset=at, store_timestamp=at // 2) for at in found
        ]
        goes_on = found[-1] + 1 if len(found) == max_nums else end
        status = PullStatus.FOUND if found else PullStatus.NO_MATCHED_MSG
        return PullResult(status, messages, goes_on, 0, len(self.tags))


def walk(broker, begin, end, tags="*"):
    async def collect():
        return [each async for each in batches(broker, QUEUE, begin, end, tags)]

    return asyncio.run(collect())


def offsets(results):
    return [message.queue_offset for result in results for message in result.messages]


@pytest.mark.parametrize(("begin", "end"), [(0, 5), (3, 40), (0, 100), (7, 7), (9, 2)])
def test_a_walk_ends_where_it_should(begin, end):
    broker = Broker("A" * 100)
    assert offsets(walk(broker, begin, end)) == list(range(begin, end))
    assert all(at + count <= end for at, count in broker.asked)


def test_a_walk_ends_with_the_queue():
    results = walk(Broker("AAA"), 0, 10)
    assert [result.status for result in results] == [PullStatus.FOUND, PullStatus.NO_NEW_MSG]


def test_a_walk_goes_on_where_nothing_matches():
    results = walk(Broker("BBBBAABB" + "A" * 4, looks=2), 0, 10, "A")
    assert offsets(results) == [4, 5, 8, 9]
    assert results[0].status is PullStatus.NO_MATCHED_MSG


def test_what_a_broker_finds_past_the_end_is_left_out():
    assert offsets(walk(Broker("BBBBBBAA"), 0, 7, "A")) == [6]


def test_tags_are_compared_not_their_hashes():
    class Hashes(Broker):
        async def pull(self, queue, offset, *, tags="*", max_nums=32):
            return await super().pull(queue, offset, tags="*", max_nums=max_nums)

    assert offsets(walk(Hashes("ABA"), 0, 3, "A || C")) == [0, 2]


def test_a_broker_that_does_not_go_on():
    class Stuck(Broker):
        async def pull(self, queue, offset, **_):
            return PullResult(PullStatus.NO_MATCHED_MSG, [], offset, 0, 9)

    with pytest.raises(CommandFailed, match="does not go on from offset 2"):
        walk(Stuck(""), 2, 9)


@pytest.mark.parametrize(
    ("begin_ms", "end_ms", "found"),
    [(None, None, range(100)), (0, 999, range(100)), (10, 12, range(20, 26)), (None, 0, range(2)), (60, 70, range(0))],
)
def test_messages_of_a_time(begin_ms, end_ms, found):
    """Two messages a millisecond; what a broker gives for a time is one of them, or the last of the queue."""

    class Searched(Broker):
        async def min_offset(self, queue):
            return 0

        async def max_offset(self, queue):
            return 100

        async def offset_by_time(self, queue, timestamp_ms):
            return min(timestamp_ms * 2, 99)

    async def collect():
        window, broker = Window(begin_ms, end_ms), Searched("A" * 100)
        offsets = await span(broker, QUEUE, window)
        return [each async for each in messages_in(broker, QUEUE, window, offsets, "*")]

    assert offsets(asyncio.run(collect())) == list(found)


class Consumer(Broker):
    """Two queues of a topic; the first of upstream's order is empty."""

    async def route(self, topic):
        return TopicRouteData(queue_datas=[QueueData("b", 2, 2, 6, 0)])

    async def queues(self, topic):
        return [MessageQueue("T", "b", 0), MessageQueue("T", "b", 1)]

    async def pull(self, queue, offset, **how):
        return await (super().pull(queue, offset, **how) if queue.queue_id else Broker("").pull(queue, offset))

    async def min_offset(self, queue):
        return 0

    async def max_offset(self, queue):
        return len(self.tags) * queue.queue_id


def test_as_many_messages_as_asked_for():
    async def told(count):
        return [item.data async for item in consumed_from_all(Consumer("AAAA"), "T", EVERYTHING, count)]

    for count, found in ((1, 1), (3, 3), (4, 4), (9, 4)):
        assert sum(data is not None for data in asyncio.run(told(count))) == found


def test_a_broker_without_the_topic():
    with pytest.raises(CommandFailed, match="T has no queue on a broker named x; it is on b"):
        asyncio.run(named_queue(Consumer(""), "T", "x", 0))
