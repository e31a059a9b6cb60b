# The index of a store as a check sees it: all files read once, entry by entry, in the order of the log.

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.check_files cimport Findings, LogFiles
from rocketpy._core.commit_log cimport MessageToPut

cdef struct IndexPlace:           # one index file
    const char* path
    int32_t slots
    int32_t capacity

cdef struct IndexEntry:
    int32_t hash_code
    int64_t offset
    int32_t seconds
    int32_t previous
    bint wild                     # its offset stands out of the order of its neighbours

cdef class IndexChecks:
    cdef LogFiles log
    cdef Findings findings
    cdef list _owned
    cdef IndexPlace* places
    cdef readonly int count       # files
    cdef int file                 # the one being read; `count`: all are done
    cdef int fd
    cdef int32_t number           # the entry `entry` holds
    cdef int32_t next_entry       # header: behind the last
    cdef bint loaded              # is `entry` entry `number`?
    cdef IndexEntry entry
    cdef int64_t before           # physical offset of the last entry that was in order
    cdef int64_t header[6]        # its fields, as in the file
    cdef int64_t last_end_time    # header: end time of the file before, -1: there was none
    cdef int64_t first_time       # store time of the record of the first, and of the last entry; -1: not known
    cdef int64_t last_time
    cdef int64_t last_offset
    cdef int64_t first_offset
    cdef int32_t* last            # of each slot, the last entry so far
    cdef int32_t slots_room
    cdef char* buffer
    cdef int64_t buffer_at        # entry it begins with
    cdef int64_t buffer_count
    cdef int64_t missing_from     # a run of messages without entries
    cdef int64_t missing_to
    cdef int64_t missing_count
    cdef readonly int64_t entries
    cdef void check(self, const MessageToPut* message) noexcept nogil
    cdef bint _check_key(self, const MessageToPut* message, int32_t hash_code) noexcept nogil
    cdef bint _current(self) noexcept nogil                      # is there an entry? Then `entry` is it
    cdef bint _open(self) noexcept nogil
    cdef bint _load(self) noexcept nogil
    cdef const char* _entry_at(self, int32_t number) noexcept nogil
    cdef void _take(self, int32_t hash_code, int64_t store_time) noexcept nogil
    cdef void _check_seconds(self, int64_t store_time) noexcept nogil
    cdef void _stray(self) noexcept nogil
    cdef void _close(self) noexcept nogil
    cdef void _check_header(self) noexcept nogil
    cdef void _check_slots(self) noexcept nogil
    cdef void _tell_missing(self) noexcept nogil
