# How often something took how long: counts in fixed buckets, which cost a handful of instructions an entry.

from libc.stdint cimport int64_t

cdef enum:
    BUCKETS = 22                 # BOUNDS_NS in histogram.pyx and one for all that took longer

cdef struct Times:
    int64_t counts[BUCKETS]      # each for itself, not summed up
    int64_t sum_ns
    int64_t max_ns               # since the start

cdef void note_times(Times* times, int64_t ns, int64_t count) noexcept nogil     # `count` things took `ns` each

cdef class Histogram:
    cdef Times times             # stays at this address
