"""A walk over the commit log's records in order: checks each one and, where asked, mends the queues from it.

Runs without the GIL from record to record; Python is asked only for a queue it has not met yet or a new file.
"""

import os

from libc.errno cimport EIO, errno
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memchr, memcmp, memset

from rocketpy._core.commit_log cimport (
    BLANK_SIZE, MAX_TOPIC_SIZE, MESSAGE_MAGIC_CODE, RECORD_BAD_OFFSET, RECORD_BLANK, RECORD_END, RECORD_MESSAGE,
    RECORD_OVERHEAD, MessageToPut, get_i32, read_record, scan_properties,
)
from rocketpy._core.consume_queue cimport ENTRY_SIZE, FILLER_SIZE, ConsumeQueue, Entry, QueueState, read_entry
from rocketpy._core.mapped_files cimport FileMap, data_end, end_offset, find_file, first_offset, map_file
from rocketpy._core.store_writer cimport PUT_DONE, StoreWriter, dispatch_message, index_keys

from rocketpy._core.commit_log import STATUS_NAMES

cdef enum:
    STEP_ON = 100                 # the budget is used up
    STEP_PYTHON = 101             # this record needs the slow side
    STEP_LAST = 102               # no file behind
    STEP_FAILED = 103             # a file cannot be mapped: that says nothing of what is in it


cdef class LogWalk:
    def __cinit__(self, StoreWriter writer not None, int64_t at, *, bint dispatch, bint check_crc, bint fill_gaps=False):
        self.writer = writer
        self.at = at
        self.dispatch = dispatch
        self.check_crc = check_crc
        self.fill_gaps = fill_gaps
        self.records = self.last_timestamp = self.data_until = 0
        self.last_at = -1
        self.unreachable = []

    def run(self, int64_t budget):
        """Walk on for about `budget` bytes: MORE, or why it stopped at `at`: END, GAP, or what is wrong there."""
        cdef MessageToPut message
        cdef int status
        cdef int64_t stop = self.at + budget
        memset(&message, 0, sizeof(message))
        while True:
            with nogil:
                status = self._step(stop, &message)
            if status == STEP_ON:
                return "MORE"
            if status == STEP_LAST:
                return "END"
            if status == STEP_FAILED:
                raise_for(self.writer, self.at)
            if status != STEP_PYTHON:
                return STATUS_NAMES[status]
            if not self._dispatch_slowly(&message):
                return "GAP"
            self._count(message.size, message.store_timestamp)

    def _count(self, int64_t size, int64_t store_timestamp):
        self.last_at = self.at
        self.at += size
        self.records += 1
        self.last_timestamp = max(self.last_timestamp, store_timestamp)

    cdef int _step(self, int64_t stop, MessageToPut* message) noexcept nogil:
        cdef FileMap* file
        cdef QueueState* queue
        cdef const char* base
        cdef int status, slot
        while self.at < stop:
            file = find_file(self.writer.state.log, self.at)
            if file == NULL or self.at >= end_offset(self.writer.state.log):
                return STEP_LAST
            base = map_file(file)
            if base == NULL:
                return STEP_FAILED
            if file.start + file.size - self.at < BLANK_SIZE:
                self.at = file.start + file.size
                continue
            if self.at + BLANK_SIZE > self.data_until:
                self.data_until = file.start + data_end(file, self.at - file.start)
                if self.at + BLANK_SIZE > self.data_until and self.data_until < file.start + file.size:
                    return RECORD_END
            status = read_record(base + (self.at - file.start), file.start + file.size - self.at, self.at, self.check_crc, message)
            if status == RECORD_BLANK:
                self.at = file.start + file.size
                continue
            if status != RECORD_MESSAGE:
                return status
            if not _may_stand_here(message, self.at):
                return RECORD_BAD_OFFSET
            if self.dispatch:
                scan_properties(message)
                queue = self._cached(message, &slot)
                if queue == NULL or dispatch_message(&self.writer.state, queue, message, True) != PUT_DONE:
                    return STEP_PYTHON
            self.last_at = self.at
            self.at += message.size
            self.records += 1
            if message.store_timestamp > self.last_timestamp:
                self.last_timestamp = message.store_timestamp
        return STEP_ON

    cdef QueueState* _cached(self, const MessageToPut* message, int* slot) noexcept nogil:
        cdef uint32_t code = 2166136261u ^ <uint32_t> message.queue_id
        cdef QueueState* queue
        cdef int i
        for i in range(message.topic_size):
            code = (code ^ <unsigned char> message.topic[i]) * 16777619u
        slot[0] = code & (CACHED_QUEUES - 1)
        queue = self.cache[slot[0]]
        if (queue == NULL or queue.queue_id != message.queue_id or queue.topic_size != message.topic_size
                or memcmp(queue.topic, message.topic, message.topic_size) != 0):
            return NULL
        return queue

    cdef bint _dispatch_slowly(self, MessageToPut* message) except -1:
        """The queue into the cache, its files in order, then the entry; False: the queue ends too early."""
        cdef ConsumeQueue queue
        cdef int slot
        topic = message.topic[:message.topic_size]
        if not is_queue_folder(topic, message.queue_id):
            self.unreachable.append((self.at, topic, message.queue_id))
            return True
        queue = self.writer.find_queue(topic, message.queue_id)
        self._cached(message, &slot)
        if self.cache[slot] != NULL and self.cache[slot] != &queue.state:
            (<ConsumeQueue> self.cache[slot].owner).unmap()       # a process may not map every queue of a large store
        self.cache[slot] = &queue.state
        self.writer.prepare_index(index_keys(&self.writer.state, message))
        if dispatch_message(&self.writer.state, &queue.state, message, False) == PUT_DONE:
            return True
        if message.queue_offset * ENTRY_SIZE < first_offset(queue.state.files):
            if not self.fill_gaps:
                return False
            queue.begin_anew()                   # its first files are lost: what follows comes again in this walk
        if message.queue_offset > queue.state.max_index:
            if not self.fill_gaps:
                return False
            fill_gap(queue, message.queue_offset)
            if dispatch_message(&self.writer.state, &queue.state, message, False) == PUT_DONE:
                return True
        self.writer.prepare_ext(&queue.state)
        if dispatch_message(&self.writer.state, &queue.state, message, False) != PUT_DONE:
            self.writer._add_queue_file(queue)
            if dispatch_message(&self.writer.state, &queue.state, message, False) != PUT_DONE:
                raise OSError(queue.files.seq.error, "no room for a consume queue", queue.files.folder)
        return True


cdef bint _may_stand_here(const MessageToPut* message, int64_t at) noexcept nogil:
    """No CRC covers the queue offset: a queue has at most as many messages before this one as records fit before it."""
    return 0 <= message.queue_offset <= at // (RECORD_OVERHEAD + 1)


def is_queue_folder(bytes topic not None, int queue_id):
    """Whether topic and queue id can name a folder below consumequeue; Java's broker took others (CVE-2019-17572)."""
    return (queue_id >= 0 and 0 < len(topic) <= MAX_TOPIC_SIZE and topic not in (b".", b"..") and b"/" not in topic
            and b"\0" not in topic)


cdef int raise_for(StoreWriter writer, int64_t at) except -1:
    """The file at that offset cannot be mapped."""
    code = errno or EIO
    place = writer.log.place(at)
    raise OSError(code, os.strerror(code), writer.log.folder if place is None else place[0])


cdef int fill_gap(ConsumeQueue queue, int64_t index) except -1:
    """Entries up to `index` that no record of the log stands for: an empty queue begins later, others get fillers."""
    if queue.files.seq.count == 0:
        queue.begin_at(index)
        return 0
    last = queue.state.max_physical_offset
    while queue.state.max_index < index:
        queue.append(0, FILLER_SIZE, 0)
    queue.state.max_physical_offset = last
    return 0


cdef bint is_hole(FileMap* file, int64_t offset) noexcept nogil:
    cdef int64_t at = offset - file.start
    return file.size - at < BLANK_SIZE or data_end(file, at) == at


def find_record(StoreWriter writer not None, int64_t at, int64_t until):
    """Offset and store time of the first whole record in [at, until), CRC checked; None when there is none."""
    cdef FileMap* file = find_file(writer.state.log, at)
    cdef MessageToPut message
    cdef const char* hit
    cdef int64_t position, end, found = -1
    if file == NULL:
        return None
    if map_file(file) == NULL:
        raise_for(writer, at)
    position = at - file.start
    end = min(until - file.start, file.size)
    with nogil:
        while position + RECORD_OVERHEAD <= end:
            hit = <const char*> memchr(file.base + position + 4, 0xDA, end - position - 4)
            if hit == NULL:
                break
            position = hit - file.base - 4
            if (position + RECORD_OVERHEAD <= end and get_i32(hit) == MESSAGE_MAGIC_CODE
                    and read_record(file.base + position, end - position, file.start + position, True, &message) == RECORD_MESSAGE):
                found = file.start + position
                break
            position += 1
    return None if found < 0 else (found, message.store_timestamp)


def first_record_time(StoreWriter writer not None, int64_t at):
    """Store time of the record that stands at `at` with a magic code, 0 for anything else (CRC not checked)."""
    cdef MessageToPut message
    cdef FileMap* file = find_file(writer.state.log, at)
    if file == NULL:
        return 0
    if map_file(file) == NULL:
        raise_for(writer, at)
    if is_hole(file, at):
        return 0
    if read_record(file.base + (at - file.start), file.start + file.size - at, at, False, &message) != RECORD_MESSAGE:
        return 0
    return message.store_timestamp


def trusted_end(StoreWriter writer not None, ConsumeQueue queue not None):
    """Index behind the last entry that points at its own record in the log, looked for from the end back."""
    cdef int64_t index = queue.state.max_index
    cdef int64_t least = queue.files.first_offset // 20
    cdef int64_t log_start = writer.log.first_offset
    cdef Entry entry
    entry.physical_offset = queue.state.last_physical_offset
    entry.size = <int32_t> (queue.state.max_physical_offset - queue.state.last_physical_offset)
    cdef int own = 0
    with nogil:
        if entry.physical_offset >= 0 and index > least:
            own = _is_own(writer, queue, &entry, index - 1, log_start)
        while own == 0 and index > least:
            if read_entry(&queue.state, index - 1, &entry) == 0:
                own = _is_own(writer, queue, &entry, index - 1, log_start)
            if own == 0:
                index -= 1
    if own < 0:
        raise_for(writer, entry.physical_offset)
    return index


cdef int _is_own(StoreWriter writer, ConsumeQueue queue, const Entry* entry, int64_t index, int64_t log_start) noexcept nogil:
    cdef MessageToPut message
    cdef FileMap* file
    cdef int64_t at = entry.physical_offset
    if entry.size == FILLER_SIZE or at < log_start:
        return at >= 0 and entry.size > 0
    file = find_file(writer.state.log, at)
    if file == NULL or at - file.start + BLANK_SIZE > file.wrote:
        return False
    if map_file(file) == NULL:
        return -1
    if read_record(file.base + (at - file.start), file.start + file.wrote - at, at, False, &message) != RECORD_MESSAGE:
        return False
    return (message.size == entry.size and message.queue_offset == index and message.queue_id == queue.state.queue_id
            and message.topic_size == queue.state.topic_size
            and memcmp(message.topic, queue.state.topic, message.topic_size) == 0)


def next_keyed(StoreWriter writer not None, int64_t at, bint inclusive):
    """Offset of the first record from `at` on (or behind the one at `at`) that has index keys; None: no such record."""
    cdef MessageToPut message
    cdef FileMap* file
    cdef int status = RECORD_MESSAGE
    cdef int64_t found = -1
    with nogil:
        while True:
            file = find_file(writer.state.log, at)
            if file == NULL or at >= end_offset(writer.state.log) or map_file(file) == NULL:
                break
            status = read_record(file.base + (at - file.start), file.start + file.size - at, at, False, &message)
            if status == RECORD_BLANK or file.start + file.size - at < BLANK_SIZE:
                at = file.start + file.size
                inclusive = True
                continue
            if status != RECORD_MESSAGE:
                break
            if inclusive:
                scan_properties(&message)
                if index_keys(&writer.state, &message):
                    found = at
                    break
            inclusive = True
            at += message.size
    return None if found < 0 else found
