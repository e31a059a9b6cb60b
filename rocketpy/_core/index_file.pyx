"""Index files: messages by key.

Invariant: what is reachable from a slot lies within the file and before the entry it was reached from, whatever the
bytes are; and nothing is written through a map before its blocks are allocated.
"""

import os
from collections import namedtuple

from libc.errno cimport EDQUOT, EINTR, EIO, ENOSPC, errno
from libc.stdint cimport INT32_MAX, int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memchr, memset
from posix.mman cimport MAP_FAILED, MAP_SHARED, MS_SYNC, PROT_READ, PROT_WRITE, mmap, msync, munmap
from posix.unistd cimport close

from rocketpy._core.commit_log cimport get_i32, get_i64, put_i32, put_i64
from rocketpy._core.hashing cimport java_hash

from rocketpy.errors import StoreError

cdef extern from "<fcntl.h>" nogil:
    int posix_fallocate(int fd, int64_t offset, int64_t size)

cdef enum:
    BEGIN_TIMESTAMP_AT = 0
    END_TIMESTAMP_AT = 8
    BEGIN_PHYSICAL_OFFSET_AT = 16
    END_PHYSICAL_OFFSET_AT = 24
    PUT_COUNT_AT = 32
    NEXT_ENTRY_AT = 36

cdef enum:
    ENTRY_STEP_BYTES = 4 << 20      # blocks for some 200,000 entries at a time
    MAX_SECONDS = 0x7FFFFFFF

IndexEntry = namedtuple("IndexEntry", ("key_hash", "physical_offset", "seconds", "previous"))


# --- keys ---

cdef int32_t key_hash(const char* topic, Py_ssize_t topic_size, const char* key, Py_ssize_t key_size) noexcept nogil:
    cdef int32_t value = java_hash(java_hash(java_hash(0, topic, topic_size), b"#", 1), key, key_size)
    if value == -0x80000000:        # Math.abs leaves it negative, upstream then takes 0
        return 0
    return -value if value < 0 else value


cdef const char* next_key(const char* at, const char* end, const char** key_end) noexcept nogil:
    """The next non-empty word at or behind `at`, NULL when there is none."""
    while at < end and at[0] == c" ":
        at += 1
    if at == end:
        return NULL
    key_end[0] = <const char*> memchr(at, c" ", end - at)
    if key_end[0] == NULL:
        key_end[0] = end
    return at


cdef int count_keys(const char* keys, int keys_size) noexcept nogil:
    cdef const char* at = keys
    cdef const char* end = keys + keys_size
    cdef int count = 0
    if keys == NULL:
        return 0
    while next_key(at, end, &at) != NULL:
        count += 1
    return count


# --- one file ---

cdef inline char* slot_at(IndexMap* map, int32_t slot) noexcept nogil:
    return map.base + INDEX_HEADER_SIZE + <int64_t> slot * INDEX_SLOT_SIZE


cdef inline int64_t entry_position(IndexMap* map, int64_t number) noexcept nogil:
    return INDEX_HEADER_SIZE + <int64_t> map.slots * INDEX_SLOT_SIZE + number * INDEX_ENTRY_SIZE


cdef inline char* entry_at(IndexMap* map, int32_t number) noexcept nogil:
    return map.base + entry_position(map, number)


cdef inline int32_t believable(IndexMap* map, int32_t number) noexcept nogil:
    """An entry number out of the file: 0, which ends a chain, unless there is such an entry."""
    return number if 0 < number < map.next_entry else 0


cdef int allocate(IndexMap* map, int64_t upto, int64_t step) noexcept nogil:
    """errno or 0: blocks behind the first `upto` bytes, `step` more where the disk has them."""
    cdef int result
    if upto <= map.allocated:
        return 0
    if upto > map.size:
        return EIO
    result = allocate_exactly(map, min(map.size, upto + step))
    return allocate_exactly(map, upto) if result in (ENOSPC, EDQUOT) and step else result


cdef int allocate_exactly(IndexMap* map, int64_t upto) noexcept nogil:
    cdef int result = EINTR
    while result == EINTR:
        result = posix_fallocate(map.fd, map.allocated, upto - map.allocated)
    if result == 0:
        map.allocated = upto
    return result


cdef void write_header(IndexMap* map) noexcept nogil:
    put_i64(map.base + BEGIN_TIMESTAMP_AT, map.begin_timestamp)
    put_i64(map.base + END_TIMESTAMP_AT, map.end_timestamp)
    put_i64(map.base + BEGIN_PHYSICAL_OFFSET_AT, map.begin_physical_offset)
    put_i64(map.base + END_PHYSICAL_OFFSET_AT, map.end_physical_offset)
    put_i32(map.base + PUT_COUNT_AT, map.put_count)
    put_i32(map.base + NEXT_ENTRY_AT, map.next_entry)


cdef void append_entry(IndexMap* map, int32_t hash_code, int64_t physical_offset, int64_t store_timestamp) noexcept nogil:
    """One entry more, in an order that leaves a readable file wherever the process dies: entry, slot, header."""
    cdef char* entry = entry_at(map, map.next_entry)
    cdef char* slot = slot_at(map, hash_code % map.slots)
    cdef int64_t seconds = 0
    if map.begin_timestamp > 0:
        seconds = min(max((store_timestamp - map.begin_timestamp) // 1000, 0), MAX_SECONDS)
    put_i32(entry, hash_code)
    put_i64(entry + 4, physical_offset)
    put_i32(entry + 12, <int32_t> seconds)
    put_i32(entry + 16, believable(map, get_i32(slot)))
    put_i32(slot, map.next_entry)
    if map.next_entry <= 1:         # a file made after another one holds that one's end until now
        map.begin_physical_offset = physical_offset
        map.begin_timestamp = store_timestamp
    map.put_count += 1
    map.next_entry += 1
    map.end_physical_offset = physical_offset
    map.end_timestamp = store_timestamp
    write_header(map)


cdef bint has_entry(IndexMap* map, int32_t hash_code, int64_t physical_offset) noexcept nogil:
    """Whether the last message of the file was indexed under this hash already."""
    cdef int32_t number = map.next_entry - 1
    while number > 0 and get_i64(entry_at(map, number) + 4) == physical_offset:
        if get_i32(entry_at(map, number)) == hash_code:
            return True
        number -= 1
    return False


# --- putting ---

cdef int index_room(IndexState* state, int keys) noexcept nogil:
    cdef IndexMap* map = state.tail
    cdef int64_t left = keys
    cdef int64_t fits
    if keys <= 0:
        return INDEX_READY
    while map != NULL:
        fits = min(left, map.capacity - map.next_entry)
        state.error = allocate(map, entry_position(map, map.next_entry + fits), state.step)
        if state.error:
            return INDEX_NO_SPACE if state.error in (ENOSPC, EDQUOT) else INDEX_FAILED
        left -= fits
        if left == 0:
            return INDEX_READY
        map = map.next
    return INDEX_NEEDS_FILE


cdef IndexMap* roll(IndexState* state) noexcept nogil:
    """The tail once it has room for an entry; the next file takes over the full one's end, as upstream's does."""
    cdef IndexMap* full = state.tail
    cdef IndexMap* map = full
    while map != NULL and map.next_entry >= map.capacity:
        map = map.next
    if map == NULL or map == full:
        return map
    map.begin_timestamp = map.end_timestamp = max(full.end_timestamp, 0)
    map.begin_physical_offset = map.end_physical_offset = max(full.end_physical_offset, 0)
    state.tail = map
    return map


cdef int put_hash(IndexState* state, int32_t hash_code, int64_t physical_offset, int64_t store_timestamp) noexcept nogil:
    cdef int room = index_room(state, 1)
    if room == INDEX_READY:
        append_entry(roll(state), hash_code, physical_offset, store_timestamp)
    return room


cdef int put_key(
    IndexState* state, const char* topic, int topic_size, const char* key, int key_size,
    int64_t physical_offset, int64_t store_timestamp,
) noexcept nogil:
    return put_hash(state, key_hash(topic, topic_size, key, key_size), physical_offset, store_timestamp)


cdef int put_keys(
    IndexState* state, const char* topic, int topic_size, const char* uniq_key, int uniq_key_size,
    const char* keys, int keys_size, int64_t physical_offset, int64_t store_timestamp,
) noexcept nogil:
    cdef int total = (1 if uniq_key != NULL else 0) + count_keys(keys, keys_size)
    cdef int room = index_room(state, total)
    cdef IndexMap* last = state.tail
    cdef bint again
    cdef const char* end = keys + keys_size
    cdef const char* key_end
    cdef int32_t hash_code
    if room != INDEX_READY or total == 0:
        return room
    if physical_offset < last.end_physical_offset:      # dispatched again after a restart: it is here already
        return INDEX_READY
    again = physical_offset == last.end_physical_offset and last.next_entry > 1
    if uniq_key != NULL:
        hash_code = key_hash(topic, topic_size, uniq_key, uniq_key_size)
        if not (again and has_entry(last, hash_code, physical_offset)):
            put_hash(state, hash_code, physical_offset, store_timestamp)
    if keys == NULL:
        return INDEX_READY
    while True:
        keys = next_key(keys, end, &key_end)
        if keys == NULL:
            return INDEX_READY
        hash_code = key_hash(topic, topic_size, keys, key_end - keys)
        if not (again and has_entry(last, hash_code, physical_offset)):
            put_hash(state, hash_code, physical_offset, store_timestamp)
        keys = key_end


cdef class IndexFile:
    def __cinit__(self, str path not None, int32_t slots, int32_t capacity, bint create=False):
        self.path = path
        self.map.fd = -1
        self.map.slots = slots
        self.map.capacity = capacity
        self.map.size = entry_position(&self.map, capacity)
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if create else 0)
        self.map.fd = os.open(path, flags, 0o644)
        if create:
            self._lay_out()
        elif os.fstat(self.map.fd).st_size != self.map.size:
            raise StoreError(f"index file {path} has {os.fstat(self.map.fd).st_size} bytes, "
                             f"{slots} slots and {capacity} entries take {self.map.size}")
        cdef void* base = mmap(NULL, self.map.size, PROT_READ | PROT_WRITE, MAP_SHARED, self.map.fd, 0)
        if base == MAP_FAILED:
            raise OSError(errno, os.strerror(errno), path)
        self.map.base = <char*> base
        self._read_header()

    def __dealloc__(self):
        if self.map.base != NULL:
            munmap(self.map.base, self.map.size)
        if self.map.fd >= 0:
            close(self.map.fd)

    def _lay_out(self):
        """Full size with blocks behind header and slots; a file that cannot have them is not left behind."""
        try:
            os.ftruncate(self.map.fd, self.map.size)
            os.posix_fallocate(self.map.fd, 0, entry_position(&self.map, 1))
        except OSError:
            os.unlink(self.path)
            raise
        self.map.allocated = entry_position(&self.map, 1)

    def _read_header(self):
        cdef const char* base = self.map.base
        self.map.begin_timestamp = get_i64(base + BEGIN_TIMESTAMP_AT)
        self.map.end_timestamp = get_i64(base + END_TIMESTAMP_AT)
        self.map.begin_physical_offset = get_i64(base + BEGIN_PHYSICAL_OFFSET_AT)
        self.map.end_physical_offset = get_i64(base + END_PHYSICAL_OFFSET_AT)
        self.map.put_count = get_i32(base + PUT_COUNT_AT)
        self.map.next_entry = get_i32(base + NEXT_ENTRY_AT) or 1
        if not 1 <= self.map.next_entry <= self.map.capacity:
            raise StoreError(f"index file {self.path} says it has {self.map.next_entry - 1} entries, "
                             f"{self.map.capacity - 1} fit")

    @property
    def slots(self):
        return self.map.slots

    @property
    def capacity(self):
        return self.map.capacity

    @property
    def count(self):
        return self.map.next_entry - 1

    @property
    def put_count(self):
        return self.map.put_count

    @property
    def is_full(self):
        return self.map.next_entry >= self.map.capacity

    @property
    def begin_timestamp(self):
        return self.map.begin_timestamp

    @property
    def end_timestamp(self):
        return self.map.end_timestamp

    @property
    def begin_physical_offset(self):
        return self.map.begin_physical_offset

    @property
    def end_physical_offset(self):
        return self.map.end_physical_offset

    def is_time_matched(self, int64_t begin_ms, int64_t end_ms):
        return begin_ms <= self.map.end_timestamp and end_ms >= self.map.begin_timestamp

    def select(self, str topic not None, str key not None, Py_ssize_t max_num, int64_t begin_ms, int64_t end_ms):
        cdef IndexMap* map = &self.map
        cdef bytes topic_bytes = topic.encode("utf-8", "replace")
        cdef bytes key_bytes = key.encode("utf-8", "replace")
        cdef int32_t hash_code = key_hash(topic_bytes, len(topic_bytes), key_bytes, len(key_bytes))
        cdef int32_t number = 0
        cdef int64_t offset = 0
        cdef list found = []
        while len(found) < max_num:
            with nogil:                     # pages may have to be read, and the loop goes on meanwhile
                number = next_match(map, number, hash_code, begin_ms, end_ms, &offset)
            if number == 0:
                break
            found.append(offset)
        return found

    def entry(self, int32_t number):
        if not 0 < number < self.map.next_entry:
            raise IndexError(f"index file {self.path} has no entry {number}")
        cdef const char* at = entry_at(&self.map, number)
        return IndexEntry(get_i32(at), get_i64(at + 4), get_i32(at + 12), get_i32(at + 16))

    def slot(self, int32_t number):
        if not 0 <= number < self.map.slots:
            raise IndexError(f"index file {self.path} has no slot {number}")
        return get_i32(slot_at(&self.map, number))

    def sound_entries(self, int64_t end_offset):
        cdef int32_t number
        with nogil:
            number = sound_until(&self.map, end_offset)
        return number - 1

    def check_chains(self):
        cdef int32_t number
        with nogil:
            number = broken_chain(&self.map)
        if number < 0:
            raise MemoryError
        return number

    def cut(self, int32_t count):
        cdef int error
        if not 0 <= count < self.map.next_entry:
            raise ValueError(f"index file {self.path} has {self.map.next_entry - 1} entries, {count} cannot be kept")
        self.map.allocated = 0      # a Java broker's file may have holes anywhere
        error = allocate(&self.map, entry_position(&self.map, self.map.next_entry), 0)
        if error:
            raise OSError(error, os.strerror(error), self.path)
        with nogil:
            rebuild(&self.map, count)

    def flush(self):
        cdef int result
        with nogil:
            result = msync(self.map.base, self.map.size, MS_SYNC)
        if result:
            raise OSError(errno, os.strerror(errno), self.path)

    def __repr__(self):
        return f"<IndexFile {self.path}: {self.count} of {self.capacity - 1} entries>"


cdef int32_t next_match(
    IndexMap* map, int32_t number, int32_t hash_code, int64_t begin_ms, int64_t end_ms, int64_t* offset,
) noexcept nogil:
    """The next entry behind `number` in its chain (0: from the slot on) that matches, or 0."""
    cdef int32_t before
    cdef int64_t time
    cdef const char* entry
    while True:
        before = number if number else INT32_MAX
        number = get_i32(entry_at(map, number) + 16 if number else slot_at(map, hash_code % map.slots))
        number = believable(map, number)
        if number == 0 or number >= before:         # a chain only goes back: a garbled one must not run in rings
            return 0
        entry = entry_at(map, number)
        time = map.begin_timestamp + get_i32(entry + 12) * <int64_t> 1000
        if get_i32(entry + 12) < 0 or time < begin_ms:
            return 0
        if get_i32(entry) == hash_code and time <= end_ms:
            offset[0] = get_i64(entry + 4)
            return number


cdef int32_t sound_until(IndexMap* map, int64_t end_offset) noexcept nogil:
    """Number of the first entry that makes no sense: offsets rise and stay within the log, times are not negative."""
    cdef int32_t number
    cdef int64_t offset
    cdef int64_t before = map.begin_physical_offset
    cdef const char* entry
    for number in range(1, map.next_entry):
        entry = entry_at(map, number)
        offset = get_i64(entry + 4)
        if offset < before or offset >= end_offset or get_i32(entry) < 0 or get_i32(entry + 12) < 0:
            return number
        before = offset
    return map.next_entry


cdef int32_t broken_chain(IndexMap* map) noexcept nogil:
    """Number of the first entry its slot does not lead to in order, 0: none, -1: no memory to find out."""
    cdef int32_t* last = <int32_t*> calloc(map.slots, sizeof(int32_t))
    cdef int32_t number, slot
    cdef int32_t broken = 0
    if last == NULL:
        return -1
    for number in range(1, map.next_entry):
        slot = (get_i32(entry_at(map, number)) & 0x7FFFFFFF) % map.slots
        if get_i32(entry_at(map, number) + 16) != last[slot]:
            broken = number
            break
        last[slot] = number
    for slot in range(map.slots):
        if broken:
            break
        number = get_i32(slot_at(map, slot))
        if number != last[slot]:        # one too far: the process died between slot and header
            broken = number if 0 < number <= map.next_entry else last[slot]
    free(last)
    return broken


cdef void rebuild(IndexMap* map, int32_t count) noexcept nogil:
    """Entries 1 to `count` remain; slots and chains follow from their hashes. The end time is known to the second."""
    cdef int32_t number, hash_code
    cdef char* entry
    cdef char* slot
    memset(slot_at(map, 0), 0, <size_t> map.slots * INDEX_SLOT_SIZE)
    for number in range(1, count + 1):
        entry = entry_at(map, number)
        hash_code = get_i32(entry) & 0x7FFFFFFF        # a garbled one must not lead out of the slots
        slot = slot_at(map, hash_code % map.slots)
        put_i32(entry + 16, get_i32(slot))
        put_i32(slot, number)
    memset(entry_at(map, count + 1), 0, <size_t> (map.next_entry - count - 1) * INDEX_ENTRY_SIZE)
    if count + 1 < map.next_entry:
        entry = entry_at(map, count)
        map.end_physical_offset = get_i64(entry + 4) if count else 0
        map.end_timestamp = map.begin_timestamp + get_i32(entry + 12) * <int64_t> 1000 if count else 0
        if count == 0:
            map.begin_timestamp = map.begin_physical_offset = 0
    map.put_count = count
    map.next_entry = count + 1
    write_header(map)


cdef class IndexWriter:
    def __cinit__(self, make_file, IndexFile tail=None):
        self.make_file = make_file
        self.files = []
        self.state.step = ENTRY_STEP_BYTES
        if tail is not None:
            self._link(tail)

    def _link(self, IndexFile file not None):
        cdef IndexFile last
        if self.files:
            last = self.files[len(self.files) - 1]
            last.map.next = &file.map
        else:
            self.state.tail = &file.map
        self.files.append(file)

    cdef int prepare(self, int keys) except -1:
        cdef int room = index_room(&self.state, keys)
        self.drop_full()
        while room == INDEX_NEEDS_FILE:
            try:
                self._link(self.make_file())
            except OSError as error:
                self.state.error = error.errno or EIO
                return INDEX_NO_SPACE if self.state.error in (ENOSPC, EDQUOT) else INDEX_FAILED
            room = index_room(&self.state, keys)
        return room

    cdef drop_full(self):
        """Let go of files before the tail: the folder keeps them."""
        while self.files and &(<IndexFile> self.files[0]).map != self.state.tail:
            del self.files[0]

    def room(self, int keys):
        return self.prepare(keys) == INDEX_READY

    def put(self, str topic not None, str uniq_key, str keys, int64_t physical_offset, int64_t store_timestamp):
        cdef bytes topic_bytes = topic.encode("utf-8", "replace")
        cdef bytes uniq_bytes = b"" if uniq_key is None else uniq_key.encode("utf-8", "replace")
        cdef const char* uniq = NULL
        cdef bytes keys_bytes = b"" if keys is None else keys.encode("utf-8", "replace")
        cdef int total = (uniq_key is not None) + count_keys(keys_bytes, <int> len(keys_bytes))
        if self.prepare(total) != INDEX_READY:
            raise StoreError(f"no room in the index: {os.strerror(self.state.error)}")
        if uniq_key is not None:
            uniq = uniq_bytes
        put_keys(
            &self.state, topic_bytes, <int> len(topic_bytes), uniq, <int> len(uniq_bytes), keys_bytes,
            <int> len(keys_bytes), physical_offset, store_timestamp,
        )

    @property
    def error(self):
        return self.state.error
