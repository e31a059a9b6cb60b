"""CRC32 in a second, independent implementation: the table is what crcmod generates from the polynomial.

Seven more tables follow from it, so that eight bytes are taken at a time: a byte at a time would make the checksum the
longest part of a check.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t

import crcmod

POLYNOMIAL = 0x104C11DB7

cdef uint32_t TABLES[8][256]


def _make_tables():
    table = crcmod.Crc(POLYNOMIAL, initCrc=0, xorOut=0xFFFFFFFF).table
    for byte in range(256):
        TABLES[0][byte] = table[byte]
    for further in range(1, 8):
        for byte in range(256):
            before = TABLES[further - 1][byte]
            TABLES[further][byte] = TABLES[0][before & 0xFF] ^ before >> 8


_make_tables()


cdef uint32_t second_crc(const char* data, int64_t size) noexcept nogil:
    cdef const uint8_t* at = <const uint8_t*> data
    cdef const uint8_t* end = at + size
    cdef uint32_t crc = 0xFFFFFFFFu
    while end - at >= 8:
        crc ^= at[0] | <uint32_t> at[1] << 8 | <uint32_t> at[2] << 16 | <uint32_t> at[3] << 24
        crc = (TABLES[7][crc & 0xFF] ^ TABLES[6][crc >> 8 & 0xFF] ^ TABLES[5][crc >> 16 & 0xFF] ^ TABLES[4][crc >> 24]
               ^ TABLES[3][at[4]] ^ TABLES[2][at[5]] ^ TABLES[1][at[6]] ^ TABLES[0][at[7]])
        at += 8
    while at < end:
        crc = TABLES[0][(crc ^ at[0]) & 0xFF] ^ crc >> 8
        at += 1
    return ~crc & 0x7FFFFFFFu


def second_crc_of(const unsigned char[::1] data not None):
    return second_crc(<const char*> &data[0], data.shape[0]) if data.shape[0] else 0
