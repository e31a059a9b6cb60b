# Units beside a consume queue (consumequeue_ext): tags code, store time and filter bitmap of a message. The entry holds
# the unit's address in place of the tags code: its offset + INT64_MIN (docs/formats.md).

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.commit_log cimport MessageToPut
from rocketpy._core.mapped_files cimport FileSeq, MappedFiles

cdef enum:
    TAGS_CODE_AT = 2
    STORE_TIME_AT = 10
    BITMAP_SIZE_AT = 18
    UNIT_OVERHEAD = 20            # a unit without a bitmap
    MAX_UNIT_SIZE = 32767         # its size is a signed short
    UNIT_BLANK_SIZE = 4           # always left free at a file's end; an i16 -1 says that the rest is unused
    LEAST_TAGS_CODE = -0x80000000 # a hash is an i32 or a time: below it the tags field is an address

cdef struct ExtUnit:
    int64_t tags_code
    int64_t store_time
    int32_t size                  # of the whole unit
    int32_t bitmap_size

cdef struct ExtState:             # stays at one address for the life of its ConsumeQueueExt
    FileSeq* files
    int wanted_files              # files that ext_room found lacking
    int refused                   # errno of a disk that gave no room: entries get plain codes until it is cleared
    bint writes                   # new entries get units (enableConsumeQueueExt); else units are only read
    bint has_holes                # the end is not known, or files were missing or short: what stands there is not
                                  # read through a map (SIGBUS on a full tmpfs)
    int64_t mended                # entries that recovery gave back their plain code

cdef int ext_room(ExtState* ext, const MessageToPut* messages, int count) noexcept nogil
                                  # ROOM_NEEDS_FILE: link `wanted_files` and ask again; else put_unit may be called for each
cdef int64_t put_unit(ExtState* ext, const MessageToPut* message, int64_t tags_code) noexcept nogil
                                  # the unit's address, or `tags_code` itself where no unit can be put
cdef int read_unit(ExtState* ext, int64_t address, ExtUnit* out) noexcept nogil  # 0, or -1: no whole unit there
cdef int64_t unit_code(ExtState* ext, int64_t address) noexcept nogil            # its tags code, or the address: unknown
cdef const char* unit_bitmap(ExtState* ext, int64_t address, const ExtUnit* unit) noexcept nogil
                                  # bitmap_size bytes of a unit that was read, or NULL: not to be had without a copy

cdef inline int64_t real_code(ExtState* ext, int64_t tags_code) noexcept nogil:
    """The tags code behind an entry's tags field; an address where it is unknown."""
    return tags_code if tags_code >= LEAST_TAGS_CODE or ext == NULL else unit_code(ext, tags_code)

cdef class ConsumeQueueExt:
    cdef ExtState state
    cdef readonly MappedFiles files
    cdef bint odd                 # load found files missing or of another length
    cdef int add_files(self) except -1                                           # those that ext_room wants
