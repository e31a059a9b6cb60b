# What is counted by topic, and by topic and group, and the samples from which minutes, hours and days are told.

from libc.stdint cimport int64_t

from rocketpy._core.store_reader cimport Found

cdef enum:
    MINUTE_SAMPLES = 7           # every 10 s; a window is what lies between the first and the last sample
    HOUR_SAMPLES = 7             # every 10 min
    DAY_SAMPLES = 25             # every hour
    SPANS = 3                    # minute, hour, day: places in the arrays below

cdef struct Count:               # since the start
    int64_t nums                 # messages
    int64_t size_bytes           # their records
    int64_t times                # requests

cdef struct Trail:               # a Count as it was at the last samples: rings of which Items.ticks is the hand
    int seen[SPANS]              # samples taken so far, at most as many as are kept
    Count minute[MINUTE_SAMPLES]
    Count hour[HOUR_SAMPLES]
    Count day[DAY_SAMPLES]

cdef struct QueueGets:           # what a group got from one queue
    Count gets                   # nums: milliseconds that reading took; times: pulls that got messages
    int64_t times_before         # gets.times at the last sample of a minute
    Trail* trail                 # NULL as long as all was in memory, which took none
    int64_t behind_bytes         # at the last pull that looked at messages: from the last of them to the log's end; -1: none
    int64_t behind_ms            # age of the last message got; -1: none

cdef struct Counts:
    Count count
    QueueGets* queues            # by queue id; may move when queue_nums grows
    int queue_nums

cdef class Item:
    cdef Counts counts           # stays at this address
    cdef Trail* trail            # NULL before the first sample with a request
    cdef readonly str key        # `topic`, or `topic@group`
    cdef Py_ssize_t place        # in Items.order
    cdef QueueGets* queue(self, int queue_id) except NULL       # made if there is none
    cdef bint has_counted(self) noexcept
    cdef int sample(self, int span, int64_t tick) except -1
    cdef int _sample_queue(self, QueueGets* queue, int span, int64_t tick) except -1
    cdef bint rests(self, int64_t tick) noexcept

cdef class Items:
    cdef readonly str name
    cdef readonly int limit
    cdef dict table              # key -> Item
    cdef list order              # the same items, as they came
    cdef Item others             # what came when the table was full
    cdef int64_t ticks[SPANS]    # samples taken
    cdef int64_t[SPANS][DAY_SAMPLES] at_ms           # when the last ones were, monotonic
    cdef Count gone              # of items that were removed
    cpdef Item item(self, str key)                               # made if there is none
    cdef int _remove(self, Item item) except -1
    cdef list _part(self, int first, int behind)
    cdef bint _has_moved(self, Trail* trail, int span, bint of_bytes) noexcept
    cdef tuple _window(self, Trail* trail, int span, bint of_bytes)

cdef inline void add_count(Count* count, int64_t nums, int64_t size_bytes) noexcept nogil:
    count.nums += nums
    count.size_bytes += size_bytes
    count.times += 1

# What a pull of one queue found: the queue must be one of `counts`.
cdef void note_gets(Counts* counts, int queue_id, const Found* found, int64_t now_ms) noexcept nogil
