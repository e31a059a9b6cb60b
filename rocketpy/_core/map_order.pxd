# A message's properties as a list of slices, and back as text in the order in which upstream's broker writes them anew.

from libc.stdint cimport int32_t

cdef enum:
    MOST_PROPERTIES = 32          # a list with more is left to rocketpy/store/property_order.py

cdef struct Property:             # slices of the caller's memory
    const char* name
    const char* value
    int name_size
    int value_size
    int32_t hash                  # of the name, its upper half folded in

cdef struct Properties:
    Property[32] all
    int count

cdef bint read_properties(const char* at, int size, Properties* out) noexcept nogil
                                  # as MessageDecoder splits them; False: not plain ASCII, or too many
cdef bint put_property(Properties* properties, const char* name, int name_size, const char* value, int value_size) noexcept nogil
                                  # as HashMap.put: a known name keeps its place; False: no room
cdef const Property* find_named(const Properties* properties, const char* name, int name_size) noexcept nogil
                                  # NULL: there is none
cdef int32_t queue_id_of(const Property* value) noexcept nogil
                                  # a REAL_QID; -1: no decimal number, or beyond what a topic may have
cdef int write_in_map_order(const Properties* properties, char* into, int capacity) noexcept nogil
                                  # bytes written, -1: no room, or a bucket so full that Java would make a tree of it
