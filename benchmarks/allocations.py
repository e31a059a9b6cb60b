"""Shows that a message on its common way makes no Python object: `python -m benchmarks.allocations`.

The broker runs under callgrind, which counts what `_Py_NewReference` costs: CPython calls it for each object it
makes, from the heap or from a free list. Counted is what happens inside of libuv's `uv__stream_io`, that is, from a
socket's read until its replies are written; what a message might leave to be done later would have to be left there as
an object. One connection keeps k requests in flight, which the broker reads, serves and answers together, in one turn;
turns are counted too. A connection and a turn may cost some objects, a message must not: what a connection with one
request costs is taken away; of the rest, objects = turns x a + messages x b, and b, taken from the smallest and the
largest k, is to be 0. The interpreter's own instructions are split alike.
"""

from __future__ import annotations

import signal
import sys
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

NEW_OBJECT = "_Py_NewReference"
TURN = "Connection_run_turn"
INTERPRETER = ("/python3", "libpython")
OWN = ("/rocketpy/",)
DEPTHS = (1, 8, 32)  # the read buffer holds 32 batches
INSIDE = "uv__stream_io"
MOST_OBJECTS = 0.01  # per message: what a connection costs, a few objects of 4,000 messages, varies a little

LOADS = {
    "send 128 B": Load("send", 128, 1, topic="Bench"),
    "send 1 KiB": Load("send", 1024, 1, topic="Bench"),
    "batch of 32": Load("batch", 128, 1, topic="Bench"),
    "pull 32": Load("pull", 128, 1, topic="Bench"),
    "pull 1": Load("pull", 128, 1, topic="Bench", max_nums=1),
}


@dataclass(frozen=True)
class Count:
    """What was counted for some messages."""

    depth: int
    messages: float
    turns: float
    objects: float
    interpreter: float
    own: float
    total: float

    @classmethod
    def of(cls, profile: Profile, depth: int, messages: float) -> Count:
        """From what callgrind saw."""
        turns, objects = profile.calls_of_any(TURN), profile.leaf_calls(NEW_OBJECT)
        interpreter, own = profile.instructions_in(*INTERPRETER), profile.instructions_in(*OWN)
        return cls(depth, messages, turns, objects, interpreter, own, profile.total)


@dataclass(frozen=True)
class Counted:
    """One load: a connection with one request, and many requests at each depth."""

    single: Count
    counts: list[Count]

    def split(self, figure: str) -> tuple[float, float]:
        """What a turn and what a message cost, from the loads with the smallest and the largest depth."""
        (low_turns, low_messages, low), (high_turns, high_messages, high) = (
            [getattr(count, name) - getattr(self.single, name) for name in ("turns", "messages", figure)]
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
        servers.start("broker", under=Callgrind.command(dumps, INSIDE))
        self.callgrind = Callgrind(servers.pid(), dumps)

    def drive(self, load: Load, depth: int, count: int) -> float:
        """One load without counting; messages driven, not the few more that end it."""
        whole = Load(load.mode, load.size, 1, depth, count, 0, load.max_nums, load.topic, 120_000)
        return run_load(whole, self.servers.ports["broker"], self.servers.pid())["messages"]

    def count(self, load: Load, depth: int, requests: int) -> Count:
        """One load counted."""
        messages = load.max_nums if load.mode in ("pull", "batch") else 1
        self.callgrind.start()
        driven = self.drive(load, depth, requests * messages)
        return Count.of(self.callgrind.stop(), depth, driven)

    def count_all(self, load: Load) -> Counted:
        """One load at every depth."""
        self.drive(load, 8, 200)  # what is made once for a group or a queue is made now
        single = self.count(load, 1, 1)
        return Counted(single, [self.count(load, depth, self.requests) for depth in DEPTHS])


def measure(servers: Servers, requests: int) -> Iterator[tuple[str, Counted]]:
    """Every load at every depth."""
    counter = Counter(servers, requests)
    counter.drive(LOADS["send 128 B"], 1, 1)  # makes the topic
    counter.drive(LOADS["send 128 B"], 8, 2000)
    for name, load in LOADS.items():
        yield name, counter.count_all(load)


def table_row(name: str, counted: Counted) -> tuple[str, ...]:
    """One load's line."""
    made = [f"{count.objects:,.0f} / {count.turns:,.0f}" for count in counted.counts]
    turn, message = counted.split("objects")
    interpreter, own, total = (counted.split(figure)[1] for figure in ("interpreter", "own", "total"))
    figures = (f"{turn:.2f}", f"{message:.3f}", f"{interpreter:,.0f}", f"{own:,.0f}", f"{total:,.0f}")
    return (name, *made, *figures)


@click.command(help=__doc__)
@click.option("--requests", default=4000, help="Requests a load.")
def main(requests: int) -> None:
    """The command line."""
    table = Table(
        "load", *(f"objects / turns, {depth} in flight" for depth in DEPTHS), "objects a turn", "objects a message",
         "interpreter's instructions", "own instructions", "all instructions",
        title=f"{requests} requests a load; the last four columns are a message's own, without its turn",
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
