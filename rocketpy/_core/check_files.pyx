"""What the parts of a check share: the log's files, read by pread only, and what was found.

Invariant: no file is opened for writing and none is mapped, so that a broker may write, truncate or remove it meanwhile.
"""

from libc.errno cimport EINTR, EPERM, errno
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp
from posix.fcntl cimport O_RDONLY, open as c_open
from posix.unistd cimport close, pread

from rocketpy._core.commit_log cimport (
    BODY_AT, BODY_SIZE_AT, MAGIC_CODE_AT, MAX_TOPIC_SIZE, MESSAGE_MAGIC_CODE, PHYSICAL_OFFSET_AT, QUEUE_ID_AT, QUEUE_OFFSET_AT,
    TOTAL_SIZE_AT, get_i32, get_i64,
)

cdef extern from "<fcntl.h>" nogil:
    """
    #ifndef O_NOATIME
    #define O_NOATIME 0
    #endif
    """
    int O_CLOEXEC
    int O_NOATIME

cdef enum:
    FIRST_ROOM = 64
    MAX_DAMAGES = 1 << 16
    MOST_FOLDERS = 1 << 16

KIND_NAMES = (
    "log-damaged", "log-crc", "log-blank", "log-tail",
    "queue-missing", "queue-hole", "queue-wrong", "queue-size", "queue-tags", "queue-delivery-time", "queue-garbled",
    "queue-stranger", "queue-beyond", "ext-missing", "ext-wrong",
    "index-missing", "index-hash", "index-offset", "index-stranger", "index-beyond", "index-seconds", "index-chain",
    "index-slot", "index-header", "queue-folder-missing",
)


cdef int open_file(const char* path) noexcept nogil:
    """Not even the time of the last access changes, where the file's owner asks."""
    cdef int fd = c_open(path, O_RDONLY | O_CLOEXEC | O_NOATIME)
    if fd < 0 and errno == EPERM:
        fd = c_open(path, O_RDONLY | O_CLOEXEC)
    return fd


cdef int64_t read_fully(int fd, int64_t at, char* into, int64_t size) noexcept nogil:
    cdef int64_t done = 0
    cdef int64_t got
    while done < size:
        got = pread(fd, into + done, size - done, at + done)
        if got < 0 and errno == EINTR:
            continue
        if got <= 0:
            return done if got == 0 else -1
        done += got
    return done


cdef class Findings:
    def __cinit__(self, int64_t most):
        self.most = most

    def __dealloc__(self):
        free(self.kept)

    cdef void add(self, int kind, int file, int64_t offset, int64_t first, int64_t second) noexcept nogil:
        cdef Finding* rows
        self.tally[kind] += 1
        if self.tally[kind] > (MOST_FOLDERS if kind == QUEUE_NO_FOLDER else self.most):
            return
        if self.count == self.room:
            rows = <Finding*> realloc(self.kept, (self.room * 2 + FIRST_ROOM) * sizeof(Finding))
            if rows == NULL:
                return              # it stays counted
            self.kept = rows
            self.room = self.room * 2 + FIRST_ROOM
        self.kept[self.count] = Finding(kind, file, offset, first, second)
        self.count += 1

    def rows(self):
        cdef int i
        return [
            (KIND_NAMES[self.kept[i].kind], self.kept[i].file, self.kept[i].offset, self.kept[i].first, self.kept[i].second)
            for i in range(self.count)
        ]

    def counts(self):
        return {name: self.tally[kind] for kind, name in enumerate(KIND_NAMES) if self.tally[kind]}


cdef class LogFiles:
    def __cinit__(self, files, int64_t file_size, int64_t until, bint live):
        cdef int number
        self.fd = self.fd_of = -1
        self.count = len(files)
        self.file_size = file_size
        self.until = until
        self.live = live
        self._paths = [path for path, _, _ in files]
        self.paths = <const char**> malloc(max(self.count, 1) * sizeof(char*))
        self.starts = <int64_t*> malloc(max(self.count, 1) * sizeof(int64_t))
        self.lengths = <int64_t*> malloc(max(self.count, 1) * sizeof(int64_t))
        if self.paths == NULL or self.starts == NULL or self.lengths == NULL:
            raise MemoryError
        for number, (path, start, length) in enumerate(files):
            self.paths[number] = <bytes> path
            self.starts[number] = start
            self.lengths[number] = length
        self.first = self.starts[0] if self.count else 0

    def __dealloc__(self):
        free(self.paths)
        free(self.starts)
        free(self.lengths)
        free(self.gaps)
        if self.fd >= 0:
            close(self.fd)

    def close(self):
        if self.fd >= 0:
            close(self.fd)
        self.fd = self.fd_of = -1

    def damages(self):
        cdef int i
        return [(self.gaps[i].start, self.gaps[i].end) for i in range(self.damage_count)]

    cdef int file_at(self, int64_t offset) noexcept nogil:
        cdef int low = 0
        cdef int high = self.count
        cdef int middle
        while low < high:
            middle = (low + high) // 2
            if self.starts[middle] <= offset:
                low = middle + 1
            else:
                high = middle
        return low - 1 if low and offset < self.starts[low - 1] + self.lengths[low - 1] else -1

    cdef int64_t read(self, int64_t offset, char* into, int64_t size) noexcept nogil:
        """Bytes read: less where the file ends, 0 where there is none."""
        cdef int number = self.file_at(offset)
        if number < 0:
            return 0
        if number != self.fd_of:
            if self.fd >= 0:
                close(self.fd)
            self.fd = open_file(self.paths[number])
            self.fd_of = number
        return max(read_fully(self.fd, offset - self.starts[number], into, size), 0) if self.fd >= 0 else 0

    cdef void damaged(self, int64_t start, int64_t end) noexcept nogil:
        cdef Damage* grown
        if self.damage_count and (self.gaps[self.damage_count - 1].end == start or self.damage_count == MAX_DAMAGES):
            self.gaps[self.damage_count - 1].end = end
            return
        if self.damage_count == self.damage_room:
            grown = <Damage*> realloc(self.gaps, (self.damage_room * 2 + FIRST_ROOM) * sizeof(Damage))
            if grown == NULL:
                return
            self.gaps = grown
            self.damage_room = self.damage_room * 2 + FIRST_ROOM
        self.gaps[self.damage_count] = Damage(start, end)
        self.damage_count += 1

    cdef bint is_damaged(self, int64_t offset) noexcept nogil:
        cdef int low = 0
        cdef int high = self.damage_count
        cdef int middle
        while low < high:
            middle = (low + high) // 2
            if self.gaps[middle].start <= offset:
                low = middle + 1
            else:
                high = middle
        return low > 0 and offset < self.gaps[low - 1].end

    cdef bint is_own(
        self, int64_t offset, int32_t size, const char* topic, int topic_size, int32_t queue_id, int64_t queue_offset
    ) noexcept nogil:
        cdef char head[88]
        cdef char name[128]
        cdef int64_t body_size
        if self.read(offset, head, BODY_AT) < BODY_AT:
            return False
        if (get_i32(head + MAGIC_CODE_AT) != MESSAGE_MAGIC_CODE or get_i32(head + TOTAL_SIZE_AT) != size
                or get_i64(head + PHYSICAL_OFFSET_AT) != offset or get_i32(head + QUEUE_ID_AT) != queue_id
                or get_i64(head + QUEUE_OFFSET_AT) != queue_offset):
            return False
        body_size = get_i32(head + BODY_SIZE_AT)
        if body_size < 0 or body_size > size or topic_size > MAX_TOPIC_SIZE:
            return False
        if self.read(offset + BODY_AT + body_size, name, topic_size + 1) < topic_size + 1:
            return False
        return name[0] == topic_size and memcmp(name + 1, topic, topic_size) == 0
