"""Times in fixed buckets."""

import pytest

from rocketpy._core.histogram import Histogram


@pytest.mark.parametrize(
    ("ns", "bucket"),
    [(0, 0), (9_999, 0), (10_000, 1), (999_999, 6), (1_000_000, 7), (9_999_999_999, 20), (10**10, 21), (10**12, 21)],
)
def test_a_time_counts_in_the_first_bucket_above_it(ns, bucket):
    times = Histogram()
    times.note(ns, 3)
    assert times.counts[bucket] == sum(times.counts) == 3
    assert (times.sum_ns, times.max_ns) == (3 * ns, ns)


def test_the_longest_stays():
    times = Histogram()
    for ns in (5, 50_000, 20):
        times.note(ns)
    assert (times.max_ns, times.sum_ns, sum(times.counts)) == (50_000, 50_025, 3)


def test_bounds_rise():
    assert list(Histogram.bounds_ns) == sorted(set(Histogram.bounds_ns))
    assert len(Histogram().counts) == len(Histogram.bounds_ns) + 1
