"""The table of what can be measured; a case's name is what `--case` takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.load import Load
from benchmarks.stores import Fill
from benchmarks.targets import TARGETS

SIZES = {"128": 128, "1k": 1024, "4k": 4096}
CONNECTIONS = (1, 8, 64)
OUTSTANDING = (1, 4, 16)


@dataclass(frozen=True)
class Case:
    """One row of the report."""

    name: str
    kind: str  # load: the generator's; delayed: until it is delivered; filtered: by a group that is there; start,
    # idle: a program's; java: upstream's own classes; else on a store
    what: str
    load: Load | None = None
    flush: str = "ASYNC_FLUSH"
    program: str = "broker"
    fill: Fill | None = None  # the store that it is measured on
    crashes: bool = False  # its broker ends by kill -9 before each start, not by SIGTERM
    cache: Literal["as left", "warm", "cold"] = "as left"  # the page cache, before each start
    starts: int = 1  # of a sample, which is the middle one

    @property
    def has_targets(self) -> bool:
        """Whether some figure of it must reach something; --quick measures these."""
        return any(target.case == self.name for target in TARGETS)

    def scaled(self, by: float) -> Case:
        """The same with fewer or more messages in its load."""
        return replace(self, load=self.load.scaled(by)) if self.load else self

    @property
    def group(self) -> tuple[str, str]:
        """Cases that share running servers; start and idle cases start their own."""
        return (self.kind if self.kind in ("start", "idle") else "serve", self.flush)


def send_count(size: int, connections: int, outstanding: int) -> int:
    """Messages that take upstream about four seconds, and fewer of the large ones, for the disk's sake."""
    in_flight = connections * outstanding
    return 20_000 if in_flight == 1 else 40_000 if in_flight < 8 or size > 1024 else 120_000


def send_cases() -> list[Case]:
    """Every size with every number of connections and of requests in flight."""
    return [
        Case(
            f"send-{name}-{connections}x{outstanding}",
            "load",
            f"one message of {size} B a send, {connections} connections, {outstanding} in flight on each",
            Load("send", size, connections, outstanding, send_count(size, connections, outstanding)),
        )
        for name, size in SIZES.items()
        for connections in CONNECTIONS
        for outstanding in OUTSTANDING
    ]


def sync_cases() -> list[Case]:
    """Sends that are on disk before they are answered."""
    return [
        Case(
            f"sync-1k-{connections}x{outstanding}",
            "load",
            f"one message of 1024 B a send, SYNC_FLUSH, {connections} connections, {outstanding} in flight on each",
            Load("send", 1024, connections, outstanding, count, duration_ms=6_000),
            flush="SYNC_FLUSH",
        )
        for connections, outstanding, count in ((64, 4, 30_000), (1, 1, 5_000))
    ]


def pull_cases() -> list[Case]:
    """What was written, read from offset 0 and again, while it is in memory."""
    many = {"128": 1_500_000, "1k": 800_000, "4k": 300_000}
    return [
        Case(
            f"pull-{name}-{max_nums}",
            "load",
            f"pulls of {max_nums} messages of {size} B, {connections} connections, {outstanding} in flight on each",
            Load("pull", size, connections, outstanding, many[name] if max_nums > 1 else 30_000, max_nums=max_nums),
        )
        for name, size in SIZES.items()
        for max_nums, connections, outstanding in ((32, 8, 4), (1, 1, 1))
    ]


def filter_cases() -> list[Case]:
    """Pulls that want one message of ten; figures are per message that they get."""
    wants = {"tag": "its tag", "sql": "the SQL92 expression of its group"}
    return [
        Case(
            f"pull-{kind}-filter",
            "filtered",
            f"pulls of 32 messages of 1024 B of which nine in ten are dropped by {what}",
            Load("pull", 1024, 8, 4, 200_000, topic="BenchFiltered", filter=kind),
        )
        for kind, what in wants.items()
    ]


def program_cases() -> list[Case]:
    """Each program by itself, on an empty store."""
    rows = (("start", "from exec to the first connection taken"), ("idle", "memory some seconds after start"))
    return [
        Case(f"{kind}-{program}", kind, f"{program}: {what}", program=program)
        for kind, what in rows
        for program in ("namesrv", "broker")
    ]


def consumer_cases() -> list[Case]:
    """What happens to a message after its send."""
    follow = Load("follow", 1024, count=10_000, warm=2_000, rate=1_000, duration_ms=20_000)
    delayed = Load("send", 1024, 8, 4, 60_000, topic="BenchDelayed", delay=1)
    what = "1,000 sends of 1 KiB a second, from when one is due until a held pull brings it"
    return [
        Case("follow-1k", "load", what, follow),
        Case("delayed-1k", "delayed", "sends of 1 KiB with a delay of 1 s, until all are delivered", delayed),
    ]


def broker_cases() -> list[Case]:
    """Every case on brokers that are started empty, in the order of the report."""
    batch = Load("batch", 128, 8, 4, 800_000)
    return [
        *program_cases(),
        *pull_cases(),  # before the sends, which may push what is pulled out of the page cache
        *filter_cases(),
        *send_cases(),
        Case("batch-128-8x4", "load", "32 messages of 128 B a send, 8 connections, 4 in flight on each", batch),
        *consumer_cases(),
        Case(
            "transactions",
            "load",
            "half messages of 1024 B, each committed, 8 connections, 16 in flight on each",
            Load("transact", 1024, 8, 16, 40_000, warm=20_000),
        ),
        *sync_cases(),
        Case("java-produce", "java", "upstream's benchmark Producer: 64 threads, 128 B"),
        Case("java-consume", "java", "upstream's benchmark Producer and Consumer together"),
    ]
