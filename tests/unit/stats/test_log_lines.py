"""The lines of stats.log, store.log and broker.log, at the moments upstream writes them."""

import asyncio
import logging

import pytest

from rocketpy.clock import ManualClock
from rocketpy.stats import Rates, Span, Stats, StatsLog, StoreCounts

MINUTE_MS = 60_000
NOON_MS = 1_565_006_400_000  # full hour everywhere where hours are whole


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [line for record in caplog.records for line in record.getMessage().split("\n")]


class Logged:
    """Counters, their log, and one topic that moves."""

    def __init__(self, with_falls=True):
        self.clock = ManualClock(NOON_MS + 20_000)
        self.stats = Stats(self.clock)
        self.rates = Rates(lambda: StoreCounts(puts=7), self.clock)
        self.log = StatsLog(self.stats, self.rates, self.clock, with_falls=with_falls)
        self.stats.put("still", 1, 1)
        for span in Span:
            self.stats.put("T", 1, 1)
            asyncio.run(self.stats.sample(span))
        self.stats.put("T", 4, 400)
        self.clock.advance(10_000)
        for span in Span:
            asyncio.run(self.stats.sample(span))

    def at(self, now_ms):
        self.clock.advance(now_ms - self.clock.now_ms())
        asyncio.run(self.log.tick())


def test_a_minute(lines):
    logged = Logged()
    logged.at(NOON_MS + MINUTE_MS - 1)
    assert lines() == []
    logged.at(NOON_MS + MINUTE_MS)
    assert lines()[2:4] == [
        "[TOPIC_PUT_NUMS] [T] Stats In One Minute, SUM: 6 TPS: 0.60 AVGPT: 2.00",
        "[TOPIC_PUT_SIZE] [T] Stats In One Minute, SUM: 402 TPS: 40.20 AVGPT: 134.00",
    ]
    count = len(lines())
    logged.at(NOON_MS + MINUTE_MS + 1000)
    assert len(lines()) == count


def test_an_hour_and_a_day(lines):
    logged = Logged()
    logged.at(NOON_MS + 60 * MINUTE_MS)
    assert "[TOPIC_PUT_NUMS] [T] Stats In One Hour, SUM: 5 TPS: 0.50 AVGPT: 2.50" in lines()
    assert not any("One Day" in line for line in lines())
    logged.at(NOON_MS + 24 * 60 * MINUTE_MS)
    assert "[TOPIC_PUT_NUMS] [T] Stats In One Day, SUM: 4 TPS: 0.40 AVGPT: 4.00" in lines()
    assert "yesterday put message total: 7" in lines()


def test_the_store_says_how_long_the_sends_of_the_minute_took(lines):
    logged = Logged()
    logged.stats.send_times.note(2_000_000, 3)
    logged.at(NOON_MS + MINUTE_MS)
    assert lines()[:2] == [
        "[STORETPS] put_tps  get_found_tps  get_miss_tps  get_transfered_tps ",
        "[PAGECACHERT] TotalPut 3, PutMessageDistributeTime [<=0ms]:0 [0~10ms]:3 [10~50ms]:0 [50~100ms]:0 "
        "[100~200ms]:0 [200~500ms]:0 [500ms~1s]:0 [1~2s]:0 [2~3s]:0 [3~4s]:0 [4~5s]:0 [5~10s]:0 [10s~]:0 ",
    ]
    assert sum(logged.log.put_times()) == 0


@pytest.mark.parametrize("with_falls", [True, False])
def test_every_five_minutes_how_far_groups_are_behind(lines, with_falls):
    logged = Logged(with_falls)
    logged.stats.was_behind("CG", "T", 1, 4096, 70)
    for minute in range(1, 7):
        logged.at(NOON_MS + minute * MINUTE_MS)
    falls = [line for line in lines() if "Every 5 Minutes" in line]
    size = ["[GROUP_GET_FALL_SIZE] [1@T@CG] Stats Every 5 Minutes, Value: 4096"] if with_falls else []
    assert falls == [*size, "[GROUP_GET_FALL_TIME] [1@T@CG] Stats Every 5 Minutes, Value: 70"] * 2
