# A lane behind access control: nothing reaches the inner lane before the check has let it pass.

from rocketpy._core.lane cimport Lane

cdef class GuardedLane(Lane):
    cdef:
        Lane inner
        object check            # check(peer, command); raises what the peer is then answered
