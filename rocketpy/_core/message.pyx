"""Messages and their bytes: commit log records, properties text, batch bodies, message ids.

Invariant: decode then encode gives the same bytes, and malformed bytes raise CorruptMessage, never anything else.
"""

import zlib
from types import MappingProxyType

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memchr, memcmp, memcpy

from rocketpy._core.commit_log cimport (
    BLANK_MAGIC_CODE, BODY_AT, BODY_CRC_AT, BODY_SIZE_AT, BORN_HOST_AT, BORN_TIMESTAMP_AT, FLAG_AT, MAGIC_CODE_AT,
    MAX_PROPERTIES_SIZE, MAX_TOPIC_SIZE, MESSAGE_MAGIC_CODE, PHYSICAL_OFFSET_AT, PREPARED_TRANSACTION_OFFSET_AT,
    QUEUE_ID_AT, QUEUE_OFFSET_AT, RECONSUME_TIMES_AT, RECORD_OVERHEAD, STORE_HOST_AT, STORE_TIMESTAMP_AT, SYS_FLAG_AT,
    get_i32, get_i64, get_u16, put_i32, put_i64, put_u16,
)
from rocketpy._core.hashing cimport body_crc

from rocketpy.errors import CorruptMessage

cdef tuple NO_HOST = ("0.0.0.0", 0)


cdef class Message:
    def __init__(
        self, str topic not None, bytes body not None=b"", *, properties=None, bytes properties_raw=None,
        int32_t flag=0, int32_t queue_id=0, int32_t sys_flag=0, int64_t born_timestamp=0,
        tuple born_host not None=NO_HOST, int64_t store_timestamp=0, tuple store_host not None=NO_HOST,
        int32_t reconsume_times=0, int64_t queue_offset=0, int64_t physical_offset=0,
        int64_t prepared_transaction_offset=0,
    ):
        self.topic = topic
        self.body = body
        self.flag = flag
        self.queue_id = queue_id
        self.sys_flag = sys_flag
        self.born_timestamp = born_timestamp
        self.born_host = born_host
        self.store_timestamp = store_timestamp
        self.store_host = store_host
        self.reconsume_times = reconsume_times
        self.queue_offset = queue_offset
        self.physical_offset = physical_offset
        self.prepared_transaction_offset = prepared_transaction_offset
        if properties_raw is None and properties is not None:
            properties_raw = encode_properties(properties)
        self._properties_raw = b"" if properties_raw is None else properties_raw

    @property
    def properties(self):
        if self._properties is None:
            self._properties = MappingProxyType(decode_properties(self._properties_raw))
        return self._properties

    @properties.setter
    def properties(self, value):
        self._properties_raw = encode_properties(value)
        self._properties = None

    @property
    def properties_raw(self):
        return self._properties_raw

    @properties_raw.setter
    def properties_raw(self, bytes value not None):
        self._properties_raw = value
        self._properties = None

    cdef bytes raw_properties(self):
        return self._properties_raw

    cpdef str get_property(self, str name, str default=None):
        cdef bytes wanted = name.encode()
        cdef const char* value
        cdef Py_ssize_t size
        if find_property(
            PyBytes_AS_STRING(self._properties_raw), PyBytes_GET_SIZE(self._properties_raw),
            PyBytes_AS_STRING(wanted), PyBytes_GET_SIZE(wanted), &value, &size,
        ):
            return PyUnicode_DecodeUTF8(value, size, "replace")
        return default

    def put_property(self, str name not None, str value not None):
        self.properties = {**self.properties, name: value}

    @property
    def body_crc(self):
        return body_crc(PyBytes_AS_STRING(self.body), PyBytes_GET_SIZE(self.body))

    @property
    def size(self):
        return RECORD_OVERHEAD + len(self.body) + len(self.topic.encode()) + len(self._properties_raw)

    @property
    def msg_id(self):
        return message_id(self.store_host, self.physical_offset)

    def decompressed_body(self):
        if not self.sys_flag & COMPRESSED_FLAG:
            return self.body
        try:
            return zlib.decompress(self.body)
        except zlib.error as error:
            raise CorruptMessage(f"the body of {self!r} is marked as compressed but is not: {error}") from None

    def copy(self):
        return Message(
            self.topic, self.body, properties_raw=self._properties_raw, flag=self.flag, queue_id=self.queue_id,
            sys_flag=self.sys_flag, born_timestamp=self.born_timestamp, born_host=self.born_host,
            store_timestamp=self.store_timestamp, store_host=self.store_host, reconsume_times=self.reconsume_times,
            queue_offset=self.queue_offset, physical_offset=self.physical_offset,
            prepared_transaction_offset=self.prepared_transaction_offset,
        )

    def _key(self):
        return (
            self.topic, self.body, self._properties_raw, self.flag, self.queue_id, self.sys_flag,
            self.born_timestamp, self.born_host, self.store_timestamp, self.store_host, self.reconsume_times,
            self.queue_offset, self.physical_offset, self.prepared_transaction_offset,
        )

    def __eq__(self, other):
        return isinstance(other, Message) and self._key() == (<Message> other)._key()

    __hash__ = None

    def __repr__(self):
        return (
            f"<Message {self.topic!r} queue {self.queue_id} offset {self.queue_offset}"
            f" at {self.physical_offset}, {len(self.body)} bytes>"
        )


# --- properties ---

cdef bint find_property(
    const char* properties, Py_ssize_t size, const char* name, Py_ssize_t name_size,
    const char** value, Py_ssize_t* value_size,
) noexcept nogil:
    cdef const char* at = properties
    cdef const char* end = properties + size
    cdef const char* item_end
    cdef const char* name_end
    cdef bint found = False
    while at < end:
        item_end = <const char*> memchr(at, PROPERTY_END, end - at)
        if item_end == NULL:
            item_end = end
        if item_end - at > name_size and at[name_size] == NAME_END and memcmp(at, name, name_size) == 0:
            if split_pair(at, item_end, &name_end, value_size) and name_end == at + name_size:
                value[0] = name_end + 1
                found = True
        at = item_end + 1
    return found


cdef bint split_pair(
    const char* item, const char* end, const char** name_end, Py_ssize_t* value_size
) noexcept nogil:
    """Cut one item at its 0x01 as Java's split does: trailing empty parts do not count, then there must be two."""
    while end > item and (end - 1)[0] == NAME_END:
        end -= 1
    cdef const char* cut = <const char*> memchr(item, NAME_END, end - item)
    if cut == NULL or memchr(cut + 1, NAME_END, end - cut - 1) != NULL:
        return False
    name_end[0] = cut
    value_size[0] = end - cut - 1
    return True


def encode_properties(properties):
    cdef list parts = []
    for name, value in properties.items():
        parts += (name, "\x01", value, "\x02")
    return "".join(parts).encode("utf-8", "replace")


def decode_properties(bytes raw not None):
    cdef dict properties = {}
    cdef const char* at = PyBytes_AS_STRING(raw)
    cdef const char* end = at + PyBytes_GET_SIZE(raw)
    cdef const char* item_end
    cdef const char* name_end
    cdef Py_ssize_t value_size = 0
    while at < end:
        item_end = <const char*> memchr(at, PROPERTY_END, end - at)
        if item_end == NULL:
            item_end = end
        if split_pair(at, item_end, &name_end, &value_size):
            name = PyUnicode_DecodeUTF8(at, name_end - at, "replace")
            properties[name] = PyUnicode_DecodeUTF8(name_end + 1, value_size, "replace")
        at = item_end + 1
    return properties


# --- records ---

def decode_message(const uint8_t[::1] buffer not None, Py_ssize_t at=0, bint check_crc=True):
    cdef Py_ssize_t size = buffer.shape[0]
    if at < 0 or at >= size:
        raise CorruptMessage(f"no record at {at}: the buffer has {size} bytes")
    return read_record(<const char*> &buffer[0], size, at, check_crc)


def decode_messages(const uint8_t[::1] buffer not None):
    cdef Py_ssize_t size = buffer.shape[0]
    cdef Py_ssize_t at = 0
    cdef const char* data
    cdef list messages = []
    while at < size:
        data = <const char*> &buffer[0]
        messages.append(read_record(data, size, at, True))
        at += get_i32(data + at)
    return messages


cdef Message read_record(const char* data, Py_ssize_t size, Py_ssize_t at, bint check_crc):
    """Read the record at data + at; every length is checked before it is followed."""
    cdef const char* record = data + at
    cdef int32_t total = checked_total(record, size - at, at)
    cdef int32_t body_size = get_i32(record + BODY_SIZE_AT)
    if body_size < 0 or body_size > total - RECORD_OVERHEAD:
        raise corrupt(at, f"a body of {body_size} bytes in a record of {total}")
    cdef const char* body = record + BODY_AT
    cdef const char* topic = body + body_size + 1
    cdef int topic_size = <signed char> body[body_size]
    if topic_size < 0 or topic_size > total - RECORD_OVERHEAD - body_size:
        raise corrupt(at, f"a topic of {topic_size} bytes in a record of {total}, body {body_size}")
    cdef int properties_size = <int16_t> get_u16(topic + topic_size)
    cdef const char* properties = topic + topic_size + 2
    if properties_size != total - RECORD_OVERHEAD - body_size - topic_size:
        raise corrupt(at, f"properties of {properties_size} bytes in a record of {total}, "
                          f"body {body_size}, topic {topic_size}")
    if check_crc and body_crc(body, body_size) != <uint32_t> get_i32(record + BODY_CRC_AT):
        raise corrupt(at, f"the body's CRC is not {get_i32(record + BODY_CRC_AT) & 0xFFFFFFFF:#010x} as recorded")
    cdef Message message = Message.__new__(Message)
    try:
        message.topic = PyUnicode_DecodeUTF8(topic, topic_size, NULL)
    except UnicodeDecodeError:
        raise corrupt(at, f"topic {topic[:topic_size]!r} is not UTF-8") from None
    message.body = PyBytes_FromStringAndSize(body, body_size)
    message._properties_raw = PyBytes_FromStringAndSize(properties, properties_size)
    read_fields(message, record)
    return message


cdef int32_t checked_total(const char* record, Py_ssize_t left, Py_ssize_t at) except -1:
    """The record's TOTALSIZE once its magic code and the size itself are believable."""
    if left < RECORD_OVERHEAD and not (left >= 8 and get_i32(record + MAGIC_CODE_AT) == BLANK_MAGIC_CODE):
        raise corrupt(at, f"{left} bytes are left, a record has at least {RECORD_OVERHEAD}")
    cdef int32_t total = get_i32(record)
    cdef int32_t magic = get_i32(record + MAGIC_CODE_AT)
    if magic == BLANK_MAGIC_CODE:
        raise corrupt(at, "a blank that ends the file")
    if magic != MESSAGE_MAGIC_CODE:
        raise corrupt(at, f"magic code {magic & 0xFFFFFFFF:#010x}")
    if total < RECORD_OVERHEAD or total > left:
        raise corrupt(at, f"a record of {total} bytes where {left} are left")
    return total


cdef read_fields(Message message, const char* record):
    message.flag = get_i32(record + FLAG_AT)
    message.queue_id = get_i32(record + QUEUE_ID_AT)
    message.queue_offset = get_i64(record + QUEUE_OFFSET_AT)
    message.physical_offset = get_i64(record + PHYSICAL_OFFSET_AT)
    message.sys_flag = get_i32(record + SYS_FLAG_AT)
    message.born_timestamp = get_i64(record + BORN_TIMESTAMP_AT)
    message.born_host = read_host(record + BORN_HOST_AT)
    message.store_timestamp = get_i64(record + STORE_TIMESTAMP_AT)
    message.store_host = read_host(record + STORE_HOST_AT)
    message.reconsume_times = get_i32(record + RECONSUME_TIMES_AT)
    message.prepared_transaction_offset = get_i64(record + PREPARED_TRANSACTION_OFFSET_AT)


cdef corrupt(Py_ssize_t at, str what):
    return CorruptMessage(f"no message at {at}: {what}")


def encode_message(Message message not None):
    cdef bytes topic = message.topic.encode("utf-8", "replace")
    cdef bytes body = message.body
    cdef bytes properties = message._properties_raw
    cdef Py_ssize_t total = RECORD_OVERHEAD + len(body) + len(topic) + len(properties)
    if len(topic) > MAX_TOPIC_SIZE:
        raise ValueError(f"topic of {len(topic)} bytes, a record holds {MAX_TOPIC_SIZE}")
    if len(properties) > MAX_PROPERTIES_SIZE:
        raise ValueError(f"properties of {len(properties)} bytes, a record holds {MAX_PROPERTIES_SIZE}")
    if total > 0x7FFFFFFF:
        raise ValueError(f"a record of {total} bytes")
    cdef bytes record = PyBytes_FromStringAndSize(NULL, total)
    cdef char* at = PyBytes_AS_STRING(record)
    put_i32(at, <int32_t> total)
    put_i32(at + MAGIC_CODE_AT, MESSAGE_MAGIC_CODE)
    write_fields(at, message)
    at += BODY_AT
    at = write_bytes(at, body)
    at[0] = <char> len(topic)
    at = write_bytes(at + 1, topic)
    put_u16(at, <int32_t> len(properties))
    write_bytes(at + 2, properties)
    return record


cdef int write_fields(char* at, Message message) except -1:
    put_i32(at + BODY_CRC_AT, <int32_t> body_crc(PyBytes_AS_STRING(message.body), len(message.body)))
    put_i32(at + QUEUE_ID_AT, message.queue_id)
    put_i32(at + FLAG_AT, message.flag)
    put_i64(at + QUEUE_OFFSET_AT, message.queue_offset)
    put_i64(at + PHYSICAL_OFFSET_AT, message.physical_offset)
    put_i32(at + SYS_FLAG_AT, message.sys_flag)
    put_i64(at + BORN_TIMESTAMP_AT, message.born_timestamp)
    write_host(at + BORN_HOST_AT, message.born_host)
    put_i64(at + STORE_TIMESTAMP_AT, message.store_timestamp)
    write_host(at + STORE_HOST_AT, message.store_host)
    put_i32(at + RECONSUME_TIMES_AT, message.reconsume_times)
    put_i64(at + PREPARED_TRANSACTION_OFFSET_AT, message.prepared_transaction_offset)
    put_i32(at + BODY_SIZE_AT, <int32_t> len(message.body))
    return 0


cdef char* write_bytes(char* at, bytes data) noexcept:
    memcpy(at, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    return at + PyBytes_GET_SIZE(data)


# --- batches ---

def encode_batch(messages):
    cdef Message message
    cdef char header[20]
    cdef char properties_size[2]
    cdef list parts = []
    for message in messages:
        if len(message._properties_raw) > MAX_PROPERTIES_SIZE:
            raise ValueError(f"properties of {len(message._properties_raw)} bytes, an item holds "
                             f"{MAX_PROPERTIES_SIZE}")
        put_i32(header, <int32_t> (BATCH_ITEM_OVERHEAD + len(message.body) + len(message._properties_raw)))
        put_i64(header + 4, 0)                # magic and CRC: the broker makes its own
        put_i32(header + 12, message.flag)
        put_i32(header + 16, <int32_t> len(message.body))
        put_u16(properties_size, <int32_t> len(message._properties_raw))
        parts += (header[:20], message.body, properties_size[:2], message._properties_raw)
    return b"".join(parts)


def decode_batch(const uint8_t[::1] body not None):
    cdef Py_ssize_t size = body.shape[0]
    cdef Py_ssize_t at = 0
    cdef list messages = []
    while at < size:
        at = read_batch_item(<const char*> &body[0], size, at, messages)
    return messages


cdef Py_ssize_t read_batch_item(const char* data, Py_ssize_t size, Py_ssize_t at, list messages) except -1:
    """Read one item and return where the next begins. Like upstream, the lengths inside count, not the item's own."""
    if size - at < BATCH_ITEM_OVERHEAD:
        raise corrupt(at, f"{size - at} bytes are left, an item of a batch has at least {BATCH_ITEM_OVERHEAD}")
    cdef const char* item = data + at
    cdef int32_t body_size = get_i32(item + 16)
    if body_size < 0 or body_size > size - at - BATCH_ITEM_OVERHEAD:
        raise corrupt(at, f"an item with a body of {body_size} bytes where {size - at} are left")
    cdef int properties_size = <int16_t> get_u16(item + 20 + body_size)
    cdef const char* properties = item + BATCH_ITEM_OVERHEAD + body_size
    if properties_size < 0 or properties_size > size - at - BATCH_ITEM_OVERHEAD - body_size:
        raise corrupt(at, f"an item with properties of {properties_size} bytes where {size - at} are left")
    messages.append(Message(
        "", PyBytes_FromStringAndSize(item + 20, body_size), flag=get_i32(item + 12),
        properties_raw=PyBytes_FromStringAndSize(properties, properties_size),
    ))
    return at + BATCH_ITEM_OVERHEAD + body_size + properties_size


# --- hosts and ids ---

cdef tuple read_host(const char* at):
    cdef const uint8_t* ip = <const uint8_t*> at
    return (f"{ip[0]}.{ip[1]}.{ip[2]}.{ip[3]}", get_i32(at + 4))


cdef int write_host(char* at, tuple host) except -1:
    """IPv4 and port; ValueError when the address is no dotted IPv4 (4.5.2 stores nothing else)."""
    cdef int i
    cdef list parts = (<str> host[0]).split(".")
    if len(parts) != 4:
        raise ValueError(f"{host[0]!r} is not an IPv4 address")
    for i in range(4):
        part = int(parts[i])
        if not 0 <= part <= 255:
            raise ValueError(f"{host[0]!r} is not an IPv4 address")
        at[i] = <char> <uint8_t> part
    put_i32(at + 4, host[1])
    return 0


def message_id(tuple host not None, int64_t physical_offset):
    cdef char raw[16]
    write_host(raw, host)
    put_i64(raw + 8, physical_offset)
    return raw[:16].hex().upper()


def decode_message_id(str msg_id not None):
    cdef bytes raw = bytes.fromhex(msg_id) if len(msg_id) == 32 and " " not in msg_id else b""
    if len(raw) != 16:
        raise ValueError(f"message id {msg_id!r} is not 32 hex digits")
    return read_host(raw), get_i64(<const char*> raw + 8)
