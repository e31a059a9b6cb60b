# Bytes of one stored message (docs/formats.md). Never renumber: they are on disk.

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t

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
    BORN_HOST_AT = 48
    STORE_TIMESTAMP_AT = 56
    STORE_HOST_AT = 64
    RECONSUME_TIMES_AT = 72
    PREPARED_TRANSACTION_OFFSET_AT = 76
    BODY_SIZE_AT = 84
    BODY_AT = 88
    RECORD_OVERHEAD = 91          # a record without body, topic and properties
    BLANK_SIZE = 8                # i32 rest of the file, i32 BLANK_MAGIC_CODE
    MESSAGE_MAGIC_CODE = -626843481
    BLANK_MAGIC_CODE = -875286124

cdef enum:
    TRANSACTION_MASK = 12         # bits 2 and 3 of sysFlag
    TRANSACTION_NONE = 0
    TRANSACTION_PREPARED = 4
    TRANSACTION_COMMIT = 8
    TRANSACTION_ROLLBACK = 12

cdef enum:
    MAX_TOPIC_SIZE = 127          # topicLen is a signed byte
    MAX_PROPERTIES_SIZE = 32767   # propsLen is a signed short

cdef enum:                        # what read_record found
    RECORD_MESSAGE = 0
    RECORD_BLANK = 1              # the rest of the file is unused
    RECORD_END = 2                # zeros: nothing was ever written here
    RECORD_TORN = 3               # it would end behind `limit`, or is shorter than a record can be
    RECORD_BAD_MAGIC = 4
    RECORD_BAD_SIZE = 5           # TOTALSIZE and the lengths within disagree
    RECORD_BAD_CRC = 6
    RECORD_BAD_OFFSET = 7         # PHYSICALOFFSET is not where it stands: bytes left over from another life of the file

cdef struct MessageToPut:         # a message to append, or one read back; slices stay their owner's memory
    const char* topic
    const char* properties
    const char* body
    int topic_size
    int properties_size
    int body_size
    int32_t queue_id
    int32_t flag
    int32_t sys_flag
    int32_t reconsume_times
    int64_t born_timestamp
    int64_t store_timestamp
    int64_t prepared_transaction_offset
    int64_t queue_offset          # set by the append (0 for prepared and rollback)
    char born_host[8]             # as on disk: IPv4 and i32 port
    char store_host[8]
    int64_t tags_code             # of the consume queue entry: hash of TAGS, or the delivery time of a delayed message
    const char* keys              # KEYS value or NULL
    const char* uniq_key          # UNIQ_KEY value or NULL
    const char* tags              # TAGS value or NULL
    const char* filter_bitmap     # of its unit in consumequeue_ext, or NULL
    int keys_size
    int uniq_key_size
    int tags_size
    int filter_bitmap_size        # 0: none
    int32_t delay_level           # DELAY value; 0 when absent, -1 when it is no number
    bint wait                     # WAIT: false when the answer need not wait for flush and slave
    bint transaction_message      # TRAN_MSG is "true"
    int64_t physical_offset       # set by the append
    int32_t size                  # of the record; set by the append

cdef int64_t record_size(const MessageToPut* message) noexcept nogil
cdef void write_record(char* at, const MessageToPut* message) noexcept nogil     # exactly message.size bytes, CRC included
cdef void write_blank(char* at, int32_t rest) noexcept nogil                     # BLANK_SIZE bytes
cdef int read_record(const char* at, int64_t limit, int64_t physical_offset, bint check_crc, MessageToPut* out) noexcept nogil
                                  # RECORD_…; fills fields and slices of a message, out.size also for a blank;
                                  # physical_offset -1: not compared. Properties are not scanned
cdef void scan_properties(MessageToPut* message) noexcept nogil                  # properties -> keys, uniq_key, tags, delay, wait …
cdef int split_batch(const char* body, int size, const MessageToPut* header, MessageToPut* out, int capacity) noexcept nogil
                                  # a client's batch body -> messages with header's topic, queue and hosts, properties scanned;
                                  # how many, or -1: malformed, -2: more than capacity. out NULL: only counts

cdef inline int32_t get_i32(const char* at) noexcept nogil:
    cdef const unsigned char* b = <const unsigned char*> at
    return <int32_t> ((<uint32_t> b[0] << 24) | (<uint32_t> b[1] << 16) | (<uint32_t> b[2] << 8) | <uint32_t> b[3])

cdef inline int64_t get_i64(const char* at) noexcept nogil:
    return <int64_t> ((<uint64_t> <uint32_t> get_i32(at) << 32) | <uint64_t> <uint32_t> get_i32(at + 4))

cdef inline int32_t get_u16(const char* at) noexcept nogil:
    cdef const unsigned char* b = <const unsigned char*> at
    return (<int32_t> b[0] << 8) | <int32_t> b[1]

cdef inline void put_i32(char* at, int32_t value) noexcept nogil:
    cdef unsigned char* b = <unsigned char*> at
    b[0] = <unsigned char> (<uint32_t> value >> 24)
    b[1] = <unsigned char> (<uint32_t> value >> 16)
    b[2] = <unsigned char> (<uint32_t> value >> 8)
    b[3] = <unsigned char> value

cdef inline void put_i64(char* at, int64_t value) noexcept nogil:
    put_i32(at, <int32_t> (<uint64_t> value >> 32))
    put_i32(at + 4, <int32_t> value)

cdef inline void put_u16(char* at, int32_t value) noexcept nogil:
    at[0] = <char> (<uint32_t> value >> 8)
    at[1] = <char> value
