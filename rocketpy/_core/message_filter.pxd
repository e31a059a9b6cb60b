# Tests of a message by its properties, as pulls and bitmaps ask for them, and the bitmap that tells their outcome ahead.

from libc.stdint cimport int32_t, int64_t

from rocketpy._core.commit_log cimport MessageToPut

ctypedef bint (*Matches)(void* owner, const char* properties, Py_ssize_t size) noexcept nogil

cdef struct RecordTest:           # stays at one address for the life of its MessageFilter
    Matches matches               # whether a message with these properties (as stored) is wanted
    void* owner                   # the MessageFilter, borrowed
    const int32_t* positions      # bits that are set in the bitmap of every message it wants
    int position_count            # 0: bitmaps say nothing about it
    int32_t bitmap_bytes          # of the bitmaps it knows
    int64_t born_ms               # bitmaps of messages stored later know of it
    bint retired                  # another expression has taken its place: what waits for it must ask again

cdef class MessageFilter:
    cdef RecordTest test
    cdef int32_t* owned           # positions

cdef struct BitmapPlan:           # stays at one address for the life of its FilterBitmaps
    int32_t bitmap_bytes          # of each message's bitmap; 0: messages get none
    int count
    RecordTest** tests            # whose positions are set where they match
    char* scratch                 # the bitmap of the message that is being put

cdef class FilterBitmaps:
    cdef BitmapPlan plan
    cdef list filters             # keeps what `plan.tests` points to

cdef void take_bitmap(BitmapPlan* plan, MessageToPut* message) noexcept nogil    # into plan.scratch, for this message only

cdef inline bint bits_set(const RecordTest* test, const char* bitmap) noexcept nogil:
    """Whether a bitmap of the test's size has all its positions: else the message is not wanted for certain."""
    cdef int i
    for i in range(test.position_count):
        if not bitmap[test.positions[i] >> 3] & (1 << (test.positions[i] & 7)):
            return False
    return True
