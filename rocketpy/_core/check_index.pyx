"""Compares the index with the log: entries stand in the order in which messages were stored, so both are read once.

Invariant: of each slot the last entry so far is known, so that every chain and at the end every slot is compared.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memset
from posix.unistd cimport close

from rocketpy._core.check_files cimport (
    INDEX_BEYOND, INDEX_CHAIN, INDEX_HASH, INDEX_HEADER, INDEX_MISSING, INDEX_OFFSET, INDEX_SECONDS, INDEX_SLOT,
    INDEX_STRANGER, Findings, LogFiles, open_file, read_fully,
)
from rocketpy._core.commit_log cimport MessageToPut, get_i32, get_i64
from rocketpy._core.index_file cimport INDEX_ENTRY_SIZE, INDEX_HEADER_SIZE, INDEX_SLOT_SIZE, key_hash

cdef enum:
    BUFFER_ENTRIES = 32768
    SLOTS_AT_A_TIME = 16384
    MAX_SECONDS = 0x7FFFFFFF

cdef enum:                        # fields of `header`, and where each stands
    BEGIN_TIME = 0                # at 0
    END_TIME = 1                  # at 8
    BEGIN_OFFSET = 2              # at 16
    END_OFFSET = 3                # at 24
    PUT_COUNT = 4                 # at 32
    NEXT_ENTRY = 5                # at 36


cdef const char* next_word(const char* at, const char* end, const char** word_end) noexcept nogil:
    while at < end and at[0] == c" ":
        at += 1
    if at == end:
        return NULL
    word_end[0] = <const char*> memchr(at, c" ", end - at)
    if word_end[0] == NULL:
        word_end[0] = end
    return at


cdef int32_t hash_of(const MessageToPut* message, const char* key, Py_ssize_t size) noexcept nogil:
    return key_hash(message.topic, message.topic_size, key, size)


cdef bint has_key(const MessageToPut* message, int32_t hash_code) noexcept nogil:
    cdef const char* at = message.keys
    cdef const char* end = at + message.keys_size
    cdef const char* word_end
    if message.uniq_key != NULL and hash_of(message, message.uniq_key, message.uniq_key_size) == hash_code:
        return True
    while message.keys_size:
        at = next_word(at, end, &word_end)
        if at == NULL:
            break
        if hash_of(message, at, word_end - at) == hash_code:
            return True
        at = word_end
    return False


cdef bint comes_before(const MessageToPut* message, int32_t hash_code, int32_t other) noexcept nogil:
    """Whether a key of this hash stands before the one of the `other` hash."""
    cdef const char* at = message.keys
    cdef const char* end = at + message.keys_size
    cdef const char* word_end
    cdef int32_t found
    if hash_code == other:
        return False
    if message.uniq_key != NULL:
        found = hash_of(message, message.uniq_key, message.uniq_key_size)
        if found == hash_code or found == other:
            return found == hash_code
    while message.keys_size:
        at = next_word(at, end, &word_end)
        if at == NULL:
            break
        found = hash_of(message, at, word_end - at)
        if found == hash_code or found == other:
            return found == hash_code
        at = word_end
    return False


cdef class IndexChecks:
    def __cinit__(self, LogFiles log not None, Findings findings not None, files):
        cdef int number
        self.log = log
        self.findings = findings
        self.fd = -1
        self.last_end_time = -1
        self.count = len(files)
        self._owned = [path for path, _, _ in files]
        self.slots_room = max([slots for _, slots, _ in files], default=1)
        self.places = <IndexPlace*> malloc(max(self.count, 1) * sizeof(IndexPlace))
        self.last = <int32_t*> malloc(<size_t> self.slots_room * sizeof(int32_t))
        self.buffer = <char*> malloc(BUFFER_ENTRIES * INDEX_ENTRY_SIZE)
        if self.places == NULL or self.last == NULL or self.buffer == NULL:
            raise MemoryError
        for number, (path, slots, capacity) in enumerate(files):
            self.places[number].path = <bytes> path
            self.places[number].slots = slots
            self.places[number].capacity = capacity

    def __dealloc__(self):
        if self.fd >= 0:
            close(self.fd)
        free(self.places)
        free(self.last)
        free(self.buffer)

    # -- a record's keys ---------------------------------------------------------------------------------------------

    cdef void check(self, const MessageToPut* message) noexcept nogil:
        cdef const char* at = message.keys
        cdef const char* end = at + message.keys_size
        cdef const char* word_end
        cdef bint any_key = False
        while self._current() and not self.entry.wild and self.entry.offset < message.physical_offset:
            self._stray()
        if message.uniq_key != NULL:
            any_key = True
            self._check_key(message, hash_of(message, message.uniq_key, message.uniq_key_size))
        while message.keys_size:
            at = next_word(at, end, &word_end)
            if at == NULL:
                break
            any_key = True
            self._check_key(message, hash_of(message, at, word_end - at))
            at = word_end
        while any_key and self._current() and not self.entry.wild and self.entry.offset == message.physical_offset:
            # Upstream indexes the last message once more when it starts after a crash.
            if not has_key(message, self.entry.hash_code):
                self.findings.add(INDEX_HASH, self.file, self.number, self.entry.hash_code, message.physical_offset)
            self._take(self.entry.hash_code, message.store_timestamp)

    cdef bint _check_key(self, const MessageToPut* message, int32_t hash_code) noexcept nogil:
        """Is the next entry that of this key? It is taken then."""
        # A message split over two files is indexed once more from its first key on when the second one was lost.
        while (self._current() and not self.entry.wild and self.entry.offset == message.physical_offset
                and comes_before(message, self.entry.hash_code, hash_code)):
            self._take(self.entry.hash_code, message.store_timestamp)
        if self._current():
            if self.entry.wild and self.entry.hash_code == hash_code:
                self.findings.add(INDEX_OFFSET, self.file, self.number, self.entry.offset, message.physical_offset)
                self.entry.offset = message.physical_offset
                self._take(hash_code, message.store_timestamp)
                return True
            if self.entry.offset == message.physical_offset:
                if self.entry.hash_code == hash_code:
                    self._take(hash_code, message.store_timestamp)
                    return True
                if not has_key(message, self.entry.hash_code):
                    self.findings.add(INDEX_HASH, self.file, self.number, self.entry.hash_code, message.physical_offset)
                    self._take(hash_code, message.store_timestamp)
                    return True
        if self.missing_count == 0:
            self.missing_from = message.physical_offset
        self.missing_to = message.physical_offset
        self.missing_count += 1
        return False

    cdef void _tell_missing(self) noexcept nogil:
        if self.missing_count:
            self.findings.add(INDEX_MISSING, -1, self.missing_from, self.missing_to, self.missing_count)
        self.missing_count = 0

    # -- entry after entry -------------------------------------------------------------------------------------------

    cdef bint _current(self) noexcept nogil:
        while not self.loaded:
            if self.fd < 0:
                if self.file == self.count or not self._open():
                    return False
            elif self.number < self.next_entry:
                self.loaded = self._load()
                if not self.loaded:
                    self.next_entry = self.number
            elif self.file == self.count - 1 and self.log.live:
                return False        # the writer is at work behind it; its slots are looked at last
            else:
                self._close()
        return True

    cdef bint _open(self) noexcept nogil:
        """The next file that can be opened; its header is believed as far as the file can hold what it says."""
        cdef char head[40]
        cdef int field
        while self.file < self.count:
            self.fd = open_file(self.places[self.file].path)
            if self.fd >= 0 and read_fully(self.fd, 0, head, INDEX_HEADER_SIZE) == INDEX_HEADER_SIZE:
                break
            if self.fd >= 0:
                close(self.fd)
            self.fd = -1
            self.file += 1
        if self.fd < 0:
            return False
        for field in range(BEGIN_TIME, PUT_COUNT):
            self.header[field] = get_i64(head + 8 * field)
        self.header[PUT_COUNT] = get_i32(head + 32)
        self.header[NEXT_ENTRY] = get_i32(head + 36)
        self.next_entry = <int32_t> min(max(self.header[NEXT_ENTRY], 1), self.places[self.file].capacity)
        if self.header[NEXT_ENTRY] != self.next_entry and self.header[NEXT_ENTRY] != 0:
            self.findings.add(INDEX_HEADER, self.file, 36, self.header[NEXT_ENTRY], self.next_entry)
        self.number = 1
        self.loaded = False
        self.buffer_count = 0
        self.before = -1
        self.first_time = self.last_time = -1
        self.last_offset = self.first_offset = -1
        memset(self.last, 0, <size_t> self.places[self.file].slots * sizeof(int32_t))
        return True

    cdef const char* _entry_at(self, int32_t number) noexcept nogil:
        """The bytes of an entry of the open file, NULL where it ends."""
        cdef int64_t at
        if number < self.buffer_at or number >= self.buffer_at + self.buffer_count:
            # One entry before stays within reach: the next one is looked at before this one is taken.
            self.buffer_at = number
            at = INDEX_HEADER_SIZE + <int64_t> self.places[self.file].slots * INDEX_SLOT_SIZE
            self.buffer_count = read_fully(
                self.fd, at + <int64_t> number * INDEX_ENTRY_SIZE, self.buffer,
                min(BUFFER_ENTRIES, self.next_entry - number) * <int64_t> INDEX_ENTRY_SIZE) // INDEX_ENTRY_SIZE
            if self.buffer_count <= 0:
                self.buffer_count = 0
                return NULL
        return self.buffer + (number - self.buffer_at) * INDEX_ENTRY_SIZE

    cdef bint _load(self) noexcept nogil:
        cdef const char* at = self._entry_at(self.number)
        cdef const char* behind
        cdef int64_t next_offset
        if at == NULL:
            return False
        self.entry.hash_code = get_i32(at)
        self.entry.offset = get_i64(at + 4)
        self.entry.seconds = get_i32(at + 12)
        self.entry.previous = get_i32(at + 16)
        if self.before > 0 and self.entry.hash_code == 0 and self.entry.offset == 0 and self.entry.previous == 0:
            self.findings.add(INDEX_HEADER, self.file, 36, self.header[NEXT_ENTRY], self.number)
            return False            # nothing was written here: the header counts too many
        self.entry.wild = self.entry.offset < self.before
        if self.number + 1 < self.next_entry and not self.entry.wild:
            behind = self._entry_at(self.number + 1)
            if behind != NULL:
                next_offset = get_i64(behind + 4)
                self.entry.wild = self.before <= next_offset < self.entry.offset
        return True

    cdef void _take(self, int32_t hash_code, int64_t store_time) noexcept nogil:
        """Done with the entry; `hash_code` is the right one, `store_time` its record's, -1 when it has none."""
        cdef int32_t slot = (hash_code & 0x7FFFFFFF) % self.places[self.file].slots
        if self.entry.previous != self.last[slot]:
            self.findings.add(INDEX_CHAIN, self.file, self.number, self.entry.previous, self.last[slot])
        self.last[slot] = self.number
        if store_time >= 0:
            self._tell_missing()
            self._check_seconds(store_time)
            self.before = self.last_offset = self.entry.offset
        elif not self.entry.wild:
            self.before = self.last_offset = self.entry.offset
        if self.number == 1:
            self.first_time = store_time
            self.first_offset = self.last_offset
        self.last_time = store_time
        self.entries += 1
        self.number += 1
        self.loaded = False

    cdef void _check_seconds(self, int64_t store_time) noexcept nogil:
        """Seconds since the file's first entry; the first one counts from the end of the file before."""
        cdef int64_t begin = self.header[BEGIN_TIME] if self.number > 1 else self.last_end_time
        cdef int64_t right = 0
        if begin > 0:
            right = min(max((store_time - begin) // 1000, 0), MAX_SECONDS)
        if self.entry.seconds == right or self.number == 1 and (self.entry.seconds == 0 or self.file == 0 and self.entry.seconds > 0):
            return
        self.findings.add(INDEX_SECONDS, self.file, self.number, self.entry.seconds, right)

    cdef void _stray(self) noexcept nogil:
        """An entry that no record has asked for."""
        cdef int64_t offset = self.entry.offset
        if offset < 0 or offset >= self.log.first and not self.log.is_damaged(offset):
            if offset < self.log.until:
                self.findings.add(INDEX_STRANGER, self.file, self.number, offset, 0)
            elif not self.log.live:
                self.findings.add(INDEX_BEYOND, self.file, self.number, offset, 0)
        self._take(self.entry.hash_code, -1)

    # -- the end of a file -------------------------------------------------------------------------------------------

    cdef void _close(self) noexcept nogil:
        self._check_slots()
        if not (self.log.live and self.file == self.count - 1):
            self._check_header()
        self.last_end_time = self.header[END_TIME]
        close(self.fd)
        self.fd = -1
        self.file += 1

    cdef void _check_header(self) noexcept nogil:
        """Begin and end are those of the first and the last entry; a cut leaves the end's time to the second."""
        if self.next_entry <= 1:
            return
        if self.header[PUT_COUNT] != self.next_entry - 1:
            self.findings.add(INDEX_HEADER, self.file, 32, self.header[PUT_COUNT], self.next_entry - 1)
        if self.first_offset >= 0 and self.header[BEGIN_OFFSET] != self.first_offset:
            self.findings.add(INDEX_HEADER, self.file, 16, self.header[BEGIN_OFFSET], self.first_offset)
        if self.last_offset >= 0 and self.header[END_OFFSET] != self.last_offset:
            self.findings.add(INDEX_HEADER, self.file, 24, self.header[END_OFFSET], self.last_offset)
        if self.first_time >= 0 and self.header[BEGIN_TIME] != self.first_time:
            self.findings.add(INDEX_HEADER, self.file, 0, self.header[BEGIN_TIME], self.first_time)
        if self.last_time >= 0 and not self.last_time - 1000 < self.header[END_TIME] <= self.last_time:
            self.findings.add(INDEX_HEADER, self.file, 8, self.header[END_TIME], self.last_time)

    cdef void _check_slots(self) noexcept nogil:
        cdef int32_t slots = self.places[self.file].slots
        cdef int32_t slot = 0
        cdef int32_t value
        cdef int64_t i, got
        cdef bint grows = self.log.live and self.file == self.count - 1
        self.buffer_count = 0       # the entries' buffer serves here
        while slot < slots:
            got = read_fully(
                self.fd, INDEX_HEADER_SIZE + <int64_t> slot * INDEX_SLOT_SIZE, self.buffer,
                min(SLOTS_AT_A_TIME, slots - slot) * <int64_t> INDEX_SLOT_SIZE) // INDEX_SLOT_SIZE
            if got <= 0:
                return
            for i in range(got):
                value = get_i32(self.buffer + i * INDEX_SLOT_SIZE)
                if value != self.last[slot + i] and not (grows and value >= self.next_entry):
                    self.findings.add(INDEX_SLOT, self.file, slot + i, value, self.last[slot + i])
            slot += <int32_t> got

    def finish(self):
        with nogil:
            while self._current():
                self._stray()
            if self.fd >= 0:
                self._close()
            self._tell_missing()
