"""The distribution of the times that sends took, in upstream's thirteen buckets and words."""

from __future__ import annotations

import itertools

from rocketpy._core.histogram import Histogram

NS_PER_MS = 1_000_000

# Upper ends in milliseconds, themselves in the next one. Upstream counts whole milliseconds: the first is below 1 ms.
BUCKETS_MS = {
    "[<=0ms]": 1, "[0~10ms]": 10, "[10~50ms]": 50, "[50~100ms]": 100, "[100~200ms]": 200, "[200~500ms]": 500,
    "[500ms~1s]": 1000, "[1~2s]": 2000, "[2~3s]": 3000, "[3~4s]": 4000, "[4~5s]": 5000, "[5~10s]": 10_000,
}  # fmt: skip
LAST = "[10s~]"


def put_times(counts: tuple[int, ...]) -> list[int]:
    """A histogram's counts in upstream's buckets."""
    up_to = dict(zip(Histogram.bounds_ns, itertools.accumulate(counts), strict=False))
    ends = [0, *(up_to[bound_ms * NS_PER_MS] for bound_ms in BUCKETS_MS.values()), sum(counts)]
    return [above - below for below, above in itertools.pairwise(ends)]


def put_times_text(counts: tuple[int, ...]) -> str:
    """`[<=0ms]:12 [0~10ms]:1 …`, with a blank behind the last one, too."""
    return "".join(f"{name}:{count} " for name, count in zip([*BUCKETS_MS, LAST], put_times(counts), strict=True))
