# Pulls that wait for a message: found by their queue when it gets an entry, by their deadline, or by their connection.

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.consume_queue cimport ConsumeQueue, QueueState
from rocketpy._core.lane cimport LanePeer
from rocketpy._core.store_reader cimport Found, TagFilter
from rocketpy._core.store_writer cimport StoreState, StoreWriter
from rocketpy._core.traffic cimport Item

cdef class Hold:
    cdef ConsumeQueue queue
    cdef LanePeer peer           # None for a hold of the full lane, which answers by itself
    cdef Item item               # counts what is given to its group
    cdef object wake             # the full lane's callable; None for a hold of the fast lane
    cdef TagFilter tags          # of which messages; `codes` is owned by the hold
    cdef object filter           # keeps tags.test
    cdef int64_t asked_offset    # where the request began
    cdef int64_t offset          # everything before it was looked at and does not match
    cdef int64_t deadline_ms     # of the monotonic clock
    cdef int64_t suggest_which_broker_id
    cdef int32_t opaque
    cdef int32_t max_msg_nums

cdef class Holds:
    cdef StoreWriter writer
    cdef dict by_queue           # address of a QueueState -> list of its Holds; QueueState.holds is that list, borrowed
    cdef set all
    cdef object on_first         # called when the first hold comes: somebody must call expire() from now on
    cdef int add(self, Hold hold) except -1
    cdef int remove(self, Hold hold) except -1
    cdef int drain(self) except -1           # wake what StoreState.woken names
    cdef int forget_peer(self, LanePeer peer) except -1
    cdef int _wake_queue(self, QueueState* queue) except -1
    cdef int _try(self, Hold hold, bint last) except -1
    cdef int _ask_again(self, Hold hold) except -1

cdef int copy_tags(Hold hold, const TagFilter* tags) except -1
