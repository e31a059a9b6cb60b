# What the parts of a check share: the log's files, read by pread only, and what was found.

from libc.stdint cimport int32_t, int64_t

cdef enum:                        # what a finding is; names in check_files.pyx, texts in store_tool/findings.py
    LOG_DAMAGED = 0               # offset, size, RECORD_…
    LOG_CRC = 1                   # offset, size
    LOG_BLANK = 2                 # offset, its size field, what it should be
    LOG_TAIL = 3                  # offset, bytes
    QUEUE_MISSING = 4             # index, count, physical offset of the first record
    QUEUE_HOLE = 5                # index, entries
    QUEUE_WRONG = 6               # index, physical offset in the entry, that of the record
    QUEUE_SIZE = 7                # index, size in the entry, that of the record
    QUEUE_TAGS = 8                # index, tags code in the entry, what it should be
    QUEUE_DELIVERY = 9            # index, delivery time in the entry, what it should be
    QUEUE_GARBLED = 10            # index, physical offset, size
    QUEUE_STRANGER = 11           # index, physical offset
    QUEUE_BEYOND = 12             # index, physical offset
    EXT_MISSING = 13              # index, address
    EXT_WRONG = 14                # index, address
    INDEX_MISSING = 15            # physical offset of the first and of the last message, keys
    INDEX_HASH = 16               # entry, hash there, physical offset
    INDEX_OFFSET = 17             # entry, physical offset there, what it should be
    INDEX_STRANGER = 18           # entry, physical offset
    INDEX_BEYOND = 19             # entry, physical offset
    INDEX_SECONDS = 20            # entry, seconds there, what they should be
    INDEX_CHAIN = 21              # entry, previous there, what it should be
    INDEX_SLOT = 22               # slot, entry there, what it should be
    INDEX_HEADER = 23             # place of the field, value there, what it should be
    QUEUE_NO_FOLDER = 24          # index, count, physical offset of the first record
    KINDS = 25

cdef struct Finding:
    int kind
    int file                      # number of the queue or of the index file
    int64_t offset
    int64_t first
    int64_t second

cdef class Findings:
    cdef Finding* kept
    cdef int count
    cdef int room
    cdef readonly int64_t most    # rows kept a kind, of QUEUE_NO_FOLDER all: a deleted topic is none in the end
    cdef int64_t tally[25]
    cdef void add(self, int kind, int file, int64_t offset, int64_t first, int64_t second) noexcept nogil

cdef struct Damage:
    int64_t start
    int64_t end

cdef class LogFiles:
    cdef list _paths              # owns what `paths` points at
    cdef const char** paths
    cdef int64_t* starts
    cdef int64_t* lengths
    cdef readonly int count
    cdef readonly int64_t file_size
    cdef public int64_t first     # what lies before was cleaned away
    cdef public int64_t until     # behind it nothing is looked at
    cdef readonly bint live       # somebody writes meanwhile
    cdef Damage* gaps
    cdef int damage_count
    cdef int damage_room
    cdef int fd                   # of file number `fd_of`, for single looks
    cdef int fd_of
    cdef int file_at(self, int64_t offset) noexcept nogil                    # number of the file, -1: none
    cdef int64_t read(self, int64_t offset, char* into, int64_t size) noexcept nogil
    cdef void damaged(self, int64_t start, int64_t end) noexcept nogil       # nothing that leads in here is told again
    cdef bint is_damaged(self, int64_t offset) noexcept nogil
    cdef bint is_own(
        self, int64_t offset, int32_t size, const char* topic, int topic_size, int32_t queue_id, int64_t queue_offset
    ) noexcept nogil              # does the record of that queue offset stand there?

cdef int open_file(const char* path) noexcept nogil                          # for reading; -1 and errno
cdef int64_t read_fully(int fd, int64_t at, char* into, int64_t size) noexcept nogil     # short only at the file's end
