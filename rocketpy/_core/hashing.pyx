"""Java's String.hashCode over UTF-8 bytes, and the body CRC: no allocation, no GIL.

Invariant: java_hash(java_hash(0, a), b) == java_hash(0, a + b) wherever the text is cut between characters, so that
`topic#key` is hashed from its parts.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "zlib.h" nogil:
    unsigned long crc32(unsigned long crc, const unsigned char* data, unsigned int size)

cdef enum:
    REPLACEMENT = 0xFFFD
    POWER_2 = 961               # 31 ** n
    POWER_3 = 29791
    POWER_4 = 923521

cdef uint64_t HIGH_BITS = 0x8080808080808080u
cdef Py_ssize_t CRC_STEP = 1 << 30          # zlib counts in 32 bits


cdef int32_t java_hash(int32_t seed, const char* utf8, Py_ssize_t size) noexcept nogil:
    cdef const uint8_t* at = <const uint8_t*> utf8
    cdef const uint8_t* end = at + size
    cdef uint32_t value = <uint32_t> seed
    cdef uint32_t unit
    cdef uint64_t word
    while at < end:
        while end - at >= 8:                # ASCII, the common case: one multiplication deep per four characters
            memcpy(&word, at, 8)
            if word & HIGH_BITS:
                break
            value = value * POWER_4 + at[0] * POWER_3 + at[1] * POWER_2 + at[2] * 31u + at[3]
            value = value * POWER_4 + at[4] * POWER_3 + at[5] * POWER_2 + at[6] * 31u + at[7]
            at += 8
        if at == end:
            break
        if at[0] < 0x80:
            value = value * 31u + at[0]
            at += 1
            continue
        at += code_point(at, end, &unit)
        if unit >= 0x10000:                 # Java hashes UTF-16 units: a surrogate pair counts as two
            value = value * 31u + (0xD7C0u + (unit >> 10))
            unit = 0xDC00u + (unit & 0x3FFu)
        value = value * 31u + unit
    return <int32_t> value


cdef Py_ssize_t code_point(const uint8_t* at, const uint8_t* end, uint32_t* unit) noexcept nogil:
    """Decode one character of two bytes or more; a malformed one is U+FFFD, as long as its valid beginning."""
    cdef uint8_t first = at[0]
    cdef uint8_t low = 0x80                 # bounds of the second byte: no overlong forms, surrogates, beyond U+10FFFF
    cdef uint8_t high = 0xBF
    cdef Py_ssize_t size, i
    unit[0] = REPLACEMENT
    if first < 0xC2 or first > 0xF4:
        return 1
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if first == 0xE0:
        low = 0xA0
    elif first == 0xED:
        high = 0x9F
    elif first == 0xF0:
        low = 0x90
    elif first == 0xF4:
        high = 0x8F
    cdef uint32_t value = first & (0x7F >> size)
    for i in range(1, size):
        if at + i == end or at[i] < low or at[i] > high:
            return i
        value = value << 6 | (at[i] & 0x3F)
        low = 0x80
        high = 0xBF
    unit[0] = value
    return size


cdef uint32_t body_crc(const char* body, Py_ssize_t size) noexcept nogil:
    cdef const unsigned char* at = <const unsigned char*> body
    cdef unsigned long crc = 0
    while size > CRC_STEP:
        crc = crc32(crc, at, <unsigned int> CRC_STEP)
        at += CRC_STEP
        size -= CRC_STEP
    return <uint32_t> crc32(crc, at, <unsigned int> size) & 0x7FFFFFFFu if size else <uint32_t> crc & 0x7FFFFFFFu


def java_hash_of(text, int32_t seed=0):
    cdef bytes utf8 = text if isinstance(text, bytes) else (<str> text).encode("utf-8", "replace")
    return java_hash(seed, utf8, len(utf8))


def body_crc_of(const unsigned char[::1] body not None):
    return body_crc(<const char*> &body[0], body.shape[0]) if body.shape[0] else 0
