# Where remoting and the fast lane meet: remoting hands over scanned frames, the lane leaves replies in the peer's
# buffers. A lane knows no socket, remoting knows no message.

from libc.stdint cimport int64_t

from rocketpy._core.frame cimport Frame
from rocketpy._core.out_buffer cimport OutBuffer

cdef struct Peer:
    OutBuffer out               # replies to send at the end of this turn
    OutBuffer gated             # replies that wait until the store is durable up to `gate`
    int64_t gate                # physical offset; the lane raises it with each gated reply
    char[8] born_host           # the peer's address as on disk: IPv4, port as i32 big-endian
    void* owner                 # the LanePeer, borrowed

cdef class LanePeer:
    cdef Peer peer
    cdef readonly bint is_open  # false once the connection is lost or closed; nothing is sent any more

    # Send what stands in peer.out now: for replies made outside of a turn (held pulls, late answers).
    # Inside a turn it does nothing: the end of the turn writes.
    cdef int flush_out(self) except -1
    # The gated replies as bytes that may be kept, and an empty peer.gated. peer.gate is left as it is.
    cdef bytes take_gated(self)
    # Send bytes of whole frames now (a gate opened), or forget them when the connection is gone.
    cpdef int write_late(self, bytes frames) except -1

cdef class Lane:
    # 1: served (its reply, if any, is in `peer`); 0: not mine, take the full lane; -1: call serve_slow with the GIL.
    # 0 and -1 mean that nothing was changed. `frame` is valid during the call only and never odd nor a response.
    cdef int serve(self, Frame* frame, Peer* peer, int64_t now_ms) noexcept nogil
    # The same with the GIL: 1 served, 0 not mine. An exception is answered like a processor's.
    cdef int serve_slow(self, Frame* frame, LanePeer peer, int64_t now_ms) except -1
    # After all frames of one read: hand over gated replies, wake held pulls. peer.out is written right after it.
    cdef int end_turn(self, LanePeer peer) except -1
    # Then, how long it took from what was read to replies that are ready to be written.
    cdef int turn_took(self, int64_t ns) except -1
    # The connection is gone: forget what is held for it.
    cdef int forget(self, LanePeer peer) except -1
