"""The record of one message in the commit log: written, read back and checked in place, without copies.

Everything works on slices of the caller's memory. A record is only believed when magic, every length within, the CRC
of its body and its own offset agree with where it stands.
"""

from libc.stdint cimport int32_t, int64_t
from libc.string cimport memchr, memcmp, memcpy, memset

from rocketpy._core.hashing cimport body_crc, java_hash

cdef extern from *:
    """
    #define compiler_barrier() __asm__ __volatile__("" ::: "memory")
    """
    void compiler_barrier() noexcept nogil

cdef enum:
    NAME_VALUE_SEPARATOR = 1
    PROPERTY_SEPARATOR = 2
    NO_NUMBER = -1                # a DELAY that is none: its message is for the full lane to refuse
    BATCH_ITEM_OVERHEAD = 22      # i32 total, magic, crc, flag, bodyLen; i16 propsLen


cdef int64_t record_size(const MessageToPut* message) noexcept nogil:
    return <int64_t> RECORD_OVERHEAD + message.body_size + message.topic_size + message.properties_size


cdef void write_record(char* at, const MessageToPut* message) noexcept nogil:
    cdef char* behind = at + BODY_AT + message.body_size
    put_i32(at + BODY_CRC_AT, <int32_t> body_crc(message.body, message.body_size) if message.body_size else 0)
    put_i32(at + QUEUE_ID_AT, message.queue_id)
    put_i32(at + FLAG_AT, message.flag)
    put_i64(at + QUEUE_OFFSET_AT, message.queue_offset)
    put_i64(at + PHYSICAL_OFFSET_AT, message.physical_offset)
    put_i32(at + SYS_FLAG_AT, message.sys_flag)
    put_i64(at + BORN_TIMESTAMP_AT, message.born_timestamp)
    memcpy(at + BORN_HOST_AT, message.born_host, 8)
    put_i64(at + STORE_TIMESTAMP_AT, message.store_timestamp)
    memcpy(at + STORE_HOST_AT, message.store_host, 8)
    put_i32(at + RECONSUME_TIMES_AT, message.reconsume_times)
    put_i64(at + PREPARED_TRANSACTION_OFFSET_AT, message.prepared_transaction_offset)
    put_i32(at + BODY_SIZE_AT, message.body_size)
    if message.body_size:
        memcpy(at + BODY_AT, message.body, message.body_size)
    behind[0] = <char> message.topic_size
    memcpy(behind + 1, message.topic, message.topic_size)
    behind += 1 + message.topic_size
    put_u16(behind, message.properties_size)
    if message.properties_size:
        memcpy(behind + 2, message.properties, message.properties_size)
    # Size and magic last: a process killed before them leaves zeros there, which is the end of the log, never half a record.
    compiler_barrier()
    put_i32(at + TOTAL_SIZE_AT, message.size)
    put_i32(at + MAGIC_CODE_AT, MESSAGE_MAGIC_CODE)


cdef void write_blank(char* at, int32_t rest) noexcept nogil:
    put_i32(at, rest)
    put_i32(at + 4, BLANK_MAGIC_CODE)


cdef int read_record(const char* at, int64_t limit, int64_t physical_offset, bint check_crc, MessageToPut* out) noexcept nogil:
    cdef int status = _read_lengths(at, limit, out)
    if status != RECORD_MESSAGE:
        return status
    out.physical_offset = get_i64(at + PHYSICAL_OFFSET_AT)
    if physical_offset >= 0 and out.physical_offset != physical_offset:
        return RECORD_BAD_OFFSET
    if check_crc and out.body_size and <int32_t> body_crc(out.body, out.body_size) != get_i32(at + BODY_CRC_AT):
        return RECORD_BAD_CRC
    out.queue_id = get_i32(at + QUEUE_ID_AT)
    out.flag = get_i32(at + FLAG_AT)
    out.queue_offset = get_i64(at + QUEUE_OFFSET_AT)
    out.sys_flag = get_i32(at + SYS_FLAG_AT)
    out.born_timestamp = get_i64(at + BORN_TIMESTAMP_AT)
    memcpy(out.born_host, at + BORN_HOST_AT, 8)
    out.store_timestamp = get_i64(at + STORE_TIMESTAMP_AT)
    memcpy(out.store_host, at + STORE_HOST_AT, 8)
    out.reconsume_times = get_i32(at + RECONSUME_TIMES_AT)
    out.prepared_transaction_offset = get_i64(at + PREPARED_TRANSACTION_OFFSET_AT)
    return RECORD_MESSAGE


cdef int _read_lengths(const char* at, int64_t limit, MessageToPut* out) noexcept nogil:
    cdef int32_t magic
    cdef int64_t size
    if limit < BLANK_SIZE:
        return RECORD_TORN
    out.size = get_i32(at + TOTAL_SIZE_AT)
    magic = get_i32(at + MAGIC_CODE_AT)
    if magic == BLANK_MAGIC_CODE:
        return RECORD_BLANK
    if magic != MESSAGE_MAGIC_CODE:
        return RECORD_END if magic == 0 and out.size == 0 else RECORD_BAD_MAGIC
    size = out.size
    if size > limit:
        return RECORD_TORN
    if size < RECORD_OVERHEAD:
        return RECORD_BAD_SIZE
    out.body_size = get_i32(at + BODY_SIZE_AT)
    if out.body_size < 0 or out.body_size > size - RECORD_OVERHEAD:
        return RECORD_BAD_SIZE
    out.body = at + BODY_AT
    out.topic = out.body + out.body_size + 1
    out.topic_size = <signed char> (out.topic - 1)[0]
    if out.topic_size < 0 or out.topic_size > size - RECORD_OVERHEAD - out.body_size:
        return RECORD_BAD_SIZE
    out.properties_size = get_u16(out.topic + out.topic_size)
    out.properties = out.topic + out.topic_size + 2
    if out.properties_size > MAX_PROPERTIES_SIZE or record_size(out) != size:
        return RECORD_BAD_SIZE
    return RECORD_MESSAGE


cdef void scan_properties(MessageToPut* message) noexcept nogil:
    cdef const char* at = message.properties
    cdef const char* end = at + message.properties_size
    cdef const char* stop
    cdef const char* value
    message.keys = message.uniq_key = message.tags = NULL
    message.keys_size = message.uniq_key_size = message.tags_size = 0
    message.delay_level = 0
    message.wait = True
    message.transaction_message = False
    while at < end:
        stop = <const char*> memchr(at, PROPERTY_SEPARATOR, end - at)
        if stop == NULL:
            stop = end
        value = <const char*> memchr(at, NAME_VALUE_SEPARATOR, stop - at)
        if value != NULL:
            _take_property(message, at, <int> (value - at), value + 1, stop)
        at = stop + 1
    message.tags_code = java_hash(0, message.tags, message.tags_size) if message.tags_size else 0


cdef void _take_property(MessageToPut* message, const char* name, int name_size, const char* value, const char* end) noexcept nogil:
    """A property that counts: MessageDecoder drops trailing empty parts and wants exactly two; the last of a name wins."""
    cdef int size
    while end > value and (end - 1)[0] == NAME_VALUE_SEPARATOR:
        end -= 1
    size = <int> (end - value)
    if size == 0 or memchr(value, NAME_VALUE_SEPARATOR, size) != NULL:
        return
    if name_size == 4:
        if memcmp(name, b"KEYS", 4) == 0:
            message.keys = value
            message.keys_size = size
        elif memcmp(name, b"TAGS", 4) == 0:
            message.tags = value
            message.tags_size = size
        elif memcmp(name, b"WAIT", 4) == 0:
            message.wait = _is_true(value, size)
    elif name_size == 8:
        if memcmp(name, b"UNIQ_KEY", 8) == 0:
            message.uniq_key = value
            message.uniq_key_size = size
        elif memcmp(name, b"TRAN_MSG", 8) == 0:
            message.transaction_message = _is_true(value, size)
    elif name_size == 5 and memcmp(name, b"DELAY", 5) == 0:
        message.delay_level = _integer(value, size)


cdef bint _is_true(const char* value, int size) noexcept nogil:
    return (size == 4 and value[0] | 32 == c"t" and value[1] | 32 == c"r" and value[2] | 32 == c"u"
            and value[3] | 32 == c"e")


cdef int32_t _integer(const char* value, int size) noexcept nogil:
    """As Integer.parseInt reads it; NO_NUMBER for what it refuses."""
    cdef bint negative = value[0] == c"-"
    cdef int at = 1 if negative or value[0] == c"+" else 0
    cdef int64_t number = 0
    if at == size:
        return NO_NUMBER
    while at < size:
        if value[at] < c"0" or value[at] > c"9":
            return NO_NUMBER
        number = number * 10 + (value[at] - c"0")
        if number > 0x7FFFFFFF:
            return NO_NUMBER
        at += 1
    return <int32_t> (-number if negative else number)


cdef int split_batch(const char* body, int size, const MessageToPut* header, MessageToPut* out, int capacity) noexcept nogil:
    cdef const char* at = body
    cdef int rest = size
    cdef int count = 0
    cdef int body_size, properties_size
    while rest > 0:
        if rest < BATCH_ITEM_OVERHEAD:
            return -1
        body_size = get_i32(at + 16)
        if body_size < 0 or body_size > rest - BATCH_ITEM_OVERHEAD:
            return -1
        properties_size = get_u16(at + 20 + body_size)
        if properties_size > MAX_PROPERTIES_SIZE or properties_size > rest - BATCH_ITEM_OVERHEAD - body_size:
            return -1
        if out != NULL:
            if count == capacity:
                return -2
            out[count] = header[0]
            out[count].flag = get_i32(at + 12)
            out[count].body = at + 20
            out[count].body_size = body_size
            out[count].properties = at + BATCH_ITEM_OVERHEAD + body_size
            out[count].properties_size = properties_size
            out[count].prepared_transaction_offset = 0
            scan_properties(&out[count])
        count += 1
        at += BATCH_ITEM_OVERHEAD + body_size + properties_size
        rest -= BATCH_ITEM_OVERHEAD + body_size + properties_size
    return count


# -- doors for recovery, the checker and tests -------------------------------------------------------------------

STATUS_NAMES = ("MESSAGE", "BLANK", "END", "TORN", "BAD_MAGIC", "BAD_SIZE", "BAD_CRC", "BAD_OFFSET")


def check_record(const unsigned char[::1] data not None, int64_t physical_offset=-1, bint check_crc=True):
    """(what stands at the start of `data`, its size)."""
    cdef MessageToPut message
    cdef int status
    memset(&message, 0, sizeof(message))
    if data.shape[0] == 0:
        return "TORN", 0
    status = read_record(<const char*> &data[0], data.shape[0], physical_offset, check_crc, &message)
    return STATUS_NAMES[status], message.size


def scanned_properties(bytes properties not None):
    """What scan_properties finds, as a dict."""
    cdef MessageToPut message
    memset(&message, 0, sizeof(message))
    message.properties = properties
    message.properties_size = len(properties)
    scan_properties(&message)
    return {
        "keys": None if message.keys == NULL else message.keys[:message.keys_size],
        "uniq_key": None if message.uniq_key == NULL else message.uniq_key[:message.uniq_key_size],
        "tags": None if message.tags == NULL else message.tags[:message.tags_size],
        "tags_code": message.tags_code,
        "delay_level": message.delay_level,
        "wait": bool(message.wait),
        "transaction_message": bool(message.transaction_message),
    }


def count_batch(const unsigned char[::1] body not None):
    """Messages in a client's batch body; -1 when it is malformed."""
    if body.shape[0] == 0:
        return 0
    return split_batch(<const char*> &body[0], body.shape[0], NULL, NULL, 0)
