"""Times as others read them: a histogram's buckets, sum and count, taken together.

    send    from what was read off the socket to the answer that is ready to be written, with the wait for the disk that
            SYNC_FLUSH asks for
    pull    the same of pulls; those that were held for a message to come are not among them
    flush   one sync of the commit log that brought something to the disk
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from rocketpy._core.histogram import Histogram

NS_PER_S = 1e9


@dataclass(frozen=True)
class Distribution:
    """How often something took how long since the start; what took exactly a bound counts in the bucket behind it."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]  # each bucket for itself, one more than bounds: the last took longer than all of them
    sum_s: float
    max_s: float

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    @property
    def up_to(self) -> tuple[int, ...]:
        """How many took less than each bound, and how many there were: Prometheus' buckets, `le` and +Inf."""
        return tuple(itertools.accumulate(self.counts))


def distribution(times: Histogram) -> Distribution:
    """What a histogram holds now."""
    bounds_s = tuple(bound / NS_PER_S for bound in times.bounds_ns)
    return Distribution(bounds_s, times.counts, times.sum_ns / NS_PER_S, times.max_ns / NS_PER_S)
