# The common way of a message: sends and tag-filtered pulls, served from the read buffer without a Python object.

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.commit_log cimport MessageToPut
from rocketpy._core.frame cimport Frame
from rocketpy._core.holds cimport Holds
from rocketpy._core.lane cimport Lane, LanePeer, Peer
from rocketpy._core.lane_rows cimport LaneRows, PullRow, SendRow
from rocketpy._core.replies cimport SendWords
from rocketpy._core.requests cimport PullRequest, SendRequest
from rocketpy._core.row_table cimport RowTable
from rocketpy._core.store_reader cimport Found, TagFilter
from rocketpy._core.store_writer cimport StoreState, StoreWriter

cdef enum:                       # how far a request came without the GIL
    NOT_MINE = 0
    SERVED = 1
    NEEDS_ROW = 2
    NEEDS_QUEUE = 3
    NEEDS_SPACE = 4
    NEEDS_HOLD = 5

cdef struct Desk:                # what serving needs, reachable without the GIL
    StoreState* store
    RowTable* sends
    RowTable* pulls
    PullRow** pending
    SendWords words
    char[8] store_host
    char* properties             # scratch: unescaped properties
    MessageToPut* messages       # scratch: a batch
    char* message_ids            # scratch: a batch's ids, joined by commas
    int32_t* codes               # scratch: tag codes that a pull brings itself
    int64_t missed               # pulls that found nothing, since the counts were last taken

cdef struct Send:                # one send on its way
    SendRequest request
    SendRow* row
    MessageToPut message
    int count                    # messages of a batch

cdef struct Pull:                # one pull on its way
    PullRequest request
    PullRow* row
    TagFilter tags
    Found found

cdef class FastLane(Lane):
    cdef Desk desk
    cdef LaneRows rows
    cdef StoreWriter writer
    cdef readonly Holds holds
    cdef object rules            # broker.lane_rules.LaneRules
    cdef object gate             # broker.reply_gate.ReplyGate
    cdef bytes middle            # what desk.words.middle points to
    cdef int _prepare_send(self, int need, Send* send) except -1
    cdef int _make_space(self, Send* send) except -1
    cdef int _prepare_pull(self, int need, Pull* pull) except -1
    cdef int _hold(self, Frame* frame, Pull* pull, LanePeer peer) except -1
    cdef int _commit_offsets(self) except -1
