# The one door for puts: commit log record, consume queue entry and index entries of a message, all or nothing.

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.commit_log cimport MessageToPut
from rocketpy._core.consume_queue cimport ConsumeQueue, QueueState
from rocketpy._core.consume_queue_ext cimport ConsumeQueueExt
from rocketpy._core.index_file cimport IndexState, IndexWriter
from rocketpy._core.mapped_files cimport FileSeq, MappedFiles

cdef enum:                        # what a put returns
    PUT_DONE = 0
    PUT_NEEDS_SPACE = 1           # nothing was written: prepare() with the GIL (StoreWriter.prepare), then once more
    PUT_MESSAGE_ILLEGAL = 2       # larger than maxMessageSize or a log file, topic or properties too long
    PUT_NOT_WRITEABLE = 3         # shut down, disk full or failed, slave: SERVICE_NOT_AVAILABLE
    PUT_BATCH_TOO_LARGE = 4       # the records of a batch together are over maxMessageSize: upstream's "message size exceeded"

cdef struct StoreState:
    FileSeq* log                  # the commit log
    IndexState* index             # where keys go; NULL: nowhere (messageIndexEnable=false)
    QueueState* woken             # queues with holds that got entries, chained by next_woken; who drains it clears `woken`
    QueueState* dirty             # queues with entries since take_dirty, chained by next_dirty
    const int64_t* delays_ms      # delay of level 1, 2, …: deliver time of messages in SCHEDULE_TOPIC_XXXX
    int delay_levels
    int64_t durable_offset        # the commit log is on disk up to here; raised in the loop thread only
    int64_t max_message_size      # of a whole record
    int64_t physic_timestamp      # store time of the last record
    int64_t logics_timestamp      # store time of the last consume queue entry
    int64_t wake_flush_at         # once the log's end passes this offset, the flush thread is told: enough pages gathered
    int64_t wake_helper_at        # once the log's end passes this offset, the allocator is told to go ahead
    int64_t memory_bytes          # more than this behind the end counts as "on disk" (40 % of RAM)
    int max_bytes_in_memory       # limits of one get (maxTransferBytesOnMessageInMemory …)
    int max_count_in_memory
    int max_bytes_on_disk
    int max_count_on_disk
    int helper_fd                 # eventfd of the allocator thread; -1: none
    int flush_fd                  # eventfd of the flush thread; -1: none
    int flush_asked               # the flush thread was woken and has not looked at the log's end since
    bint sync_flush               # flushDiskType=SYNC_FLUSH: an answer waits until durable_offset covers it
    bint writeable                # false: every put is refused
    bint readable
    bint wake_on_put              # chain queues with holds on `woken`
    int64_t put_nums              # records appended since the start, of all topics
    int64_t put_bytes
    int64_t gets_found            # gets that found messages, and how many those were
    int64_t got_nums
    int64_t gets_missed           # gets that found none

cdef int put_message(StoreState* store, QueueState* queue, MessageToPut* message) noexcept nogil
                                  # PUT_…; sets physical_offset, size, queue_offset of the message
cdef int put_messages(StoreState* store, QueueState* queue, MessageToPut* messages, int count) noexcept nogil
                                  # PUT_…: a batch, contiguous in one file
cdef int put_pair(
    StoreState* store, QueueState* first_queue, MessageToPut* first, QueueState* second_queue, MessageToPut* second,
) noexcept nogil                  # PUT_…: two messages of two queues, both or none, one behind the other in one file
cdef inline void count_get(StoreState* store, int64_t nums) noexcept nogil:
    if nums:
        store.gets_found += 1
        store.got_nums += nums
    else:
        store.gets_missed += 1

cdef void request_flush(StoreState* store) noexcept nogil                        # wake the flush thread: somebody waits for durable_offset
cdef int index_keys(StoreState* store, const MessageToPut* message) noexcept nogil  # index entries the message makes
cdef int64_t entry_code(StoreState* store, const MessageToPut* message) noexcept nogil
                                  # tags code of the queue entry: deliver time in SCHEDULE_TOPIC_XXXX, else the hash of TAGS
cdef int dispatch_message(StoreState* store, QueueState* queue, MessageToPut* message, bint often) noexcept nogil
                                  # recovery: queue entry and index entries of a record that is in the log already

cdef class StoreWriter:
    cdef StoreState state         # stays at this address
    cdef readonly MappedFiles log
    cdef readonly dict queues     # (topic bytes, queue id) -> ConsumeQueue
    cdef readonly str queue_folder
    cdef readonly int64_t queue_file_size
    cdef readonly str ext_folder  # of consumequeue_ext; None: queues have no units
    cdef readonly int64_t ext_file_size
    cdef readonly bint puts_units # enableConsumeQueueExt: every new entry gets one
    cdef public dict bitmaps      # topic bytes -> FilterBitmaps, made for the units of its messages
    cdef IndexWriter index        # owns state.index
    cdef list deleted             # queues taken out: their QueueState stays valid for whoever still holds it
    cdef int64_t[64] delays_ms
    cdef ConsumeQueue find_queue(self, bytes topic, int queue_id)                # made if there is none, in memory; folder at the first put
    cdef int prepare(self, QueueState* queue, int64_t size, int entries, int keys) except -1
                                  # after PUT_NEEDS_SPACE: 1: put again; OSError: the disk refused
    cdef int prepare_index(self, int keys) except -1
    cdef int unmap_queues(self, QueueState* but) except -1
    cdef int prepare_ext(self, QueueState* queue) except -1
    cdef ConsumeQueueExt ext_of(self, bytes topic, int queue_id)                 # made, not loaded
    cdef int _add_queue_file(self, ConsumeQueue queue) except -1
    cdef tuple _put_all(self, ConsumeQueue queue, MessageToPut* messages, int count)
