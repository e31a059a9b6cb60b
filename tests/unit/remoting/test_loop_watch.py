"""How late the loop is, and how long what is read has waited: one stall is nothing, a backlog is measured."""

import asyncio
import socket
from contextlib import asynccontextmanager

from rocketpy._core.command import Command, response
from rocketpy.clock import ManualClock
from rocketpy.remoting.loop_watch import IDLE_TICKS, TICK_MS, LoopWatch
from rocketpy.remoting.server import RemotingServer, bind

LIMIT_MS = 200
WORK = 1


def never(delay_s, tick):
    """Ticks come by hand."""


class Round:
    """A loop in which time passes by hand."""

    def __init__(self) -> None:
        self.clock, self.cpu_ms, self.ticks, self.scheduled = ManualClock(), 0, 0, 0
        self.watch = LoopWatch(
            LIMIT_MS, self.clock, cpu_ms=lambda: self.cpu_ms, call_later=self.later, on_tick=self.ticked
        )

    def later(self, delay_s, tick) -> None:
        self.scheduled += 1

    def ticked(self) -> None:
        self.ticks += 1

    def passes(self, ms: int, cpu_ms: int = 0) -> None:
        self.clock.advance(ms)
        self.cpu_ms += cpu_ms

    def turn(self) -> int:
        return self.watch.note_turn(self.clock.monotonic_ms())


def test_a_turn_in_time_is_not_late():
    each = Round()
    assert each.turn() == 0
    each.passes(TICK_MS)
    assert each.turn() == 0
    each.watch.tick()
    assert (each.watch.late_ms, each.ticks) == (0, 1)


def test_a_turn_behind_the_tick_says_how_long_the_loop_did_not_come_round():
    each = Round()
    each.turn()
    each.passes(TICK_MS + 300, cpu_ms=100)
    assert each.turn() == 300
    each.watch.tick()
    assert (each.watch.late_ms, each.watch.off_cpu_ms) == (300, 200)
    assert each.turn() == 0


def test_nothing_ticks_while_nothing_is_read():
    each = Round()
    each.turn()
    for _ in range(IDLE_TICKS + 1):     # the first of them had a turn before it
        assert each.scheduled == 1
        each.scheduled = 0
        each.passes(TICK_MS)
        each.watch.tick()
    assert each.scheduled == 0
    each.passes(60_000)
    assert each.turn() == 0             # what begins now is in time
    assert each.scheduled == 1


class Served:
    """A server whose only processor works for a while, and notes how long its requests had waited."""

    def __init__(self, work_ms: int, comes_round: bool) -> None:
        self.clock, self.work_ms, self.comes_round = ManualClock(), work_ms, comes_round
        self.watch = LoopWatch(LIMIT_MS, self.clock, cpu_ms=lambda: 0, call_later=never)
        self.waited: list[int] = []
        self.waiting: list[int] = []

    def work(self, connection, request):
        self.waited.append(connection.waited_ms)
        self.waiting.append(connection.waiting_count)
        self.clock.advance(0 if connection.waited_ms else self.work_ms)     # refusing is quick
        if self.comes_round:
            self.watch.tick()
        return response(0)

    async def take(self, count: int, times: int = 1) -> None:
        """A client sends `count` requests in one piece, `times` times one after the other."""
        async with self.server() as address:
            await self.send(address, count, times)

    @asynccontextmanager
    async def server(self):
        sock = bind("127.0.0.1", 0)
        server = RemotingServer({WORK: self.work}, name="test", clock=self.clock, watch=self.watch)
        await server.start([sock])
        yield sock.getsockname()
        await server.stop()

    async def send(self, address, count: int, times: int = 1) -> None:
        reader, writer = await asyncio.open_connection(*address)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(times):
            writer.write(b"".join(Command(WORK, opaque=number).encode() for number in range(count)))
            for _ in range(count):
                await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        writer.close()
        await writer.wait_closed()


def test_what_a_peer_sends_faster_than_it_is_served_has_waited_since_it_was_there():
    served = Served(work_ms=30, comes_round=True)
    asyncio.run(served.take(40))
    first = next(at for at, waited in enumerate(served.waited) if waited)
    assert set(served.waited[:first]) == {0} and served.waited[first] > LIMIT_MS
    assert first == 8           # 30 ms each: the ninth was there for 210 ms when its turn came
    assert all(served.waited[first:]), "all of it was there from the beginning"
    assert served.waiting[0] == 39 and served.waiting[-1] == 0


def test_when_the_backlog_is_gone_nothing_waits():
    served = Served(work_ms=30, comes_round=True)
    asyncio.run(served.take(40, times=2))
    assert served.waited[40] == 0


def test_one_stall_makes_nobody_late():
    served = Served(work_ms=1000, comes_round=False)    # the process was stopped for a second, in the first request
    asyncio.run(served.take(3))
    assert served.waited == [0, 0, 0]


def test_a_peer_without_a_backlog_never_waits():
    served = Served(work_ms=150, comes_round=True)
    asyncio.run(served.take(1, times=20))
    assert set(served.waited) == {0}


def test_what_is_read_late_in_a_round_after_a_late_one_has_waited():
    """Many peers with one request each: none has a backlog of its own, but a round of the loop takes too long."""
    served = Served(work_ms=500, comes_round=False)

    async def main():
        async with served.server() as address:
            await served.send(address, 1)
            served.watch.tick()                 # 450 ms late
            await served.send(address, 1)       # in time, and takes long again
            await served.send(address, 1)       # 450 ms behind the tick that is due
            served.watch.tick()
            await served.send(address, 1)       # a new round: in time again

    asyncio.run(main())
    assert served.waited == [0, 0, 500 - TICK_MS, 0]


def test_it_ticks_on_the_loop_of_its_first_turn():
    async def main():
        ticked = asyncio.Event()
        watch = LoopWatch(LIMIT_MS, on_tick=ticked.set)
        watch.note_turn(0)
        await ticked.wait()
        watch.stop()

    asyncio.run(main())
