"""Which messages a group wants, by their properties; asked for each message without the GIL and without an object.

Invariant: bits of a bitmap that are not set say that the message is not wanted; set ones say nothing, for groups share
bits, so the properties decide.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memchr, memcmp, memset

from rocketpy._core.commit_log cimport MessageToPut
from rocketpy._core.sql_filter cimport Filter

cdef enum:
    NAME_VALUE_SEPARATOR = 1
    PROPERTY_SEPARATOR = 2


cdef class MessageFilter:
    def __dealloc__(self):
        free(self.owned)

    @property
    def is_retired(self):
        return bool(self.test.retired)

    def retire(self):
        """Another expression has taken its place."""
        self.test.retired = True

    def matches(self, bytes properties not None):
        """Whether a message with these properties, as they are stored, is wanted."""
        return bool(self.test.matches(self.test.owner, properties, len(properties)))

    def allows(self, int64_t store_time_ms, bytes bitmap not None):
        """What the bitmap of a message says: False when it is not wanted."""
        if self.test.position_count == 0 or store_time_ms <= self.test.born_ms or len(bitmap) != self.test.bitmap_bytes:
            return True
        return bool(bits_set(&self.test, bitmap))


cdef bint _ask(ExpressionFilter asked, const char* properties, Py_ssize_t size) noexcept nogil:
    return asked.filter.matches_record(properties, size)


cdef class ExpressionFilter(MessageFilter):
    cdef Filter filter

    def __init__(self, Filter filter not None, positions=(), int32_t bitmap_bytes=0, int64_t born_ms=0):
        cdef int i
        self.filter = filter
        self.test.matches = <Matches><void*>_ask
        self.test.owner = <void*>self
        self.test.bitmap_bytes = bitmap_bytes
        self.test.born_ms = born_ms
        self.owned = <int32_t*>malloc((len(positions) or 1) * sizeof(int32_t))
        if self.owned == NULL:
            raise MemoryError
        for i, position in enumerate(positions):
            if not 0 <= position < bitmap_bytes * 8:
                raise ValueError("a position outside the bitmap")
            self.owned[i] = position
        self.test.positions = self.owned
        self.test.position_count = <int>len(positions)


cdef bint _ask_for_retry(RetryFilter asked, const char* properties, Py_ssize_t size) noexcept nogil:
    """The expression of the topic the message first was in; without one it is wanted."""
    cdef int topic_size = 0
    cdef const char* topic = _last_value(properties, size, b"RETRY_TOPIC", 11, &topic_size)
    cdef RecordTest* test
    cdef int i = 0
    if topic == NULL:
        return True
    while asked.tests[i] != NULL:
        if asked.sizes[i] == topic_size and memcmp(asked.names[i], topic, topic_size) == 0:
            test = asked.tests[i]
            return test.retired or test.matches(test.owner, properties, size)
        i += 1
    return True


cdef const char* _last_value(
    const char* at, Py_ssize_t size, const char* name, int name_size, int* value_size,
) noexcept nogil:
    """Value of a property as commit_log.scan_properties takes it (the last of a name, never an empty one), or NULL."""
    cdef const char* end = at + size
    cdef const char* stop
    cdef const char* value
    cdef const char* found = NULL
    while at < end:
        stop = <const char*>memchr(at, PROPERTY_SEPARATOR, end - at)
        if stop == NULL:
            stop = end
        value = at + name_size + 1
        if value < stop and memcmp(at, name, name_size) == 0 and at[name_size] == NAME_VALUE_SEPARATOR:
            at = stop + 1
            while stop > value and (stop - 1)[0] == NAME_VALUE_SEPARATOR:
                stop -= 1
            if stop > value and memchr(value, NAME_VALUE_SEPARATOR, stop - value) == NULL:
                found = value
                value_size[0] = <int>(stop - value)
        else:
            at = stop + 1
    return found


cdef class RetryFilter(MessageFilter):
    cdef tuple topics             # bytes
    cdef tuple filters            # MessageFilter of each topic
    cdef const char** names       # of `topics`
    cdef int32_t* sizes
    cdef RecordTest** tests       # of `filters`; NULL behind the last

    def __init__(self, filters not None):
        cdef int count = <int>len(filters)
        cdef int i
        self.topics = tuple(filters)
        self.filters = tuple(filters.values())
        self.names = <const char**>calloc(count + 1, sizeof(char*))
        self.sizes = <int32_t*>calloc(count + 1, sizeof(int32_t))
        self.tests = <RecordTest**>calloc(count + 1, sizeof(RecordTest*))
        if self.names == NULL or self.sizes == NULL or self.tests == NULL:
            raise MemoryError
        for i in range(count):
            self.names[i] = <bytes>self.topics[i]
            self.sizes[i] = <int32_t>len(<bytes>self.topics[i])
            self.tests[i] = &(<MessageFilter?>self.filters[i]).test
        self.test.matches = <Matches><void*>_ask_for_retry
        self.test.owner = <void*>self

    def __dealloc__(self):
        free(self.names)
        free(self.sizes)
        free(self.tests)


cdef class FilterBitmaps:
    def __init__(self):
        self.filters = []

    def __dealloc__(self):
        free(self.plan.tests)
        free(self.plan.scratch)

    def use(self, filters not None, int32_t bitmap_bytes):
        """From now on each message gets a bitmap of these filters; none at all when there are none."""
        cdef list kept = list(filters)
        cdef int count = <int>len(kept)
        cdef RecordTest** tests = <RecordTest**>calloc(count + 1, sizeof(RecordTest*))
        cdef char* scratch = <char*>malloc(bitmap_bytes + 1)
        cdef int i
        if tests == NULL or scratch == NULL:
            free(tests)
            free(scratch)
            raise MemoryError
        for i in range(count):
            tests[i] = &(<MessageFilter?>kept[i]).test
            if tests[i].bitmap_bytes != bitmap_bytes:
                free(tests)
                free(scratch)
                raise ValueError("a filter of other bitmaps")
        free(self.plan.tests)
        free(self.plan.scratch)
        self.plan.tests = tests
        self.plan.scratch = scratch
        self.plan.count = count
        self.plan.bitmap_bytes = bitmap_bytes if count else 0
        self.filters = kept

    def bitmap(self, bytes properties not None):
        """The bitmap of a message with these properties."""
        cdef MessageToPut message
        memset(&message, 0, sizeof(message))
        message.properties = properties
        message.properties_size = <int>len(properties)
        take_bitmap(&self.plan, &message)
        return message.filter_bitmap[:message.filter_bitmap_size]


cdef void take_bitmap(BitmapPlan* plan, MessageToPut* message) noexcept nogil:
    cdef RecordTest* test
    cdef int i, k
    message.filter_bitmap = plan.scratch
    message.filter_bitmap_size = plan.bitmap_bytes
    memset(plan.scratch, 0, plan.bitmap_bytes)
    for i in range(plan.count):
        test = plan.tests[i]
        if test.matches(test.owner, message.properties, message.properties_size):
            for k in range(test.position_count):
                plan.scratch[test.positions[k] >> 3] |= <char>(1 << (test.positions[k] & 7))
