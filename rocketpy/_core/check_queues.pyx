"""Compares the queues of a store with the log, record by record, and looks at every entry no record has claimed.

A window of each queue is kept, as large as the queues together may be: the log asks for their entries in rising order.
Invariant: an entry is right when it leads to its own record; that, or a reason why it need not, holds for each.
"""

from libc.stdint cimport INT64_MIN, int32_t, int64_t, uint32_t
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memset
from posix.unistd cimport close, lseek

from rocketpy._core.check_files cimport (
    EXT_MISSING, EXT_WRONG, QUEUE_BEYOND, QUEUE_DELIVERY, QUEUE_GARBLED, QUEUE_HOLE, QUEUE_MISSING, QUEUE_NO_FOLDER, QUEUE_SIZE,
    QUEUE_STRANGER, QUEUE_TAGS, QUEUE_WRONG, Findings, LogFiles, open_file, read_fully,
)
from rocketpy._core.commit_log cimport MessageToPut, get_i32, get_i64, get_u16
from rocketpy._core.consume_queue cimport FILLER_SIZE

cdef extern from "<unistd.h>" nogil:
    """
    #ifndef SEEK_DATA
    #define SEEK_DATA 3
    #define SEEK_HOLE 4
    #endif
    """
    int SEEK_DATA
    int SEEK_HOLE

cdef enum:
    PATH_ROOM = 4096
    LEAST_WINDOW = 32 * ENTRY_SIZE
    MOST_WINDOW = 3276 * ENTRY_SIZE
    EXT_UNIT_SIZE = 20            # i16 size, i64 tags code, i64 store time, i16 bytes of a bitmap
    FIRST_ROOM = 64
    HIGHEST_TAGS_CODE = 0x7FFFFFFF

cdef int64_t LOWEST_TAGS_CODE = -0x80000000       # below it, a tags code is an address in the extension
cdef char ZEROS[20]
memset(ZEROS, 0, ENTRY_SIZE)


cdef bint fill(Window* window, const char* folder, int64_t file_size, int64_t at, int64_t capacity) noexcept nogil:
    """The window from byte `at` of the queue on; what has no file reads as zeros."""
    cdef char path[PATH_ROOM]
    cdef int64_t start = at - at % file_size
    cdef int64_t got = 0
    cdef int fd
    if window.bytes == NULL:
        window.bytes = <char*> malloc(capacity)
        if window.bytes == NULL:
            return False
    window.start = at
    window.size = min(capacity, start + file_size - at)
    if snprintf(path, PATH_ROOM, b"%s/%020lld", folder, <long long> start) < PATH_ROOM:
        fd = open_file(path)
        if fd >= 0:
            got = max(read_fully(fd, at - start, window.bytes, window.size), 0)
            close(fd)
    memset(window.bytes + got, 0, window.size - got)
    return True


cdef class QueueChecks:
    def __cinit__(
        self, LogFiles log not None, Findings findings not None, int64_t file_size, int64_t ext_file_size,
        int64_t memory_bytes, int64_t queues,
    ):
        self.log = log
        self.findings = findings
        self.file_size = file_size
        self.ext_file_size = ext_file_size
        self.window_size = min(max(memory_bytes // max(queues, 1) // ENTRY_SIZE * ENTRY_SIZE, LEAST_WINDOW), MOST_WINDOW)
        self._owned = []
        self.table_size = FIRST_ROOM
        self.table = <CheckedQueue**> calloc(self.table_size, sizeof(void*))
        if self.table == NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef int i
        for i in range(self.count):
            free(self.queues[i].entries.bytes)
            free(self.queues[i].ext.bytes)
            free(self.queues[i])
        free(self.queues)
        free(self.table)

    def set_delays(self, delays_ms):
        cdef int level
        self.delay_levels = min(len(delays_ms), MAX_DELAY_LEVELS)
        for level in range(self.delay_levels):
            self.delays_ms[level] = delays_ms[level]

    # -- which queues there are --------------------------------------------------------------------------------------

    def add(self, bytes topic not None, int32_t queue_id, bytes folder not None, bytes ext_folder, int64_t first, int64_t end):
        cdef CheckedQueue* queue = self._new(topic, queue_id)
        self._owned += [folder, ext_folder]
        queue.folder = folder
        if ext_folder is not None:
            queue.ext_folder = ext_folder
        queue.first = queue.next = first
        queue.end = end

    cdef CheckedQueue* _new(self, bytes topic, int32_t queue_id) except NULL:
        cdef CheckedQueue* queue
        cdef CheckedQueue** grown
        if self.count == self.room:
            grown = <CheckedQueue**> realloc(self.queues, (self.room * 2 + FIRST_ROOM) * sizeof(void*))
            if grown == NULL:
                raise MemoryError
            self.queues = grown
            self.room = self.room * 2 + FIRST_ROOM
        queue = <CheckedQueue*> calloc(1, sizeof(CheckedQueue))
        if queue == NULL:
            raise MemoryError
        self._owned.append(topic)
        queue.topic = topic
        queue.topic_size = len(topic)
        queue.queue_id = queue_id
        queue.number = self.count
        self.queues[self.count] = queue
        self.count += 1
        self._place(queue)
        return queue

    cdef int _place(self, CheckedQueue* queue) except -1:
        cdef int64_t slot
        if self.count * 2 > self.table_size:
            self.table_size *= 4
            free(self.table)
            self.table = <CheckedQueue**> calloc(self.table_size, sizeof(void*))
            if self.table == NULL:
                raise MemoryError
            for number in range(self.count - 1):
                slot = self._slot(self.queues[number].topic, self.queues[number].topic_size, self.queues[number].queue_id)
                self.table[slot] = self.queues[number]
        self.table[self._slot(queue.topic, queue.topic_size, queue.queue_id)] = queue
        return 0

    cdef int64_t _slot(self, const char* topic, int topic_size, int32_t queue_id) noexcept nogil:
        """Where the queue is in the table, or the free place where it goes."""
        cdef uint32_t code = 2166136261u ^ <uint32_t> queue_id * 2654435761u
        cdef CheckedQueue* queue
        cdef int64_t slot
        cdef int i
        for i in range(topic_size):
            code = (code ^ <unsigned char> topic[i]) * 16777619u
        slot = code & (self.table_size - 1)
        while True:
            queue = self.table[slot]
            if queue == NULL or (queue.queue_id == queue_id and queue.topic_size == topic_size
                                 and memcmp(queue.topic, topic, topic_size) == 0):
                return slot
            slot = (slot + 1) & (self.table_size - 1)

    cdef CheckedQueue* find(self, const MessageToPut* message) noexcept nogil:
        return self.table[self._slot(message.topic, message.topic_size, message.queue_id)]

    cdef CheckedQueue* meet(self, const MessageToPut* message) except NULL:
        return self._new(message.topic[:message.topic_size], message.queue_id)

    def name(self, int number):
        cdef CheckedQueue* queue = self._numbered(number)
        return queue.topic[:queue.topic_size], queue.queue_id, queue.folder != NULL

    def records(self, int number):
        return self._numbered(number).records

    def ending(self, int number):
        return self._numbered(number).next

    def first(self, int number):
        return self._numbered(number).first

    cdef CheckedQueue* _numbered(self, int number) except NULL:
        if not 0 <= number < self.count:
            raise IndexError(f"no queue {number}")
        return self.queues[number]

    # -- a record's entry --------------------------------------------------------------------------------------------

    cdef void check(self, CheckedQueue* queue, const MessageToPut* message) noexcept nogil:
        cdef int64_t index = message.queue_offset
        if index > queue.next:
            self._check_unclaimed(queue, queue.next, index)
        elif index < queue.next and queue.records:
            # The queue was destroyed and began anew: what a record of its earlier life had at this place is gone by right.
            self.restarts += 1
            if queue.missing_count and queue.missing + queue.missing_count > index:
                queue.missing_count = max(index - queue.missing, 0)
        queue.next = index + 1
        queue.records += 1
        self.entries += 1
        self._check_entry(queue, message)

    cdef void _check_entry(self, CheckedQueue* queue, const MessageToPut* message) noexcept nogil:
        cdef int64_t index = message.queue_offset
        cdef const char* at = self.entry(queue, index, False)
        cdef int64_t offset
        if get_i64(at) != message.physical_offset or get_i32(at + 8) != message.size:
            at = self.entry(queue, index, self.log.live)
        offset = get_i64(at)
        if memcmp(at, ZEROS, ENTRY_SIZE) == 0:
            self._missing(queue, index, message.physical_offset)
        elif offset == message.physical_offset and get_i32(at + 8) == message.size:
            self._check_code(queue, message, get_i64(at + 12))
        elif offset == message.physical_offset:
            self.findings.add(QUEUE_SIZE, queue.number, index, get_i32(at + 8), message.size)
        elif offset <= message.physical_offset or not self.log.is_own(
                offset, get_i32(at + 8), queue.topic, queue.topic_size, queue.queue_id, index):
            self.findings.add(QUEUE_WRONG, queue.number, index, offset, message.physical_offset)

    cdef const char* entry(self, CheckedQueue* queue, int64_t index, bint fresh) noexcept nogil:
        """The entry's bytes; zeros where there is none."""
        cdef Window* window = &queue.entries
        cdef int64_t at = index * ENTRY_SIZE
        if queue.folder == NULL or index < queue.first or index >= queue.end:
            return ZEROS
        if (fresh or window.bytes == NULL or at < window.start or at + ENTRY_SIZE > window.start + window.size) and not fill(
                window, queue.folder, self.file_size, at, self.window_size):
            return ZEROS
        return window.bytes + (at - window.start)

    cdef void _check_code(self, CheckedQueue* queue, const MessageToPut* message, int64_t code) noexcept nogil:
        cdef int64_t right = message.tags_code
        cdef int level = message.delay_level
        cdef bint waits = level > 0 and message.topic_size == 19 and memcmp(message.topic, b"SCHEDULE_TOPIC_XXXX", 19) == 0
        if waits:
            right = message.store_timestamp + 1000
            if self.delay_levels:
                right = message.store_timestamp + self.delays_ms[min(level, self.delay_levels) - 1]
        if code == right:
            return
        if code < LOWEST_TAGS_CODE:
            if not self._ext_fits(queue, message, right):
                self.findings.add(EXT_WRONG, queue.number, message.queue_offset, code - INT64_MIN, 0)
        elif not waits:
            self.findings.add(QUEUE_TAGS, queue.number, message.queue_offset, code, right)
        elif code < message.store_timestamp:
            self.findings.add(QUEUE_DELIVERY, queue.number, message.queue_offset, code, right)
        else:
            self.other_delays += 1

    cdef bint _ext_fits(self, CheckedQueue* queue, const MessageToPut* message, int64_t code) noexcept nogil:
        """Does the unit of the extension that the entry leads to belong to the message? A missing one is told here."""
        cdef int64_t address = get_i64(self.entry(queue, message.queue_offset, False) + 12) - INT64_MIN
        cdef Window* window = &queue.ext
        cdef const char* unit
        if queue.ext_folder == NULL or self.ext_file_size <= 0:
            self.findings.add(EXT_MISSING, queue.number, message.queue_offset, address, 0)
            return True
        if window.bytes == NULL or address < window.start or address + EXT_UNIT_SIZE > window.start + window.size:
            if not fill(window, queue.ext_folder, self.ext_file_size, address, self.window_size):
                return True
        unit = window.bytes + (address - window.start)
        if window.size < EXT_UNIT_SIZE or get_u16(unit) < EXT_UNIT_SIZE:
            self.findings.add(EXT_MISSING, queue.number, message.queue_offset, address, 0)
            return True
        return (get_i64(unit + 2) == code and get_i64(unit + 10) == message.store_timestamp
                and get_u16(unit) == EXT_UNIT_SIZE + get_u16(unit + 18))

    cdef void _missing(self, CheckedQueue* queue, int64_t index, int64_t offset) noexcept nogil:
        if queue.missing_count and index == queue.missing + queue.missing_count:
            queue.missing_count += 1
            return
        self._tell_missing(queue)
        queue.missing = index
        queue.missing_count = 1
        queue.missing_at = offset

    cdef void _tell_missing(self, CheckedQueue* queue) noexcept nogil:
        if queue.missing_count:
            self.findings.add(
                QUEUE_MISSING if queue.folder != NULL else QUEUE_NO_FOLDER,
                queue.number, queue.missing, queue.missing_count, queue.missing_at)
        queue.missing_count = 0

    # -- entries no record claims ------------------------------------------------------------------------------------

    cdef void _check_unclaimed(self, CheckedQueue* queue, int64_t start, int64_t end) noexcept nogil:
        """Entries of [start, end): no record of the log follows the one before with these queue offsets."""
        cdef int64_t index
        cdef int64_t hole = 0
        cdef const char* at
        start = max(start, queue.first)
        end = min(end, queue.end)
        for index in range(start, end):
            at = self.entry(queue, index, False)
            if memcmp(at, ZEROS, ENTRY_SIZE) == 0:
                hole += 1
                continue
            if hole:
                self.findings.add(QUEUE_HOLE, queue.number, index - hole, hole, 0)
                hole = 0
            self._judge(queue, index, at)
        if hole and end > start:
            self.findings.add(QUEUE_HOLE, queue.number, end - hole, hole, 0)

    cdef void _judge(self, CheckedQueue* queue, int64_t index, const char* entry) noexcept nogil:
        cdef int64_t offset = get_i64(entry)
        cdef int32_t size = get_i32(entry + 8)
        self.entries += 1
        if offset == 0 and size == FILLER_SIZE and get_i64(entry + 12) == 0:
            return
        if offset < 0 or size <= 0:
            self.findings.add(QUEUE_GARBLED, queue.number, index, offset, size)
        elif offset >= self.log.until:
            if not self.log.live:
                self.findings.add(QUEUE_BEYOND, queue.number, index, offset, 0)
        elif (offset >= self.log.first and not self.log.is_damaged(offset)
              and not self.log.is_own(offset, size, queue.topic, queue.topic_size, queue.queue_id, index)):
            self.findings.add(QUEUE_STRANGER, queue.number, index, offset, 0)

    def finish(self, int number):
        cdef CheckedQueue* queue = self._numbered(number)
        with nogil:
            self._tell_missing(queue)
            if queue.folder != NULL:
                self._check_tail(queue)
            free(queue.entries.bytes)
            free(queue.ext.bytes)
            memset(&queue.entries, 0, sizeof(Window))
            memset(&queue.ext, 0, sizeof(Window))

    cdef void _check_tail(self, CheckedQueue* queue) noexcept nogil:
        """Behind the last record there is nothing but zeros; holes of the files are passed over unread."""
        cdef char path[PATH_ROOM]
        cdef int64_t at = min(max(queue.next, queue.first), queue.end) * ENTRY_SIZE     # a garbled record may be of any offset
        cdef int64_t end = queue.end * ENTRY_SIZE
        cdef int64_t start, data, hole, index
        cdef int fd
        cdef const char* found
        while at < end:
            start = at - at % self.file_size
            if snprintf(path, PATH_ROOM, b"%s/%020lld", queue.folder, <long long> start) >= PATH_ROOM:
                return
            fd = open_file(path)
            data = hole = -1
            if fd >= 0:
                data = lseek(fd, at - start, SEEK_DATA)
                hole = lseek(fd, data, SEEK_HOLE) if data >= 0 else -1
                close(fd)
            if data < 0 or hole < 0:
                at = start + self.file_size
                continue
            at = max(at, (start + data) // ENTRY_SIZE * ENTRY_SIZE)
            for index in range(at // ENTRY_SIZE, min((start + hole + ENTRY_SIZE - 1) // ENTRY_SIZE, end // ENTRY_SIZE)):
                found = self.entry(queue, index, False)
                if memcmp(found, ZEROS, ENTRY_SIZE) != 0:
                    self._judge(queue, index, found)
            at = max(at + ENTRY_SIZE, (start + hole + ENTRY_SIZE - 1) // ENTRY_SIZE * ENTRY_SIZE)
