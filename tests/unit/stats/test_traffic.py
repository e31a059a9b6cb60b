"""Counters, their rates and the totals of each morning."""

from rocketpy.clock import ManualClock
from rocketpy.stats import SAMPLE_MS, Stats


def test_rates_come_from_samples():
    clock = ManualClock()
    stats = Stats(clock)
    stats.sample()
    assert stats.meter("BROKER_PUT_NUMS").tps(1) is None
    for _ in range(6):
        stats.put("T", 50, 5000)
        clock.advance(SAMPLE_MS)
        stats.sample()
    meter = stats.meter("BROKER_PUT_NUMS")
    assert (meter.total, meter.tps(1), meter.tps(6), meter.tps(60)) == (300, 5.0, 5.0, None)


def test_counts_by_topic_and_group():
    stats = Stats(ManualClock())
    stats.got("CG", "T", 3, 300)
    stats.got("CG", "T", 1, 100)
    stats.sent_back("CG", "T")
    assert stats.meter("GROUP_GET_NUMS", "T@CG").total == 4
    assert stats.meter("BROKER_GET_FOUND").total == 2
    assert stats.meter("SNDBCK_PUT_NUMS", "T@CG").total == 1
    assert stats.get_tps("CG", "T") == 0.0
    assert stats.meter("TOPIC_PUT_NUMS", "unknown").total == 0


def test_counts_made_elsewhere_are_brought_in():
    stats = Stats(ManualClock())
    stats.before_sample.append(lambda: stats.put("T", 7, 70))
    stats.sample()
    assert stats.meter("TOPIC_PUT_NUMS", "T").total == 7


def test_totals_of_the_mornings():
    clock = ManualClock()
    stats = Stats(clock)
    for nums in (10, 5):
        stats.put("T", nums, nums)
        clock.advance(24 * 3600 * 1000)
        stats.sample()
    assert (stats.put_mornings.yesterday, stats.put_mornings.today) == (10, 15)
