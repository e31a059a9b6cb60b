# Ends of transactions, served from the read buffer.

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.commit_log cimport MessageToPut
from rocketpy._core.consume_queue cimport QueueState
from rocketpy._core.desk cimport Desk
from rocketpy._core.frame cimport Frame, Slice
from rocketpy._core.lane cimport Peer
from rocketpy._core.lane_rows cimport SendRow

cdef struct End:                 # one end of a transaction on its way
    Slice group
    int64_t half_queue_offset    # tranStateTableOffset
    int64_t half_at              # commitLogOffset
    int32_t how                  # commitOrRollback
    const char* topic            # the half message's own topic, in the mapped log
    int topic_size
    int32_t queue_id
    SendRow* row
    QueueState** missing         # the place of a queue that was not looked up yet
    MessageToPut final
    MessageToPut op
    char[20] op_body

# SERVED, NOT_MINE or NEEDS_… of desk.pxd; after NEEDS_QUEUE: the queue of `final`, or of `op`, whose place is `missing`.
cdef int serve_end(Desk* desk, const Frame* frame, Peer* peer, int64_t now_ms, End* end) noexcept nogil
