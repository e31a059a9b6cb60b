"""What went in and out by topic and by group, under upstream's names and keys (BrokerStatsManager).

    TOPIC_PUT_NUMS, TOPIC_PUT_SIZE                         topic
    GROUP_GET_NUMS, GROUP_GET_SIZE, SNDBCK_PUT_NUMS        topic@group
    GROUP_GET_LATENCY                                      queueId@topic@group: milliseconds that reading took
    BROKER_PUT_NUMS, BROKER_GET_NUMS                       the cluster
    GROUP_GET_FALL_SIZE, GROUP_GET_FALL_TIME               queueId@topic@group: how far the last pull was behind

Upstream's other names are never filled there. Counting costs an addition in place, wherever it happens; reading a
minute, an hour or a day looks at samples, which are taken here, in pieces, so that nobody waits for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from enum import IntEnum
from typing import NamedTuple

from rocketpy._core.histogram import Histogram
from rocketpy._core.traffic import Item, Items
from rocketpy.clock import Clock

log = logging.getLogger("RocketmqStats")

LIMIT = 100_000  # keys of one kind: topics, and topics by group
PIECE = 2000  # items that are sampled in one go: a fraction of a millisecond


class Span(IntEnum):
    """How long a window is; a table's samples are taken every SAMPLE_MS of it."""

    MINUTE = 0
    HOUR = 1
    DAY = 2


SAMPLE_MS = {Span.MINUTE: 10_000, Span.HOUR: 600_000, Span.DAY: 3_600_000}


class Snapshot(NamedTuple):
    """What a window brought: in all, a second, and a request; from one sample alone `tps` is NaN, as upstream's."""

    sum: int
    tps: float
    avgpt: float


class Stats:
    """The counters of one broker."""

    def __init__(self, clock: Clock, cluster: str = "DefaultCluster", limit: int = LIMIT) -> None:
        self._clock, self._cluster = clock, cluster
        self.puts, self.gets = Items("TOPIC_PUT_NUMS", limit), Items("GROUP_GET_NUMS", limit)
        self.send_backs = Items("SNDBCK_PUT_NUMS", limit)
        self._broker_puts, self._broker_gets = Items("BROKER_PUT_NUMS", 1), Items("BROKER_GET_NUMS", 1)
        self.send_times, self.pull_times = Histogram(), Histogram()
        self.on_forgotten: list[Callable[[], None]] = []  # who keeps an item must ask for it anew
        self._tables = {
            "TOPIC_PUT_NUMS": (self.puts, False),
            "TOPIC_PUT_SIZE": (self.puts, True),
            "GROUP_GET_NUMS": (self.gets, False),
            "GROUP_GET_SIZE": (self.gets, True),
            "SNDBCK_PUT_NUMS": (self.send_backs, False),
            "BROKER_PUT_NUMS": (self._broker_puts, False),
            "BROKER_GET_NUMS": (self._broker_gets, False),
        }

    # -- counting

    def put(self, topic: str, nums: int, size_bytes: int) -> None:
        """One request stored `nums` messages of a topic."""
        self.puts.item(topic).count(nums, size_bytes)

    def got(self, group: str, topic: str, queue_id: int, nums: int, size_bytes: int, took_ms: int = 0) -> None:
        """One pull gave a group `nums` messages; reading them took so long."""
        item = self.gets.item(f"{topic}@{group}")
        item.count(nums, size_bytes)
        item.note_read(queue_id, took_ms)

    def was_behind(self, group: str, topic: str, queue_id: int, behind_bytes: int, behind_ms: int) -> None:
        """A pull looked at messages so far before the log's end, the last one it got is so old; -1: none was."""
        if behind_bytes >= 0 or behind_ms >= 0:
            self.gets.item(f"{topic}@{group}").note_distance(queue_id, behind_bytes, behind_ms)

    def sent_back(self, group: str, topic: str) -> None:
        """A group could not consume a message."""
        self.send_backs.item(f"{topic}@{group}").count(1, 0)

    # -- reading

    def window(self, name: str, key: str, span: Span) -> Snapshot | None:
        """What came in the last minute, hour or day; None for a name or a key that never counted."""
        if name == "GROUP_GET_LATENCY":
            return self._latency(key, span)
        found = self._find(name, key)
        if found is None:
            return None
        items, item, of_bytes = found
        return Snapshot(*items.window(item, span, of_bytes))

    def total(self, name: str, key: str) -> int | None:
        """What came since the start."""
        if name.startswith("BROKER_"):
            self._sum_up()
        found = self._find(name, key)
        if found is None:
            return None
        _, item, of_bytes = found
        return item.total[1 if of_bytes else 0]

    def get_tps(self, group: str, topic: str) -> float:
        """Messages a second that a group took from a topic in the last minute; NaN right after its first."""
        found = self.window("GROUP_GET_NUMS", f"{topic}@{group}", Span.MINUTE)
        return 0.0 if found is None else found.tps

    async def windows(self, span: Span) -> AsyncIterator[tuple[str, str, Snapshot]]:
        """(name, key, window) of all that counted something in a span; between pieces others have their turn."""
        for name, (items, of_bytes) in self._tables.items():
            for first in range(0, len(items), PIECE):
                for key, total, tps, avgpt in items.moved(span, of_bytes, first, first + PIECE):
                    yield name, key, Snapshot(total, tps, avgpt)
                await asyncio.sleep(0)
        for first in range(0, len(self.gets), PIECE):
            for key, total, tps, avgpt in self.gets.slow_queues(span, first, first + PIECE):
                yield "GROUP_GET_LATENCY", key, Snapshot(total, tps, avgpt)
            await asyncio.sleep(0)

    async def distances(self) -> AsyncIterator[tuple[str, int, int]]:
        """(queueId@topic@group, bytes, milliseconds) that pulls were behind; -1: not known."""
        for first in range(0, len(self.gets), PIECE):
            for distance in self.gets.distances(first, first + PIECE):
                yield distance
            await asyncio.sleep(0)

    def _find(self, name: str, key: str) -> tuple[Items, Item, bool] | None:
        """The table and the item, and whether its bytes are asked for; None for what never counted."""
        found = self._tables.get(name)
        if found is None:
            return None
        items, of_bytes = found
        if name.startswith("BROKER_") and items.find(key) is None:
            self._sum_up()  # later the samples do: it goes through all items
        item = items.find(key)
        return None if item is None else (items, item, of_bytes)

    def _latency(self, key: str, span: Span) -> Snapshot | None:
        queue_id, _, rest = key.partition("@")
        item = self.gets.find(rest)
        if item is None or not queue_id.isascii() or not queue_id.isdecimal() or len(queue_id) > 9:
            return None
        found = self.gets.queue_window(item, int(queue_id), span)
        return None if found is None else Snapshot(*found)

    def _sum_up(self) -> None:
        self._broker_puts.item(self._cluster).raise_to(self.puts.total())
        self._broker_gets.item(self._cluster).raise_to(self.gets.total())

    # -- samples

    async def sample(self, span: Span) -> None:
        """Take every item's sample; to be called every SAMPLE_MS of the span, the first time at the start."""
        now_ms = self._clock.monotonic_ms()
        self._sum_up()
        for items in (self.puts, self.gets, self.send_backs, self._broker_puts, self._broker_gets):
            behind = items.begin_sample(span, now_ms)
            for first in range(0, behind, PIECE):
                items.sample(span, first, min(first + PIECE, behind))
                if behind > PIECE:
                    await asyncio.sleep(0)
        if span is Span.DAY:
            self._make_room()

    def _make_room(self) -> None:
        full = [items for items in (self.puts, self.gets, self.send_backs) if items.is_full]
        for items in full:
            gone = items.remove_resting()
            log.warning("%s: %d keys, as many as are kept; %d of them rested for a day and are forgotten",
                        items.name, items.limit, gone)  # fmt: skip
        if full:
            self._tell()

    # -- what is gone

    def forget_topic(self, topic: str) -> None:
        """A topic was deleted. Upstream keeps its counters for ever."""
        self.puts.remove(topic)
        self._forget_pairs(f"{topic}@", "")

    def forget_group(self, group: str) -> None:
        """A subscription group was deleted."""
        self._forget_pairs("", f"@{group}")

    def _forget_pairs(self, beginning: str, ending: str) -> None:
        for items in (self.gets, self.send_backs):
            items.remove_pairs(beginning, ending)
        self._tell()

    def _tell(self) -> None:
        for callback in self.on_forgotten:
            callback()
