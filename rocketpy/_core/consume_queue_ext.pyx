"""Units beside a consume queue: tags code, store time and filter bitmap of each message, named by its queue entry.

A unit is i16 size, i64 tags code, i64 store time, i16 bitmap size, bitmap; it never crosses a file's end. Invariant: an
entry's address leads to its own unit or to none, so that a reader either knows a tags code or knows that it does not.
Units are a help and no more: where one cannot be put its entry has the plain tags code, as upstream's.
"""

cimport cython
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t
from libc.string cimport memcpy

from rocketpy._core.commit_log cimport MessageToPut, get_i64, get_u16, put_i64, put_u16
from rocketpy._core.mapped_files cimport (
    ROOM_NEEDS_FILE, ROOM_READY, FileMap, MappedFiles, allocate_to, bytes_at, data_end, end_offset, find_file, make_room,
    read_bytes, roll_file,
)

cdef enum:
    BLANK_MARK = 0xFFFF           # i16 -1 where a unit's size would stand
    STEP_BYTES = 65536


cdef inline int64_t _unit_size(const MessageToPut* message) noexcept nogil:
    return UNIT_OVERHEAD + message.filter_bitmap_size


cdef inline bint _fits_at_all(ExtState* ext, int64_t size) noexcept nogil:
    """Not too large for a file, nor would its address pass for a tags code."""
    return (size <= MAX_UNIT_SIZE and size + UNIT_BLANK_SIZE <= ext.files.file_size
            and end_offset(ext.files) < INT64_MAX - (<int64_t> 1 << 31) - 2 * ext.files.file_size)


cdef int ext_room(ExtState* ext, const MessageToPut* messages, int count) noexcept nogil:
    """Walks through the files as put_unit will: each place it will write to gets its blocks now."""
    cdef int i
    cdef int number = ext.files.tail
    cdef int64_t size
    cdef int64_t at = 0
    ext.wanted_files = 0
    if not ext.writes or ext.refused:
        return ROOM_READY
    if number < 0:
        number = 0
    else:
        at = ext.files.files[number].wrote
    for i in range(count):
        size = _unit_size(&messages[i])
        if not _fits_at_all(ext, size):
            continue
        if size + UNIT_BLANK_SIZE > ext.files.file_size - at:
            if at < ext.files.file_size:
                _ask_blocks(ext, number, at + 2)
            number += 1
            at = 0
        at += size
        _ask_blocks(ext, number, at)
    ext.wanted_files = max(0, number + 1 - ext.files.count) if at else 0
    return ROOM_NEEDS_FILE if ext.wanted_files and not ext.refused else ROOM_READY


cdef inline void _ask_blocks(ExtState* ext, int number, int64_t upto) noexcept nogil:
    cdef FileMap* file
    if number >= ext.files.count or ext.refused:
        return
    file = ext.files.files[number]
    if (upto > file.allocated or file.base == NULL) and allocate_to(ext.files, file, upto) != ROOM_READY:
        ext.refused = ext.files.error


cdef int64_t put_unit(ExtState* ext, const MessageToPut* message, int64_t tags_code) noexcept nogil:
    cdef int64_t size = _unit_size(message)
    cdef FileMap* tail
    cdef char* at
    if not ext.writes or ext.refused or not _fits_at_all(ext, size) or not _open_tail(ext, size):
        return tags_code
    tail = ext.files.files[ext.files.tail]
    at = tail.base + tail.wrote
    put_u16(at, <int> size)
    put_i64(at + TAGS_CODE_AT, tags_code)
    put_i64(at + STORE_TIME_AT, message.store_timestamp)
    put_u16(at + BITMAP_SIZE_AT, message.filter_bitmap_size)
    if message.filter_bitmap_size:
        memcpy(at + UNIT_OVERHEAD, message.filter_bitmap, message.filter_bitmap_size)
    tail.wrote += size
    return tail.start + tail.wrote - size + INT64_MIN


cdef bint _open_tail(ExtState* ext, int64_t size) noexcept nogil:
    """Make the tail a file with room for the unit; false when ext_room had not seen to it."""
    cdef FileMap* tail
    if ext.files.tail < 0 and roll_file(ext.files) != ROOM_READY:
        return False
    tail = ext.files.files[ext.files.tail]
    if size + UNIT_BLANK_SIZE > tail.size - tail.wrote:
        if tail.wrote < tail.size:
            if make_room(ext.files, 2) != ROOM_READY:
                return False
            put_u16(tail.base + tail.wrote, BLANK_MARK)
        if roll_file(ext.files) != ROOM_READY:
            return False
    return make_room(ext.files, size) == ROOM_READY


cdef int read_unit(ExtState* ext, int64_t address, ExtUnit* out) noexcept nogil:
    cdef char[UNIT_OVERHEAD] copy
    cdef const char* at = copy
    cdef int64_t offset = address - INT64_MIN
    cdef FileMap* file = find_file(ext.files, offset)
    if address >= LEAST_TAGS_CODE or file == NULL:
        return -1
    if not ext.has_holes:
        at = bytes_at(ext.files, offset, UNIT_OVERHEAD)
    elif _is_hole(file, offset - file.start) or read_bytes(ext.files, offset, UNIT_OVERHEAD, copy) != 0:
        return -1
    return -1 if at == NULL else _parse(file, offset, at, out)


cdef inline bint _is_hole(FileMap* file, int64_t at) noexcept nogil:
    return data_end(file, at) < at + UNIT_OVERHEAD


cdef int _parse(const FileMap* file, int64_t offset, const char* at, ExtUnit* out) noexcept nogil:
    out.size = get_u16(at)
    out.bitmap_size = get_u16(at + BITMAP_SIZE_AT)
    out.tags_code = get_i64(at + TAGS_CODE_AT)
    out.store_time = get_i64(at + STORE_TIME_AT)
    if out.size > MAX_UNIT_SIZE or out.size != UNIT_OVERHEAD + out.bitmap_size:
        return -1
    return 0 if offset - file.start + out.size <= file.wrote else -1


cdef int64_t unit_code(ExtState* ext, int64_t address) noexcept nogil:
    cdef ExtUnit unit
    return unit.tags_code if read_unit(ext, address, &unit) == 0 else address


cdef const char* unit_bitmap(ExtState* ext, int64_t address, const ExtUnit* unit) noexcept nogil:
    return NULL if ext.has_holes else bytes_at(ext.files, address - INT64_MIN + UNIT_OVERHEAD, unit.bitmap_size)


@cython.final
cdef class ConsumeQueueExt:
    def __cinit__(self, str folder, int64_t file_size, bint writes):
        self.files = MappedFiles(folder, file_size, STEP_BYTES, False, True)
        self.state.files = &self.files.seq
        self.state.writes = writes

    @property
    def writes(self):
        return bool(self.state.writes)

    @property
    def mended(self):
        """Entries whose unit recovery found missing or wrong: they got their plain tags code."""
        return self.state.mended

    def load(self):
        """Open the files, all counted as full; returns what was odd."""
        notes = self.files.load()
        self.state.has_holes = True      # before the end is known, addresses may lead where nothing was written
        self.odd = bool(notes)
        return notes

    def end_behind(self, int64_t address):
        """Make the end of the unit at `address` the end of all; False, and nothing is done: there is no whole unit."""
        cdef ExtUnit unit
        if read_unit(&self.state, address, &unit) != 0:
            return False
        self.files.truncate_to(address - INT64_MIN + unit.size)
        self.state.has_holes = self.odd
        return True

    def destroy(self):
        """Remove every file; new units begin anew."""
        self.files.destroy()
        self.state.has_holes = False

    def unit(self, int64_t address):
        """(tags code, store time, bitmap), or None."""
        cdef ExtUnit unit
        cdef char[MAX_UNIT_SIZE] bitmap
        if read_unit(&self.state, address, &unit) != 0:
            return None
        if read_bytes(&self.files.seq, address - INT64_MIN + UNIT_OVERHEAD, unit.bitmap_size, bitmap) != 0:
            return None
        return unit.tags_code, unit.store_time, bitmap[:unit.bitmap_size]

    def detach_before(self, int64_t address):
        """Take out the files whose units all lie before `address`, never the last one; their paths, to unlink."""
        cdef int64_t offset = address - INT64_MIN
        paths = []
        while self.files.seq.tail > 0 and self.files.seq.files[0].start + self.files.seq.file_size <= offset:
            paths.append(self.files.detach_first())
        return paths

    def take_refusal(self):
        """errno with which the disk refused room since the last call, or 0; afterwards it is asked again."""
        error = self.state.refused
        self.state.refused = 0
        return error

    cdef int add_files(self) except -1:
        """A disk that refuses a file is remembered, not raised: the message needs none of this."""
        cdef int _
        for _ in range(self.state.wanted_files):
            try:
                self.files.add_file()
            except OSError as error:
                self.state.refused = error.errno
                break
        self.state.wanted_files = 0
        return 0


def is_address(int64_t tags_code):
    """Whether an entry's tags field names a unit."""
    return tags_code < LEAST_TAGS_CODE
