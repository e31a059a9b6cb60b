# Messages by key: header (40 bytes), hash slots (i32), entries (20 bytes); docs/formats.md.
# The writer asks index_room for all keys of a message first; after INDEX_READY put_keys cannot fail.

from libc.stdint cimport int32_t, int64_t

cdef enum:
    INDEX_HEADER_SIZE = 40      # begin and end timestamp, begin and end physical offset (i64); put count, next entry (i32)
    INDEX_SLOT_SIZE = 4         # number of the slot's last entry, 0: none
    INDEX_ENTRY_SIZE = 20       # i32 key hash, i64 physical offset, i32 seconds since begin, i32 entry before in the slot

cdef enum:                      # what index_room returns; nothing was written
    INDEX_READY = 0
    INDEX_NEEDS_FILE = 1        # take the GIL, IndexWriter.prepare(keys), ask again
    INDEX_NO_SPACE = 2          # the disk is full; errno is in IndexState.error
    INDEX_FAILED = 3            # another I/O error; errno is in IndexState.error

cdef struct IndexMap:           # one index file
    char* base                  # start of the map
    int64_t size                # of map and file
    int64_t allocated           # bytes with blocks behind them: nothing is written through the map beyond it
    int32_t slots               # maxHashSlotNum
    int32_t capacity            # maxIndexNum; entry 0 is never used, so one less fits
    int32_t put_count           # header: hashSlotCount, which upstream raises with every put
    int32_t next_entry          # header: indexCount, 1 in an empty file
    int64_t begin_timestamp     # header: store time of the first entry
    int64_t end_timestamp
    int64_t begin_physical_offset
    int64_t end_physical_offset
    int fd
    IndexMap* next              # the file to go on in when this one is full; NULL: not made yet

cdef struct IndexState:         # what the store writer holds; stays at one address
    IndexMap* tail              # the file written to; NULL: none yet
    int64_t step                # blocks for entries are allocated in steps of this many bytes
    int error                   # errno of the last failed call

cdef int32_t key_hash(const char* topic, Py_ssize_t topic_size, const char* key, Py_ssize_t key_size) noexcept nogil
                                # of `topic#key`: never negative
cdef int count_keys(const char* keys, int keys_size) noexcept nogil
                                # entries a KEYS value makes: its non-empty words between single blanks
cdef int index_room(IndexState* state, int keys) noexcept nogil                 # INDEX_…: is there room for so many keys?
cdef int put_key(
    IndexState* state, const char* topic, int topic_size, const char* key, int key_size,
    int64_t physical_offset, int64_t store_timestamp,
) noexcept nogil                # INDEX_READY: written; else nothing was
cdef int put_keys(
    IndexState* state, const char* topic, int topic_size, const char* uniq_key, int uniq_key_size,
    const char* keys, int keys_size, int64_t physical_offset, int64_t store_timestamp,
) noexcept nogil                # all keys of a message, UNIQ_KEY (NULL: none) first; once only, also when dispatched again

cdef class IndexFile:
    cdef IndexMap map           # stays at this address as long as the object
    cdef readonly str path

cdef class IndexWriter:
    cdef IndexState state       # what the store writer reads
    cdef object make_file       # () -> IndexFile: a new file of the folder
    cdef list files             # IndexFiles from the tail on
    cdef int prepare(self, int keys) except -1      # INDEX_…: files and blocks for so many keys
    cdef drop_full(self)
