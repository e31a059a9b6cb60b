"""Replies leave when the log is on disk up to them, and as FLUSH_DISK_TIMEOUT when that takes too long."""

import asyncio

from rocketpy._core.command import Command
from rocketpy._core.histogram import Histogram
from rocketpy.broker.reply_gate import ReplyGate
from rocketpy.clock import ManualClock


class Peer:
    def __init__(self):
        self.sent = []

    def write_late(self, frames):
        self.sent.append(frames)


def reply(opaque):
    return Command(0, {"msgId": "x"}, opaque=opaque, flag=1).encode()


def test_replies_leave_in_order_when_the_log_is_durable():
    async def scenario():
        gate, peer = ReplyGate(lambda: 5000, ManualClock(), Histogram()), Peer()
        gate.hold(100, b"a", peer, 2)
        gate.hold(200, b"b", peer, 2)
        gate.open(99)
        assert peer.sent == []
        gate.open(100)
        assert peer.sent == [b"a"]
        gate.open(1000)
        assert peer.sent == [b"a", b"b"] and len(gate) == 0
        gate.shutdown()

    asyncio.run(scenario())


def test_what_waits_too_long_is_answered_as_stored_but_not_flushed():
    async def scenario():
        clock, peer, times = ManualClock(), Peer(), Histogram()
        gate = ReplyGate(lambda: 5000, clock, times)
        gate.hold(100, reply(1) + reply(2), peer, 2)
        clock.advance(4999)
        gate.expire()
        assert peer.sent == []
        clock.advance(1)
        gate.expire()
        (frames,) = peer.sent
        first = Command.decode(frames[: len(frames) // 2])
        assert (first.code, first.opaque, first.ext) == (10, 1, {"msgId": "x"})
        assert (times.sum_ns, times.max_ns, sum(times.counts)) == (10_000_000_000, 5_000_000_000, 2)
        gate.shutdown()

    asyncio.run(scenario())


def test_a_disk_that_refuses_is_told_to_all_at_once():
    async def scenario():
        peer = Peer()
        gate = ReplyGate(lambda: 5000, ManualClock(), Histogram())
        gate.hold(100, reply(1), peer, 2)
        gate.refuse()
        assert [Command.decode(frames).code for frames in peer.sent] == [10] and len(gate) == 0
        gate.shutdown()

    asyncio.run(scenario())


def test_what_left_waited_as_long_as_the_disk_took():
    async def scenario():
        clock, times = ManualClock(), Histogram()
        gate = ReplyGate(lambda: 5000, clock, times)
        gate.hold(100, b"a", Peer(), 3)
        clock.advance(7)
        gate.open(100)
        assert (times.sum_ns, times.max_ns, sum(times.counts)) == (21_000_000, 7_000_000, 3)
        gate.shutdown()

    asyncio.run(scenario())
