"""Numbers out of text as Java's Integer, Long and Double read them: no allocation for what is short, no GIL, no locale.

Invariant: no byte outside the text is read; a text that Java refuses is refused.
"""

from libc.stdint cimport INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <locale.h>
    #include <stdlib.h>
    #if defined(__APPLE__)
    #include <xlocale.h>
    #endif
    static locale_t c_locale;
    static int open_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0); return c_locale != 0; }
    static double decimal_to_double(const char* text) { return strtod_l(text, NULL, c_locale); }
    """
    bint open_c_locale() nogil
    double decimal_to_double(const char* text) nogil

cdef extern from "<math.h>" nogil:
    double NAN
    double INFINITY

cdef enum:
    SHORT_TEXT = 128            # bytes of a number that is copied to the C stack
    EXACT_DIGITS = 15           # so many decimal digits and powers of ten up to 22 are exact doubles
    SCRIPTS = 37                # of digits in the Basic Multilingual Plane, behind ASCII

# Zeros of the scripts whose digits Character.digit knows; parseLong walks UTF-16 units, so none beyond U+FFFF counts.
cdef unsigned short* ZEROS = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0xFFFF,
]
cdef double* POWERS_OF_TEN = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
]

if not open_c_locale():
    raise MemoryError("no locale C")


# --- Integer and Long ---

cdef bint parse_whole(
    const char* text, Py_ssize_t size, int64_t low, int64_t high, int64_t* number
) noexcept nogil:
    cdef const uint8_t* at = <const uint8_t*> text
    cdef const uint8_t* end = at + size
    cdef bint negative = size > 0 and at[0] == c"-"
    cdef uint64_t bound = <uint64_t> high if not negative else 0 - <uint64_t> low
    cdef uint64_t value = 0
    cdef int digit
    if size > 0 and (at[0] == c"-" or at[0] == c"+"):
        at += 1
    if at == end:
        return False
    while at < end:
        if at[0] < 0x80:
            digit = at[0] - c"0"
            at += 1
        else:
            digit = digit_of_a_script(&at, end)
        if digit < 0 or digit > 9 or value > (bound - <uint64_t> digit) // 10:
            return False
        value = value * 10 + <uint64_t> digit
    number[0] = <int64_t> (0 - value if negative else value)
    return True


cdef int digit_of_a_script(const uint8_t** at, const uint8_t* end) noexcept nogil:
    """The value of a digit of two or three bytes, and `at` behind it; -1 for anything else."""
    cdef const uint8_t* text = at[0]
    cdef unsigned int character
    cdef int i
    if text[0] >= 0xC2 and text[0] < 0xE0 and end - text >= 2 and text[1] & 0xC0 == 0x80:
        character = (text[0] & 0x1Fu) << 6 | (text[1] & 0x3Fu)
        at[0] = text + 2
    elif text[0] & 0xF0 == 0xE0 and end - text >= 3 and text[1] & 0xC0 == 0x80 and text[2] & 0xC0 == 0x80:
        character = (text[0] & 0x0Fu) << 12 | (text[1] & 0x3Fu) << 6 | (text[2] & 0x3Fu)
        at[0] = text + 3
    else:
        return -1
    for i in range(SCRIPTS - 1):
        if ZEROS[i] <= character < ZEROS[i] + 10u:
            return <int> (character - ZEROS[i])
    return -1


# --- Double ---

cdef bint parse_double(const char* text, Py_ssize_t size, double* number) noexcept nogil:
    cdef const uint8_t* at = <const uint8_t*> text
    cdef const uint8_t* end = at + size
    cdef const uint8_t* start
    while at < end and at[0] <= 0x20:           # String.trim
        at += 1
    while end > at and (end - 1)[0] <= 0x20:
        end -= 1
    start = at
    if at < end and (at[0] == c"+" or at[0] == c"-"):
        at += 1
    if at == end:
        return False
    if is_word(at, end, b"NaN", 3):
        number[0] = NAN
        return True
    if is_word(at, end, b"Infinity", 8):
        number[0] = -INFINITY if start[0] == c"-" else INFINITY
        return True
    if (end - 1)[0] | 0x20 == c"d" or (end - 1)[0] | 0x20 == c"f":
        end -= 1                                # in a hexadecimal float it stands behind the exponent's decimal digits
    if end - at > 2 and at[0] == c"0" and at[1] | 0x20 == c"x":
        return is_hexadecimal(at + 2, end) and convert(start, end, number)
    return few_digits(start, at, end, number) or (is_decimal(at, end) and convert(start, end, number))


cdef bint is_word(const uint8_t* at, const uint8_t* end, const char* word, int size) noexcept nogil:
    return end - at == size and memcmp(at, word, size) == 0


cdef bint few_digits(const uint8_t* start, const uint8_t* at, const uint8_t* end, double* number) noexcept nogil:
    """The usual number, `12` or `12.5`: one exact division gives what any correct conversion gives."""
    cdef int64_t value = 0
    cdef int digits = 0
    cdef int behind_point = -1
    while at < end:
        if c"0" <= at[0] <= c"9":
            if digits == EXACT_DIGITS:
                return False
            value = value * 10 + (at[0] - c"0")
            digits += 1
            if behind_point >= 0:
                behind_point += 1
        elif at[0] == c"." and behind_point < 0:
            behind_point = 0
        else:
            return False
        at += 1
    if digits == 0:
        return False
    number[0] = <double> value
    if behind_point > 0:
        number[0] /= POWERS_OF_TEN[behind_point]
    if start[0] == c"-":
        number[0] = -number[0]
    return True


cdef bint is_decimal(const uint8_t* at, const uint8_t* end) noexcept nogil:
    cdef const uint8_t* whole = skip_digits(at, end)
    cdef Py_ssize_t digits = whole - at
    at = whole
    if at < end and at[0] == c".":
        whole = skip_digits(at + 1, end)
        digits += whole - at - 1
        at = whole
    if digits == 0:
        return False
    return at == end or (at[0] | 0x20 == c"e" and is_exponent(at + 1, end))


cdef bint is_hexadecimal(const uint8_t* at, const uint8_t* end) noexcept nogil:
    """Digits behind 0x, and the exponent p that Java wants in any case."""
    cdef const uint8_t* whole = skip_hex_digits(at, end)
    cdef Py_ssize_t digits = whole - at
    at = whole
    if at < end and at[0] == c".":
        whole = skip_hex_digits(at + 1, end)
        digits += whole - at - 1
        at = whole
    return digits > 0 and at < end and at[0] | 0x20 == c"p" and is_exponent(at + 1, end)


cdef bint is_exponent(const uint8_t* at, const uint8_t* end) noexcept nogil:
    if at < end and (at[0] == c"+" or at[0] == c"-"):
        at += 1
    return at < end and skip_digits(at, end) == end


cdef const uint8_t* skip_digits(const uint8_t* at, const uint8_t* end) noexcept nogil:
    while at < end and c"0" <= at[0] <= c"9":
        at += 1
    return at


cdef const uint8_t* skip_hex_digits(const uint8_t* at, const uint8_t* end) noexcept nogil:
    while at < end and (c"0" <= at[0] <= c"9" or c"a" <= (at[0] | 0x20) <= c"f"):
        at += 1
    return at


cdef bint convert(const uint8_t* start, const uint8_t* end, double* number) noexcept nogil:
    """By the C library, which wants a zero byte behind the text; its form has been checked."""
    cdef char small[SHORT_TEXT]
    cdef char* copy = small
    cdef Py_ssize_t size = end - start
    if size >= SHORT_TEXT:
        copy = <char*> malloc(size + 1)
        if copy == NULL:
            return False
    memcpy(copy, start, size)
    copy[size] = 0
    number[0] = decimal_to_double(copy)
    if copy != small:
        free(copy)
    return True


# --- for Python ---

cdef object whole_of(str text, int64_t low, int64_t high):
    cdef bytes utf8 = text.encode("utf-8", "surrogatepass")
    cdef int64_t number
    return number if parse_whole(utf8, len(utf8), low, high, &number) else None


def int_of(str text not None):
    return whole_of(text, INT32_MIN, INT32_MAX)


def long_of(str text not None):
    return whole_of(text, INT64_MIN, INT64_MAX)


def double_of(str text not None):
    cdef bytes utf8 = text.encode("utf-8", "surrogatepass")
    cdef double number
    return number if parse_double(utf8, len(utf8), &number) else None
