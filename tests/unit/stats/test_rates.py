"""Rates of the last seconds and minutes, and the totals of two mornings."""

import pytest

from rocketpy.clock import ManualClock
from rocketpy.stats import Rates, StoreCounts

DAY_MS = 24 * 3600 * 1000


class Store:
    def __init__(self):
        self.counts = StoreCounts()

    def put(self, nums):
        self.counts = self.counts._replace(puts=self.counts.puts + nums)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store():
    return Store()


def test_a_window_has_no_rate_before_it_is_full(clock, store):
    rates = Rates(lambda: store.counts, clock)
    assert rates.per_second("puts", 10) is None
    for _ in range(11):
        assert rates.per_second("puts", 10) is None
        rates.sample()
        store.put(5)
        clock.advance(1000)
    assert (rates.per_second("puts", 10), rates.per_second("puts", 60)) == (5.0, None)
    assert rates.per_second("got", 10) == 0.0


def test_ten_minutes_are_kept(clock, store):
    rates = Rates(lambda: store.counts, clock)
    for second in range(700):
        store.put(second % 2)
        rates.sample()
        clock.advance(1000)
    assert rates.per_second("puts", 600) == 0.5
    assert rates.per_second("puts", 601) is None


def test_totals_of_the_mornings(clock, store):
    rates = Rates(lambda: store.counts, clock)
    assert rates.sample() is False
    for nums in (10, 5):
        store.put(nums)
        clock.advance(DAY_MS)
        assert rates.sample() is True
        assert rates.sample() is False
    assert (rates.yesterday_morning.puts, rates.today_morning.puts) == (10, 15)
