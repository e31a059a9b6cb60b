"""Properties in the order of a java.util.HashMap: for messages that are put again under another topic.

Invariant: what is written is, byte for byte, what store/property_order.py makes of the same properties; where that is
not certain (text beyond ASCII, very many names, buckets that Java would turn into trees) nothing is written.
"""

from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memchr, memcmp, memcpy

from rocketpy._core.hashing cimport java_hash
from rocketpy._core.message cimport NAME_END, PROPERTY_END

cdef enum:
    FIRST_CAPACITY = 16
    LONGEST_CHAIN = 8
    LARGEST_QUEUE_ID = 65536


cdef bint _is_ascii(const char* at, int size) noexcept nogil:
    cdef int i
    for i in range(size):
        if <signed char> at[i] < 0:
            return False
    return True


cdef bint read_properties(const char* at, int size, Properties* out) noexcept nogil:
    cdef const char* end = at + size
    cdef const char* stop
    cdef const char* value
    cdef const char* value_end
    out.count = 0
    if not _is_ascii(at, size):
        return False
    while at < end:
        stop = <const char*> memchr(at, PROPERTY_END, end - at)
        if stop == NULL:
            stop = end
        value = <const char*> memchr(at, NAME_END, stop - at)
        if value != NULL:
            value_end = stop
            while value_end > value + 1 and (value_end - 1)[0] == NAME_END:    # empty parts at the end do not count
                value_end -= 1
            if value_end > value + 1 and memchr(value + 1, NAME_END, value_end - value - 1) == NULL:
                if not put_property(out, at, <int> (value - at), value + 1, <int> (value_end - value - 1)):
                    return False
        at = stop + 1
    return True


cdef bint put_property(Properties* properties, const char* name, int name_size, const char* value, int value_size) noexcept nogil:
    cdef uint32_t java = <uint32_t> java_hash(0, name, name_size)
    cdef Property* known = <Property*> find_named(properties, name, name_size)
    if known == NULL:
        if properties.count == MOST_PROPERTIES:
            return False
        known = &properties.all[properties.count]
        properties.count += 1
        known.name = name
        known.name_size = name_size
        known.hash = <int32_t> (java ^ java >> 16)
    known.value = value
    known.value_size = value_size
    return True


cdef const Property* find_named(const Properties* properties, const char* name, int name_size) noexcept nogil:
    cdef int i
    for i in range(properties.count):
        if properties.all[i].name_size == name_size and memcmp(properties.all[i].name, name, name_size) == 0:
            return &properties.all[i]
    return NULL


cdef int32_t queue_id_of(const Property* value) noexcept nogil:
    cdef int32_t number = 0
    cdef int i
    for i in range(value.value_size):
        if value.value[i] < c"0" or value.value[i] > c"9":
            return -1
        number = number * 10 + (value.value[i] - c"0")
        if number > LARGEST_QUEUE_ID:
            return -1
    return number


cdef int _capacity(const Properties* properties) noexcept nogil:
    """Buckets of the map, a power of two; -1 when a chain is too long for a table of this size."""
    cdef int capacity = FIRST_CAPACITY
    cdef int i, j, chain
    while properties.count > capacity * 3 // 4:
        capacity *= 2
    for i in range(properties.count):
        chain = 0
        for j in range(properties.count):
            chain += (properties.all[i].hash ^ properties.all[j].hash) & (FIRST_CAPACITY - 1) == 0
        if chain > LONGEST_CHAIN:
            return -1
    return capacity


cdef int write_in_map_order(const Properties* properties, char* into, int capacity) noexcept nogil:
    cdef int buckets = _capacity(properties)
    cdef int size = 0
    cdef int bucket, i
    cdef const Property* each
    if buckets < 0:
        return -1
    for bucket in range(buckets):
        for i in range(properties.count):
            each = &properties.all[i]
            if each.hash & (buckets - 1) != bucket:
                continue
            if size + each.name_size + each.value_size + 2 > capacity:
                return -1
            memcpy(into + size, each.name, each.name_size)
            size += each.name_size
            into[size] = NAME_END
            memcpy(into + size + 1, each.value, each.value_size)
            size += 1 + each.value_size
            into[size] = PROPERTY_END
            size += 1
    return size


def in_map_order(bytes properties not None):
    """The same properties in map order; see map_order.pyi."""
    cdef Properties read
    cdef bytes written = bytes(2 * len(properties) + 2)
    cdef int size
    if not read_properties(properties, <int> len(properties), &read):
        return None
    size = write_in_map_order(&read, <char*> <const char*> written, <int> len(written))
    return None if size < 0 else written[:size]
