"""One queue of one topic: an entry of 20 bytes for each message, appended in the turn of the message itself.

Entry k stands at byte k * 20. Entries never move; what is cut from a queue's tail is zeros afterwards.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t

from rocketpy._core.commit_log cimport get_i32, get_i64, put_i32, put_i64
from rocketpy._core.consume_queue_ext cimport LEAST_TAGS_CODE, ConsumeQueueExt, real_code
from rocketpy._core.mapped_files cimport (
    ROOM_NEEDS_FILE, ROOM_READY, FileMap, FileSeq, MappedFiles, allocate_to, bytes_at, end_offset, find_file, make_room,
    read_bytes, roll_file,
)
from rocketpy._core.message_filter cimport FilterBitmaps


cdef enum:
    SCANNED_ENTRIES = 400         # at a time: about two pages
    CHECKED_ENTRIES = 900000      # at the end of a queue: upstream's three files, however small the files are


cdef int queue_room(QueueState* queue, int entries) noexcept nogil:
    """Room in the tail, or in the tail and an empty file already linked behind it."""
    cdef FileSeq* seq = queue.files
    cdef FileMap* tail
    cdef int64_t rest, size = <int64_t> entries * ENTRY_SIZE
    cdef int room = make_room(seq, size)
    if room != ROOM_NEEDS_FILE or seq.tail < 0:
        return room
    tail = seq.files[seq.tail]
    rest = tail.size - tail.wrote
    if rest > 0:
        room = make_room(seq, rest)
        if room != ROOM_READY:
            return room
    if seq.tail + 1 >= seq.count or size - rest > seq.file_size:
        return ROOM_NEEDS_FILE
    return allocate_next(seq, size - rest)


cdef int allocate_next(FileSeq* seq, int64_t size) noexcept nogil:
    cdef FileMap* following = seq.files[seq.tail + 1]
    if size <= following.allocated and following.base != NULL:
        return ROOM_READY
    return allocate_to(seq, following, size)


cdef int put_entry(QueueState* queue, int64_t physical_offset, int32_t size, int64_t tags_code) noexcept nogil:
    cdef FileSeq* seq = queue.files
    cdef FileMap* tail
    cdef char* at
    cdef int room = make_room(seq, ENTRY_SIZE)
    if room == ROOM_NEEDS_FILE:
        room = roll_file(seq)
        if room == ROOM_READY:
            room = make_room(seq, ENTRY_SIZE)
    if room != ROOM_READY:
        return room
    tail = seq.files[seq.tail]
    at = tail.base + tail.wrote
    put_i64(at, physical_offset)
    put_i32(at + 8, size)
    put_i64(at + 12, tags_code)
    tail.wrote += ENTRY_SIZE
    queue.max_index += 1
    queue.used = True
    queue.last_physical_offset = physical_offset
    if physical_offset + size > queue.max_physical_offset:
        queue.max_physical_offset = physical_offset + size
    return ROOM_READY


cdef char* entry_at(QueueState* queue, int64_t index) noexcept nogil:
    return bytes_at(queue.files, index * ENTRY_SIZE, ENTRY_SIZE)


cdef int read_entry(QueueState* queue, int64_t index, Entry* out) noexcept nogil:
    cdef char[ENTRY_SIZE] at
    if read_bytes(queue.files, index * ENTRY_SIZE, ENTRY_SIZE, at) != 0:
        return -1
    out.physical_offset = get_i64(at)
    out.size = get_i32(at + 8)
    out.tags_code = get_i64(at + 12)
    return 0


@cython.final
cdef class ConsumeQueue:
    def __cinit__(self, bytes topic, int queue_id, str folder, int64_t file_size):
        self.topic = topic
        self.queue_id = queue_id
        self.files = MappedFiles(folder, file_size, 65536, False, True)
        self.state.files = &self.files.seq
        self.state.topic = self.topic
        self.state.topic_size = len(topic)
        self.state.queue_id = queue_id
        self.state.max_physical_offset = self.state.last_physical_offset = -1
        self.state.holds = NULL
        self.state.next_woken = NULL
        self.state.owner = <void*> self

    @property
    def max_offset(self):
        """Index of the next entry."""
        return self.state.max_index

    @property
    def min_offset(self):
        """First index whose message is still in the commit log."""
        return self.state.min_index

    @property
    def last_physical_offset(self):
        """Where the message of the last entry begins; -1 when there is no entry, or a filler."""
        return self.state.last_physical_offset

    @property
    def max_physical_offset(self):
        """End of the last message an entry points to; -1 when there is none."""
        return self.state.max_physical_offset

    def load(self):
        """Open the files; recover() finds the end. Returns what was odd."""
        notes = self.files.load()
        self.state.max_index = end_offset(&self.files.seq) // ENTRY_SIZE
        return notes

    def recover(self, bint from_first=False):
        """Find the end: the entries up to the first one that is invalid or out of order.

        Looked for from the third last file on and in the last CHECKED_ENTRIES at least, or from the first entry on.
        """
        cdef FileSeq* seq = &self.files.seq
        cdef int64_t index, end
        cdef Entry last
        if seq.count == 0:
            return
        end = end_offset(seq) // ENTRY_SIZE
        last.size = 0
        index = seq.files[0].start // ENTRY_SIZE
        if not from_first:
            index = max(index, min(seq.files[max(0, seq.count - 3)].start // ENTRY_SIZE, end - CHECKED_ENTRIES))
        with nogil:
            index = first_invalid(seq, index, end, &last)
        if last.size:
            self._cut_behind(index, &last)
        else:
            self.cut_at(index)                 # the entry before stands in an earlier file

    def cut_at(self, int64_t index):
        """Make `index` the next one; later entries become zeros."""
        cdef Entry last
        if read_entry(&self.state, index - 1, &last) != 0:
            last.size = 0
        self._cut_behind(index, &last)

    cdef bint is_mapped(self) noexcept:
        return self.files.is_mapped() or self.ext is not None and self.ext.files.is_mapped()

    cdef int unmap(self) except -1:
        return self.files.unmap() + (self.ext.files.unmap() if self.ext is not None else 0)

    cdef int _cut_behind(self, int64_t index, const Entry* last) except -1:
        """`last` is the entry before `index`, of size 0 when there is none."""
        cdef bint is_message = last.size != 0 and last.size != FILLER_SIZE
        self.files.truncate_to(index * ENTRY_SIZE)
        self.state.max_index = end_offset(&self.files.seq) // ENTRY_SIZE
        self.state.max_physical_offset = last.physical_offset + last.size if is_message else -1
        self.state.last_physical_offset = last.physical_offset if is_message else -1
        self.ended_with_address = is_message and last.tags_code < LEAST_TAGS_CODE
        self.state.min_index = min(self.state.min_index, self.state.max_index)
        return 0

    def begin_anew(self):
        """Remove every file: the entries will be appended again."""
        self.files.destroy()
        self.state.max_index = self.state.min_index = 0
        self.state.max_physical_offset = self.state.last_physical_offset = -1

    def correct_min_offset(self, int64_t log_start):
        """min offset: the first entry whose message is at or behind `log_start`."""
        cdef Entry entry
        cdef int64_t low, high, middle
        if self.files.seq.count == 0:
            self.state.min_index = self.state.max_index
            return
        low = self.files.seq.files[0].start // ENTRY_SIZE
        high = self.state.max_index
        with nogil:
            if read_entry(&self.state, low, &entry) == 0 and entry.physical_offset >= log_start and entry.size != FILLER_SIZE:
                high = low                     # nothing was cleaned away, which is common
            while low < high:
                middle = (low + high) // 2
                if read_entry(&self.state, middle, &entry) != 0 or entry.physical_offset >= log_start and entry.size != FILLER_SIZE:
                    high = middle
                else:
                    low = middle + 1
        self.state.min_index = low

    def begin_at(self, int64_t index):
        """Let an empty queue begin at `index`: the space before it in its file is filled as upstream fills it."""
        cdef int64_t first
        if self.files.seq.count or index == 0:
            return
        first = index * ENTRY_SIZE // self.files.seq.file_size * self.files.seq.file_size
        self.files.add_file(first)
        self.state.max_index = first // ENTRY_SIZE
        roll_file(&self.files.seq)
        while self.state.max_index < index:
            if put_entry(&self.state, 0, FILLER_SIZE, 0) != ROOM_READY:
                raise OSError(self.files.seq.error, "no room for a consume queue", self.files.folder)
        self.state.max_physical_offset = -1
        self.state.min_index = index

    def entry(self, int64_t index):
        """(physical offset, size, tags code), or None; the code of an entry with a unit is the unit's."""
        cdef Entry entry
        if read_entry(&self.state, index, &entry) != 0:
            return None
        return entry.physical_offset, entry.size, real_code(self.state.ext, entry.tags_code)

    def stored_entry(self, int64_t index):
        """(physical offset, size, tags field) as they stand on disk, or None."""
        cdef Entry entry
        if read_entry(&self.state, index, &entry) != 0:
            return None
        return entry.physical_offset, entry.size, entry.tags_code

    # -- units in consumequeue_ext -------------------------------------------------------------------------------

    def attach(self, ConsumeQueueExt ext):
        """Entries get their units there from now on, or have them there already."""
        self.ext = ext
        self.state.ext = &ext.state if ext is not None else NULL

    def make_bitmaps(self, FilterBitmaps bitmaps):
        """Units get bitmaps of these filters from now on."""
        self.bitmaps = bitmaps
        self.state.bitmaps = &bitmaps.plan if bitmaps is not None else NULL

    def address_from(self, int64_t index):
        """Address in the first entry at or behind `index` that has one; None: no entry has."""
        cdef int64_t end = self.state.max_index
        with nogil:
            index = next_address(&self.state, index, end, 1)
        return self.stored_entry(index)[2] if index >= 0 else None

    def address_before(self, int64_t index):
        """(index, address) of the last entry before `index` that has one; None: no entry has."""
        cdef int64_t least = self.files.first_offset // ENTRY_SIZE
        with nogil:
            index = next_address(&self.state, index - 1, least - 1, -1)
        return (index, self.stored_entry(index)[2]) if index >= 0 else None

    def flush(self, int least_pages=0):
        """Units, then entries, to the disk (MappedFiles.flush); whether all that was appended is there. Any thread."""
        ext = self.ext
        units = ext is None or ext.files.flush(least_pages) >= ext.files.end_offset
        return self.files.flush(least_pages) >= self.files.end_offset and units

    def destroy(self):
        """Remove every file."""
        self.files.destroy()
        if self.ext is not None:
            self.ext.destroy()

    def last_entry_of_first_file(self):
        """The newest entry of the oldest file, for cleaning; None while that file is not full."""
        cdef FileMap* file
        if self.files.seq.count == 0 or self.files.seq.files[0].wrote < self.files.seq.file_size:
            return None
        file = self.files.seq.files[0]
        return self.stored_entry((file.start + file.size) // ENTRY_SIZE - 1)

    def append(self, int64_t physical_offset, int32_t size, int64_t tags_code):
        """Append an entry, making files as needed (slow door: recovery, tests)."""
        cdef int room = put_entry(&self.state, physical_offset, size, tags_code)
        if room == ROOM_NEEDS_FILE:
            self.files.add_file(self.state.max_index * ENTRY_SIZE)
            room = put_entry(&self.state, physical_offset, size, tags_code)
        if room != ROOM_READY:
            raise OSError(self.files.seq.error, "no room for a consume queue", self.files.folder)

    def add_file(self):
        """Link the next file (ROOM_NEEDS_FILE)."""
        self.files.add_file(self.state.max_index // (self.files.seq.file_size // ENTRY_SIZE) * self.files.seq.file_size)


cdef int64_t first_invalid(FileSeq* seq, int64_t index, int64_t end, Entry* last) noexcept nogil:
    """The first entry that cannot be one, or that points before the end of the one before: either is damaged then.

    Reads rather than maps: a store may have more queues than a process may have maps. `last`: the entry before it.
    """
    cdef char[SCANNED_ENTRIES * ENTRY_SIZE] chunk
    cdef const char* entry
    cdef FileMap* file
    cdef int64_t count, i, offset, behind = 0
    cdef int32_t size
    while index < end:
        file = find_file(seq, index * ENTRY_SIZE)
        count = min(min(end - index, <int64_t> SCANNED_ENTRIES), (file.start + file.size) // ENTRY_SIZE - index)
        if read_bytes(seq, index * ENTRY_SIZE, count * ENTRY_SIZE, chunk) != 0:
            return index
        for i in range(count):
            entry = chunk + i * ENTRY_SIZE
            offset, size = get_i64(entry), get_i32(entry + 8)
            if size == FILLER_SIZE and offset == 0:
                continue
            if offset < behind or size <= 0:
                return index + i
            behind = offset + size
            last.physical_offset, last.size, last.tags_code = offset, size, get_i64(entry + 12)
        index += count
    return index


cdef int64_t next_address(QueueState* queue, int64_t index, int64_t stop, int step) noexcept nogil:
    """Index of the next entry with an address on the way from `index` to before `stop`, or -1; `step` is 1 or -1.

    Reads a chunk of entries at a time: a queue may have millions that have none.
    """
    cdef char[SCANNED_ENTRIES * ENTRY_SIZE] chunk
    cdef FileMap* file
    cdef int64_t first, count, _
    while index != stop:
        file = find_file(queue.files, index * ENTRY_SIZE)
        if file == NULL:
            return -1
        if step > 0:
            first = index
            count = min(min(stop - index, <int64_t> SCANNED_ENTRIES), (file.start + file.size) // ENTRY_SIZE - index)
        else:
            first = max(max(stop + 1, index - SCANNED_ENTRIES + 1), file.start // ENTRY_SIZE)
            count = index - first + 1
        if read_bytes(queue.files, first * ENTRY_SIZE, count * ENTRY_SIZE, chunk) != 0:
            return -1
        for _ in range(count):
            if get_i64(chunk + (index - first) * ENTRY_SIZE + 12) < LEAST_TAGS_CODE:
                return index
            index += step
    return -1
