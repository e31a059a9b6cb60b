# One queue of one topic: 20-byte entries (i64 physical offset, i32 size, i64 tags code), index k at byte k * 20.

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.consume_queue_ext cimport ConsumeQueueExt, ExtState
from rocketpy._core.mapped_files cimport FileSeq, MappedFiles
from rocketpy._core.message_filter cimport BitmapPlan, FilterBitmaps

cdef enum:
    ENTRY_SIZE = 20
    FILLER_SIZE = 0x7FFFFFFF      # size field of entries that only fill the space before a queue's first one

cdef struct Entry:
    int64_t physical_offset
    int32_t size
    int64_t tags_code             # or the address of a unit (consume_queue_ext.pxd)

cdef struct QueueState:           # stays at one address for the life of its ConsumeQueue
    FileSeq* files
    ExtState* ext                 # units of its entries; NULL: there are none
    BitmapPlan* bitmaps           # what goes into those units; NULL: no bitmaps
    int64_t max_index             # index of the next entry
    int64_t min_index             # first entry whose message is still in the commit log
    int64_t max_physical_offset   # end of the last message an entry points to
    int64_t last_physical_offset  # where the message of the last entry begins; -1: no entry, or a filler
    const char* topic             # UTF-8, the ConsumeQueue's memory
    int topic_size
    int32_t queue_id
    void* holds                   # held pulls (holds.pxd); NULL: none
    bint woken                    # already on StoreState.woken
    QueueState* next_woken
    bint dirty                    # on StoreState.dirty: has entries that were not handed to the flush thread
    QueueState* next_dirty
    bint used                     # put to or read since idle queues were last unmapped
    void* owner                   # its ConsumeQueue, borrowed

cdef int queue_room(QueueState* queue, int entries) noexcept nogil               # ROOM_… for so many entries, across one file's end at most
cdef int put_entry(QueueState* queue, int64_t physical_offset, int32_t size, int64_t tags_code) noexcept nogil
                                  # ROOM_…: appended at max_index
cdef char* entry_at(QueueState* queue, int64_t index) noexcept nogil             # its 20 bytes, or NULL
cdef int read_entry(QueueState* queue, int64_t index, Entry* out) noexcept nogil # 0, or -1: no such entry

cdef class ConsumeQueue:
    cdef QueueState state
    cdef readonly bytes topic     # UTF-8
    cdef readonly int queue_id
    cdef readonly MappedFiles files
    cdef readonly ConsumeQueueExt ext            # None: entries have plain tags codes
    cdef FilterBitmaps bitmaps                   # owns state.bitmaps
    cdef readonly bint ended_with_address        # the last entry that recover() or cut_at() left has a unit
    cdef bint is_mapped(self) noexcept           # any of its files, or of its units'
    cdef int unmap(self) except -1               # give these maps back (MappedFiles.unmap); how many
    cdef int _cut_behind(self, int64_t index, const Entry* last) except -1
