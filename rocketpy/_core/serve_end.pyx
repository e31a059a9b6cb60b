"""Serves plain ends of transactions: half message in the log to final message and op; invariant: unless SERVED, nothing
was changed, and a final message never stands without its op.

Plain means: commit or rollback of a half message that is in memory, fits the header, and has no delay. All others, and
all refusals, are the full lane's.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcmp, memcpy, memset

from rocketpy._core.commit_log cimport (
    RECORD_MESSAGE, TRANSACTION_COMMIT, TRANSACTION_MASK, TRANSACTION_ROLLBACK, MessageToPut, read_record,
    scan_properties,
)
from rocketpy._core.consume_queue cimport Entry, read_entry
from rocketpy._core.desk cimport NEEDS_QUEUE, NEEDS_ROW, NEEDS_SPACE, NOT_MINE, SERVED, Desk
from rocketpy._core.frame cimport FLAG_ONEWAY, Frame, Slice, slice_i32, slice_i64, slice_is
from rocketpy._core.lane cimport Peer
from rocketpy._core.map_order cimport Properties, Property, find_named, queue_id_of, read_properties
from rocketpy._core.mapped_files cimport FileMap, bytes_at, end_offset, find_file, resident
from rocketpy._core.replies cimport write_number, write_plain_reply
from rocketpy._core.row_table cimport find_row
from rocketpy._core.store_reader cimport HOT_BYTES
from rocketpy._core.store_writer cimport PUT_DONE, PUT_NEEDS_SPACE, put_message, put_pair

cdef const char* OP_TOPIC = b"RMQ_SYS_TRANS_OP_HALF_TOPIC"
cdef const char* HALF_TOPIC = b"RMQ_SYS_TRANS_HALF_TOPIC"
cdef const char* OP_PROPERTIES = b"WAIT\x01true\x02TAGS\x01d\x02"
cdef const char* NO_REMARK_SET = b"not set any response code"

cdef enum:
    OP_TOPIC_SIZE = 27
    HALF_TOPIC_SIZE = 24
    OP_PROPERTIES_SIZE = 17
    REQUIRED = 0x1F              # the five required names, in the order below


cdef uint32_t _take_field(const Slice* key, const Slice* value, End* end) noexcept nogil:
    """The bit of the field that was taken, 0 for one that does not matter, the top bit for a bad value."""
    cdef uint32_t bad = <uint32_t> 1 << 31
    if slice_is(key, b"producerGroup", 13):
        end.group = value[0]
        return bad if value.escaped else 1
    if slice_is(key, b"tranStateTableOffset", 20):
        return 2 if slice_i64(value, <long long*> &end.half_queue_offset) else bad
    if slice_is(key, b"commitLogOffset", 15):
        return 4 if slice_i64(value, <long long*> &end.half_at) else bad
    if slice_is(key, b"commitOrRollback", 16):
        return 8 if slice_i32(value, &end.how) else bad
    return 16 if slice_is(key, b"msgId", 5) else 0


cdef bint _read_request(const Frame* frame, End* end) noexcept nogil:
    cdef uint32_t seen = 0
    cdef int i
    memset(end, 0, sizeof(End))
    for i in range(frame.ext_count):
        seen |= _take_field(&frame.ext_key[i], &frame.ext_value[i], end)
    return seen == REQUIRED and (end.how == TRANSACTION_COMMIT or end.how == TRANSACTION_ROLLBACK)


cdef bint _read_half(Desk* desk, End* end, MessageToPut* half) noexcept nogil:
    """The record at the offset, when it is in memory and a half message of that queue offset."""
    cdef const char* record
    cdef FileMap* file = find_file(desk.store.log, end.half_at) if end.half_at >= 0 else NULL
    if file == NULL or file.base == NULL:
        return False
    record = bytes_at(desk.store.log, end.half_at, 8)
    if record == NULL or read_record(record, file.start + file.wrote - end.half_at, end.half_at, False, half) != RECORD_MESSAGE:
        return False
    return (half.topic_size == HALF_TOPIC_SIZE and memcmp(half.topic, HALF_TOPIC, HALF_TOPIC_SIZE) == 0
            and half.queue_id == 0 and half.queue_offset == end.half_queue_offset and _is_in_its_queue(desk, end))


cdef bint _is_in_its_queue(Desk* desk, const End* end) noexcept nogil:
    """Whether it is a record of the log: one that somebody wrote into a body would be put to any topic he names."""
    cdef Entry entry
    return (desk.half_queue != NULL and 0 <= end.half_queue_offset < desk.half_queue.max_index
            and read_entry(desk.half_queue, end.half_queue_offset, &entry) == 0 and entry.physical_offset == end.half_at)


cdef bint _is_in_memory(Desk* desk, int64_t offset) noexcept nogil:
    """Whether the record that begins there can be read without the disk; its length is not known yet."""
    cdef FileMap* file
    cdef int64_t most
    if offset < 0 or end_offset(desk.store.log) - offset < HOT_BYTES:
        return True
    file = find_file(desk.store.log, offset)
    if file == NULL or file.base == NULL:
        return False
    most = min(desk.store.max_message_size, file.start + file.wrote - offset)
    return resident(file, offset - file.start, most) >= most


cdef bint _read_origin(End* end, const MessageToPut* half) noexcept nogil:
    """Topic and queue the sender meant, when the half message is the group's and not delayed."""
    cdef Properties properties
    cdef const Property* group
    cdef const Property* topic
    cdef const Property* queue_id
    if not read_properties(half.properties, half.properties_size, &properties):
        return False
    group = find_named(&properties, b"PGROUP", 6)
    topic = find_named(&properties, b"REAL_TOPIC", 10)
    queue_id = find_named(&properties, b"REAL_QID", 8)
    if group == NULL or topic == NULL or queue_id == NULL or find_named(&properties, b"DELAY", 5) != NULL:
        return False
    end.topic, end.topic_size = topic.value, topic.value_size
    end.queue_id = queue_id_of(queue_id)
    return (end.queue_id >= 0 and group.value_size == end.group.size
            and memcmp(group.value, end.group.at, end.group.size) == 0)


cdef void _fill_final(End* end, const MessageToPut* half, int64_t now_ms) noexcept nogil:
    """The half message under its own topic: only topic, queue and transaction bits are others."""
    end.final = half[0]
    end.final.topic, end.final.topic_size = end.topic, end.topic_size
    end.final.queue_id = end.queue_id
    end.final.sys_flag = half.sys_flag & ~TRANSACTION_MASK | TRANSACTION_COMMIT
    end.final.prepared_transaction_offset = end.half_at
    end.final.store_timestamp = now_ms
    scan_properties(&end.final)


cdef void _fill_op(Desk* desk, End* end, int64_t now_ms) noexcept nogil:
    cdef MessageToPut* op = &end.op
    op.topic, op.topic_size = OP_TOPIC, OP_TOPIC_SIZE
    op.properties, op.properties_size = OP_PROPERTIES, OP_PROPERTIES_SIZE
    op.body = end.op_body
    op.body_size = <int> (write_number(end.op_body, end.half_queue_offset) - end.op_body)
    op.born_timestamp = op.store_timestamp = now_ms
    memcpy(op.born_host, desk.store_host, 8)
    memcpy(op.store_host, desk.store_host, 8)
    scan_properties(op)


cdef int _put(Desk* desk, End* end) noexcept nogil:
    if end.how == TRANSACTION_ROLLBACK:
        return put_message(desk.store, desk.op_queue, &end.op)
    return put_pair(desk.store, end.row.queues[end.queue_id], &end.final, desk.op_queue, &end.op)


cdef int _look_up(Desk* desk, End* end) noexcept nogil:
    """The queues to put to: SERVED when they are there."""
    end.row = <SendRow*> find_row(desk.sends, end.topic, end.topic_size)
    if end.row == NULL:          # it says, too, whether this broker takes anything at all
        return NEEDS_ROW
    if end.queue_id >= end.row.queue_nums:
        return NOT_MINE
    if end.how == TRANSACTION_COMMIT and end.row.queues[end.queue_id] == NULL:
        end.missing = &end.row.queues[end.queue_id]
        return NEEDS_QUEUE
    if desk.op_queue == NULL:
        end.missing = &desk.op_queue
        return NEEDS_QUEUE
    return SERVED


cdef int serve_end(Desk* desk, const Frame* frame, Peer* peer, int64_t now_ms, End* end) noexcept nogil:
    cdef MessageToPut half
    cdef int status
    memset(&half, 0, sizeof(MessageToPut))
    # Under SYNC_FLUSH an answer has to wait: ends are one-way, so that only tools ever see one.
    if desk.store.sync_flush or not _read_request(frame, end) or not _is_in_memory(desk, end.half_at):
        return NOT_MINE
    if not _read_half(desk, end, &half) or not _read_origin(end, &half):
        return NOT_MINE
    _fill_final(end, &half, now_ms)
    _fill_op(desk, end, now_ms)
    status = _look_up(desk, end)
    if status != SERVED:
        return status
    status = _put(desk, end)
    if status != PUT_DONE:
        return NEEDS_SPACE if status == PUT_NEEDS_SPACE else NOT_MINE
    if not frame.flag & FLAG_ONEWAY:
        write_plain_reply(&peer.out, frame.opaque, NO_REMARK_SET if end.how == TRANSACTION_ROLLBACK else NULL)
    return SERVED
