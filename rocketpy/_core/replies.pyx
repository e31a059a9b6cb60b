"""Writes the replies of sends and pulls as whole frames; invariant: the same bytes as the full lane's Command gives.

JSON headers only, members in the order of upstream's HashMap for these fields (samples of upstream's bytes:
tests/golden). A server that answers in ROCKETMQ headers runs without the fast lane.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, strlen

from rocketpy._core.out_buffer cimport OutBuffer, out_commit, out_reserve

cdef enum:
    PREFIX = 8                   # frame length and header length
    HEADER_ROOM = 640            # more than any header here without its message ids and region


cdef char* _text(char* at, const char* text) noexcept nogil:
    cdef size_t size = strlen(text)
    memcpy(at, text, size)
    return at + size


cdef char* _bytes(char* at, const char* data, int size) noexcept nogil:
    memcpy(at, data, size)
    return at + size


cdef char* write_number(char* at, int64_t value) noexcept nogil:
    cdef char[24] digits
    cdef int count = 0
    cdef uint64_t rest = <uint64_t>value
    if value < 0:
        at[0] = c"-"
        at += 1
        rest = -rest
    while True:
        digits[count] = <char>(c"0" + rest % 10)
        count += 1
        rest //= 10
        if rest == 0:
            break
    while count > 0:
        count -= 1
        at[0] = digits[count]
        at += 1
    return at


cdef void _put32(char* at, uint32_t value) noexcept nogil:
    at[0] = <char>(value >> 24)
    at[1] = <char>(value >> 16)
    at[2] = <char>(value >> 8)
    at[3] = <char>value


cdef char* _tail(char* at, int32_t opaque, const char* remark) noexcept nogil:
    """What stands behind the last ext field's value."""
    return _end(_text(at, b'"}'), opaque, remark)


cdef char* _end(char* at, int32_t opaque, const char* remark) noexcept nogil:
    at = _text(at, b',"flag":1,"language":"JAVA","opaque":')
    at = write_number(at, opaque)
    if remark != NULL:
        at = _text(at, b',"remark":"')
        at = _text(at, remark)
        at = _text(at, b'"')
    return _text(at, b',"serializeTypeCurrentRPC":"JSON","version":317}')


cdef int _finish(OutBuffer* out, char* start, char* end, Py_ssize_t body_size) noexcept nogil:
    cdef Py_ssize_t header_size = end - start - PREFIX
    _put32(start, <uint32_t>(4 + header_size + body_size))
    _put32(start + 4, <uint32_t>header_size)
    return out_commit(out, end - start)


cdef int write_send_reply(
    OutBuffer* out, int32_t opaque, const SendWords* words, int32_t queue_id, int64_t queue_offset,
    const char* message_ids, int message_ids_size
) noexcept nogil:
    """Success of a send; `message_ids` is one id, or a batch's joined by commas. -1: no memory."""
    cdef char* start = out_reserve(out, HEADER_ROOM + words.middle_size + message_ids_size)
    cdef char* at
    if start == NULL:
        return -1
    at = _text(start + PREFIX, b'{"code":0,"extFields":{"queueId":"')
    at = write_number(at, queue_id)
    at = _bytes(at, words.middle, words.middle_size)
    at = _bytes(at, message_ids, message_ids_size)
    at = _text(at, b'","queueOffset":"')
    at = write_number(at, queue_offset)
    return _finish(out, start, _tail(at, opaque, NULL), 0)


cdef int write_plain_reply(OutBuffer* out, int32_t opaque, const char* remark) noexcept nogil:
    """Success, and nothing else to say. -1: no memory."""
    cdef char* start = out_reserve(out, HEADER_ROOM)
    if start == NULL:
        return -1
    return _finish(out, start, _end(_text(start + PREFIX, b'{"code":0'), opaque, remark), 0)


cdef int write_pull_reply(OutBuffer* out, int32_t opaque, const PullAnswer* answer) noexcept nogil:
    """Header of a pull's reply; the `body_size` bytes of its body must follow. -1: no memory."""
    cdef char* start = out_reserve(out, HEADER_ROOM)
    cdef char* at
    if start == NULL:
        return -1
    at = _text(start + PREFIX, b'{"code":')
    at = write_number(at, answer.code)
    at = _text(at, b',"extFields":{"suggestWhichBrokerId":"')
    at = write_number(at, answer.suggest_which_broker_id)
    at = _text(at, b'","nextBeginOffset":"')
    at = write_number(at, answer.next_begin_offset)
    at = _text(at, b'","maxOffset":"')
    at = write_number(at, answer.max_offset)
    at = _text(at, b'","minOffset":"')
    at = write_number(at, answer.min_offset)
    return _finish(out, start, _tail(at, opaque, answer.remark), answer.body_size)


cdef void write_message_id(char* into, const char* store_host, int64_t physical_offset) noexcept nogil:
    """32 upper-case hex characters: store host (8 bytes as on disk) and physical offset (MessageDecoder)."""
    cdef const char* hexes = b"0123456789ABCDEF"
    cdef int i
    cdef unsigned char byte
    for i in range(16):
        byte = <unsigned char>store_host[i] if i < 8 else <unsigned char>(physical_offset >> (8 * (15 - i)))
        into[2 * i] = hexes[byte >> 4]
        into[2 * i + 1] = hexes[byte & 15]
