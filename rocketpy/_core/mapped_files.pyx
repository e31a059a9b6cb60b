"""Files of one size mapped one behind the other; nothing is written through a map before its blocks are allocated.

A write into a hole of a sparse file on a full disk is SIGBUS and kills the process, so `allocated` comes before `wrote`,
and `flushed` never passes what msync has returned for. One thread appends; helper threads may allocate, populate and flush.
"""

import os

cimport cython
from libc.errno cimport EDQUOT, EINTR, EINVAL, EIO, ENOMEM, ENOSPC, ENXIO, errno
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy, memset, strdup
from posix.fcntl cimport O_RDWR, open as c_open
from posix.mman cimport (
    MAP_FAILED, MAP_SHARED, MS_SYNC, PROT_READ, PROT_WRITE, madvise, mmap, msync, munmap,
)
from posix.unistd cimport close as c_close, fsync

cdef extern from "<unistd.h>" nogil:
    int SEEK_DATA
    int SEEK_HOLE
    int64_t lseek(int fd, int64_t offset, int whence)
    ssize_t pread(int fd, void* into, size_t size, int64_t offset)
    int syncfs(int fd)
    int fdatasync(int fd)
    ssize_t pwrite(int fd, const void* data, size_t size, int64_t offset)

cdef extern from "<fcntl.h>" nogil:
    int posix_fallocate(int fd, int64_t offset, int64_t size)

cdef extern from * nogil:
    """
    #include <errno.h>
    static void set_errno(int code) { errno = code; }
    """
    void set_errno(int code)
    bint __sync_bool_compare_and_swap(char** at, char* old, char* new)
    int __sync_add_and_fetch(int* at, int more)

cdef extern from "<sys/mman.h>" nogil:
    int mincore(void* at, size_t size, unsigned char* pages)

cdef enum:
    PAGE = 4096
    CHUNK = 65536
    HEAD = 36                # of a file of the log: its first record up to PHYSICALOFFSET
    PHYSICAL_OFFSET_AT = 28
    PAGES_AT_ONCE = 64       # asked of mincore in one call
    RANDOM = 1               # MADV_RANDOM: no read-ahead
    WILL_NEED = 3            # MADV_WILLNEED: read it all, in large pieces
    POPULATE_READ = 22       # MADV_POPULATE_READ, Linux 5.14: an unreadable page is an error instead of a SIGBUS
    POPULATE_WRITE = 23      # MADV_POPULATE_WRITE, Linux 5.14; older kernels answer EINVAL, which is fine


MAX_OFFSET = 1 << 62

cdef int most_maps = 32768       # of queues; a process may have 65,530 maps in all, and malloc needs some too
cdef int counted_maps = 0


def limit_maps(int most):
    """How many files of queues may be mapped at a time, in this process; returns the limit before."""
    global most_maps
    before, most_maps = most_maps, most
    return before


def queue_maps():
    """How many files of queues are mapped now."""
    return counted_maps


cdef FileMap* find_file(FileSeq* seq, int64_t offset) noexcept nogil:
    cdef int64_t at
    if seq.count == 0:
        return NULL
    at = offset - seq.files[0].start
    if at < 0 or at >= seq.count * seq.file_size:
        return NULL
    return seq.files[at // seq.file_size]


cdef char* map_file(FileMap* file) noexcept nogil:
    cdef int fd
    cdef void* base
    if file.base != NULL:
        return file.base
    if file.counted and counted_maps >= most_maps:
        set_errno(ENOMEM)
        return NULL
    fd = c_open(file.path, O_RDWR)
    if fd < 0:
        return NULL
    base = mmap(NULL, file.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
    c_close(fd)
    if base == MAP_FAILED:
        return NULL
    if file.small_pages:
        # Read-ahead makes pages in folios of up to 2 MB, which is cheapest; but the kernel writes a folio whole, so a log
        # that is synced after each message would write 2 MB for each (1,300 messages/s with one outstanding, not 4,500).
        madvise(base, file.size, RANDOM)
    if not __sync_bool_compare_and_swap(&file.base, <char*> NULL, <char*> base):
        munmap(base, file.size)      # a helper thread was quicker
    elif file.counted:
        __sync_add_and_fetch(&counted_maps, 1)
    return file.base


cdef void unmap_file(FileMap* file) noexcept nogil:
    if file.base == NULL:
        return
    munmap(file.base, file.size)
    file.base = NULL
    file.populated = 0
    if file.counted:
        __sync_add_and_fetch(&counted_maps, -1)


cdef char* bytes_at(FileSeq* seq, int64_t offset, int64_t size) noexcept nogil:
    cdef FileMap* file = find_file(seq, offset)
    cdef char* base
    if file == NULL or size < 0 or offset - file.start + size > file.wrote:
        return NULL
    base = map_file(file)
    return NULL if base == NULL else base + (offset - file.start)


cdef int read_bytes(FileSeq* seq, int64_t offset, int64_t size, char* into) noexcept nogil:
    cdef FileMap* file = find_file(seq, offset)
    cdef int64_t got
    cdef int fd
    if file == NULL or offset - file.start + size > file.wrote:
        return -1
    if file.base != NULL:
        memcpy(into, file.base + (offset - file.start), size)
        return 0
    fd = c_open(file.path, O_RDWR)
    if fd < 0:
        return -1
    got = pread(fd, into, size, offset - file.start)
    c_close(fd)
    return 0 if got == size else -1


cdef int64_t data_end(FileMap* file, int64_t at) noexcept nogil:
    cdef int64_t found
    cdef int fd = c_open(file.path, O_RDWR)
    if fd < 0:
        return at
    found = lseek(fd, at, SEEK_DATA)
    if found < 0:
        found = at if errno == ENXIO else file.size      # a file system that knows no holes has data everywhere
    elif found == at:
        found = lseek(fd, at, SEEK_HOLE)
    else:
        found = at
    c_close(fd)
    return found


cdef int64_t resident(FileMap* file, int64_t at, int64_t size) noexcept nogil:
    cdef unsigned char[PAGES_AT_ONCE] pages
    cdef int64_t end = at + size
    cdef int64_t page = at & ~(<int64_t> PAGE - 1)
    cdef int64_t length
    cdef int i
    while page < end:
        length = min(end - page, <int64_t> PAGES_AT_ONCE * PAGE)
        if mincore(file.base + page, length, pages) != 0:
            return size              # nobody can tell: read, as if it were there
        for i in range(<int> ((length + PAGE - 1) // PAGE)):
            if not pages[i] & 1:
                return max(0, page + i * PAGE - at)
        page += <int64_t> PAGES_AT_ONCE * PAGE
    return size


cdef int64_t first_offset(FileSeq* seq) noexcept nogil:
    return seq.files[0].start if seq.count > 0 else 0


cdef int64_t end_offset(FileSeq* seq) noexcept nogil:
    cdef FileMap* tail
    if seq.tail < 0:
        return first_offset(seq)
    tail = seq.files[seq.tail]
    return tail.start + tail.wrote


cdef int make_room(FileSeq* seq, int64_t size) noexcept nogil:
    cdef FileMap* tail
    cdef int64_t upto
    if seq.tail < 0:
        return ROOM_NEEDS_FILE
    tail = seq.files[seq.tail]
    upto = tail.wrote + size
    if upto > tail.size:
        return ROOM_NEEDS_FILE
    if upto <= tail.allocated and tail.base != NULL:
        return ROOM_READY
    return allocate_to(seq, tail, upto)


cdef int allocate_to(FileSeq* seq, FileMap* file, int64_t upto) noexcept nogil:
    """Blocks behind the first `upto` bytes, a step more where the disk has it, and the map made."""
    cdef int result
    if map_file(file) == NULL:
        seq.error = errno
        return ROOM_FAILED
    if upto <= file.allocated:
        return ROOM_READY
    # A step is as large as what is there already, so that thousands of small queues do not fill the disk.
    result = _fallocate(seq, file, min(file.size, upto + min(seq.step, upto)))
    if result == ENOSPC or result == EDQUOT:
        result = _fallocate(seq, file, upto)
    if result == 0:
        return ROOM_READY
    seq.error = result
    return ROOM_NO_SPACE if result == ENOSPC or result == EDQUOT else ROOM_FAILED


cdef int _fallocate(FileSeq* seq, FileMap* file, int64_t upto) noexcept nogil:
    """Blocks up to there behind a file."""
    cdef int64_t start = file.allocated & ~(<int64_t> PAGE - 1)
    cdef int result, fd
    upto = min(file.size, (upto + PAGE - 1) & ~(<int64_t> PAGE - 1))
    fd = c_open(file.path, O_RDWR)
    if fd < 0:
        return errno
    result = EINTR
    while result == EINTR:
        result = posix_fallocate(fd, start, upto - start)
    c_close(fd)
    if result == 0 and upto > file.allocated:
        file.allocated = upto
    return result


cdef int roll_file(FileSeq* seq) noexcept nogil:
    cdef FileMap* tail
    if seq.tail + 1 >= seq.count:
        return ROOM_NEEDS_FILE
    if seq.tail >= 0:
        tail = seq.files[seq.tail]
        tail.wrote = tail.size
    seq.tail += 1
    return ROOM_READY


cdef int _sync(FileMap* file, int64_t start, int64_t end) noexcept nogil:
    """The pages that hold [start, end) to the disk, the whole file where it is not mapped; errno or 0."""
    cdef int64_t first = start & ~(<int64_t> PAGE - 1)
    cdef int fd, error = 0
    if file.base != NULL:
        return 0 if msync(file.base + first, end - first, MS_SYNC) == 0 else errno
    fd = c_open(file.path, O_RDWR)
    if fd < 0:
        return errno
    if fsync(fd) != 0:
        error = errno
    c_close(fd)
    return error


@cython.final
cdef class MappedFiles:
    def __cinit__(self, str folder, int64_t file_size, int64_t step=65536, bint durable_names=False, bint small_pages=False):
        self.folder = folder
        self.durable_names = durable_names
        self.seq.files = NULL
        self.seq.count = self.seq.capacity = 0
        self.seq.tail = -1
        self.seq.file_size = file_size
        self.seq.step = step
        self.seq.small_pages = small_pages
        self.spare = NULL

    def __dealloc__(self):
        cdef int i
        for i in range(self.seq.count):
            _free_file(self.seq.files[i])
        free(self.seq.files)
        _free_file(self.spare)

    # -- opening -------------------------------------------------------------------------------------------------

    def load(self):
        """Take in the files of the folder, all of them counted as full; returns what was odd, a line each."""
        notes = []
        for start in self._file_starts(notes):
            if self.seq.count and self._next_start() < start and not self._holds_own_data(start):
                notes.append(f"{self._path(start)} stands behind a gap and holds nothing of this sequence: left alone")
                continue
            while self.seq.count and self._next_start() < start:
                notes.append(f"{self._path(self._next_start())} is missing: an empty file takes its place")
                self._link(self._open(self._next_start(), True))
            self._link(self._open(start, False))
            self._mend_length(self.seq.files[self.seq.count - 1], notes)
        if self.durable_names and self.seq.count:        # the last process may have died between making and syncing
            sync_folder(self.folder)
        self.seq.tail = self.seq.count - 1
        return notes

    def _file_starts(self, list notes):
        starts = []
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if self._is_file_of_it(entry):
                        starts.append(int(entry.name))
                    else:
                        notes.append(f"{entry.path} is no file of this sequence: left alone")
        except FileNotFoundError:
            return []
        return sorted(starts)

    def _is_file_of_it(self, entry):
        name = entry.name
        return (len(name) == 20 and name.isascii() and name.isdigit() and int(name) < MAX_OFFSET
                and int(name) % self.seq.file_size == 0 and entry.is_file())

    def _holds_own_data(self, start):
        """Whether a file begins with what can only stand there: a record of that offset (log), an entry (queues)."""
        with open(self._path(start), "rb") as file:
            head = file.read(HEAD)
        if not self.durable_names:
            return any(head[:20])
        return len(head) == HEAD and int.from_bytes(head[PHYSICAL_OFFSET_AT:], "big") == start

    cdef int _mend_length(self, FileMap* file, list notes) except -1:
        path = os.fsdecode(file.path)
        length = os.stat(path).st_size
        if length == file.size:
            return 0
        notes.append(f"{path} has {length} bytes instead of {file.size}: set right, its end is checked")
        os.truncate(path, file.size)
        return 0

    cdef FileMap* _open(self, int64_t start, bint create) except NULL:
        path = self._path(start)
        if create:
            os.makedirs(self.folder, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                os.ftruncate(fd, self.seq.file_size)
            except OSError as error:
                raise OSError(error.errno, error.strerror, path) from None
            finally:
                os.close(fd)
            if self.durable_names:
                sync_folder(self.folder)
        name = os.fsencode(path)
        cdef FileMap* file = <FileMap*> calloc(1, sizeof(FileMap))
        if file == NULL:
            raise MemoryError
        file.path = strdup(name)
        file.start = start
        file.size = self.seq.file_size
        file.small_pages = self.seq.small_pages
        file.counted = not self.durable_names
        if not create:
            file.wrote = file.flushed = file.allocated = file.size
        return file

    cdef int _link(self, FileMap* file) except -1:
        cdef FileSeq* seq = &self.seq
        cdef FileMap** files
        if seq.count == seq.capacity:
            files = <FileMap**> realloc(seq.files, (seq.capacity * 2 + 4) * sizeof(FileMap*))
            if files == NULL:
                raise MemoryError
            seq.files = files
            seq.capacity = seq.capacity * 2 + 4
        seq.files[seq.count] = file
        seq.count += 1
        return 0

    def _path(self, start):
        return os.path.join(self.folder, f"{start:020d}")

    def _next_start(self):
        return first_offset(&self.seq) + self.seq.count * self.seq.file_size

    # -- appending -----------------------------------------------------------------------------------------------

    def add_file(self, first_start=0):
        """Link the file behind the last one: the spare one if it is ready, else made now.

        `first_start` is where an empty sequence begins. Only the appending thread may call this.
        """
        cdef int64_t start = self._next_start() if self.seq.count else first_start
        cdef FileMap* file = self._take_spare(start)
        cdef FileMap* ready
        if file == NULL:
            file = self._open(start, True)
            ready = self._take_spare(start)      # the helper finished its own meanwhile: the same file, but ready to write
            if ready != NULL:
                _free_file(file)
                file = ready
        self._link(file)

    cdef FileMap* _take_spare(self, int64_t start) noexcept:
        cdef FileMap* file = self.spare
        self.spare = NULL
        if file != NULL and file.start != start:
            _free_file(file)
            return NULL
        return file

    def make_spare(self, int64_t allocate):
        """Make the next file ahead of need with its first `allocate` bytes ready to write (any thread)."""
        cdef int64_t start = self._next_start()
        cdef FileMap* file
        cdef int room
        if self.spare != NULL or self.seq.tail + 1 < self.seq.count:
            return
        file = self._open(start, True)
        with nogil:
            room = allocate_to(&self.seq, file, min(allocate, file.size))
            if room == ROOM_READY:
                _populate(file, 0, file.allocated)
        if self.spare == NULL and self._next_start() == start:
            self.spare = file
        else:
            _free_file(file)

    def allocate_ahead(self, int64_t ahead, int64_t populate=0):
        """Blocks for `ahead` bytes behind the end of the tail file, pages for `populate`; errno of a refusal, or 0."""
        cdef FileMap* tail
        cdef int64_t upto
        cdef int error = 0
        if self.seq.tail < 0:
            return 0
        tail = self.seq.files[self.seq.tail]
        tail.pins += 1
        upto = min(tail.size, tail.wrote + ahead)
        with nogil:
            if map_file(tail) == NULL:
                error = errno
            elif upto > tail.allocated:
                error = _fallocate(&self.seq, tail, upto)
            if populate > 0:
                _populate(tail, tail.wrote, min(tail.allocated, tail.wrote + populate))
        self._unpin(tail)
        return error

    def append(self, data):
        """Append bytes that do not cross a file's end, making files and room as needed (slow door: tests, recovery, HA)."""
        cdef const unsigned char[::1] view = data
        cdef FileMap* tail
        cdef int64_t size = view.shape[0]
        cdef int room
        if size > self.seq.file_size:
            raise ValueError(f"{size} bytes do not fit in a file of {self.seq.file_size}")
        while True:
            room = make_room(&self.seq, size)
            if room == ROOM_READY:
                break
            if room != ROOM_NEEDS_FILE:
                raise OSError(self.seq.error, os.strerror(self.seq.error), self.folder)
            if roll_file(&self.seq) != ROOM_READY:
                self.add_file()
                roll_file(&self.seq)
        tail = self.seq.files[self.seq.tail]
        if size:
            memcpy(tail.base + tail.wrote, &view[0], size)
        tail.wrote += size
        return tail.start + tail.wrote - size

    # -- reading -------------------------------------------------------------------------------------------------

    def read(self, int64_t offset, int64_t size):
        """A copy of `size` appended bytes, or None when they are not all there in one file."""
        cdef char* at = bytes_at(&self.seq, offset, size)
        return None if at == NULL else at[:size]

    def place(self, int64_t offset):
        """(path, where in that file) of an appended byte, or None: for who reads it by himself (any thread)."""
        cdef FileMap* file = find_file(&self.seq, offset)
        if file == NULL or offset - file.start >= file.wrote:
            return None
        return os.fsdecode(file.path), offset - file.start

    def readable(self, int64_t offset):
        """How many appended bytes stand from `offset` to the end of its file's appended part."""
        cdef FileMap* file = find_file(&self.seq, offset)
        return 0 if file == NULL else max(0, file.wrote - (offset - file.start))

    @property
    def first_offset(self):
        return first_offset(&self.seq)

    @property
    def end_offset(self):
        return end_offset(&self.seq)

    @property
    def file_size(self):
        return self.seq.file_size

    @property
    def file_starts(self):
        """First offset of each file, oldest first."""
        return [self.seq.files[i].start for i in range(self.seq.count)]

    @property
    def paths(self):
        return [os.fsdecode(self.seq.files[i].path) for i in range(self.seq.count)]

    @property
    def tail(self):
        """Number of the file appended to, counted in `file_starts`; -1 while there is none."""
        return self.seq.tail

    @property
    def rest(self):
        """Bytes still free in the tail file."""
        cdef FileMap* tail
        if self.seq.tail < 0:
            return 0
        tail = self.seq.files[self.seq.tail]
        return tail.size - tail.wrote

    @property
    def allocated_offset(self):
        """Blocks stand behind every byte up to here."""
        if self.seq.tail < 0:
            return first_offset(&self.seq)
        return self.seq.files[self.seq.tail].start + self.seq.files[self.seq.tail].allocated

    # -- flushing ------------------------------------------------------------------------------------------------

    @property
    def flushed_offset(self):
        """Everything before this is on disk."""
        cdef int i
        for i in range(self.seq.count):
            if self.seq.files[i].flushed < self.seq.files[i].wrote:
                return self.seq.files[i].start + self.seq.files[i].flushed
        return end_offset(&self.seq)

    def flush(self, int least_pages=0):
        """Bring what was appended to the disk, if that is `least_pages` pages or more; returns the flushed offset.

        Any thread: the GIL is released while the disk works. Raises OSError when the disk says no, and then
        `flushed` stays where it was.
        """
        cdef FileMap* file
        cdef int64_t upto
        cdef int i, error
        cdef int count = self.seq.count
        for i in range(count):
            if i >= self.seq.count:
                break
            file = self.seq.files[i]
            upto = file.wrote
            if file.flushed >= upto or (least_pages and upto // PAGE - file.flushed // PAGE < least_pages and upto < file.size):
                continue
            file.pins += 1
            with nogil:
                error = _sync(file, file.flushed, upto)
            if error == 0 and upto > file.flushed:
                file.flushed = upto
            path = os.fsdecode(file.path)
            self._unpin(file)
            if error:
                raise OSError(error, os.strerror(error), path)
        return self.flushed_offset

    def flushed_to(self, int64_t offset):
        """The caller has brought everything before `offset` to the disk."""
        cdef FileMap* file
        cdef int i
        for i in range(self.seq.count):
            file = self.seq.files[i]
            file.flushed = max(file.flushed, min(file.wrote, offset - file.start))

    def unflushed_from(self, int64_t offset):
        """What stands from `offset` on may not be on disk: the next flush brings it there (after recovery)."""
        cdef FileMap* file
        cdef int i
        for i in range(self.seq.count):
            file = self.seq.files[i]
            file.flushed = min(file.flushed, max(0, offset - file.start))

    # -- cutting -------------------------------------------------------------------------------------------------

    def truncate_to(self, int64_t offset):
        """Make `offset` the end: later files are removed, and what stood behind it is zeros from now on."""
        before = self.seq.count
        while self.seq.count and self.seq.files[self.seq.count - 1].start >= max(offset, first_offset(&self.seq) + 1):
            self._remove(self.seq.count - 1)
        if self.durable_names and self.seq.count < before:
            sync_folder(self.folder)
        if self.seq.count and self.seq.files[0].start >= offset:
            self._empty(self.seq.files[0], 0)
        elif self.seq.count:
            self._empty(self.seq.files[self.seq.count - 1], offset - self.seq.files[self.seq.count - 1].start)
        self.seq.tail = self.seq.count - 1

    cdef int _empty(self, FileMap* file, int64_t end) except -1:
        """Zeros behind `end`: nothing of an earlier life may ever be read back as a message."""
        cdef int error
        with nogil:
            error = _zero_behind(file, end, self.durable_names)
        if error:
            raise OSError(error, os.strerror(error), os.fsdecode(file.path))
        file.wrote = end
        file.flushed = min(file.flushed, end)
        file.allocated = min(file.allocated, end & ~(<int64_t> PAGE - 1))
        file.populated = 0
        return 0

    def end_at(self, int64_t offset):
        """Make `offset` the end without touching a byte: files behind it wait for their turn as empty ones."""
        cdef FileMap* file
        cdef int i
        self.seq.tail = -1
        for i in range(self.seq.count):
            file = self.seq.files[i]
            file.wrote = min(max(0, offset - file.start), file.size)
            file.flushed = min(file.flushed, file.wrote)
            file.allocated = min(file.allocated, file.wrote & ~(<int64_t> PAGE - 1)) if file.wrote < file.size else file.size
            if file.wrote or i == 0:
                self.seq.tail = i

    cdef int _remove(self, int number) except -1:
        cdef FileMap* file = self.seq.files[number]
        path = os.fsdecode(file.path)
        self._take_out(number)
        os.unlink(path)
        return 0

    cdef int _take_out(self, int number) except -1:
        cdef FileSeq* seq = &self.seq
        cdef FileMap* file = seq.files[number]
        cdef int i
        for i in range(number, seq.count - 1):
            seq.files[i] = seq.files[i + 1]
        seq.count -= 1
        seq.tail = min(seq.tail if number > seq.tail else seq.tail - 1, seq.count - 1)
        self._release(file)
        return 0

    def detach_first(self):
        """Take the oldest file out of the sequence and return its path, for the caller to unlink (in a thread)."""
        if self.seq.count == 0:
            raise IndexError("no file")
        path = os.fsdecode(self.seq.files[0].path)
        self._take_out(0)
        return path

    def delete_first(self):
        """Remove the oldest file."""
        os.unlink(self.detach_first())

    def remove_unused(self):
        """Remove files made ahead that were never written to, as a clean shutdown does; returns their paths."""
        removed = []
        if self.spare != NULL and self.spare.start == self._next_start():
            removed.append(os.fsdecode(self.spare.path))
            os.unlink(removed[0])
        _free_file(self.spare)
        self.spare = NULL
        while self.seq.count > 1 and self.seq.count - 1 > self.seq.tail:
            removed.append(os.fsdecode(self.seq.files[self.seq.count - 1].path))
            self._remove(self.seq.count - 1)
        return removed

    def destroy(self):
        """Remove every file, and the folder if nothing else is in it."""
        self.remove_unused()
        while self.seq.count:
            self._remove(self.seq.count - 1)
        try:
            os.rmdir(self.folder)
        except OSError:
            pass

    def close(self):
        """Unmap everything; the files stay. Nothing may be read or appended afterwards."""
        _free_file(self.spare)
        self.spare = NULL
        while self.seq.count:
            self._take_out(self.seq.count - 1)

    cdef bint is_mapped(self) noexcept:
        cdef int i
        for i in range(self.seq.count - 1, -1, -1):
            if self.seq.files[i].base != NULL:
                return True
        return False

    cdef int unmap(self) except -1:
        """Give back the maps of all files but those in use by helpers; returns how many.

        Only between two turns of the appending thread: nobody else keeps a pointer into a map without a pin.
        """
        cdef FileMap* file
        cdef int i, count = 0
        for i in range(self.seq.count):
            file = self.seq.files[i]
            if file.base != NULL and file.pins == 0:
                unmap_file(file)
                count += 1
        return count

    cdef int _release(self, FileMap* file) except -1:
        file.gone = True
        if file.pins == 0:
            _free_file(file)
        return 0

    cdef int _unpin(self, FileMap* file) except -1:
        file.pins -= 1
        if file.gone and file.pins == 0:
            _free_file(file)
        return 0


cdef int _zero_behind(FileMap* file, int64_t end, bint durable) noexcept nogil:
    """Overwrite what is not zero; holes are skipped (truncating would wait for the disk, file after file).

    `durable`: the zeros are on disk when this returns. A power loss would bring back what stood there otherwise.
    """
    cdef char[CHUNK] chunk
    cdef int64_t at = end, stop, size
    cdef int error = 0
    cdef bint wrote = False
    cdef int fd = c_open(file.path, O_RDWR)
    if fd < 0:
        return errno
    while at < file.size and error == 0:
        at = lseek(fd, at, SEEK_DATA)
        if at < 0:
            error = 0 if errno == ENXIO else errno
            break
        stop = min(file.size, lseek(fd, at, SEEK_HOLE))
        while at < stop and error == 0:
            size = pread(fd, chunk, min(stop - at, CHUNK), at)
            if size <= 0:
                error = errno if size < 0 else EIO
            elif not _is_zero(chunk, size):
                memset(chunk, 0, size)
                wrote = True
                if pwrite(fd, chunk, size, at) != size:
                    error = errno
            at += size
    if error == 0 and durable and wrote and fdatasync(fd) != 0:
        error = errno
    c_close(fd)
    return error


cdef bint _is_zero(const char* data, int64_t size) noexcept nogil:
    return data[0] == 0 and memcmp(data, data + 1, size - 1) == 0


def sync_file_system(str folder not None):
    """Bring all files of the folder's file system to the disk; the GIL is released meanwhile."""
    cdef int fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    cdef int error
    with nogil:
        error = 0 if syncfs(fd) == 0 else errno
        c_close(fd)
    if error:
        raise OSError(error, os.strerror(error), folder)


def read_in(str path not None, int64_t start, int64_t size):
    """Bring a part of a file into memory and wait until it is there, the GIL released; OSError: it cannot be read."""
    cdef int fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    cdef int error
    with nogil:
        error = _read_in(fd, start, size)
        c_close(fd)
    if error:
        raise OSError(error, os.strerror(error), path)


cdef int _read_in(int fd, int64_t start, int64_t size) noexcept nogil:
    """Through a map of its own, which copies nothing; errno or 0."""
    cdef int64_t first = start & ~(<int64_t> PAGE - 1)
    cdef int64_t length = start + size - first
    cdef int error = 0
    cdef void* base = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, first)
    if base == MAP_FAILED:
        return _read_through(fd, start, size)
    madvise(base, length, WILL_NEED)
    if madvise(base, length, POPULATE_READ) != 0:
        error = _read_through(fd, start, size) if errno == EINVAL else EIO
    munmap(base, length)
    return error


cdef int _read_through(int fd, int64_t start, int64_t size) noexcept nogil:
    """The same for kernels before 5.14."""
    cdef char[CHUNK] chunk
    cdef int64_t at = start, got
    while at < start + size:
        got = pread(fd, chunk, min(start + size - at, CHUNK), at)
        if got <= 0:
            return errno if got < 0 else 0
        at += got
    return 0


cdef sync_folder(str folder):
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        raise OSError(error.errno, error.strerror, folder) from None
    finally:
        os.close(fd)


cdef void _populate(FileMap* file, int64_t start, int64_t end) noexcept nogil:
    """Fault pages in before the writer meets them: a cold page costs an append more than all its other work."""
    cdef int64_t first = max(start, file.populated) & ~(<int64_t> PAGE - 1)
    if end <= first or file.base == NULL:
        return
    madvise(file.base + first, end - first, POPULATE_WRITE)
    file.populated = end


cdef void _free_file(FileMap* file) noexcept:
    if file == NULL:
        return
    unmap_file(file)
    free(file.path)
    free(file)
