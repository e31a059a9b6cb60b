from libc.stdint cimport int64_t

from rocketpy._core.desk cimport Desk, Pull
from rocketpy._core.frame cimport Frame
from rocketpy._core.lane cimport Peer

# SERVED, NOT_MINE or NEEDS_… of desk.pxd; what `pull` holds then is for whoever fetches what is needed.
cdef int serve_pull(Desk* desk, const Frame* frame, Peer* peer, int64_t now_ms, Pull* pull) noexcept nogil
# The offset that came along with a pull is committed at the end of the turn.
cdef void note_pull_commit(Desk* desk, Pull* pull) noexcept nogil
