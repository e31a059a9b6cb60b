from libc.stdint cimport int64_t

from rocketpy._core.desk cimport Desk, Send
from rocketpy._core.frame cimport Frame
from rocketpy._core.lane cimport Peer

# SERVED, NOT_MINE or NEEDS_… of desk.pxd; what `send` holds then is for whoever fetches what is needed.
cdef int serve_send(Desk* desk, const Frame* frame, Peer* peer, int64_t now_ms, Send* send) noexcept nogil
