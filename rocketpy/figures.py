"""What the metrics need to know of a broker and of a name server: figures to read, and nothing to change.

The servers give objects of this shape; their insides are not known here. Everything is called on the server's loop and
answers at once, but for what may have to be read from the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol


class Window(NamedTuple):
    """What was counted in the last minute, and how much that is a second, as VIEW_BROKER_STATS_DATA answers it."""

    sum: int
    tps: float


class Progress(NamedTuple):
    """How far a group is in a topic, and how far it could be: queue offsets, added up over the queues."""

    consumed: int
    end: int


class Online(NamedTuple):
    """A group's consumers."""

    addresses: list[str]
    client_ids: list[str]
    is_broadcasting: bool


class Histogram(NamedTuple):
    """(upper bound in seconds, how many lie within it and above the bound before); the last bound is infinite."""

    buckets: list[tuple[float, int]]
    sum_s: float


class Disk(NamedTuple):
    """The file system of a folder."""

    folder: str
    size_bytes: int
    free_bytes: int


class DelayLevel(NamedTuple):
    """Messages of one delay level that are not delivered yet."""

    level: int
    delay_ms: int
    messages: int


class BrokerFigures(Protocol):
    """A broker."""

    @property
    def cluster(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str:
        """Where clients reach it, `ip:port`."""

    @property
    def row_limit(self) -> int:
        """How many topics, pairs of topic and group, and producer groups are told at most, each."""

    def runtime_info(self) -> Mapping[str, str]:
        """The table that GET_BROKER_RUNTIME_INFO answers."""

    def store_total(self, what: str) -> int:
        """A count of the store since the start: a field of StoreCounts (rocketpy/stats/rates.py)."""

    def total(self, stat: str, key: str) -> int | None:
        """What a statistic counted since the start; None when it never counted."""

    def last_minute(self, stat: str, key: str) -> Window | None:
        """The same of the last minute."""

    def topics(self) -> list[str]:
        """Every topic in the table."""

    def pairs(self) -> Iterable[tuple[str, str]]:
        """Each (topic, group) of a topic that exists and a group that has offsets in it or subscribes to it."""

    def pair_count(self) -> int:
        """About as many as `pairs` has, known without going through them."""

    def messages_put(self, topic: str) -> int | None:
        """The ends of its queues, added up; None for a topic that is gone or has none."""

    def progress(self, topic: str, group: str) -> Progress | None:
        """None when the topic is gone, has no queues, or the group's consumers do not subscribe to it any more."""

    async def waiting_ms(self, topic: str, group: str) -> int:
        """How long the oldest message that the group has not consumed has been stored; 0 when there is none."""

    def groups(self) -> Iterable[str]:
        """Groups that have a consumer, or offsets; one may come several times."""

    def online(self, group: str) -> Online | None:
        """Its consumers; None when there are none."""

    def producers(self) -> Iterable[tuple[str, int]]:
        """(producer group, how many of its clients are there)."""

    # -- for RocketPy's own metrics

    @property
    def connections(self) -> int: ...
    @property
    def producer_groups(self) -> int: ...
    @property
    def producer_clients(self) -> int: ...
    @property
    def consumer_clients(self) -> int: ...
    @property
    def consumer_groups(self) -> int:
        """Groups with a consumer."""

    @property
    def topic_count(self) -> int: ...
    @property
    def held_pulls(self) -> int:
        """Pulls that wait for a message."""

    @property
    def half_messages(self) -> int:
        """Half messages that the last check did not pass: open ones, and those that came since."""

    @property
    def commit_log_bytes(self) -> int: ...
    @property
    def flush_behind_bytes(self) -> int:
        """Bytes of the commit log that are not on the disk yet."""

    @property
    def is_writeable(self) -> bool:
        """Whether the store takes messages."""

    @property
    def overload_refusals(self) -> int:
        """Requests refused because they had waited too long."""

    def duration(self, what: str) -> Histogram:
        """How long each `send`, `pull` (but for held ones) or `flush` took since the start."""

    def delay_levels(self) -> list[DelayLevel]: ...
    def disks(self) -> list[Disk]:
        """The file systems of the store's folders."""

    def requests(self) -> list[tuple[str, str, int]]:
        """(code, its name, how many were served) of what did not take the fast lane."""


class NameServerFigures(Protocol):
    """A name server."""

    @property
    def connections(self) -> int: ...
    @property
    def broker_addresses(self) -> int:
        """Brokers that are alive, slaves too."""

    @property
    def broker_names(self) -> int:
        """Broker sets: a master and its slaves are one."""

    @property
    def clusters(self) -> int: ...
    @property
    def topic_count(self) -> int: ...
    @property
    def route_changes(self) -> int:
        """How often a broker, an address or a topic's queues came, changed or went."""

    def requests(self) -> list[tuple[str, str, int]]:
        """(code, its name, how many were served)."""
