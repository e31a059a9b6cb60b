"""Times in upstream's thirteen buckets."""

import pytest

from rocketpy._core.histogram import Histogram
from rocketpy.stats.put_times import put_times


@pytest.mark.parametrize(
    ("ms", "bucket"),
    [(0, 0), (0.9, 0), (1, 1), (9.9, 1), (10, 2), (49, 2), (50, 3), (100, 4), (200, 5), (500, 6), (1000, 7), (2000, 8),
     (3000, 9), (4000, 10), (5000, 11), (9999, 11), (10_000, 12), (100_000, 12)],
)  # fmt: skip
def test_a_time_counts_where_upstream_counts_it(ms, bucket):
    times = Histogram()
    times.note(int(ms * 1_000_000), 2)
    counts = put_times(times.counts)
    assert (len(counts), counts[bucket], sum(counts)) == (13, 2, 2)
