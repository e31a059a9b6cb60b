# Reading for pull: slices of the mapped commit log, chosen by a consume queue (docs/formats.md).

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.consume_queue cimport Entry, QueueState
from rocketpy._core.message_filter cimport RecordTest
from rocketpy._core.store_writer cimport StoreState

cdef enum:                        # GetMessageStatus, in upstream's order
    GET_FOUND = 0
    GET_NO_MATCHED_MESSAGE = 1
    GET_MESSAGE_WAS_REMOVING = 2
    GET_OFFSET_FOUND_NULL = 3
    GET_OFFSET_OVERFLOW_BADLY = 4
    GET_OFFSET_OVERFLOW_ONE = 5
    GET_OFFSET_TOO_SMALL = 6
    GET_NO_MATCHED_LOGIC_QUEUE = 7
    GET_NO_MESSAGE_IN_QUEUE = 8
    GET_NOT_IN_MEMORY = 9         # ours: the disk would have to be read; bring it in (store/cold_reads.py), then get again

cdef enum:
    MAX_SLICES = 128              # a get ends early rather than return more pieces
    HOT_BYTES = 8 << 20           # so much at the log's end was written a moment ago: it is in memory, nobody is asked

cdef struct TagFilter:             # what a pull asks for
    bint all                      # every tag matches
    const int32_t* codes          # hash codes of the tags asked for
    int count
    const RecordTest* test        # asked with the properties of each message whose tag matches; NULL: nothing is asked

cdef struct LogSlice:
    const char* at                # in a map: valid until the loop's turn ends
    int64_t size

cdef struct Found:
    int status                    # GET_…
    int count                     # messages
    int slice_count
    bint suggest_slave            # the reader is so far behind that the disk is read: suggestPullingFromSlave
    int64_t size                  # bytes of all slices
    int64_t next_begin_offset
    int64_t min_offset
    int64_t max_offset
    int64_t behind_bytes          # from the last message that was looked at to the log's end; -1: none was
    const char* last              # the last message found
    LogSlice slices[MAX_SLICES]   # adjacent messages are one slice

cdef int get_messages(
    StoreState* store, QueueState* queue, int64_t offset, int max_nums, const TagFilter* tags, bint may_wait, Found* out,
) noexcept nogil                  # returns out.status; not may_wait: only what is in memory, which may be less than there is
cdef bint tags_match(const TagFilter* tags, int64_t tags_code) noexcept nogil
cdef bint entry_matches(QueueState* queue, const TagFilter* tags, int64_t tags_code) noexcept nogil
                                  # by the tags field of an entry: where that is an address, by its unit and the bitmap there
cdef bint message_matches(StoreState* store, QueueState* queue, const TagFilter* tags, const Entry* entry) noexcept nogil
                                  # by the message itself as well; a record that cannot be read matches: who gets it sees to it
cdef const char* record_at(StoreState* store, int64_t physical_offset, int32_t* size) noexcept nogil
                                  # one record, lengths checked, or NULL
cdef int64_t last_time_ms(const Found* found) noexcept nogil
                                  # store time of the last message found, -1: none was
