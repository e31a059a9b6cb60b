# A sequence of equal files mapped into memory: commit log and consume queues stand on it.
# Offsets are absolute in the sequence unless a name says otherwise; a file is named by the offset of its first byte.

from libc.stdint cimport int64_t

cdef enum:
    ROOM_READY = 0           # the bytes asked for may be written
    ROOM_NEEDS_FILE = 1      # the next file must be made first (MappedFiles.add_file)
    ROOM_NO_SPACE = 2        # the disk is full; errno is in FileSeq.error
    ROOM_FAILED = 3          # another I/O error; errno is in FileSeq.error

cdef struct FileMap:
    char* base               # start of the map; NULL until map_file, and again after unmap_file
    char* path               # its name on disk
    int64_t start            # offset of its first byte in the sequence
    int64_t size             # length on disk, and of the map
    int64_t wrote            # bytes appended (relative); readers may go this far
    int64_t allocated        # bytes with blocks behind them (relative): nothing is written through the map beyond it
    int64_t populated        # bytes whose pages were faulted in ahead of need (relative)
    int64_t flushed          # bytes msync has returned for (relative); flushed <= wrote
    int pins                 # helper threads that use the map now: it is not unmapped while > 0 (changed with the GIL only)
    bint small_pages         # as FileSeq.small_pages: advised anew at every mapping
    bint gone                # taken out of the sequence: unmapped when the last pin goes

cdef struct FileSeq:
    FileMap** files          # in order of offset, without gaps
    int count                # files in the sequence, an empty next one made ahead of need included
    int capacity             # room in `files`
    int tail                 # the file appended to; -1 while there is none
    int error                # errno of the last failed call
    int64_t file_size        # of every file
    int64_t step             # blocks are allocated in steps of this many bytes when the writer runs out of them
    bint small_pages         # pages are made one by one: little is read ahead and written (queues; a log under SYNC_FLUSH)

cdef FileMap* find_file(FileSeq* seq, int64_t offset) noexcept nogil            # the file that holds this offset, or NULL
cdef char* map_file(FileMap* file) noexcept nogil                               # its base, mapped now if it was not; NULL on error
cdef char* bytes_at(FileSeq* seq, int64_t offset, int64_t size) noexcept nogil  # appended bytes within one file, or NULL
cdef int read_bytes(FileSeq* seq, int64_t offset, int64_t size, char* into) noexcept nogil
                                                                                # a copy, without mapping the file; 0 or -1
cdef int64_t data_end(FileMap* file, int64_t at) noexcept nogil
                      # where the data around `at` ends (relative); `at` itself in a hole. Reading a hole of a full tmpfs
                      # through a map is SIGBUS, so recovery, which looks where nothing was written, asks first
cdef int64_t resident(FileMap* file, int64_t at, int64_t size) noexcept nogil
                      # how many of the `size` bytes at `at` (relative, of a mapped file) can be read without the disk
cdef int64_t first_offset(FileSeq* seq) noexcept nogil                          # where the first file starts
cdef int64_t end_offset(FileSeq* seq) noexcept nogil                            # where the next byte would be appended
cdef int make_room(FileSeq* seq, int64_t size) noexcept nogil                   # ROOM_…: may `size` bytes be written at the tail's end?
cdef int allocate_to(FileSeq* seq, FileMap* file, int64_t upto) noexcept nogil  # ROOM_…: blocks behind the file's first `upto` bytes
cdef int roll_file(FileSeq* seq) noexcept nogil                                 # ROOM_…: the tail is full; go on in the next file

cdef class MappedFiles:
    cdef FileSeq seq                # what C code works on; stays at this address
    cdef readonly str folder        # where the files are; made with the first file
    cdef readonly bint durable_names # a new file's name is on disk before the file is used (the commit log's)
    cdef FileMap* spare             # the next file, made ahead of need and not linked yet; NULL: none
    cdef FileMap* _open(self, int64_t start, bint create) except NULL
    cdef FileMap* _take_spare(self, int64_t start) noexcept
    cdef int _mend_length(self, FileMap* file, list notes) except -1
    cdef int _link(self, FileMap* file) except -1
    cdef int _empty(self, FileMap* file, int64_t end) except -1
    cdef int _remove(self, int number) except -1
    cdef int _take_out(self, int number) except -1
    cdef bint is_mapped(self) noexcept
    cdef int unmap(self) except -1
    cdef int _release(self, FileMap* file) except -1
    cdef int _unpin(self, FileMap* file) except -1
