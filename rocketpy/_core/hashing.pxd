# The two hashes that are on disk and on the wire: Java's String.hashCode and the body CRC.

from libc.stdint cimport int32_t, uint32_t

# String.hashCode of UTF-8 text, continued from `seed` (0 for a whole string); malformed bytes count as U+FFFD.
cdef int32_t java_hash(int32_t seed, const char* utf8, Py_ssize_t size) noexcept nogil

# CRC32 of zlib without its sign bit, as the BODYCRC field holds it.
cdef uint32_t body_crc(const char* body, Py_ssize_t size) noexcept nogil
