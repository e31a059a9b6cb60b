# One frame of the wire, seen in place: `length | type<<24 + header length | header | body`, all big-endian.
# A scanned frame is pointers into the caller's bytes: nothing is copied, nothing allocated, valid as long as they are.

from libc.stdint cimport int32_t

cdef enum:
    JSON = 0                    # SerializeType of a header
    ROCKETMQ = 1
    FLAG_RESPONSE = 1           # bits of Frame.flag
    FLAG_ONEWAY = 2
    LANGUAGE_OTHER = 7
    MAX_EXT = 40                # ext entries held in place; a header with more is odd
    PREFIX_SIZE = 8             # length and header-length words
    FRAME_LIMIT = 16777216      # upstream's default, counted with the length word

# Why scan_frame found a frame malformed. Never renumber: `reason_text` is indexed by them.
cdef enum:
    BAD_LENGTH = -1             # shorter than its own prefix, or negative
    FRAME_TOO_LARGE = -2        # announced beyond the limit
    BAD_TYPE = -3               # neither JSON nor ROCKETMQ
    BAD_HEADER_SIZE = -4        # the header does not fit its frame
    BAD_BINARY_HEADER = -5      # a length inside a ROCKETMQ header leads outside it

cdef struct Slice:
    const char* at              # NULL: absent (null)
    int size
    bint escaped                # JSON text with backslashes: `unescape` it before use; plain bytes otherwise

cdef struct Frame:
    int32_t code
    int32_t version
    int32_t opaque
    int32_t flag
    int language                # LanguageCode; LANGUAGE_OTHER when unknown
    int serialize_type          # JSON or ROCKETMQ: how this header came
    Slice remark
    bint has_ext                # extFields was there, maybe empty
    int ext_count
    Slice[MAX_EXT] ext_key      # in the order of the wire; a later entry of the same key wins
    Slice[MAX_EXT] ext_value
    const char* header
    int header_size
    const char* body            # NULL when there is none; an empty body is none
    int body_size
    bint odd                    # only the prefix and the body are known: the header needs the full decoder

# > 0: the whole frame's length (whether all of it is there or not); 0: fewer than 4 bytes; < 0: malformed.
cdef Py_ssize_t frame_length(const char* data, Py_ssize_t size, Py_ssize_t limit) noexcept nogil

# > 0: a whole frame of that length, `out` is filled; 0: incomplete; < 0: malformed, why.
# Text in `out` is valid UTF-8 and its escapes are well formed unless `odd`.
cdef Py_ssize_t scan_frame(const char* data, Py_ssize_t size, Frame* out) noexcept nogil

# The bytes a slice means, as UTF-8, into `into`; their number, or -1 when `capacity` is too small.
# They are never more than slice.size. Plain slices are copied as they are.
cdef int unescape(const Slice* text, char* into, int capacity) noexcept nogil

# Whether a slice is these bytes; an escaped one never is (no known name needs an escape).
cdef bint slice_is(const Slice* text, const char* name, int size) noexcept nogil

# A decimal integer, all of the slice: 1 and *out, or 0. Accepts a sign as Java's parseLong does.
cdef bint slice_i64(const Slice* text, long long* out) noexcept nogil
cdef bint slice_i32(const Slice* text, int32_t* out) noexcept nogil

cdef str slice_text(const Slice* text)         # the str a slice means, None when absent
