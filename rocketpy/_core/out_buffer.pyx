"""Bytes on their way to one socket, in order, with as few copies as can be.

Invariant: the segments in their order are exactly the bytes added, and `size` is their sum. Own segments are offsets,
because `own` moves when it grows.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy
from posix.uio cimport iovec

cdef enum:
    FIRST_CAPACITY = 4096
    KEPT_CAPACITY = 65536       # what a cleared buffer may go on holding
    FIRST_SEGMENTS = 8
    KEPT_SEGMENTS = 1024


cdef char* out_reserve(OutBuffer* out, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t capacity = out.own_capacity or FIRST_CAPACITY
    cdef char* grown
    while capacity - out.own_size < size:
        capacity *= 2
    if capacity != out.own_capacity:
        grown = <char*>realloc(out.own, capacity)
        if grown == NULL:
            return NULL
        out.own = grown
        out.own_capacity = capacity
    return out.own + out.own_size


cdef Segment* add_segment(OutBuffer* out) noexcept nogil:
    cdef int capacity
    cdef Segment* grown
    if out.segment_count == out.segment_capacity:
        capacity = out.segment_capacity * 2 or FIRST_SEGMENTS
        grown = <Segment*>realloc(out.segments, capacity * sizeof(Segment))
        if grown == NULL:
            return NULL
        out.segments = grown
        out.segment_capacity = capacity
    out.segment_count += 1
    return &out.segments[out.segment_count - 1]


cdef int out_commit(OutBuffer* out, Py_ssize_t size) noexcept nogil:
    cdef Segment* last = &out.segments[out.segment_count - 1] if out.segment_count else NULL
    if size == 0:
        return 0
    # Own bytes are only ever added at their end, so an own last segment always reaches up to there.
    if last == NULL or last.at != NULL:
        last = add_segment(out)
        if last == NULL:
            return -1
        last.at = NULL
        last.start = out.own_size
        last.size = 0
    last.size += size
    out.own_size += size
    out.size += size
    return 0


cdef int out_append(OutBuffer* out, const char* data, Py_ssize_t size) noexcept nogil:
    cdef char* into = out_reserve(out, size)
    if into == NULL:
        return -1
    memcpy(into, data, size)
    return out_commit(out, size)


cdef int out_slice(OutBuffer* out, const char* data, Py_ssize_t size) noexcept nogil:
    cdef Segment* added
    if size == 0:
        return 0
    added = add_segment(out)
    if added == NULL:
        return -1
    added.at = data
    added.start = 0
    added.size = size
    out.size += size
    return 0


cdef int out_move(OutBuffer* out, OutBuffer* source) noexcept nogil:
    cdef int i
    cdef Segment* segment
    for i in range(source.segment_count):
        segment = &source.segments[i]
        if segment.at != NULL:
            if out_slice(out, segment.at, segment.size) < 0:
                return -1
        elif out_append(out, source.own + segment.start, segment.size) < 0:
            return -1
    out_clear(source)
    return 0


cdef inline const char* segment_at(const OutBuffer* out, int i) noexcept nogil:
    return out.segments[i].at if out.segments[i].at != NULL else out.own + out.segments[i].start


cdef int out_iovecs(const OutBuffer* out, int first, iovec* into, int capacity) noexcept nogil:
    cdef int i, count = min(out.segment_count - first, capacity)
    for i in range(count):
        into[i].iov_base = <void*>segment_at(out, first + i)
        into[i].iov_len = out.segments[first + i].size
    return count


cdef bytes out_bytes(const OutBuffer* out, Py_ssize_t after):
    cdef bytes copy = PyBytes_FromStringAndSize(NULL, out.size - after)
    cdef char* into = PyBytes_AS_STRING(copy)
    cdef Py_ssize_t size
    cdef int i
    for i in range(out.segment_count):
        size = out.segments[i].size
        if after >= size:
            after -= size
            continue
        memcpy(into, segment_at(out, i) + after, size - after)
        into += size - after
        after = 0
    return copy


cdef void out_clear(OutBuffer* out) noexcept nogil:
    if out.own_capacity > KEPT_CAPACITY or out.segment_capacity > KEPT_SEGMENTS:
        out_free(out)
        return
    out.own_size = 0
    out.segment_count = 0
    out.size = 0


cdef void out_free(OutBuffer* out) noexcept nogil:
    free(out.own)
    free(out.segments)
    out.own = NULL
    out.segments = NULL
    out.own_size = out.own_capacity = 0
    out.segment_count = out.segment_capacity = 0
    out.size = 0
