# Bytes on their way to one socket: own bytes and outside slices in the order they were added, sent with one writev.
# Outside slices (of a mapped file) must stay valid until the end of the turn: the buffer is written or copied by then.

from posix.uio cimport iovec

cdef struct Segment:
    const char* at              # outside bytes; NULL: own bytes, at `start` of OutBuffer.own
    Py_ssize_t start
    Py_ssize_t size

cdef struct OutBuffer:
    char* own                   # own bytes; moves when it grows
    Py_ssize_t own_size
    Py_ssize_t own_capacity
    Segment* segments
    int segment_count
    int segment_capacity
    Py_ssize_t size             # bytes of all segments

# Room for `size` contiguous own bytes at the end, to be filled and then committed; NULL: no memory.
# Pointers from earlier calls are void after it.
cdef char* out_reserve(OutBuffer* out, Py_ssize_t size) noexcept nogil
# `size` (at most what was reserved) bytes were filled: they are the next bytes out. 0, or -1: no memory.
cdef int out_commit(OutBuffer* out, Py_ssize_t size) noexcept nogil
# A copy of these bytes is next. 0, or -1: no memory.
cdef int out_append(OutBuffer* out, const char* data, Py_ssize_t size) noexcept nogil
# These bytes, not copied, are next. 0, or -1: no memory.
cdef int out_slice(OutBuffer* out, const char* data, Py_ssize_t size) noexcept nogil
# Everything of `source` is next, `source` is empty afterwards; its outside slices stay outside. 0, or -1: no memory.
cdef int out_move(OutBuffer* out, OutBuffer* source) noexcept nogil

# The segments from number `first` on, as many as `into` holds; returns how many.
cdef int out_iovecs(const OutBuffer* out, int first, iovec* into, int capacity) noexcept nogil
# A copy of everything behind the first `after` bytes.
cdef bytes out_bytes(const OutBuffer* out, Py_ssize_t after)
cdef void out_clear(OutBuffer* out) noexcept nogil              # forget all; keeps memory up to a small size
cdef void out_free(OutBuffer* out) noexcept nogil               # forget all and give the memory back
