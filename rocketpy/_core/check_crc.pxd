# CRC32 a second time, for the checker only: nothing of it is shared with the hot path's zlib.

from libc.stdint cimport int64_t, uint32_t

cdef uint32_t second_crc(const char* data, int64_t size) noexcept nogil      # without its sign bit, as BODYCRC holds it
