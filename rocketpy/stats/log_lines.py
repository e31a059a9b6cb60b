"""Writes the statistics into the logs, as upstream words them.

    stats.log     every minute, hour and day, a line each counter that counted something; every five minutes, how far
                  groups are behind. Upstream also writes counters that stand still, with many topics most of the file.
    store.log     every minute, the rates of puts and gets, and how long sends took in that minute
    broker.log    every morning, what the day before brought

Nothing waits for it: a few lines at a time, and then whoever else has something to do.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from rocketpy.clock import Clock
from rocketpy.stats.put_times import put_times_text
from rocketpy.stats.rates import Rates
from rocketpy.stats.traffic import Span, Stats

stats_log = logging.getLogger("RocketmqStats")
store_log = logging.getLogger("RocketmqStore")
broker_log = logging.getLogger("RocketmqBroker")

TICK_MS = 1000
LINES = 200  # in one record, and then others have their turn: about a millisecond
RATES_S = 60
FALLS_MINUTES = 5
DAY_END_MS = 2000  # the day's lines are written so long before midnight, as upstream's

WORDS = {Span.MINUTE: "Minute", Span.HOUR: "Hour", Span.DAY: "Day"}


class StatsLog:
    """Writes when it is time; `tick` is called every TICK_MS."""

    def __init__(self, stats: Stats, rates: Rates, clock: Clock, *, with_falls: bool) -> None:
        self._stats, self._rates, self._clock = stats, rates, clock
        self._with_falls = with_falls
        self._minute, self._hour, self._day = self._now()
        self._until_falls = 1  # minutes
        self._counts_before = stats.send_times.counts
        self._lines: list[str] = []

    def put_times(self) -> tuple[int, ...]:
        """How long sends took since the last minute's line, by the buckets of the histogram."""
        counts = zip(self._stats.send_times.counts, self._counts_before, strict=True)
        return tuple(now - before for now, before in counts)

    async def tick(self) -> None:
        """Sample the rates, and write what is due by the wall clock."""
        if self._rates.sample():
            self._write_morning()
        (minute, hour, day), (was_minute, was_hour, was_day) = self._now(), (self._minute, self._hour, self._day)
        self._minute, self._hour, self._day = minute, hour, day
        if minute != was_minute:
            self._write_store()
            await self._write_windows(Span.MINUTE)
            await self._write_falls()
        if hour != was_hour:
            await self._write_windows(Span.HOUR)
        if day != was_day:
            await self._write_windows(Span.DAY)

    def _write_morning(self) -> None:
        before, now = self._rates.yesterday_morning, self._rates.today_morning
        broker_log.info("yesterday put message total: %d", now.puts - before.puts)
        broker_log.info("yesterday get message total: %d", now.got - before.got)

    def _write_store(self) -> None:
        counts = self.put_times()
        self._counts_before = self._stats.send_times.counts
        store_log.info(
            "[STORETPS] put_tps %s get_found_tps %s get_miss_tps %s get_transfered_tps %s",
            *map(self._per_second, ("puts", "gets_found", "gets_missed", "got")),
        )
        store_log.info("[PAGECACHERT] TotalPut %d, PutMessageDistributeTime %s", sum(counts), put_times_text(counts))

    def _per_second(self, what: str) -> float | str:
        rate = self._rates.per_second(what, RATES_S)
        return "" if rate is None else rate

    async def _write_windows(self, span: Span) -> None:
        words = f"[%s] [%s] Stats In One {WORDS[span]}, SUM: %d TPS: %.2f AVGPT: %.2f"
        async for name, key, window in self._stats.windows(span):
            await self._add(words % (name, key, *window))
        self._write()

    async def _write_falls(self) -> None:
        self._until_falls -= 1
        if self._until_falls:
            return
        self._until_falls = FALLS_MINUTES
        words = "[%s] [%s] Stats Every 5 Minutes, Value: %d"
        async for key, behind_bytes, behind_ms in self._stats.distances():
            if self._with_falls and behind_bytes > 0:
                await self._add(words % ("GROUP_GET_FALL_SIZE", key, behind_bytes))
            if behind_ms > 0:
                await self._add(words % ("GROUP_GET_FALL_TIME", key, behind_ms))
        self._write()

    async def _add(self, line: str) -> None:
        self._lines.append(line)
        if len(self._lines) >= LINES:
            self._write()
            await asyncio.sleep(0)

    def _write(self) -> None:
        """One record of many lines: each for itself would cost a file's check and a write of its own."""
        if self._lines:
            lines, self._lines = self._lines, []
            stats_log.info("\n".join(lines), extra={"lines": lines})

    def _now(self) -> tuple[int, tuple[int, int], int]:
        """The minute, the local hour, and the local day that DAY_END_MS from now belongs to."""
        now_ms = self._clock.now_ms()
        local = datetime.fromtimestamp(now_ms / 1000)
        ending = datetime.fromtimestamp((now_ms + DAY_END_MS) / 1000)
        return now_ms // 60_000, (local.toordinal(), local.hour), ending.toordinal()
