# The common way of a message: sends and tag-filtered pulls, served from the read buffer without a Python object.

from libc.stdint cimport int64_t

from rocketpy._core.commit_log cimport MessageToPut
from rocketpy._core.consume_queue cimport QueueState
from rocketpy._core.desk cimport Desk, Pull, Send
from rocketpy._core.frame cimport Frame
from rocketpy._core.histogram cimport Histogram
from rocketpy._core.holds cimport Holds
from rocketpy._core.lane cimport Lane, LanePeer
from rocketpy._core.lane_rows cimport LaneRows
from rocketpy._core.serve_end cimport End
from rocketpy._core.store_writer cimport StoreWriter

cdef class FastLane(Lane):
    cdef Desk desk
    cdef LaneRows rows
    cdef StoreWriter writer
    cdef readonly Holds holds
    cdef object rules            # broker.lane_rules.LaneRules
    cdef object gate             # broker.reply_gate.ReplyGate
    cdef public Histogram send_times      # of sends from what was read to replies that are ready to be written
    cdef public Histogram pull_times      # of pulls that were not held, likewise
    cdef readonly int64_t served # requests, since the start
    cdef list items              # what desk.halves and desk.delays point into
    cdef bytes middle            # what desk.words.middle points to
    cdef int _find_items(self) except -1
    cdef int _prepare_send(self, int need, Send* send) except -1
    cdef int _add_send_row(self, bytes topic) except -1
    cdef int _find_queue(self, const MessageToPut* message, QueueState** place) except -1
    cdef int _prepare_end(self, int need, End* end) except -1
    cdef int _make_space_for_end(self, End* end) except -1
    cdef int _make_space(self, Send* send) except -1
    cdef int _prepare_pull(self, int need, Pull* pull) except -1
    cdef int _hold(self, Frame* frame, Pull* pull, LanePeer peer) except -1
    cdef int _commit_offsets(self) except -1
    cdef int _tell_delayed(self) except -1
