"""A store that was filled, and the broker that is started on it again and again.

Invariant: whoever measures finds the store as its `Fill` says, every queue with a message, and ended as he asks, by a
crash or a clean stop; what is otherwise is Failed, not measured.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.load import Load, run_load, settle
from benchmarks.processes import Failed
from benchmarks.servers import Servers
from benchmarks.wire import is_serving, make_topics

DISPATCH_S = 60.0
START_S = 180.0
STOP_S = 120.0


@dataclass(frozen=True)
class Fill:
    """What a store holds before it is measured."""

    name: str
    loads: tuple[Load, ...]  # the topics are made with the queues that each load writes to
    least_scale: float = 0.0  # below it the store would not be what its cases measure
    settings: tuple[tuple[str, str], ...] = ()  # of the broker, beside those of all cases

    def scaled(self, by: float) -> Fill:
        """The same with fewer or more messages; the time they may take stays."""
        factor = max(by, self.least_scale)
        loads = (replace(load, count=max(1000, int(load.count * factor))) for load in self.loads)
        return replace(self, loads=tuple(loads))


def topics_of(load: Load) -> list[str]:
    """The topics that a load writes to."""
    if load.topics == 1:
        return [load.topic_name]
    return [f"{load.topic_name}{number:03}" for number in range(load.topics)]


class KeptStore:
    """The servers of one make on a filled store."""

    def __init__(self, servers: Servers, fill: Fill) -> None:
        self.servers, self.fill = servers, fill
        self.topic = topics_of(fill.loads[0])[0]
        servers.settings.update(fill.settings)

    def build(self, cpus: str | None = None) -> float:
        """Fills the store, with the broker still up. Seconds it took."""
        began = time.monotonic()
        self.servers.start_both()
        for load in self.fill.loads:
            make_topics(self.servers.ports["broker"], topics_of(load), load.queues)
            sample = run_load(load, self.servers.ports["broker"], self.servers.pid(), cpus)
            self._check(load, sample["total"])
        settle()
        return time.monotonic() - began

    def _check(self, load: Load, stored: float) -> None:
        wanted = min(load.count, load.topics * load.queues)
        deadline = time.monotonic() + DISPATCH_S
        while (queues := self._queues(load)) < wanted and time.monotonic() < deadline:
            time.sleep(0.1)  # upstream's queues follow the log
        if stored < load.count or queues < wanted:
            raise Failed(f"{load.topic_name} was not filled: {stored:.0f} messages in {queues} queues")

    def _queues(self, load: Load) -> int:
        folders = [self.servers.store / "consumequeue" / topic for topic in topics_of(load)]
        return sum(len(list(folder.iterdir())) for folder in folders if folder.exists())

    def start(self) -> float:
        """Starts the broker. Seconds from exec to the first message taken and handed out."""
        ready = partial(is_serving, self.servers.ports["broker"], self.topic)
        return self.servers.spawn("broker").wait_until(ready, "serving", START_S)

    def end(self, crashes: bool) -> None:
        """Ends the broker, by kill -9 or SIGTERM."""
        if crashes:
            self.servers.kill("broker")
        else:
            self.servers.stop("broker", STOP_S)
        if self.is_crashed() != crashes:
            raise Failed(f"the broker did not end by {'a crash' if crashes else 'a clean stop'}")

    def is_crashed(self) -> bool:
        """Whether the broker, which has ended, had no time to put its store in order."""
        return (self.servers.store / "abort").exists()

    def prepare(self, crashes: bool) -> None:
        """Leaves the store as a crash or a clean stop leaves it, if the last broker ended otherwise."""
        if self.is_crashed() != crashes:
            self.start()
            self.end(crashes)

    def files(self) -> list[Path]:
        """All files of the store."""
        return [path for path in self.servers.store.rglob("*") if path.is_file()]

    def disk_mb(self) -> float:
        """Blocks in use, holes left out."""
        return sum(path.stat().st_blocks for path in self.files()) * 512 / (1 << 20)
