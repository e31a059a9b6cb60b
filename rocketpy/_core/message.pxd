# One message as Python sees it, and its properties (docs/formats.md); where a record's fields lie: commit_log.pxd.

from libc.stdint cimport int32_t, int64_t

cdef enum:
    NAME_END = 1                    # name 0x01 value 0x02 …
    PROPERTY_END = 2

cdef enum:
    BATCH_ITEM_OVERHEAD = 22        # an item of a client's batch body without body and properties
    COMPRESSED_FLAG = 1             # of SYSFLAG: the body is zlib's

# Reads the value of `name` out of a properties string as upstream splits it (an empty value loses its name, the last
# of several wins). Returns 1 and sets value and value_size, or 0.
cdef bint find_property(
    const char* properties, Py_ssize_t size, const char* name, Py_ssize_t name_size,
    const char** value, Py_ssize_t* value_size,
) noexcept nogil


cdef class Message:
    cdef:
        public str topic
        public bytes body                           # as received: compressed when sys_flag says so
        public int32_t flag                         # the application's own
        public int32_t queue_id
        public int32_t sys_flag
        public int32_t reconsume_times
        public int64_t born_timestamp               # ms
        public int64_t store_timestamp              # ms
        public int64_t queue_offset                 # index in the consume queue
        public int64_t physical_offset              # of the record's first byte in the commit log
        public int64_t prepared_transaction_offset
        public tuple born_host                      # (IPv4 text, port)
        public tuple store_host
        bytes _properties_raw                       # the text as stored
        object _properties                          # read-only mapping of it; None until it is asked for
    cdef bytes raw_properties(self)
    cpdef str get_property(self, str name, str default=*)
