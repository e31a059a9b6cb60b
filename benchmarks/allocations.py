"""Shows that a message on its common way makes no Python object: `python -m benchmarks.allocations`.

The broker runs under callgrind, which counts every call of `_Py_NewReference`: CPython calls it for each object it
makes, from the heap or from a free list. One connection keeps k requests in flight, which the broker reads, serves and
answers together, in one turn; turns are counted too. A connection and a turn may cost some objects, a message must not.
What a connection with one request costs is taken away; of the rest, objects = turns x a + messages x b, and b, taken
from the smallest and the largest k, is to be 0. The interpreter's own instructions are split alike.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.build import CACHE
from benchmarks.callgrind import Callgrind, Profile
from benchmarks.load import Load, run_load
from benchmarks.servers import Servers

NEW_OBJECT = ("_Py_NewReference",)
TURN = "Connection_run_turn"
MALLOC = ("_PyObject_Malloc", "_PyObject_Calloc", "_PyObject_Realloc", "_PyMem_RawMalloc", "_PyMem_RawCalloc")
INTERPRETER = ("/python3", "libpython")
OWN = ("/rocketpy/",)
DEPTHS = (1, 8, 32)  # the read buffer holds 32 batches
IDLE_S = 5.0
MOST_OBJECTS = 0.01  # per message: less than one in a hundred is the broker's housekeeping, not the message's

LOADS = {
    "send 128 B": Load("send", 128, 1, topic="Bench"),
    "send 1 KiB": Load("send", 1024, 1, topic="Bench"),
    "batch of 32": Load("batch", 128, 1, topic="Bench"),
    "pull 32": Load("pull", 128, 1, topic="Bench"),
    "pull 1": Load("pull", 128, 1, topic="Bench", max_nums=1),
}


@dataclass(frozen=True)
class Count:
    """What was counted for some requests, or in some idle seconds."""

    depth: int
    messages: float
    seconds: float
    turns: float
    objects: float
    blocks: float
    interpreter: float
    own: float
    total: float

    @classmethod
    def of(cls, profile: Profile, depth: int, messages: float, seconds: float) -> Count:
        """From what callgrind saw."""
        turns, objects, blocks = profile.calls_of_any(TURN), profile.calls_of(NEW_OBJECT), profile.calls_of(MALLOC)
        interpreter, own = profile.instructions_in(*INTERPRETER), profile.instructions_in(*OWN)
        return cls(depth, messages, seconds, turns, objects, blocks, interpreter, own, profile.total)

    def less_idle(self, figure: str, idle: Count) -> float:
        """One figure, less what the same time costs anyhow."""
        return float(getattr(self, figure)) - float(getattr(idle, figure)) / idle.seconds * self.seconds


@dataclass(frozen=True)
class Counted:
    """One load: nothing but time, a connection with one request, and many requests at each depth."""

    idle: Count
    single: Count
    counts: list[Count]

    def more(self, count: Count, figure: str) -> float:
        """What a load costs more than a connection with one request."""
        return count.less_idle(figure, self.idle) - self.single.less_idle(figure, self.idle)

    def split(self, figure: str) -> tuple[float, float]:
        """What a turn and what a message cost, from the loads with the smallest and the largest depth."""
        (low_turns, low_messages, low), (high_turns, high_messages, high) = (
            (count.turns - self.single.turns, count.messages - self.single.messages, self.more(count, figure))
            for count in (self.counts[0], self.counts[-1])
        )
        scale = low_turns * high_messages - high_turns * low_messages
        turn = (low * high_messages - high * low_messages) / scale
        return turn, (low_turns * high - high_turns * low) / scale


class Counter:
    """A broker under callgrind that takes loads."""

    def __init__(self, servers: Servers, requests: int) -> None:
        self.servers, self.requests = servers, requests
        dumps = Path(servers.folder) / "callgrind"
        servers.start("namesrv")
        servers.start("broker", under=Callgrind.command(dumps))
        self.callgrind = Callgrind(servers.pid(), dumps)

    def drive(self, load: Load, depth: int, count: int) -> float:
        """One load without counting; messages driven, not the few more that end it."""
        whole = Load(load.mode, load.size, 1, depth, count, 0, load.max_nums, load.topic, 120_000)
        return run_load(whole, self.servers.ports["broker"], self.servers.pid())["messages"]

    def count(self, load: Load, depth: int, requests: int) -> Count:
        """One load counted."""
        messages = load.max_nums if load.mode in ("pull", "batch") else 1
        self.callgrind.start()
        began = time.monotonic()
        driven = self.drive(load, depth, requests * messages)
        return Count.of(self.callgrind.stop(), depth, driven, time.monotonic() - began)

    def count_all(self, load: Load, idle: Count) -> Counted:
        """One load at every depth."""
        self.drive(load, 8, 200)  # what is made once for a group or a queue is made now
        single = self.count(load, 1, 1)
        return Counted(idle, single, [self.count(load, depth, self.requests) for depth in DEPTHS])

    def idle(self) -> Count:
        """What time alone costs."""
        self.callgrind.start()
        time.sleep(IDLE_S)
        return Count.of(self.callgrind.stop(), 0, 1, IDLE_S)


def measure(servers: Servers, requests: int) -> Iterator[tuple[str, Counted]]:
    """Every load at every depth."""
    counter = Counter(servers, requests)
    counter.drive(LOADS["send 128 B"], 1, 1)  # makes the topic
    counter.drive(LOADS["send 128 B"], 8, 2000)
    idle = counter.idle()
    for name, load in LOADS.items():
        yield name, counter.count_all(load, idle)


def table_row(name: str, counted: Counted) -> tuple[str, ...]:
    """One load's line."""
    made = [f"{count.objects:,.0f} / {count.turns:,.0f}" for count in counted.counts]
    turn, message = counted.split("objects")
    blocks = counted.split("blocks")[1]
    interpreter, own, total = (counted.split(figure)[1] for figure in ("interpreter", "own", "total"))
    figures = (f"{turn:.2f}", f"{message:.3f}", f"{blocks:.3f}", f"{interpreter:,.0f}", f"{own:,.0f}", f"{total:,.0f}")
    return (name, *made, *figures)


@click.command(help=__doc__)
@click.option("--requests", default=4000, help="Requests a load.")
def main(requests: int) -> None:
    """The command line."""
    table = Table(
        "load", *(f"objects / turns, {depth} in flight" for depth in DEPTHS), "objects a turn", "objects a message",
        "heap blocks", "interpreter's instructions", "own instructions", "all instructions",
        title=f"{requests} requests a load; the last five columns are a message's own, without its turn",
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    worst = 0.0
    with Servers("rocketpy", CACHE / "run") as servers:
        for name, counted in measure(servers, requests):
            table.add_row(*table_row(name, counted))
            worst = max(worst, counted.split("objects")[1])
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    sys.exit(worst > MOST_OBJECTS)


if __name__ == "__main__":
    main()
