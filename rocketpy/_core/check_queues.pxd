# The queues of a store as a check sees them: each read once, in windows, in the order of the log.

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.check_files cimport Findings, LogFiles
from rocketpy._core.commit_log cimport MessageToPut

cdef enum:
    ENTRY_SIZE = 20
    MAX_DELAY_LEVELS = 64

cdef struct Window:               # a part of a queue's or an extension's files
    char* bytes
    int64_t start                 # byte of the queue where it begins
    int64_t size                  # bytes in it

cdef struct CheckedQueue:
    const char* topic
    int topic_size
    int32_t queue_id
    const char* folder            # NULL: it has none
    const char* ext_folder        # NULL: none
    int number                    # what findings call it
    int64_t first                 # index of its first entry there is
    int64_t end                   # index behind its last file
    int64_t next                  # queue offset of the record that should come next
    int64_t records
    int64_t missing               # first index of a run of records without entries
    int64_t missing_count
    int64_t missing_at            # where the first one's record is
    Window entries
    Window ext

cdef class QueueChecks:
    cdef LogFiles log
    cdef Findings findings
    cdef CheckedQueue** queues
    cdef CheckedQueue** table     # open addressing by topic and queue id
    cdef readonly int count
    cdef int room
    cdef int64_t table_size       # a power of two
    cdef list _owned              # the bytes the pointers above lead to
    cdef int64_t file_size
    cdef int64_t ext_file_size
    cdef int64_t window_size
    cdef int64_t delays_ms[64]
    cdef int delay_levels
    cdef readonly int64_t other_delays       # delivery times that the levels do not give
    cdef readonly int64_t restarts           # records whose queue offset had been there before
    cdef readonly int64_t entries            # looked at
    cdef CheckedQueue* _new(self, bytes topic, int32_t queue_id) except NULL
    cdef int _place(self, CheckedQueue* queue) except -1
    cdef int64_t _slot(self, const char* topic, int topic_size, int32_t queue_id) noexcept nogil     # its place in `table`
    cdef CheckedQueue* _numbered(self, int number) except NULL
    cdef CheckedQueue* find(self, const MessageToPut* message) noexcept nogil      # NULL: not met yet
    cdef CheckedQueue* meet(self, const MessageToPut* message) except NULL         # one without a folder
    cdef void check(self, CheckedQueue* queue, const MessageToPut* message) noexcept nogil
    cdef const char* entry(self, CheckedQueue* queue, int64_t index, bint fresh) noexcept nogil
    cdef void _check_entry(self, CheckedQueue* queue, const MessageToPut* message) noexcept nogil
    cdef void _check_code(self, CheckedQueue* queue, const MessageToPut* message, int64_t code) noexcept nogil
    cdef bint _ext_fits(self, CheckedQueue* queue, const MessageToPut* message, int64_t code) noexcept nogil
    cdef void _missing(self, CheckedQueue* queue, int64_t index, int64_t offset) noexcept nogil
    cdef void _tell_missing(self, CheckedQueue* queue) noexcept nogil
    cdef void _check_unclaimed(self, CheckedQueue* queue, int64_t start, int64_t end) noexcept nogil
    cdef void _judge(self, CheckedQueue* queue, int64_t index, const char* entry) noexcept nogil
    cdef void _check_tail(self, CheckedQueue* queue) noexcept nogil
