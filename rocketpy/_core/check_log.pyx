"""Walks over the whole commit log and compares queues and index with it on the way.

Every record is read once, by pread into one buffer that is as large as the largest record needs. Behind damage the walk
goes on at the next whole record. Invariant: each byte of the log up to `until` is a record, a blank, or told of.
"""

import os

from libc.errno cimport ENOENT, errno
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memchr, memmove, memset
from posix.unistd cimport close, lseek

from rocketpy._core.check_crc cimport second_crc
from rocketpy._core.check_files cimport (
    LOG_BLANK, LOG_CRC, LOG_DAMAGED, LOG_TAIL, Findings, LogFiles, open_file, read_fully,
)
from rocketpy._core.check_index cimport IndexChecks
from rocketpy._core.check_queues cimport CheckedQueue, QueueChecks
from rocketpy._core.commit_log cimport (
    BLANK_SIZE, BODY_AT, BODY_CRC_AT, BODY_SIZE_AT, MAX_PROPERTIES_SIZE, MAX_TOPIC_SIZE, MESSAGE_MAGIC_CODE, RECORD_BAD_SIZE,
    RECORD_BLANK, RECORD_END, RECORD_MESSAGE, RECORD_OVERHEAD, RECORD_TORN, TRANSACTION_COMMIT, TRANSACTION_MASK,
    TRANSACTION_NONE, TRANSACTION_ROLLBACK, get_i32, read_record, scan_properties,
)

cdef extern from "<unistd.h>" nogil:
    int SEEK_DATA

cdef enum:
    BUFFER_BYTES = 4 << 20
    SEARCH_BYTES = 1 << 20
    STEP_ON = 0
    STEP_QUEUE = 1                # a queue that has not been met
    STEP_DONE = 2
    STEP_FAILED = 3
    BACKWARDS_MS = 3600000        # a clock that is set back by less is nothing to speak of


cdef class LogCheck:
    def __cinit__(self, LogFiles log not None, Findings findings not None, QueueChecks queues not None, IndexChecks index):
        self.log = log
        self.findings = findings
        self.queues = queues
        self.index = index
        self.has_index = index is not None
        self.file = 0
        self.fd = -1
        self.at = self.end = log.first
        self.first_record = self.last_record = -1
        self.room = BUFFER_BYTES
        self.buffer = <char*> malloc(self.room)
        if self.buffer == NULL:
            raise MemoryError
        memset(&self.message, 0, sizeof(MessageToPut))

    def __dealloc__(self):
        self.close()
        free(self.buffer)

    def close(self):
        if self.fd >= 0:
            close(self.fd)
        self.fd = -1

    def run(self, int64_t budget):
        cdef int status
        cdef int64_t stop = self.at + budget
        while True:
            with nogil:
                status = self._step(stop)
            if status == STEP_ON:
                return True
            if status == STEP_DONE:
                return False
            if status == STEP_FAILED:
                raise OSError(self.error, os.strerror(self.error), os.fsdecode(self.log.paths[self.file]))
            self.queues.meet(&self.message)

    cdef int _step(self, int64_t stop) noexcept nogil:
        cdef CheckedQueue* queue
        cdef const char* at
        cdef int status, kind
        while self.at < stop:
            if self.file == self.log.count or self.at >= self.log.until:
                return STEP_DONE
            if self.fd < 0 and not self._open():
                if self.failed:
                    return STEP_FAILED
                continue
            if self.log.starts[self.file] + self.log.lengths[self.file] - self.at < BLANK_SIZE:
                self._next_file()
                continue
            status = self._status(&at)
            if status == RECORD_BLANK:
                if get_i32(at) != self.log.starts[self.file] + self.log.file_size - self.at:
                    self.findings.add(
                        LOG_BLANK, self.file, self.at, get_i32(at), self.log.starts[self.file] + self.log.file_size - self.at)
                self.end = self.log.starts[self.file] + self.log.lengths[self.file]
                self._next_file()
                continue
            if status != RECORD_MESSAGE:
                if self.failed:
                    return STEP_FAILED
                if not self._skip(status):
                    return STEP_DONE
                continue
            scan_properties(&self.message)
            kind = self.message.sys_flag & TRANSACTION_MASK
            if kind == TRANSACTION_NONE or kind == TRANSACTION_COMMIT:
                queue = self.queues.find(&self.message)
                if queue == NULL:
                    return STEP_QUEUE
                self.queues.check(queue, &self.message)
            if self.has_index and kind != TRANSACTION_ROLLBACK:
                self.index.check(&self.message)
            # The body is compared last: what stands above works from the record's head and tail only.
            if <int> second_crc(self.message.body, self.message.body_size) != get_i32(at + BODY_CRC_AT):
                self.findings.add(LOG_CRC, self.file, self.at, self.message.size, 0)
            self._count()
        return STEP_ON

    cdef void _count(self) noexcept nogil:
        cdef int64_t time = self.message.store_timestamp
        if self.first_record < 0:
            self.first_record = self.at
            self.first_time = time
        elif self.last_time - time > BACKWARDS_MS:
            if self.backwards == 0:
                self.backwards_at = self.at
            self.backwards += 1
        self.last_record = self.at
        self.last_time = time
        self.latest_time = max(self.latest_time, time)
        self.by_type[(self.message.sys_flag & TRANSACTION_MASK) >> 2] += 1
        self.records += 1
        self.at += self.message.size
        self.end = self.at

    # -- reading -----------------------------------------------------------------------------------------------------

    cdef bint _open(self) noexcept nogil:
        """The file `at` stands in; one that a live broker has cleaned away meanwhile is passed over."""
        self.fd = open_file(self.log.paths[self.file])
        self.buffer_size = 0
        if self.fd >= 0:
            self.at = max(self.at, self.log.starts[self.file])
            return True
        if errno == ENOENT and self.log.live and self.records == 0:
            self._next_file()
            self.log.first = self.end = self.at
            return False
        self.failed = True
        self.error = errno
        return False

    cdef void _next_file(self) noexcept nogil:
        if self.fd >= 0:
            close(self.fd)
        self.fd = -1
        self.file += 1
        self.at = self.log.starts[self.file] if self.file < self.log.count else self.log.until

    cdef const char* _view(self, int64_t offset, int64_t size) noexcept nogil:
        """`size` bytes from `offset` on, within the file that is open."""
        cdef int64_t kept = 0
        cdef int64_t got
        cdef char* grown
        if self.buffer_at <= offset and offset + size <= self.buffer_at + self.buffer_size:
            return self.buffer + (offset - self.buffer_at)
        if size > self.room:
            grown = <char*> realloc(self.buffer, size)
            if grown == NULL:
                return NULL
            self.buffer = grown
            self.room = size
        if self.buffer_at <= offset < self.buffer_at + self.buffer_size:
            kept = self.buffer_at + self.buffer_size - offset
            memmove(self.buffer, self.buffer + (offset - self.buffer_at), kept)
        self.buffer_at = offset
        self.buffer_size = kept
        got = read_fully(self.fd, offset + kept - self.log.starts[self.file], self.buffer + kept, self.room - kept)
        if got < 0:
            self.failed = True
            self.error = errno
            return NULL
        self.buffer_size += got
        return self.buffer if self.buffer_size >= size else NULL

    cdef int _status(self, const char** at) noexcept nogil:
        """What stands at `at`; `message` is filled for a record. Its CRC is not looked at."""
        cdef int64_t rest = self.log.starts[self.file] + self.log.lengths[self.file] - self.at
        cdef const char* view = self._view(self.at, min(rest, BODY_AT))
        cdef int64_t size
        at[0] = view
        if view == NULL:
            return RECORD_TORN
        if rest >= RECORD_OVERHEAD and get_i32(view + 4) == MESSAGE_MAGIC_CODE:
            size = get_i32(view)
            if size > rest:
                return RECORD_TORN
            # A garbled size must not make a huge buffer: topic and properties have their limits.
            if (size < RECORD_OVERHEAD
                    or not 0 <= size - RECORD_OVERHEAD - get_i32(view + BODY_SIZE_AT) <= MAX_TOPIC_SIZE + MAX_PROPERTIES_SIZE):
                return RECORD_BAD_SIZE
            view = self._view(self.at, size)
            at[0] = view
            if view == NULL:
                return RECORD_TORN
            return read_record(view, size, self.at, False, &self.message)
        return read_record(view, min(rest, BODY_AT), self.at, False, &self.message)

    # -- damage ------------------------------------------------------------------------------------------------------

    cdef bint _skip(self, int status) noexcept nogil:
        """To the next whole record behind damage, telling of it; False: the log ends here."""
        cdef int64_t start = self.log.starts[self.file]
        cdef int64_t end = min(start + self.log.lengths[self.file], self.log.until)
        cdef int64_t found
        if status == RECORD_END and not self._used_behind() and self._last_used(self.at, end) < 0:
            return False
        found = self._search(self.at, end)
        if self.failed:
            return True             # the next step tells
        if found < 0 and not self._used_behind():
            found = self._last_used(self.at, end)
            if found >= 0:
                self.findings.add(LOG_TAIL, self.file, self.at, found + 1 - self.at, status)
            return False
        if found < 0:
            found = start + self.log.lengths[self.file]
        self.findings.add(LOG_DAMAGED, self.file, self.at, found - self.at, status)
        self.log.damaged(self.at, found)
        self.end = self.at = found
        return True

    cdef bint _used_behind(self) noexcept nogil:
        """Was anything written to a later file?"""
        return self.file + 1 < self.log.count and self.log.starts[self.file + 1] < self.log.until

    cdef int64_t _search(self, int64_t start, int64_t end) noexcept nogil:
        """Offset of the first whole record behind `start`, its CRC included; -1: there is none before `end`."""
        cdef int64_t here = self.at
        cdef int64_t position = start + 1
        cdef int64_t size, data
        cdef const char* view
        cdef const char* at
        cdef const char* hit
        while position + RECORD_OVERHEAD <= end:
            data = lseek(self.fd, position - self.log.starts[self.file], SEEK_DATA)
            if data < 0:
                break
            position = max(position, self.log.starts[self.file] + data)
            size = min(SEARCH_BYTES, end - position)
            view = self._view(position, size)
            if view == NULL:
                break
            hit = <const char*> memchr(view + 4, 0xDA, size - 4) if size > 4 else NULL
            if hit == NULL:
                position += max(size - 4, 1)
                continue
            position += hit - view - 4
            self.at = position
            if (self._status(&at) == RECORD_MESSAGE
                    and <int> second_crc(self.message.body, self.message.body_size) == get_i32(at + BODY_CRC_AT)):
                self.at = here
                return position
            position += 1
        self.at = here
        return -1

    cdef int64_t _last_used(self, int64_t start, int64_t end) noexcept nogil:
        """Offset of the last byte of [start, end) that is not zero; -1: all are."""
        cdef int64_t position = start
        cdef int64_t last = -1
        cdef int64_t size, data, i
        cdef const char* view
        while position < end:
            data = lseek(self.fd, position - self.log.starts[self.file], SEEK_DATA)
            if data < 0:
                break
            position = max(position, self.log.starts[self.file] + data)
            size = min(SEARCH_BYTES, end - position)
            if size <= 0:
                break
            view = self._view(position, size)
            if view == NULL:
                break
            for i in range(size - 1, -1, -1):
                if view[i]:
                    last = position + i
                    break
            position += size
        return last
