"""What went in and out, counted by topic and group, with rates over the last seconds and the totals of each morning.

Totals are exact and only grow. Rates come from samples taken every ten seconds, kept for ten minutes. Who counts
elsewhere (the fast lane, in C) hangs a function into `before_sample` that brings its counts in; readers call `collect`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import date

from rocketpy._core.histogram import Histogram
from rocketpy.clock import Clock

SAMPLE_MS = 10_000
SAMPLES = 61  # ten minutes and the beginning of the first
MINUTE = 6  # samples a minute


class Meter:
    """One count and its samples."""

    __slots__ = ("samples", "total")

    def __init__(self) -> None:
        self.total = 0
        self.samples: deque[tuple[int, int]] = deque(maxlen=SAMPLES)

    def sample(self, now_ms: int) -> None:
        """Remember the count as of now."""
        self.samples.append((now_ms, self.total))

    def tps(self, samples: int = MINUTE) -> float | None:
        """Per second over so many samples; None while there are too few."""
        if len(self.samples) <= samples:
            return None
        (first_ms, first), (last_ms, last) = self.samples[-1 - samples], self.samples[-1]
        return (last - first) * 1000 / (last_ms - first_ms) if last_ms > first_ms else 0.0


class Mornings:
    """A total as it was at the last two midnights."""

    def __init__(self) -> None:
        self.yesterday = self.today = 0

    def turn(self, total: int) -> None:
        """A new day begins."""
        self.yesterday, self.today = self.today, total


class Stats:
    """The broker's meters by upstream's names: TOPIC_PUT_NUMS by topic, GROUP_GET_NUMS by `topic@group`, and so on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._meters: dict[tuple[str, str], Meter] = {}
        self._day = self._today()
        self.put_mornings, self.get_mornings = Mornings(), Mornings()
        self.send_times, self.pull_times = Histogram(), Histogram()
        self.before_sample: list[Callable[[], None]] = []

    def put(self, topic: str, nums: int, size_bytes: int) -> None:
        """`nums` messages of a topic were stored."""
        self.add("TOPIC_PUT_NUMS", topic, nums)
        self.add("TOPIC_PUT_SIZE", topic, size_bytes)
        self.add("BROKER_PUT_NUMS", "", nums)
        self.add("BROKER_PUT_SIZE", "", size_bytes)

    def got(self, group: str, topic: str, nums: int, size_bytes: int, pulls: int = 1) -> None:
        """A group was given `nums` messages by so many pulls."""
        self.add("GROUP_GET_NUMS", f"{topic}@{group}", nums)
        self.add("GROUP_GET_SIZE", f"{topic}@{group}", size_bytes)
        self.add("BROKER_GET_NUMS", "", nums)
        self.add("BROKER_GET_FOUND", "", pulls)

    def missed(self, pulls: int = 1) -> None:
        """So many pulls found nothing."""
        self.add("BROKER_GET_MISS", "", pulls)

    def sent_back(self, group: str, topic: str) -> None:
        """A group could not consume a message."""
        self.add("SNDBCK_PUT_NUMS", f"{topic}@{group}", 1)

    def add(self, name: str, key: str, by: int) -> None:
        """Count."""
        meter = self._meters.get((name, key))
        if meter is None:
            meter = self._meters[name, key] = Meter()
        meter.total += by

    def meter(self, name: str, key: str = "") -> Meter:
        """A meter to read; one that never counted reads zero."""
        return self._meters.get((name, key)) or Meter()

    def get_tps(self, group: str, topic: str) -> float:
        """Messages a second that a group took from a topic in the last minute."""
        return self.meter("GROUP_GET_NUMS", f"{topic}@{group}").tps() or 0.0

    def collect(self) -> None:
        """Bring in what was counted elsewhere."""
        for bring_in in self.before_sample:
            bring_in()

    def sample(self) -> None:
        """Take every meter's sample; the broker calls it every SAMPLE_MS."""
        self.collect()
        now_ms = self._clock.monotonic_ms()
        for name in ("BROKER_PUT_NUMS", "BROKER_GET_NUMS", "BROKER_GET_FOUND", "BROKER_GET_MISS"):
            self.add(name, "", 0)  # these are read from the first sample on
        for meter in self._meters.values():
            meter.sample(now_ms)
        if self._today() != self._day:
            self._day = self._today()
            self.put_mornings.turn(self.meter("BROKER_PUT_NUMS").total)
            self.get_mornings.turn(self.meter("BROKER_GET_NUMS").total)

    def _today(self) -> date:
        return date.fromtimestamp(self._clock.now_ms() / 1000)
