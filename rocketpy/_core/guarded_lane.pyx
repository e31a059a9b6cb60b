"""A lane behind access control: checks a send or a pull with the GIL, then lets the inner lane serve it.

Invariant: what the check saw is what the inner lane serves. Where the inner lane could take another field than the
check did (a name twice, or a send whose topic stands under both of its names) the full lane decides.
"""

from libc.stdint cimport int64_t

from rocketpy._core.command cimport Command, frame_command
from rocketpy._core.frame cimport Frame
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


cdef class GuardedLane(Lane):
    def __init__(self, Lane inner not None, object check not None):
        self.inner = inner
        self.check = check

    cdef int serve(self, Frame* frame, Peer* peer, int64_t now_ms) noexcept nogil:
        cdef int code = frame.code
        if code == SEND_MESSAGE_V2 or code == PULL_MESSAGE or code == SEND_MESSAGE or code == SEND_BATCH_MESSAGE:
            return -1
        return 0

    cdef int serve_slow(self, Frame* frame, LanePeer peer, int64_t now_ms) except -1:
        cdef Command request = frame_command(frame)
        cdef int served
        if not _is_plain(request, frame):
            return 0
        self.check(peer, request)
        served = self.inner.serve(frame, &peer.peer, now_ms)
        return self.inner.serve_slow(frame, peer, now_ms) if served < 0 else served

    cdef int end_turn(self, LanePeer peer) except -1:
        return self.inner.end_turn(peer)

    cdef int forget(self, LanePeer peer) except -1:
        return self.inner.forget(peer)
