"""Where remoting and the fast lane meet: frames go in, replies come out in the peer's buffers.

The base lane serves nothing, so everything takes the full lane; a peer without a socket keeps what it is given, which
is how tests see a lane's replies.
"""

from libc.stdint cimport int64_t
from libc.string cimport memset

from rocketpy._core.frame cimport Frame, scan_frame
from rocketpy._core.out_buffer cimport out_append, out_bytes, out_clear, out_free


cdef class LanePeer:
    def __cinit__(self):
        memset(&self.peer, 0, sizeof(Peer))
        self.peer.owner = <void*>self
        self.is_open = True

    def __dealloc__(self):
        out_free(&self.peer.out)
        out_free(&self.peer.gated)

    @property
    def born_host(self) -> bytes:
        return self.peer.born_host[:8]

    cdef int flush_out(self) except -1:
        return 0

    cdef bytes take_gated(self):
        cdef bytes frames = out_bytes(&self.peer.gated, 0)
        out_clear(&self.peer.gated)
        return frames

    cpdef int write_late(self, bytes frames) except -1:
        if not self.is_open:
            return 0
        if out_append(&self.peer.out, frames, len(frames)) < 0:
            raise MemoryError
        return self.flush_out()

    def take_out(self) -> bytes:
        cdef bytes frames = out_bytes(&self.peer.out, 0)
        out_clear(&self.peer.out)
        return frames


cdef class Lane:
    cdef int serve(self, Frame* frame, Peer* peer, int64_t now_ms) noexcept nogil:
        return 0

    cdef int serve_slow(self, Frame* frame, LanePeer peer, int64_t now_ms) except -1:
        return 0

    cdef int end_turn(self, LanePeer peer) except -1:
        return 0

    cdef int turn_took(self, int64_t ns) except -1:
        return 0

    cdef int forget(self, LanePeer peer) except -1:
        return 0

    def offer(self, const unsigned char[::1] frame not None, LanePeer peer not None, now_ms: int) -> bool:
        cdef Frame scanned
        cdef const char* at = <const char*>&frame[0] if frame.shape[0] else NULL
        cdef int served
        if scan_frame(at, frame.shape[0], &scanned) <= 0 or scanned.odd:
            raise ValueError("not a whole plain frame")
        served = self.serve(&scanned, &peer.peer, now_ms)
        if served < 0:
            served = self.serve_slow(&scanned, peer, now_ms)
        return served == 1

    def finish_turn(self, LanePeer peer not None, took_ns: int = 0) -> None:
        self.end_turn(peer)
        self.turn_took(took_ns)
