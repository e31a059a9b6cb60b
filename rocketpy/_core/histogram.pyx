"""Counts how long things took; invariant: an entry touches one bucket, the sum and the maximum, and makes no object.

Upstream's thirteen buckets of putMessageDistributeTime begin at bounds of these, so they are sums of them. One thread
writes; others may read at any time and see each number whole, though not all of them from the same moment.
"""

from libc.stdint cimport int64_t
from libc.string cimport memset

cdef int64_t[BUCKETS - 1] BOUNDS_NS = [
    10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 200_000_000, 500_000_000,
    1_000_000_000, 2_000_000_000, 3_000_000_000, 4_000_000_000, 5_000_000_000, 10_000_000_000,
]


cdef void note_times(Times* times, int64_t ns, int64_t count) noexcept nogil:
    cdef int bucket = 0
    while bucket < BUCKETS - 1 and ns >= BOUNDS_NS[bucket]:
        bucket += 1
    times.counts[bucket] += count
    times.sum_ns += ns * count
    if ns > times.max_ns:
        times.max_ns = ns


cdef class Histogram:
    bounds_ns = tuple(BOUNDS_NS)

    def __cinit__(self):
        memset(&self.times, 0, sizeof(Times))

    def note(self, int64_t ns, int64_t count=1):
        note_times(&self.times, ns, count)

    @property
    def counts(self):
        return tuple([self.times.counts[bucket] for bucket in range(BUCKETS)])

    @property
    def sum_ns(self):
        return self.times.sum_ns

    @property
    def max_ns(self):
        return self.times.max_ns
