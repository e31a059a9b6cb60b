"""Counts by topic and by group, and their samples; invariant: to count is to add to numbers that stay where they are.

What a minute, an hour or a day brought is the difference between the last and the first sample kept, as upstream
reckons it (StatsItem): what came before an item's first sample is in none, and one sample alone has no rate (NaN). All
items of a table are sampled at the same moments, each at every one after its first. An item takes room for samples
only once it counted. A full table counts the rest together, so no peer can make it grow.
"""

from libc.math cimport NAN
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from rocketpy._core.store_reader cimport Found, last_time_ms

cdef int[SPANS] KEPT = [MINUTE_SAMPLES, HOUR_SAMPLES, DAY_SAMPLES]


cdef Count* _ring(Trail* trail, int span) noexcept:
    if span == 0:
        return &trail.minute[0]
    return &trail.hour[0] if span == 1 else &trail.day[0]


cdef int _sample(Trail** trail, const Count* count, int span, int64_t tick) except -1:
    if trail[0] == NULL:
        if count.times == 0 and count.nums == 0:
            return 0
        trail[0] = <Trail*>calloc(1, sizeof(Trail))
        if trail[0] == NULL:
            raise MemoryError
    _ring(trail[0], span)[tick % KEPT[span]] = count[0]
    trail[0].seen[span] = min(trail[0].seen[span] + 1, KEPT[span])
    return 0


cdef void note_gets(Counts* counts, int queue_id, const Found* found, int64_t now_ms) noexcept nogil:
    cdef QueueGets* queue = &counts.queues[queue_id]
    if found.behind_bytes >= 0:
        queue.behind_bytes = found.behind_bytes
    if found.count:
        add_count(&counts.count, found.count, found.size)
        queue.gets.times += 1              # what is in memory takes no milliseconds
        queue.behind_ms = now_ms - last_time_ms(found)


cdef class Item:
    def __dealloc__(self):
        cdef int i
        for i in range(self.counts.queue_nums):
            free(self.counts.queues[i].trail)
        free(self.counts.queues)
        free(self.trail)

    cdef QueueGets* queue(self, int queue_id) except NULL:
        cdef QueueGets* grown
        cdef int i
        if queue_id >= self.counts.queue_nums:
            grown = <QueueGets*>realloc(self.counts.queues, (queue_id + 1) * sizeof(QueueGets))
            if grown == NULL:
                raise MemoryError
            for i in range(self.counts.queue_nums, queue_id + 1):
                memset(&grown[i], 0, sizeof(QueueGets))
                grown[i].behind_bytes = grown[i].behind_ms = -1
            self.counts.queues = grown
            self.counts.queue_nums = queue_id + 1
        return &self.counts.queues[queue_id]

    def count(self, int64_t nums, int64_t size_bytes, int64_t times=1):
        self.counts.count.nums += nums
        self.counts.count.size_bytes += size_bytes
        self.counts.count.times += times

    def raise_to(self, int64_t nums):
        self.counts.count.nums = nums

    def note_read(self, int queue_id, int64_t took_ms):
        cdef QueueGets* queue = self.queue(queue_id)
        queue.gets.nums += took_ms
        queue.gets.times += 1

    def note_distance(self, int queue_id, int64_t behind_bytes, int64_t behind_ms):
        cdef QueueGets* queue = self.queue(queue_id)
        if behind_bytes >= 0:
            queue.behind_bytes = behind_bytes
        if behind_ms >= 0:
            queue.behind_ms = behind_ms

    @property
    def total(self):
        return self.counts.count.nums, self.counts.count.size_bytes, self.counts.count.times

    cdef bint has_counted(self) noexcept:
        return self.counts.count.times > 0 or self.counts.count.nums > 0

    cdef int sample(self, int span, int64_t tick) except -1:
        cdef int i
        _sample(&self.trail, &self.counts.count, span, tick)
        for i in range(self.counts.queue_nums):
            self._sample_queue(&self.counts.queues[i], span, tick)
        return 0

    cdef int _sample_queue(self, QueueGets* queue, int span, int64_t tick) except -1:
        """The first that took milliseconds makes the trail: before it all were zero, as many as the item has."""
        cdef int of, slot
        if queue.gets.nums and queue.trail == NULL and self.trail != NULL:
            queue.trail = <Trail*>calloc(1, sizeof(Trail))
            if queue.trail == NULL:
                raise MemoryError
            for of in range(SPANS):
                queue.trail.seen[of] = self.trail.seen[of] - (of == span)
                for slot in range(KEPT[of]):
                    _ring(queue.trail, of)[slot].times = queue.times_before
        if queue.trail != NULL:
            _sample(&queue.trail, &queue.gets, span, tick)
        if span == 0:
            queue.times_before = queue.gets.times
        return 0

    cdef bint rests(self, int64_t tick) noexcept:
        """Nothing came in the last day."""
        if self.trail == NULL:
            return not self.has_counted()
        return (self.trail.seen[2] == DAY_SAMPLES
                and self.trail.day[tick % DAY_SAMPLES].times == self.counts.count.times)


cdef class Items:
    def __init__(self, str name not None, int limit):
        self.name = name
        self.limit = limit
        self.table = {}
        self.order = []
        self.others = Item()
        self.others.key = ""
        memset(&self.gone, 0, sizeof(Count))

    def __len__(self):
        return len(self.table)

    @property
    def is_full(self):
        return len(self.table) >= self.limit

    cpdef Item item(self, str key):
        cdef object found = self.table.get(key)
        cdef Item made
        if found is not None:
            return <Item>found
        if len(self.table) >= self.limit:
            return self.others
        made = Item()
        made.key = key
        made.place = len(self.order)
        self.table[key] = made
        self.order.append(made)
        return made

    def find(self, str key not None):
        cdef Item found = self.table.get(key)
        return found if found is not None and found.has_counted() else None

    def keys(self):
        cdef Item item
        return [item.key for item in self.table.values() if item.has_counted()]

    cdef int _remove(self, Item item) except -1:
        """A sampling may be under way: places stay, begin_sample closes them up."""
        del self.table[item.key]
        self.order[item.place] = None
        self.gone.nums += item.counts.count.nums
        self.gone.size_bytes += item.counts.count.size_bytes
        self.gone.times += item.counts.count.times
        return 0

    def remove(self, str key not None):
        if key in self.table:
            self._remove(<Item>self.table[key])

    def remove_pairs(self, str beginning not None, str ending not None):
        cdef str key
        for key in [key for key in self.table if (<str>key).startswith(beginning) and (<str>key).endswith(ending)]:
            self._remove(<Item>self.table[key])

    def remove_resting(self):
        cdef Item item
        cdef int64_t tick = self.ticks[2]
        resting = [item for item in self.table.values() if item.rests(tick)]
        for item in resting:
            self._remove(item)
        return len(resting)

    def total(self):
        cdef Item item
        cdef int64_t nums = self.gone.nums + self.others.counts.count.nums
        for item in self.table.values():
            nums += item.counts.count.nums
        return nums

    def begin_sample(self, int span, int64_t now_ms):
        cdef Item item
        cdef Py_ssize_t place
        if len(self.order) > len(self.table):
            self.order = [each for each in self.order if each is not None]
            for place in range(len(self.order)):
                item = <Item>self.order[place]
                item.place = place
        self.at_ms[span][self.ticks[span] % KEPT[span]] = now_ms
        self.ticks[span] += 1
        return len(self.order)

    def sample(self, int span, int first, int behind):
        cdef Item item
        for item in self._part(first, behind):
            item.sample(span, self.ticks[span] - 1)

    cdef list _part(self, int first, int behind):
        """The items in these places that are still there."""
        return [item for item in self.order[first:behind] if item is not None]

    def window(self, Item item not None, int span, bint of_bytes):
        return self._window(item.trail, span, of_bytes)

    def queue_window(self, Item item not None, int queue_id, int span):
        cdef int seen = item.trail.seen[span] if item.trail != NULL else 0
        if not 0 <= queue_id < item.counts.queue_nums or item.counts.queues[queue_id].gets.times == 0:
            return None
        if item.counts.queues[queue_id].trail == NULL:
            return 0, NAN if seen == 1 else 0.0, 0.0
        return self._window(item.counts.queues[queue_id].trail, span, False)

    def moved(self, int span, bint of_bytes, int first, int behind):
        cdef Item item
        found = []
        for item in self._part(first, behind):
            if item.trail != NULL and self._has_moved(item.trail, span, of_bytes):
                found.append((item.key, *self._window(item.trail, span, of_bytes)))
        return found

    def slow_queues(self, int span, int first, int behind):
        cdef int queue_id
        cdef Item item
        cdef Trail* trail
        found = []
        for item in self._part(first, behind):
            for queue_id in range(item.counts.queue_nums):
                trail = item.counts.queues[queue_id].trail
                if trail != NULL and self._has_moved(trail, span, False):
                    found.append((f"{queue_id}@{item.key}", *self._window(trail, span, False)))
        return found

    def distances(self, int first, int behind):
        cdef int queue_id
        cdef Item item
        cdef QueueGets* queue
        found = []
        for item in self._part(first, behind):
            for queue_id in range(item.counts.queue_nums):
                queue = &item.counts.queues[queue_id]
                if queue.behind_bytes >= 0 or queue.behind_ms >= 0:
                    found.append((f"{queue_id}@{item.key}", queue.behind_bytes, queue.behind_ms))
        return found

    cdef bint _has_moved(self, Trail* trail, int span, bint of_bytes) noexcept:
        cdef int64_t ticks = self.ticks[span]
        cdef int seen = trail.seen[span]
        cdef Count* first
        cdef Count* last
        if seen == 0:
            return False
        first = &_ring(trail, span)[(ticks - seen) % KEPT[span]]
        last = &_ring(trail, span)[(ticks - 1) % KEPT[span]]
        return last.size_bytes != first.size_bytes if of_bytes else last.nums != first.nums

    cdef tuple _window(self, Trail* trail, int span, bint of_bytes):
        cdef int seen = trail.seen[span] if trail != NULL else 0
        cdef int64_t ticks = self.ticks[span]
        cdef int newest, oldest
        cdef Count* first
        cdef Count* last
        cdef int64_t total, times, span_ms
        if seen == 0:
            return 0, 0.0, 0.0
        newest, oldest = (ticks - 1) % KEPT[span], (ticks - seen) % KEPT[span]
        first, last = &_ring(trail, span)[oldest], &_ring(trail, span)[newest]
        total = last.size_bytes - first.size_bytes if of_bytes else last.nums - first.nums
        times = last.times - first.times
        span_ms = self.at_ms[span][newest] - self.at_ms[span][oldest]
        return total, total * 1000.0 / <double>span_ms, total / <double>times if times > 0 else 0.0
