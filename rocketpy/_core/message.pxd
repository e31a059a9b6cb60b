# One stored message: where its fields lie, its properties, and the object Python sees. Facts: docs/formats.md.

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

# Where the fields of a record begin. Never renumber: they are on disk.
cdef enum:
    TOTAL_SIZE_AT = 0
    MAGIC_CODE_AT = 4
    BODY_CRC_AT = 8
    QUEUE_ID_AT = 12
    FLAG_AT = 16
    QUEUE_OFFSET_AT = 20
    PHYSICAL_OFFSET_AT = 28
    SYS_FLAG_AT = 36
    BORN_TIMESTAMP_AT = 40
    BORN_HOST_AT = 48               # IPv4 4 bytes + i32 port
    STORE_TIMESTAMP_AT = 56
    STORE_HOST_AT = 64
    RECONSUME_TIMES_AT = 72
    PREPARED_TRANSACTION_OFFSET_AT = 76
    BODY_SIZE_AT = 84
    BODY_AT = 88                    # then u8 topic size, topic, i16 properties size, properties

cdef enum:
    MESSAGE_MAGIC_CODE = -626843481
    BLANK_MAGIC_CODE = -875286124   # the rest of a commit log file is unused
    RECORD_FIXED_SIZE = 91          # a record without body, topic and properties
    BATCH_ITEM_FIXED_SIZE = 22      # an item of a client's batch body without body and properties
    TOPIC_MAX_BYTES = 127
    PROPERTIES_MAX_BYTES = 32767

cdef enum:
    NAME_END = 1                    # name 0x01 value 0x02 …
    PROPERTY_END = 2

cdef enum:                          # bits of SYSFLAG
    COMPRESSED_FLAG = 1
    MULTI_TAGS_FLAG = 2
    TRANSACTION_MASK = 12           # 0 none, 4 prepared, 8 commit, 12 rollback


# Big-endian fields at any address.
cdef inline int16_t read_i16(const char* at) noexcept nogil:
    cdef const uint8_t* p = <const uint8_t*> at
    return <int16_t> (<uint16_t> p[0] << 8 | p[1])


cdef inline int32_t read_i32(const char* at) noexcept nogil:
    cdef const uint8_t* p = <const uint8_t*> at
    return <int32_t> (<uint32_t> p[0] << 24 | <uint32_t> p[1] << 16 | <uint32_t> p[2] << 8 | p[3])


cdef inline int64_t read_i64(const char* at) noexcept nogil:
    return <int64_t> (<uint64_t> <uint32_t> read_i32(at) << 32 | <uint32_t> read_i32(at + 4))


cdef inline void write_i16(char* at, int16_t value) noexcept nogil:
    at[0] = <char> (<uint16_t> value >> 8)
    at[1] = <char> value


cdef inline void write_i32(char* at, int32_t value) noexcept nogil:
    cdef uint32_t bits = <uint32_t> value
    at[0] = <char> (bits >> 24)
    at[1] = <char> (bits >> 16)
    at[2] = <char> (bits >> 8)
    at[3] = <char> bits


cdef inline void write_i64(char* at, int64_t value) noexcept nogil:
    write_i32(at, <int32_t> (<uint64_t> value >> 32))
    write_i32(at + 4, <int32_t> value)


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
        bytes _properties_raw                       # the text as stored; None until it is asked for
        object _properties                          # read-only mapping of it; None until it is asked for
    cdef bytes raw_properties(self)
    cpdef str get_property(self, str name, str default=*)
