"""A histogram as others read it."""

from rocketpy._core.histogram import Histogram
from rocketpy.stats import distribution


def test_buckets_sum_and_count():
    times = Histogram()
    times.note(5_000, 4)
    times.note(30_000_000_000)
    found = distribution(times)
    assert (found.bounds_s[0], found.bounds_s[-1]) == (0.00001, 10.0)
    assert (found.counts[0], found.counts[-1], found.count) == (4, 1, 5)
    assert (found.up_to[0], found.up_to[-2:]) == (4, (4, 5))
    assert (found.sum_s, found.max_s) == (30.00002, 30.0)
