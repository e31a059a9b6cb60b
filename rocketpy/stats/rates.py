"""Rates of the store over seconds and minutes, and its totals of the last two mornings (upstream: StoreStatsService).

One sample a second, kept for ten minutes. A window counts once it is full: before that it has no rate, and what tools
are shown in its place is empty.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from rocketpy.clock import Clock

SAMPLE_MS = 1000
KEPT = 601  # ten minutes and the moment in which they began


class StoreCounts(NamedTuple):
    """What a store did since the start."""

    puts: int = 0  # records of all topics, delayed ones and the broker's own too
    put_bytes: int = 0
    gets_found: int = 0
    got: int = 0  # messages that those gets found
    gets_missed: int = 0


class Sample(NamedTuple):
    """The counts of a moment."""

    at_ms: int
    counts: StoreCounts


class Rates:
    """The rates of one store."""

    def __init__(self, counts: Callable[[], StoreCounts], clock: Clock) -> None:
        self._counts, self._clock = counts, clock
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._day = self._today()
        self.yesterday_morning = self.today_morning = StoreCounts()

    def sample(self) -> bool:
        """Take a sample, every SAMPLE_MS; True when a new day has begun."""
        self._samples.append(Sample(self._clock.monotonic_ms(), self._counts()))
        if self._today() == self._day:
            return False
        self._day = self._today()
        self.yesterday_morning, self.today_morning = self.today_morning, self._counts()
        return True

    def per_second(self, what: str, seconds: int) -> float | None:
        """Of a field of StoreCounts, over so many samples, about as many seconds; None while there are too few."""
        if len(self._samples) <= seconds:
            return None
        first, last = self._samples[-1 - seconds], self._samples[-1]
        total, span_ms = getattr(last.counts, what) - getattr(first.counts, what), last.at_ms - first.at_ms
        return total / span_ms * 1000 if span_ms > 0 else 0.0

    def _today(self) -> date:
        return date.fromtimestamp(self._clock.now_ms() / 1000)
