"""Java's String.hashCode over UTF-8 bytes, and the body CRC: no allocation, no GIL.

Invariant: java_hash(java_hash(0, a), b) == java_hash(0, a + b) wherever the text is cut between characters, so that
`topic#key` is hashed from its parts.
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from "zlib.h" nogil:
    unsigned long crc32(unsigned long crc, const unsigned char* data, unsigned int size)

# zlib's CRC32 takes 0.7 ns a byte, which was a third of the cost of a 1 KiB message; carry-less multiplication takes a
# tenth of that. Blocks of 64 bytes are folded into 16 bytes that have the same CRC, and zlib goes on from those. The
# four constants are x^(512+32), x^(512-32), x^(128+32) and x^(128-32) modulo the polynomial, bits reversed.
cdef extern from *:
    """
    #include <stddef.h>
    #if defined(__x86_64__) && defined(__GNUC__)
    #include <immintrin.h>

    #define FOLD __attribute__((target("pclmul,sse2")))

    static int can_fold(void) { return __builtin_cpu_supports("pclmul"); }

    FOLD static inline __m128i fold_onto(__m128i block, __m128i constants, __m128i next) {
        __m128i low = _mm_clmulepi64_si128(block, constants, 0x00);
        __m128i high = _mm_clmulepi64_si128(block, constants, 0x11);
        return _mm_xor_si128(_mm_xor_si128(low, high), next);
    }

    FOLD static void fold_blocks(const unsigned char* at, size_t size, unsigned char* folded) {
        const __m128i by_four = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
        const __m128i by_one = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
        const __m128i* block = (const __m128i*) at;
        const __m128i* end = (const __m128i*) (at + size);
        __m128i a = _mm_xor_si128(_mm_loadu_si128(block), _mm_cvtsi32_si128(-1));
        __m128i b = _mm_loadu_si128(block + 1);
        __m128i c = _mm_loadu_si128(block + 2);
        __m128i d = _mm_loadu_si128(block + 3);
        for (block += 4; block < end; block += 4) {
            a = fold_onto(a, by_four, _mm_loadu_si128(block));
            b = fold_onto(b, by_four, _mm_loadu_si128(block + 1));
            c = fold_onto(c, by_four, _mm_loadu_si128(block + 2));
            d = fold_onto(d, by_four, _mm_loadu_si128(block + 3));
        }
        b = fold_onto(a, by_one, b);
        c = fold_onto(b, by_one, c);
        _mm_storeu_si128((__m128i*) folded, fold_onto(c, by_one, d));
    }
    #else
    static int can_fold(void) { return 0; }
    static void fold_blocks(const unsigned char* at, size_t size, unsigned char* folded) {
        (void) at; (void) size; (void) folded;
    }
    #endif
    """
    bint can_fold()
    void fold_blocks(const unsigned char* at, size_t size, unsigned char* folded) nogil

cdef enum:
    FOLD_SIZE = 64              # bytes folded at a time
    FOLDED_SIZE = 16
    REPLACEMENT = 0xFFFD
    POWER_2 = 961               # 31 ** n
    POWER_3 = 29791
    POWER_4 = 923521

cdef uint64_t HIGH_BITS = 0x8080808080808080u
cdef Py_ssize_t CRC_STEP = 1 << 30          # zlib counts in 32 bits
cdef bint FOLDS = can_fold()


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
    cdef unsigned char folded[FOLDED_SIZE]
    cdef Py_ssize_t blocks = size & ~<Py_ssize_t> (FOLD_SIZE - 1)
    cdef unsigned long crc = 0
    if FOLDS and blocks:
        fold_blocks(at, blocks, folded)
        crc = crc32(0xFFFFFFFFu, folded, FOLDED_SIZE)       # a register of 0: the fold has the usual start in it
        at += blocks
        size -= blocks
    while size > 0:
        crc = crc32(crc, at, <unsigned int> min(size, CRC_STEP))
        at += CRC_STEP
        size -= CRC_STEP
    return <uint32_t> crc & 0x7FFFFFFFu


def java_hash_of(text, int32_t seed=0):
    cdef bytes utf8 = text if isinstance(text, bytes) else (<str> text).encode("utf-8", "replace")
    return java_hash(seed, utf8, len(utf8))


def body_crc_of(const unsigned char[::1] body not None):
    return body_crc(<const char*> &body[0], body.shape[0]) if body.shape[0] else 0
