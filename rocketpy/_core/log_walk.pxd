# A walk over the commit log's records in order, as recovery does it.

from libc.stdint cimport int64_t

from rocketpy._core.commit_log cimport MessageToPut
from rocketpy._core.consume_queue cimport QueueState
from rocketpy._core.store_writer cimport StoreWriter

cdef enum:
    CACHED_QUEUES = 1024          # power of two

cdef class LogWalk:
    cdef StoreWriter writer
    cdef public int64_t at        # offset of the next record
    cdef readonly int64_t records
    cdef readonly list unreachable           # (offset, topic, queue id) of records whose names cannot be folders
    cdef readonly int64_t last_at            # where the last record seen begins; -1: none
    cdef readonly int64_t last_timestamp     # largest store time seen
    cdef int64_t data_until                  # no hole before this
    cdef bint dispatch            # queue entries are checked, mended and appended
    cdef bint check_crc
    cdef bint fill_gaps           # entries between a queue's end and a record's queue offset are lost: filled
    cdef QueueState* cache[1024]
    cdef int _step(self, int64_t stop, MessageToPut* message) noexcept nogil
    cdef QueueState* _cached(self, const MessageToPut* message, int* slot) noexcept nogil
    cdef bint _dispatch_slowly(self, MessageToPut* message) except -1
