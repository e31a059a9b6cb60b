# A walk over the whole commit log for the checker: by pread, and with the second CRC.

from libc.stdint cimport int64_t

from rocketpy._core.check_files cimport Findings, LogFiles
from rocketpy._core.check_index cimport IndexChecks
from rocketpy._core.check_queues cimport QueueChecks
from rocketpy._core.commit_log cimport MessageToPut

cdef class LogCheck:
    cdef LogFiles log
    cdef Findings findings
    cdef QueueChecks queues
    cdef IndexChecks index        # None: there is none to compare with
    cdef bint has_index
    cdef int file                 # number of the file that is read
    cdef int fd
    cdef char* buffer
    cdef int64_t room
    cdef int64_t buffer_at        # offset in the log of its first byte
    cdef int64_t buffer_size
    cdef MessageToPut message
    cdef readonly int64_t at      # the next record
    cdef readonly int64_t end     # behind the last whole record
    cdef readonly int64_t records
    cdef readonly int64_t first_record       # -1: none
    cdef readonly int64_t last_record
    cdef readonly int64_t first_time
    cdef readonly int64_t last_time
    cdef readonly int64_t latest_time
    cdef readonly int64_t backwards          # store times far before the one before
    cdef readonly int64_t backwards_at
    cdef readonly int64_t by_type[4]         # none, prepared, commit, rollback
    cdef readonly bint failed     # errno is in `error`, the file in `file`
    cdef readonly int error
    cdef bint _open(self) noexcept nogil
    cdef const char* _view(self, int64_t offset, int64_t size) noexcept nogil      # NULL: the file ends before
    cdef int _step(self, int64_t stop) noexcept nogil
    cdef int _status(self, const char** at) noexcept nogil
    cdef void _count(self) noexcept nogil
    cdef void _next_file(self) noexcept nogil
    cdef bint _skip(self, int status) noexcept nogil
    cdef int64_t _search(self, int64_t start, int64_t end) noexcept nogil
    cdef bint _used_behind(self) noexcept nogil
    cdef int64_t _last_used(self, int64_t start, int64_t end) noexcept nogil
