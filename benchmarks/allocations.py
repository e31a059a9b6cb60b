"""Shows that a message on its common way makes no Python object: `python -m benchmarks.allocations`.

The broker runs under callgrind, which counts every call of `_Py_NewReference`: CPython calls it for each object it
makes, from the heap or from a free list. One connection keeps k requests in flight, which the broker reads, serves and
answers together, in one turn. A turn may cost some objects, a message must not: objects = turns x a + messages x b,
and b, taken from the smallest and the largest k, is to be 0. The interpreter's own instructions are split alike.
"""

from __future__ import annotations

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
MALLOC = ("_PyObject_Malloc", "_PyObject_Calloc", "_PyObject_Realloc", "_PyMem_RawMalloc", "_PyMem_RawCalloc")
INTERPRETER = ("/python3", "libpython")
OWN = ("/rocketpy/",)
DEPTHS = (1, 8, 64)
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
    requests: float
    seconds: float
    objects: float
    blocks: float
    interpreter: float
    own: float
    total: float

    @classmethod
    def of(cls, profile: Profile, depth: int, requests: float, seconds: float) -> Count:
        """From what callgrind saw."""
        return cls(
            depth, requests, seconds, profile.calls_of(NEW_OBJECT), profile.calls_of(MALLOC),
            profile.instructions_in(*INTERPRETER), profile.instructions_in(*OWN), profile.total,
        )  # fmt: skip

    def per_request(self, figure: str, idle: Count) -> float:
        """One figure of one request, less what the same time costs anyhow."""
        value, a_second = float(getattr(self, figure)), float(getattr(idle, figure)) / idle.seconds
        return (value - a_second * self.seconds) / self.requests


def slope(counts: list[Count], figure: str, idle: Count) -> tuple[float, float]:
    """What a turn and what a message cost: f(k) = turn / k + message, through the smallest and the largest k."""
    first, last = counts[0], counts[-1]
    low, high = first.per_request(figure, idle), last.per_request(figure, idle)
    message = (last.depth * high - first.depth * low) / (last.depth - first.depth)
    return (low - message) * first.depth, message


class Counted:
    """A broker under callgrind that takes loads."""

    def __init__(self, servers: Servers, requests: int) -> None:
        self.servers, self.requests = servers, requests
        dumps = Path(servers.folder) / "callgrind"
        servers.start("namesrv")
        servers.start("broker", under=Callgrind.command(dumps))
        self.callgrind = Callgrind(servers.pid(), dumps)

    def drive(self, load: Load, depth: int, count: int) -> float:
        """One load without counting; messages driven."""
        whole = Load(load.mode, load.size, 1, depth, count, 0, load.max_nums, load.topic, 120_000)
        return run_load(whole, self.servers.ports["broker"], self.servers.pid())["requests"]

    def count(self, load: Load, depth: int) -> Count:
        """One load counted."""
        messages = load.max_nums if load.mode in ("pull", "batch") else 1
        self.callgrind.start()
        began = time.monotonic()
        requests = self.drive(load, depth, self.requests * messages)
        return Count.of(self.callgrind.stop(), depth, requests, time.monotonic() - began)

    def idle(self) -> Count:
        """What time alone costs."""
        self.callgrind.start()
        time.sleep(IDLE_S)
        return Count.of(self.callgrind.stop(), 0, 1, IDLE_S)


def measure(servers: Servers, requests: int) -> Iterator[tuple[str, list[Count], Count]]:
    """Every load at every depth."""
    counted = Counted(servers, requests)
    counted.drive(LOADS["send 128 B"], 1, 1)  # makes the topic
    counted.drive(LOADS["send 128 B"], 8, 2000)
    idle = counted.idle()
    for name, load in LOADS.items():
        counted.drive(load, 8, 200)  # what is made once, for a connection or a group, is made now
        yield name, [counted.count(load, depth) for depth in DEPTHS], idle


def table_row(name: str, counts: list[Count], idle: Count) -> tuple[str, ...]:
    """One load's line."""
    objects = [f"{count.per_request('objects', idle):.2f}" for count in counts]
    turn, message = slope(counts, "objects", idle)
    blocks = slope(counts, "blocks", idle)[1]
    interpreter, own, total = (slope(counts, figure, idle)[1] for figure in ("interpreter", "own", "total"))
    figures = (f"{turn:.1f}", f"{message:.3f}", f"{blocks:.3f}", f"{interpreter:,.0f}", f"{own:,.0f}", f"{total:,.0f}")
    return (name, *objects, *figures)


@click.command(help=__doc__)
@click.option("--requests", default=4000, help="Requests a load.")
def main(requests: int) -> None:
    """The command line."""
    table = Table(
        "load", *(f"objects a request, {depth} in flight" for depth in DEPTHS), "objects a turn", "objects a request",
        "heap blocks", "interpreter's instructions", "own instructions", "all instructions",
        title="the last five columns: per request, turns apart",
    )  # fmt: skip
    worst = 0.0
    with Servers("rocketpy", CACHE / "run") as servers:
        for name, counts, idle in measure(servers, requests):
            table.add_row(*table_row(name, counts, idle))
            worst = max(worst, slope(counts, "objects", idle)[1])
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    sys.exit(worst > MOST_OBJECTS)


if __name__ == "__main__":
    main()
