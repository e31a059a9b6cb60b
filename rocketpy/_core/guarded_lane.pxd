# A lane behind access control: nothing reaches the inner lane before the gate has let it pass.

from rocketpy._core.frame cimport MAX_EXT, Frame, Slice
from rocketpy._core.lane cimport Lane, LanePeer

cdef struct Facts:
    Slice access_key            # what decides about a send or a pull; `at` NULL where there is none
    Slice signature
    Slice topic
    Slice group
    int count                   # ext fields that are signed: all but the signature
    int[MAX_EXT] order          # their places in the frame, by name

cdef class GuardedLane(Lane):
    cdef:
        Lane inner
        object gate             # see guarded_lane.pyi
        char* values            # scratch: the signed values of one frame
        Py_ssize_t capacity
    cdef bint passes(self, Frame* frame, LanePeer peer) except -1
    cdef bytes content(self, const Frame* frame, const Facts* facts)
