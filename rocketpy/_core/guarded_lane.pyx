"""A lane behind access control: asks the gate about a send or a pull, then lets the inner lane serve it.

What is signed is put together from the frame in place; a Command is made only for what the gate does not know to allow.
Invariant: what the gate saw is what the inner lane serves. Where the inner lane could take another field than the gate
did (a name twice, or a send whose topic stands under both of its names) the full lane decides.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy, memset

from rocketpy._core.command cimport Command, frame_command
from rocketpy._core.frame cimport Frame, Slice, slice_is, slice_text, unescape
from rocketpy._core.lane cimport Lane, LanePeer, Peer

cdef enum:
    SEND_MESSAGE = 10            # RequestCode
    PULL_MESSAGE = 11
    SEND_MESSAGE_V2 = 310
    SEND_BATCH_MESSAGE = 320


cdef bint _is_plain(Command request, const Frame* frame):
    cdef dict ext = request.ext
    if ext is None or len(ext) != frame.ext_count:
        return False
    if frame.code == PULL_MESSAGE:
        return True
    return ("b" if frame.code == SEND_MESSAGE else "topic") not in ext


cdef int _compare(const Slice* one, const Slice* other) noexcept nogil:
    cdef int order = memcmp(one.at, other.at, min(one.size, other.size))
    return order if order else one.size - other.size


cdef bint _insert(Facts* facts, const Frame* frame, int place) noexcept nogil:
    """Keep the order of names; False when the name is there already."""
    cdef int at = facts.count, order = 1
    while at > 0:
        order = _compare(&frame.ext_key[place], &frame.ext_key[facts.order[at - 1]])
        if order >= 0:
            break
        facts.order[at] = facts.order[at - 1]
        at -= 1
    facts.order[at] = place
    facts.count += 1
    return order != 0


cdef bint _read(const Frame* frame, Facts* facts) noexcept nogil:
    """Fill `facts`; False when something is missing, or could be read in two ways."""
    cdef bint by_letter = frame.code == SEND_MESSAGE_V2 or frame.code == SEND_BATCH_MESSAGE
    cdef const Slice* key
    cdef const Slice* value
    cdef int place
    memset(facts, 0, sizeof(Facts))
    for place in range(frame.ext_count):
        key, value = &frame.ext_key[place], &frame.ext_value[place]
        if key.escaped or value.at == NULL:
            return False
        if slice_is(key, b"Signature", 9):
            if facts.signature.at != NULL or value.escaped:
                return False
            facts.signature = value[0]
            continue
        if slice_is(key, b"AccessKey", 9):
            facts.access_key = value[0]
        elif slice_is(key, b"consumerGroup", 13):
            facts.group = value[0]
        elif slice_is(key, b"topic", 5):
            if by_letter:
                return False
            facts.topic = value[0]
        elif slice_is(key, b"b", 1):
            if frame.code == SEND_MESSAGE:
                return False
            if by_letter:
                facts.topic = value[0]
        if not _insert(facts, frame, place):
            return False
    return (facts.access_key.at != NULL and facts.signature.at != NULL and facts.topic.at != NULL
            and (facts.group.at != NULL or frame.code != PULL_MESSAGE))


cdef class GuardedLane(Lane):
    def __init__(self, Lane inner not None, object gate not None):
        self.inner = inner
        self.gate = gate

    def __dealloc__(self):
        free(self.values)

    cdef int serve(self, Frame* frame, Peer* peer, int64_t now_ms) noexcept nogil:
        cdef int code = frame.code
        if code == SEND_MESSAGE_V2 or code == PULL_MESSAGE or code == SEND_MESSAGE or code == SEND_BATCH_MESSAGE:
            return -1
        return 0

    cdef int serve_slow(self, Frame* frame, LanePeer peer, int64_t now_ms) except -1:
        cdef Command request
        cdef int served
        if not self.passes(frame, peer):
            request = frame_command(frame)
            if not _is_plain(request, frame):
                return 0
            self.gate.check(peer, request)
        served = self.inner.serve(frame, &peer.peer, now_ms)
        return self.inner.serve_slow(frame, peer, now_ms) if served < 0 else served

    cdef bint passes(self, Frame* frame, LanePeer peer) except -1:
        cdef Facts facts
        if self.gate.is_white(peer):
            return True
        if not _read(frame, &facts):
            return False
        signature = PyBytes_FromStringAndSize(facts.signature.at, facts.signature.size)
        group = slice_text(&facts.group) if frame.code == PULL_MESSAGE else ""
        key, topic = slice_text(&facts.access_key), slice_text(&facts.topic)
        return self.gate.allows(frame.code, key, signature, self.content(frame, &facts), topic, group)

    cdef bytes content(self, const Frame* frame, const Facts* facts):
        """The bytes that the signature is made of: the values by their names, and the body."""
        cdef Py_ssize_t size = 0
        cdef const Slice* value
        cdef char* grown
        cdef int at
        if self.capacity < frame.header_size:
            grown = <char*>realloc(self.values, frame.header_size)
            if grown == NULL:
                raise MemoryError
            self.values, self.capacity = grown, frame.header_size
        for at in range(facts.count):
            value = &frame.ext_value[facts.order[at]]
            if value.escaped:
                size += unescape(value, self.values + size, <int>(self.capacity - size))
            else:
                memcpy(self.values + size, value.at, value.size)
                size += value.size
        signed = PyBytes_FromStringAndSize(NULL, size + frame.body_size)
        memcpy(PyBytes_AS_STRING(signed), self.values, size)
        if frame.body_size:
            memcpy(PyBytes_AS_STRING(signed) + size, frame.body, frame.body_size)
        return signed

    cdef int end_turn(self, LanePeer peer) except -1:
        return self.inner.end_turn(peer)

    cdef int turn_took(self, int64_t ns) except -1:
        return self.inner.turn_took(ns)

    cdef int forget(self, LanePeer peer) except -1:
        return self.inner.forget(peer)
