"""Finds frames in received bytes and points at the parts of their headers.

One pass, no allocation. Invariant: no byte outside of the given `size` is read, whatever the bytes are. A header that
is JSON but not of the plain kind every client sends (other escapes, nested members, numbers as text) is marked odd and
left to the full decoder in `command`; only what no decoder could read is malformed.
"""

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport INT32_MAX, INT32_MIN, INT64_MAX, int16_t, int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

cdef extern from "<endian.h>" nogil:
    uint64_t le64toh(uint64_t)

cdef extern from *:
    """
    #define LOW_BITS 0x0101010101010101ULL
    #define HIGH_BITS 0x8080808080808080ULL
    #define QUOTES 0x2222222222222222ULL
    #define BACKSLASHES 0x5C5C5C5C5C5C5C5CULL
    """
    const uint64_t LOW_BITS, HIGH_BITS, QUOTES, BACKSLASHES
    int __builtin_ctzll(unsigned long long) noexcept nogil

cdef enum:
    ESCAPE_IS_ODD = -1
    MIN_BINARY_HEADER = 21      # code, language, version, opaque, flag, two lengths


# ---- numbers at the edge of the wire

cdef inline uint32_t read_u32(const char* at) noexcept nogil:
    cdef const unsigned char* p = <const unsigned char*>at
    return (<uint32_t>p[0] << 24) | (<uint32_t>p[1] << 16) | (<uint32_t>p[2] << 8) | p[3]


cdef inline int16_t read_i16(const char* at) noexcept nogil:
    cdef const unsigned char* p = <const unsigned char*>at
    return <int16_t>((<uint32_t>p[0] << 8) | p[1])


cdef inline int hex_digit(char c) noexcept nogil:
    if c'0' <= c <= c'9':
        return c - c'0'
    if c'a' <= c <= c'f':
        return c - c'a' + 10
    if c'A' <= c <= c'F':
        return c - c'A' + 10
    return -1


cdef inline int hex_unit(const char* at) noexcept nogil:
    """The UTF-16 unit of four hex digits, or -1."""
    cdef int i, digit, unit = 0
    for i in range(4):
        digit = hex_digit(at[i])
        if digit < 0:
            return -1
        unit = (unit << 4) | digit
    return unit


# ---- text

cdef const char* skip_utf8(const char* at, const char* end) noexcept nogil:
    """Behind the one non-ASCII character at `at`, or NULL: not UTF-8 (overlong and surrogates included)."""
    cdef const unsigned char* p = <const unsigned char*>at
    cdef int more, i
    cdef unsigned char low = 0x80, high = 0xBF      # what the second byte may be
    if p[0] < 0xC2 or p[0] > 0xF4:
        return NULL
    if p[0] < 0xE0:
        more = 1
    elif p[0] < 0xF0:
        more = 2
        if p[0] == 0xE0:
            low = 0xA0
        elif p[0] == 0xED:
            high = 0x9F
    else:
        more = 3
        if p[0] == 0xF0:
            low = 0x90
        elif p[0] == 0xF4:
            high = 0x8F
    if end - at <= more or p[1] < low or p[1] > high:
        return NULL
    for i in range(2, more + 1):
        if p[i] & 0xC0 != 0x80:
            return NULL
    return at + more + 1


cdef bint is_utf8(const char* at, const char* end) noexcept nogil:
    cdef uint64_t word
    while at < end:
        if end - at >= 8:
            memcpy(&word, at, 8)
            if not word & HIGH_BITS:
                at += 8
                continue
        if <unsigned char>at[0] < 0x80:
            at += 1
            continue
        at = skip_utf8(at, end)
        if at == NULL:
            return False
    return True


cdef int escape_size(const char* at, const char* end) noexcept nogil:
    """Length of the escape at `at` (a backslash), surrogate pairs as one; ESCAPE_IS_ODD for all but JSON's own."""
    cdef int unit
    if end - at < 2:
        return ESCAPE_IS_ODD
    if at[1] != c'u':
        return 2 if memchr(b'"\\/bfnrt', at[1], 8) != NULL else ESCAPE_IS_ODD
    if end - at < 6:
        return ESCAPE_IS_ODD
    unit = hex_unit(at + 2)
    if unit < 0:
        return ESCAPE_IS_ODD
    if unit & 0xF800 != 0xD800:
        return 6
    # A surrogate means a character only with its other half behind it.
    if unit > 0xDBFF or end - at < 12 or at[6] != c'\\' or at[7] != c'u' or hex_unit(at + 8) & ~0x3FF != 0xDC00:
        return ESCAPE_IS_ODD
    return 12


cdef inline bint is_ascii_escape(const char* at, const char* end) noexcept nogil:
    """Whether this is \\u00 and two hex digits: the separators of properties, in every send."""
    return end - at >= 6 and memcmp(at, b"\\u00", 4) == 0 and hex_digit(at[4]) >= 0 and hex_digit(at[5]) >= 0


cdef inline const char* skip_plain(const char* at, const char* end) noexcept nogil:
    """The first byte that is a quote, a backslash or not ASCII, eight at a time where eight are left; or `end`."""
    cdef uint64_t word, quote, backslash, hit
    while end - at >= 8:
        memcpy(&word, at, 8)
        word = le64toh(word)
        quote = word ^ QUOTES
        backslash = word ^ BACKSLASHES
        hit = (((quote - LOW_BITS) & ~quote) | ((backslash - LOW_BITS) & ~backslash) | word) & HIGH_BITS
        if hit:
            return at + (__builtin_ctzll(hit) >> 3)
        at += 8
    while at < end and at[0] != c'"' and at[0] != c'\\' and <unsigned char>at[0] < 0x80:
        at += 1
    return at


cdef const char* scan_string(const char* at, const char* end, Slice* out) noexcept nogil:
    """Behind the closing quote of the string whose first byte is at `at`, or NULL: odd."""
    cdef const char* start = at
    cdef int size
    out.at = NULL
    out.size = 0
    out.escaped = False
    while True:
        at = skip_plain(at, end)
        if at == end:
            return NULL
        if at[0] == c'"':
            out.at = start
            out.size = <int>(at - start)
            return at + 1
        if at[0] == c'\\':
            size = 6 if is_ascii_escape(at, end) else escape_size(at, end)
            if size < 0:
                return NULL
            out.escaped = True
            at += size
        else:
            at = skip_utf8(at, end)
            if at == NULL:
                return NULL


cdef inline const char* skip_blanks(const char* at, const char* end) noexcept nogil:
    while at < end and <unsigned char>at[0] <= 0x20 and memchr(b" \n\t\r", at[0], 4) != NULL:
        at += 1
    return at


cdef inline const char* skip_word(const char* at, const char* end, const char* word, int size) noexcept nogil:
    return at + size if end - at >= size and memcmp(at, word, size) == 0 else NULL


cdef const char* scan_i32(const char* at, const char* end, int32_t* out) noexcept nogil:
    """Behind a plain integer that fits, or NULL: odd."""
    cdef int64_t value = 0
    cdef bint negative = at < end and at[0] == c'-'
    cdef const char* start
    if negative:
        at += 1
    start = at
    while at < end and c'0' <= at[0] <= c'9' and at - start < 11:
        value = value * 10 + (at[0] - c'0')
        at += 1
    if negative:
        value = -value
    if at == start or value < INT32_MIN or value > INT32_MAX:
        return NULL
    out[0] = <int32_t>value
    return at


# ---- the JSON header

cdef const char* scan_null_or_string(const char* at, const char* end, Slice* out) noexcept nogil:
    if at < end and at[0] == c'"':
        return scan_string(at + 1, end, out)
    out.at = NULL
    out.size = 0
    out.escaped = False
    return skip_word(at, end, b"null", 4)


cdef const char* scan_ext(const char* at, const char* end, Frame* out) noexcept nogil:
    """Behind the extFields value at `at`, its entries noted; or NULL: odd. Values that are not strings are odd."""
    cdef int n = 0
    if out.has_ext:                     # a second extFields: what it does to the first is the full decoder's matter
        return NULL
    if at < end and at[0] == c'n':
        return skip_word(at, end, b"null", 4)
    if at == end or at[0] != c'{':
        return NULL
    out.has_ext = True
    at = skip_blanks(at + 1, end)
    if at < end and at[0] == c'}':
        return at + 1
    while n < MAX_EXT and at < end and at[0] == c'"':
        at = scan_string(at + 1, end, &out.ext_key[n])
        if at == NULL:
            return NULL
        at = skip_blanks(at, end)
        if at == end or at[0] != c':':
            return NULL
        at = skip_blanks(at + 1, end)
        if at == end or at[0] != c'"':
            return NULL
        at = scan_string(at + 1, end, &out.ext_value[n])
        if at == NULL:
            return NULL
        n += 1
        out.ext_count = n
        at = skip_blanks(at, end)
        if at < end and at[0] == c'}':
            return at + 1
        if at == end or at[0] != c',':
            return NULL
        at = skip_blanks(at + 1, end)
    return NULL


cdef inline bint is_name(const Slice* text, const char* name, int size) noexcept nogil:
    return text.size == size and memcmp(text.at, name, size) == 0


cdef int language_code(const Slice* name) noexcept nogil:
    if slice_is(name, b"JAVA", 4):
        return 0
    if slice_is(name, b"GO", 2):
        return 9
    if slice_is(name, b"CPP", 3):
        return 1
    if slice_is(name, b"DOTNET", 6):
        return 2
    if slice_is(name, b"PYTHON", 6):
        return 3
    if slice_is(name, b"DELPHI", 6):
        return 4
    if slice_is(name, b"ERLANG", 6):
        return 5
    if slice_is(name, b"RUBY", 4):
        return 6
    if slice_is(name, b"HTTP", 4):
        return 8
    if slice_is(name, b"PHP", 3):
        return 10
    if slice_is(name, b"OMS", 3):
        return 11
    return LANGUAGE_OTHER


cdef const char* skip_scalar(const char* at, const char* end) noexcept nogil:
    """Behind the value of a member that means nothing to us; NULL: odd (nested ones are)."""
    cdef Slice ignored
    cdef int32_t number
    if at == end:
        return NULL
    if at[0] == c'"':
        return scan_string(at + 1, end, &ignored)
    if at[0] == c't':
        return skip_word(at, end, b"true", 4)
    if at[0] == c'f':
        return skip_word(at, end, b"false", 5)
    if at[0] == c'n':
        return skip_word(at, end, b"null", 4)
    return scan_i32(at, end, &number)


cdef const char* scan_member(const char* at, const char* end, const Slice* key, Frame* out) noexcept nogil:
    """Behind the value at `at`, noted as what `key` says; or NULL: odd."""
    cdef Slice text
    if is_name(key, b"code", 4):
        return scan_i32(at, end, &out.code)
    if is_name(key, b"extFields", 9):
        return scan_ext(at, end, out)
    if is_name(key, b"flag", 4):
        return scan_i32(at, end, &out.flag)
    if is_name(key, b"language", 8):
        at = scan_null_or_string(at, end, &text)
        out.language = language_code(&text)
        return at
    if is_name(key, b"opaque", 6):
        return scan_i32(at, end, &out.opaque)
    if is_name(key, b"remark", 6):
        return scan_null_or_string(at, end, &out.remark)
    if is_name(key, b"version", 7):
        return scan_i32(at, end, &out.version)
    return skip_scalar(at, end)


cdef bint scan_json(const char* at, const char* end, Frame* out) noexcept nogil:
    """Whether the header is plain JSON, its members noted in `out`."""
    cdef Slice key
    at = skip_blanks(at, end)
    if at == end or at[0] != c'{':
        return False
    at = skip_blanks(at + 1, end)
    if at < end and at[0] == c'}':
        return skip_blanks(at + 1, end) == end
    while at < end and at[0] == c'"':
        at = scan_string(at + 1, end, &key)
        if at == NULL:
            return False
        at = skip_blanks(at, end)
        if at == end or at[0] != c':':
            return False
        at = scan_member(skip_blanks(at + 1, end), end, &key, out)
        if at == NULL:
            return False
        at = skip_blanks(at, end)
        if at < end and at[0] == c'}':
            return skip_blanks(at + 1, end) == end
        if at == end or at[0] != c',':
            return False
        at = skip_blanks(at + 1, end)
    return False


# ---- the ROCKETMQ header

cdef inline bint take_text(const char** at, const char* end, Py_ssize_t size, Slice* out, Frame* frame) noexcept nogil:
    """The next `size` bytes as text, odd when it is not UTF-8; false when they lead outside."""
    if size < 0 or end - at[0] < size:
        return False
    out.at = at[0]
    out.size = <int>size
    out.escaped = False
    at[0] += size
    if not is_utf8(out.at, at[0]):
        frame.odd = True
    return True


cdef bint scan_binary_ext(const char* at, const char* end, Frame* out) noexcept nogil:
    """Note the entries; false when a length leads outside. More entries than fit make the frame odd."""
    cdef Slice key, value
    cdef int n = 0
    out.has_ext = True
    while at < end:
        if end - at < 2:
            return False
        at += 2
        if not take_text(&at, end, read_i16(at - 2), &key, out) or end - at < 4:
            return False
        at += 4
        if not take_text(&at, end, <int32_t>read_u32(at - 4), &value, out):
            return False
        if n == MAX_EXT:
            out.odd = True
        else:
            out.ext_key[n] = key
            out.ext_value[n] = value
            n += 1
    out.ext_count = n
    return True


cdef bint scan_binary(const char* at, const char* end, Frame* out) noexcept nogil:
    """Note the fields; false when a length leads outside of the header."""
    cdef int32_t size
    if end - at < MIN_BINARY_HEADER:
        return False
    out.code = read_i16(at)
    out.language = <unsigned char>at[2] if <unsigned char>at[2] <= 11 else LANGUAGE_OTHER
    out.version = read_i16(at + 3)
    out.opaque = <int32_t>read_u32(at + 5)
    out.flag = <int32_t>read_u32(at + 9)
    size = <int32_t>read_u32(at + 13)
    at += 17
    if size > 0 and not take_text(&at, end, size, &out.remark, out):
        return False
    if end - at < 4:
        return False
    size = <int32_t>read_u32(at)
    at += 4
    if size <= 0:
        return True
    return size <= end - at and scan_binary_ext(at, at + size, out)


# ---- the frame

cdef Py_ssize_t frame_length(const char* data, Py_ssize_t size, Py_ssize_t limit) noexcept nogil:
    cdef int64_t length
    if size < 4:
        return 0
    length = <int32_t>read_u32(data)
    if length < 4:
        return BAD_LENGTH
    return length + 4 if length + 4 <= limit else FRAME_TOO_LARGE


cdef inline void start_frame(Frame* out) noexcept nogil:
    out.code = out.version = out.opaque = out.flag = 0
    out.language = 0
    out.remark.at = NULL
    out.remark.size = 0
    out.remark.escaped = False
    out.has_ext = out.odd = False
    out.ext_count = 0
    out.body = NULL


cdef Py_ssize_t scan_frame(const char* data, Py_ssize_t size, Frame* out) noexcept nogil:
    cdef Py_ssize_t length = frame_length(data, size, <Py_ssize_t>INT32_MAX + 4)
    cdef uint32_t word
    if length <= 0:
        return length
    if size < length:
        return 0
    word = read_u32(data + 4)
    if word >> 24 > ROCKETMQ:
        return BAD_TYPE
    start_frame(out)
    out.serialize_type = word >> 24
    out.header = data + PREFIX_SIZE
    out.header_size = word & 0xFFFFFF
    if out.header_size > length - PREFIX_SIZE:
        return BAD_HEADER_SIZE
    out.body_size = <int>(length - PREFIX_SIZE - out.header_size)
    if out.body_size > 0:
        out.body = out.header + out.header_size
    if out.serialize_type == JSON:
        out.odd = not scan_json(out.header, out.header + out.header_size, out)
    elif not scan_binary(out.header, out.header + out.header_size, out):
        return BAD_BINARY_HEADER
    return length


# ---- slices

cdef int put_utf8(int code_point, char* into) noexcept nogil:
    if code_point < 0x80:
        into[0] = <char>code_point
        return 1
    if code_point < 0x800:
        into[0] = <char>(0xC0 | code_point >> 6)
        into[1] = <char>(0x80 | code_point & 0x3F)
        return 2
    if code_point < 0x10000:
        into[0] = <char>(0xE0 | code_point >> 12)
        into[1] = <char>(0x80 | code_point >> 6 & 0x3F)
        into[2] = <char>(0x80 | code_point & 0x3F)
        return 3
    into[0] = <char>(0xF0 | code_point >> 18)
    into[1] = <char>(0x80 | code_point >> 12 & 0x3F)
    into[2] = <char>(0x80 | code_point >> 6 & 0x3F)
    into[3] = <char>(0x80 | code_point & 0x3F)
    return 4


cdef inline char short_escape(char c) noexcept nogil:
    if c == c'n':
        return c'\n'
    if c == c't':
        return c'\t'
    if c == c'r':
        return c'\r'
    if c == c'b':
        return c'\b'
    if c == c'f':
        return c'\f'
    return c


cdef int unescape(const Slice* text, char* into, int capacity) noexcept nogil:
    cdef const char* at = text.at
    cdef const char* end = text.at + text.size
    cdef const char* stop
    cdef int n = 0, unit
    if capacity < text.size:            # an escape is never shorter than what it means
        return -1
    while at < end:
        stop = <const char*>memchr(at, c'\\', end - at) if text.escaped else end
        if stop == NULL:
            stop = end
        memcpy(into + n, at, stop - at)
        n += <int>(stop - at)
        if stop == end:
            break
        if stop[1] != c'u':
            into[n] = short_escape(stop[1])
            n += 1
            at = stop + 2
            continue
        unit = hex_unit(stop + 2)
        at = stop + 6
        if unit & 0xFC00 == 0xD800:
            unit = 0x10000 + ((unit & 0x3FF) << 10) + (hex_unit(at + 2) & 0x3FF)
            at += 6
        n += put_utf8(unit, into + n)
    return n


cdef bint slice_is(const Slice* text, const char* name, int size) noexcept nogil:
    return text.size == size and text.at != NULL and memcmp(text.at, name, size) == 0


cdef bint slice_i64(const Slice* text, long long* out) noexcept nogil:
    cdef const char* at = text.at
    cdef const char* end = text.at + text.size
    cdef uint64_t value = 0, limit = <uint64_t>INT64_MAX
    cdef uint64_t digit
    cdef bint negative = False
    if text.at == NULL or at == end or text.escaped:
        return False
    if at[0] == c'-' or at[0] == c'+':
        negative = at[0] == c'-'
        limit += negative
        at += 1
    if at == end:
        return False
    while at < end:
        if at[0] < c'0' or at[0] > c'9':
            return False
        digit = at[0] - c'0'
        if value > (limit - digit) / 10:
            return False
        value = value * 10 + digit
        at += 1
    out[0] = <long long>(0 - value) if negative else <long long>value
    return True


cdef bint slice_i32(const Slice* text, int32_t* out) noexcept nogil:
    cdef long long value
    if not slice_i64(text, &value) or value < INT32_MIN or value > INT32_MAX:
        return False
    out[0] = <int32_t>value
    return True


cdef str slice_text(const Slice* text):
    cdef bytearray plain
    cdef int size
    if text.at == NULL:
        return None
    if not text.escaped:
        return PyUnicode_DecodeUTF8(text.at, text.size, NULL)
    plain = bytearray(text.size)
    size = unescape(text, plain, text.size)
    return PyUnicode_DecodeUTF8(plain, size, NULL)


# ---- Python's door

REASONS = {
    BAD_LENGTH: "its length is shorter than its own prefix",
    FRAME_TOO_LARGE: "it is longer than the frame limit",
    BAD_TYPE: "its header is of an unknown serialize type",
    BAD_HEADER_SIZE: "its header is longer than the frame",
    BAD_BINARY_HEADER: "a length in its header leads outside of it",
}


def reason_text(reason: int) -> str:
    return REASONS.get(reason, "it cannot be decoded")


def scan(const unsigned char[::1] data not None):
    """What `scan_frame` says of these bytes: (result, what it noted or None)."""
    cdef Frame frame
    cdef const char* at = <const char*>&data[0] if data.shape[0] else NULL
    cdef Py_ssize_t length = scan_frame(at, data.shape[0], &frame)
    cdef int i
    if length <= 0:
        return length, None
    if frame.odd:
        return length, {"odd": True}
    ext = {slice_text(&frame.ext_key[i]): slice_text(&frame.ext_value[i]) for i in range(frame.ext_count)}
    return length, {
        "odd": False, "code": frame.code, "version": frame.version, "opaque": frame.opaque, "flag": frame.flag,
        "language": frame.language, "serialize_type": frame.serialize_type, "remark": slice_text(&frame.remark),
        "ext": ext if frame.has_ext else None, "body": frame.body[:frame.body_size] if frame.body_size else None,
    }
