"""Reads the headers of sends and pulls out of a scanned frame; invariant: False means "not plain", never a wrong value.

The field names and letters are upstream's SendMessageRequestHeader, SendMessageRequestHeaderV2 and
PullMessageRequestHeader. A header that lacks a required field, or holds one that is no plain number, is left to the
full lane, which names the fault.
"""

from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memset

from rocketpy._core.frame cimport Frame, Slice, slice_i32, slice_i64, slice_is

cdef enum:
    SEND_MESSAGE = 10            # RequestCode; the others of sends have the letters
    SEND_REQUIRED = 0xFF         # letters a to h
    PULL_REQUIRED = 0x1FF        # the nine required names, in the order below


cdef char _letter(int32_t code, const Slice* key) noexcept nogil:
    """The one-letter name of a send field, from the spelling that the code has; 0 for a field that is none."""
    if code != SEND_MESSAGE:
        return key.at[0] if key.size == 1 else 0
    if slice_is(key, b"producerGroup", 13):
        return c"a"
    if slice_is(key, b"topic", 5):
        return c"b"
    if slice_is(key, b"defaultTopic", 12):
        return c"c"
    if slice_is(key, b"defaultTopicQueueNums", 21):
        return c"d"
    if slice_is(key, b"queueId", 7):
        return c"e"
    if slice_is(key, b"sysFlag", 7):
        return c"f"
    if slice_is(key, b"bornTimestamp", 13):
        return c"g"
    if slice_is(key, b"flag", 4):
        return c"h"
    if slice_is(key, b"properties", 10):
        return c"i"
    if slice_is(key, b"reconsumeTimes", 14):
        return c"j"
    if slice_is(key, b"batch", 5):
        return c"m"
    return 0


cdef bint _take_send_field(char letter, const Slice* value, SendRequest* request) noexcept nogil:
    cdef int32_t unused
    if letter == c"b":
        request.topic = value[0]
    elif letter == c"d":
        return slice_i32(value, &unused)
    elif letter == c"e":
        return slice_i32(value, &request.queue_id)
    elif letter == c"f":
        return slice_i32(value, &request.sys_flag)
    elif letter == c"g":
        return slice_i64(value, <long long*>&request.born_timestamp)
    elif letter == c"h":
        return slice_i32(value, &request.flag)
    elif letter == c"i":
        request.properties = value[0]
    elif letter == c"j":
        return slice_i32(value, &request.reconsume_times)
    elif letter == c"m":
        request.batch = slice_is(value, b"true", 4)
        return request.batch or slice_is(value, b"false", 5)
    return True


cdef bint read_send_request(const Frame* frame, SendRequest* request) noexcept nogil:
    """Fill `request`; False when the header is not plain."""
    cdef uint32_t seen = 0
    cdef char letter
    cdef int i
    memset(request, 0, sizeof(SendRequest))
    for i in range(frame.ext_count):
        letter = _letter(frame.code, &frame.ext_key[i])
        if letter >= c"a" and letter <= c"h":
            seen |= <uint32_t>1 << (letter - c"a")
        if not _take_send_field(letter, &frame.ext_value[i], request):
            return False
    return seen == SEND_REQUIRED and not request.topic.escaped


cdef uint32_t _take_pull_field(const Slice* key, const Slice* value, PullRequest* request) noexcept nogil:
    """The bit of the field that was taken, 0 for a field that does not matter, the top bit for a bad value."""
    cdef uint32_t bad = <uint32_t>1 << 31
    if slice_is(key, b"consumerGroup", 13):
        request.group = value[0]
        return 1
    if slice_is(key, b"topic", 5):
        request.topic = value[0]
        return 2
    if slice_is(key, b"queueId", 7):
        return 4 if slice_i32(value, &request.queue_id) else bad
    if slice_is(key, b"queueOffset", 11):
        return 8 if slice_i64(value, <long long*>&request.queue_offset) else bad
    if slice_is(key, b"maxMsgNums", 10):
        return 16 if slice_i32(value, &request.max_msg_nums) else bad
    if slice_is(key, b"sysFlag", 7):
        return 32 if slice_i32(value, &request.sys_flag) else bad
    if slice_is(key, b"commitOffset", 12):
        return 64 if slice_i64(value, <long long*>&request.commit_offset) else bad
    if slice_is(key, b"suspendTimeoutMillis", 20):
        return 128 if slice_i64(value, <long long*>&request.suspend_timeout_ms) else bad
    if slice_is(key, b"subVersion", 10):
        return 256 if slice_i64(value, <long long*>&request.sub_version) else bad
    if slice_is(key, b"subscription", 12):
        request.subscription = value[0]
    elif slice_is(key, b"expressionType", 14):
        request.expression_type = value[0]
    return 0


cdef bint read_pull_request(const Frame* frame, PullRequest* request) noexcept nogil:
    """Fill `request`; False when the header is not plain."""
    cdef uint32_t seen = 0
    cdef int i
    memset(request, 0, sizeof(PullRequest))
    for i in range(frame.ext_count):
        seen |= _take_pull_field(&frame.ext_key[i], &frame.ext_value[i], request)
    return seen == PULL_REQUIRED and not (request.group.escaped or request.topic.escaped or request.subscription.escaped)
