"""Serves plain sends, single, batch, delayed and half: header to record to reply; invariant: unless SERVED, nothing was
changed.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

from rocketpy._core.commit_log cimport TRANSACTION_MASK, MessageToPut, scan_properties, split_batch
from rocketpy._core.consume_queue cimport QueueState
from rocketpy._core.desk cimport (
    BATCH_ROOM,
    ID_SIZE,
    NEEDS_QUEUE,
    NEEDS_ROW,
    NEEDS_SPACE,
    NOT_MINE,
    PROPERTIES_ROOM,
    SERVED,
    Desk,
    Send,
)
from rocketpy._core.frame cimport FLAG_ONEWAY, Frame, Slice, unescape
from rocketpy._core.lane cimport Peer
from rocketpy._core.lane_rows cimport SendRow
from rocketpy._core.map_order cimport Properties, put_property, read_properties, write_in_map_order
from rocketpy._core.replies cimport write_message_id, write_number, write_send_reply
from rocketpy._core.requests cimport read_send_request
from rocketpy._core.row_table cimport find_row
from rocketpy._core.store_writer cimport PUT_DONE, PUT_NEEDS_SPACE, put_message, put_messages
from rocketpy._core.traffic cimport add_count

cdef const char* SCHEDULE_TOPIC = b"SCHEDULE_TOPIC_XXXX"
cdef const char* HALF_TOPIC = b"RMQ_SYS_TRANS_HALF_TOPIC"


cdef int _fill_message(Desk* desk, const Frame* frame, Send* send, const Peer* peer, int64_t now_ms) noexcept nogil:
    """Make `send.message` from the header, still without a body of its own kind; 0 when it is not plain."""
    cdef MessageToPut* message = &send.message
    cdef const Slice* properties = &send.request.properties
    memset(message, 0, sizeof(MessageToPut))
    message.topic = send.request.topic.at
    message.topic_size = send.request.topic.size
    message.properties = properties.at
    message.properties_size = properties.size
    if properties.escaped:
        message.properties = desk.properties
        message.properties_size = unescape(properties, desk.properties, PROPERTIES_ROOM)
        if message.properties_size < 0:
            return 0
    message.body = frame.body
    message.body_size = frame.body_size
    message.queue_id = send.request.queue_id
    message.flag = send.request.flag
    message.sys_flag = send.request.sys_flag | send.row.sys_flag
    message.reconsume_times = send.request.reconsume_times
    message.born_timestamp = send.request.born_timestamp
    message.store_timestamp = now_ms
    memcpy(message.born_host, peer.born_host, 8)
    memcpy(message.store_host, desk.store_host, 8)
    scan_properties(message)
    if message.transaction_message:
        return _make_half(desk, send)
    return 1 if message.delay_level == 0 else _delay(desk, send)


cdef bint _name_origin(Send* send, Properties* properties, char* queue_id) noexcept nogil:
    """REAL_TOPIC and REAL_QID of a message that waits elsewhere; the slices point to `queue_id`."""
    cdef MessageToPut* message = &send.message
    return (put_property(properties, b"REAL_TOPIC", 10, message.topic, message.topic_size)
            and put_property(properties, b"REAL_QID", 8, queue_id, <int> (write_number(queue_id, message.queue_id) - queue_id)))


cdef bint _write_anew(Desk* desk, Send* send, const Properties* properties) noexcept nogil:
    cdef MessageToPut* message = &send.message
    message.properties_size = write_in_map_order(properties, desk.delayed_properties, PROPERTIES_ROOM)
    message.properties = desk.delayed_properties
    if message.properties_size < 0:
        return False
    scan_properties(message)
    return True


cdef int _make_half(Desk* desk, Send* send) noexcept nogil:
    """Turn the message into one of RMQ_SYS_TRANS_HALF_TOPIC; a delay of it begins with its commit. 0: not plain."""
    cdef MessageToPut* message = &send.message
    cdef Properties properties
    cdef char[12] queue_id
    if message.delay_level < 0 or send.request.batch or not send.row.takes_halves:
        return 0
    if not read_properties(message.properties, message.properties_size, &properties):
        return 0
    if not _name_origin(send, &properties, queue_id) or not _write_anew(desk, send, &properties):
        return 0
    send.half = True
    message.topic = HALF_TOPIC
    message.topic_size = 24
    message.queue_id = 0
    message.sys_flag &= ~TRANSACTION_MASK
    return 1


cdef int _delay(Desk* desk, Send* send) noexcept nogil:
    """Turn the message into one of SCHEDULE_TOPIC_XXXX, whose properties name its own topic and queue; 0: not plain."""
    cdef MessageToPut* message = &send.message
    cdef Properties properties
    cdef char[12] level
    cdef char[12] queue_id
    cdef int levels = desk.store.delay_levels
    if message.delay_level < 0 or levels == 0 or send.request.batch:
        return 0
    if not read_properties(message.properties, message.properties_size, &properties):
        return 0
    send.level = min(message.delay_level, levels)
    if send.level < message.delay_level:
        if not put_property(&properties, b"DELAY", 5, level, <int> (write_number(level, send.level) - level)):
            return 0
    if not _name_origin(send, &properties, queue_id) or not _write_anew(desk, send, &properties):
        return 0
    message.topic = SCHEDULE_TOPIC
    message.topic_size = 19
    message.queue_id = send.level - 1
    return 1


cdef int _reply_to_send(Desk* desk, const Frame* frame, Peer* peer, Send* send, const MessageToPut* first,
                        const MessageToPut* last, const char* ids, int ids_size) noexcept nogil:
    """Answer at once, or behind the gate when the message must be on disk first."""
    cdef bint gated = desk.store.sync_flush and send.message.wait
    if frame.flag & FLAG_ONEWAY:
        desk.turn_sends += 1
        return SERVED
    if gated:
        desk.turn_gated += 1
        peer.gate = last.physical_offset + last.size
    else:
        desk.turn_sends += 1
    write_send_reply(&peer.gated if gated else &peer.out, frame.opaque, &desk.words, send.request.queue_id,
                     first.queue_offset, ids, ids_size)
    return SERVED


cdef int _put_one(Desk* desk, const Frame* frame, Peer* peer, Send* send) noexcept nogil:
    cdef char[ID_SIZE] message_id
    cdef int status = put_message(desk.store, send.queue[0], &send.message)
    if status != PUT_DONE:
        return NEEDS_SPACE if status == PUT_NEEDS_SPACE else NOT_MINE
    if send.level > 0:
        desk.delayed |= <uint64_t> 1 << (send.level - 1)
        add_count(desk.delays, 1, send.message.size)
    else:
        add_count(desk.halves if send.half else send.row.count, 1, send.message.size)
    write_message_id(message_id, desk.store_host, send.message.physical_offset)
    return _reply_to_send(desk, frame, peer, send, &send.message, &send.message, message_id, ID_SIZE)


cdef int _put_batch(Desk* desk, const Frame* frame, Peer* peer, Send* send) noexcept nogil:
    cdef int i, status
    cdef int64_t size_bytes = 0
    cdef char* at = desk.message_ids
    send.count = split_batch(frame.body, frame.body_size, &send.message, desk.messages, BATCH_ROOM)
    if send.count <= 0:
        return NOT_MINE
    status = put_messages(desk.store, send.queue[0], desk.messages, send.count)
    if status != PUT_DONE:
        return NEEDS_SPACE if status == PUT_NEEDS_SPACE else NOT_MINE
    for i in range(send.count):
        if i > 0:
            at[0] = c","
            at += 1
        size_bytes += desk.messages[i].size
        write_message_id(at, desk.store_host, desk.messages[i].physical_offset)
        at += ID_SIZE
    add_count(send.row.count, send.count, size_bytes)
    return _reply_to_send(desk, frame, peer, send, &desk.messages[0], &desk.messages[send.count - 1],
                          desk.message_ids, <int>(at - desk.message_ids))


cdef inline QueueState** _queue_of(Desk* desk, Send* send) noexcept nogil:
    if send.half:
        return &desk.half_queue
    return &desk.delay_queues[send.level - 1] if send.level > 0 else &send.row.queues[send.request.queue_id]


cdef int serve_send(Desk* desk, const Frame* frame, Peer* peer, int64_t now_ms, Send* send) noexcept nogil:
    if not read_send_request(frame, &send.request) or frame.body_size == 0:
        return NOT_MINE
    send.row = <SendRow*>find_row(desk.sends, send.request.topic.at, send.request.topic.size)
    if send.row == NULL:
        return NEEDS_ROW
    if send.request.queue_id < 0 or send.request.queue_id >= send.row.queue_nums:
        return NOT_MINE
    send.level = 0
    send.half = False
    if not _fill_message(desk, frame, send, peer, now_ms) or send.message.sys_flag & TRANSACTION_MASK:
        return NOT_MINE
    send.queue = _queue_of(desk, send)
    if send.queue[0] == NULL:
        return NEEDS_QUEUE
    return _put_batch(desk, frame, peer, send) if send.request.batch else _put_one(desk, frame, peer, send)
