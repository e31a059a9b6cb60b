"""Serves plain sends and pulls straight from the read buffer; invariant: what it answers and stores is, byte for byte,
what the full lane would.

Plain means: the broker's rules gave a row for the topic (and group), the header holds nothing unusual, the message is
neither delayed nor transactional, the filter is by tags. Anything else is NOT_MINE, before anything was changed. A
thing that needs Python (a row, a queue, a file, a held pull) is fetched with the GIL in `serve_slow`, then the request
is tried again.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from rocketpy._core.commit_log cimport TRANSACTION_MASK, MessageToPut, record_size, scan_properties, split_batch
from rocketpy._core.consume_queue cimport ConsumeQueue
from rocketpy._core.frame cimport FLAG_ONEWAY, Frame, Slice, slice_text, unescape
from rocketpy._core.hashing cimport java_hash
from rocketpy._core.holds cimport Hold, Holds, copy_tags
from rocketpy._core.lane cimport Lane, LanePeer, Peer
from rocketpy._core.lane_rows cimport Count, Counter, LaneRows, PullRow, SendRow, add_count, note_commit, pull_key
from rocketpy._core.out_buffer cimport OutBuffer, out_move, out_slice
from rocketpy._core.replies cimport PullAnswer, write_message_id, write_pull_reply, write_send_reply
from rocketpy._core.requests cimport read_pull_request, read_send_request
from rocketpy._core.row_table cimport find_row
from rocketpy._core.store_reader cimport (
    GET_FOUND,
    GET_NO_MATCHED_MESSAGE,
    GET_NO_MESSAGE_IN_QUEUE,
    GET_OFFSET_OVERFLOW_ONE,
    TagFilter,
    get_messages,
)
from rocketpy._core.store_writer cimport PUT_DONE, PUT_NEEDS_SPACE, StoreWriter, put_message, put_messages, request_flush

cdef enum:
    SEND_MESSAGE = 10            # RequestCode
    PULL_MESSAGE = 11
    SEND_MESSAGE_V2 = 310
    SEND_BATCH_MESSAGE = 320

cdef enum:
    SUCCESS = 0                  # ResponseCode
    PULL_RETRY_IMMEDIATELY = 20

cdef enum:
    COMMIT_OFFSET = 1            # PullSysFlag
    SUSPEND = 2
    SUBSCRIPTION = 4
    CLASS_FILTER = 8

cdef enum:
    PROPERTIES_ROOM = 65536      # twice what a record can hold; longer ones are the full lane's to refuse
    BATCH_ROOM = 512             # messages of one batch; larger ones take the full lane
    ID_SIZE = 32
    TAGS_ROOM = 64               # tags of one pull's own expression
    KEY_ROOM = 512
    TRIES = 4                    # a row, a queue, space, and then it must go
    KEYS_A_MESSAGE = 16          # index entries to make room for: UNIQ_KEY and a few of KEYS


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
    return message.delay_level == 0 and not message.transaction_message


cdef int _reply_to_send(Desk* desk, const Frame* frame, Peer* peer, Send* send, const MessageToPut* first,
                        const MessageToPut* last, const char* ids, int ids_size) noexcept nogil:
    """Answer at once, or behind the gate when the message must be on disk first."""
    cdef bint gated = desk.store.sync_flush and send.message.wait
    if frame.flag & FLAG_ONEWAY:
        return SERVED
    if gated:
        peer.gate = last.physical_offset + last.size
    write_send_reply(&peer.gated if gated else &peer.out, frame.opaque, &desk.words, send.request.queue_id,
                     first.queue_offset, ids, ids_size)
    return SERVED


cdef int _put_one(Desk* desk, const Frame* frame, Peer* peer, Send* send) noexcept nogil:
    cdef char[ID_SIZE] message_id
    cdef int status = put_message(desk.store, send.row.queues[send.request.queue_id], &send.message)
    if status != PUT_DONE:
        return NEEDS_SPACE if status == PUT_NEEDS_SPACE else NOT_MINE
    add_count(send.row.count, 1, send.message.size)
    write_message_id(message_id, desk.store_host, send.message.physical_offset)
    return _reply_to_send(desk, frame, peer, send, &send.message, &send.message, message_id, ID_SIZE)


cdef int _put_batch(Desk* desk, const Frame* frame, Peer* peer, Send* send) noexcept nogil:
    cdef int i, status
    cdef int64_t size_bytes = 0
    cdef char* at = desk.message_ids
    send.count = split_batch(frame.body, frame.body_size, &send.message, desk.messages, BATCH_ROOM)
    if send.count <= 0:
        return NOT_MINE
    status = put_messages(desk.store, send.row.queues[send.request.queue_id], desk.messages, send.count)
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


cdef int _send(Desk* desk, const Frame* frame, Peer* peer, int64_t now_ms, Send* send) noexcept nogil:
    if not read_send_request(frame, &send.request) or frame.body_size == 0:
        return NOT_MINE
    send.row = <SendRow*>find_row(desk.sends, send.request.topic.at, send.request.topic.size)
    if send.row == NULL:
        return NEEDS_ROW
    if send.request.queue_id < 0 or send.request.queue_id >= send.row.queue_nums:
        return NOT_MINE
    if send.request.sys_flag & TRANSACTION_MASK or not _fill_message(desk, frame, send, peer, now_ms):
        return NOT_MINE
    if send.row.queues[send.request.queue_id] == NULL:
        return NEEDS_QUEUE
    return _put_batch(desk, frame, peer, send) if send.request.batch else _put_one(desk, frame, peer, send)


cdef int _add_tag(const char* at, const char* end, TagFilter* tags, int32_t* codes) noexcept nogil:
    """Hash one tag of an expression, without the blanks around it; 0 when there is no room for more."""
    while at < end and <unsigned char>at[0] <= 32:
        at += 1
    while end > at and <unsigned char>(end - 1)[0] <= 32:
        end -= 1
    if at == end:
        return 1
    if tags.count == TAGS_ROOM:
        return 0
    codes[tags.count] = java_hash(0, at, end - at)
    tags.count += 1
    return 1


cdef int _parse_tags(const Slice* expression, TagFilter* tags, int32_t* codes) noexcept nogil:
    """`a || b`, `*` or nothing (FilterAPI.buildSubscriptionData); 0 when the full lane must look at it."""
    cdef const char* at = expression.at
    cdef const char* end = expression.at + expression.size
    cdef const char* start = at
    tags.codes = codes
    tags.count = 0
    tags.all = expression.size == 0 or (expression.size == 1 and at[0] == c"*")
    if tags.all:
        return 1
    while at < end:
        if at[0] == c"|" and at + 1 < end and at[1] == c"|":
            if not _add_tag(start, at, tags, codes):
                return 0
            at += 2
            start = at
        else:
            at += 1
    return _add_tag(start, end, tags, codes) and tags.count > 0


cdef int _choose_tags(Desk* desk, Pull* pull) noexcept nogil:
    if pull.request.sys_flag & SUBSCRIPTION:
        return _parse_tags(&pull.request.subscription, &pull.tags, desk.codes)
    if pull.row.sub_version < 0 or pull.row.sub_version < pull.request.sub_version:
        return 0
    pull.tags = pull.row.tags
    return 1


cdef int _reply_to_pull(Desk* desk, const Frame* frame, Peer* peer, Pull* pull, bint found) noexcept nogil:
    cdef PullAnswer answer
    cdef int i
    answer.code = SUCCESS if found else PULL_RETRY_IMMEDIATELY
    answer.remark = b"FOUND" if found else b"NO_MATCHED_MESSAGE"
    answer.next_begin_offset = pull.found.next_begin_offset
    answer.min_offset = pull.found.min_offset
    answer.max_offset = pull.found.max_offset
    answer.suggest_which_broker_id = pull.row.suggest_which_broker_id
    if pull.found.suggest_slave:
        answer.suggest_which_broker_id = pull.row.suggest_when_slow
    answer.body_size = pull.found.size if found else 0
    write_pull_reply(&peer.out, frame.opaque, &answer)
    if not found:
        desk.missed += 1
    else:
        add_count(pull.row.count, pull.found.count, pull.found.size)
        for i in range(pull.found.slice_count):
            out_slice(&peer.out, pull.found.slices[i].at, pull.found.slices[i].size)
    return SERVED


cdef void _note_commit(Desk* desk, Pull* pull) noexcept nogil:
    if pull.request.sys_flag & COMMIT_OFFSET:
        note_commit(desk.pending, pull.row, pull.request.queue_id, pull.request.commit_offset)


cdef int _find_pull_row(Desk* desk, Pull* pull) noexcept nogil:
    cdef char[KEY_ROOM] key
    cdef int size = pull_key(pull.request.group.at, pull.request.group.size, pull.request.topic.at,
                             pull.request.topic.size, key, KEY_ROOM)
    if size < 0:
        return NOT_MINE
    pull.row = <PullRow*>find_row(desk.pulls, key, size)
    return SERVED if pull.row != NULL else NEEDS_ROW


cdef int _pull(Desk* desk, const Frame* frame, Peer* peer, Pull* pull) noexcept nogil:
    cdef int status
    if not read_pull_request(frame, &pull.request):
        return NOT_MINE
    if frame.flag & FLAG_ONEWAY or pull.request.sys_flag & CLASS_FILTER:
        return NOT_MINE
    if pull.request.sys_flag & COMMIT_OFFSET and pull.request.commit_offset < 0:
        return NOT_MINE
    status = _find_pull_row(desk, pull)
    if status != SERVED:
        return status
    if pull.request.queue_id < 0 or pull.request.queue_id >= pull.row.read_queue_nums or not _choose_tags(desk, pull):
        return NOT_MINE
    if pull.row.queues[pull.request.queue_id] == NULL:
        return NEEDS_QUEUE
    status = get_messages(desk.store, pull.row.queues[pull.request.queue_id], pull.request.queue_offset,
                          pull.request.max_msg_nums, &pull.tags, &pull.found)
    if status == GET_FOUND or status == GET_NO_MATCHED_MESSAGE:
        _note_commit(desk, pull)
        return _reply_to_pull(desk, frame, peer, pull, status == GET_FOUND)
    if not pull.request.sys_flag & SUSPEND:
        return NOT_MINE
    if status == GET_OFFSET_OVERFLOW_ONE or (status == GET_NO_MESSAGE_IN_QUEUE and pull.request.queue_offset == 0):
        return NEEDS_HOLD
    return NOT_MINE


cdef bint _is_send(int32_t code) noexcept nogil:
    return code == SEND_MESSAGE_V2 or code == SEND_BATCH_MESSAGE or code == SEND_MESSAGE


cdef class FastLane(Lane):
    def __cinit__(self):
        self.desk.properties = <char*>malloc(PROPERTIES_ROOM)
        self.desk.messages = <MessageToPut*>malloc(BATCH_ROOM * sizeof(MessageToPut))
        self.desk.message_ids = <char*>malloc(BATCH_ROOM * (ID_SIZE + 1))
        self.desk.codes = <int32_t*>malloc(TAGS_ROOM * sizeof(int32_t))
        if not (self.desk.properties and self.desk.messages and self.desk.message_ids and self.desk.codes):
            raise MemoryError

    def __dealloc__(self):
        free(self.desk.properties)
        free(self.desk.messages)
        free(self.desk.message_ids)
        free(self.desk.codes)

    def __init__(self, StoreWriter writer, Holds holds, object rules, object gate, bytes store_host, bytes middle):
        self.writer = writer
        self.holds = holds
        self.rules = rules
        self.gate = gate
        self.middle = middle
        self.rows = LaneRows()
        self.desk.store = &writer.state
        self.desk.sends = &self.rows.sends
        self.desk.pulls = &self.rows.pulls
        self.desk.pending = &self.rows.pending
        self.desk.words.middle = middle
        self.desk.words.middle_size = <int>len(middle)
        memcpy(self.desk.store_host, <const char*>store_host, 8)

    def take_counts(self):
        """What was served since the last call; see fast_lane.pyi."""
        cdef Counter counter
        taken = []
        for counter in self.rows.counters.values():
            if counter.count.times:
                taken.append((counter.names, counter.count.nums, counter.count.size_bytes, counter.count.times))
                memset(&counter.count, 0, sizeof(Count))
        missed = self.desk.missed
        self.desk.missed = 0
        return taken, missed

    def forget_rows(self):
        """A topic, group, subscription or permission changed: ask the rules anew."""
        self._commit_offsets()
        self.rows.forget()

    cdef int serve(self, Frame* frame, Peer* peer, int64_t now_ms) noexcept nogil:
        cdef Send send
        cdef Pull pull
        cdef int status = NOT_MINE
        if _is_send(frame.code):
            status = _send(&self.desk, frame, peer, now_ms, &send)
        elif frame.code == PULL_MESSAGE:
            status = _pull(&self.desk, frame, peer, &pull)
        return status if status <= SERVED else -1

    cdef int serve_slow(self, Frame* frame, LanePeer peer, int64_t now_ms) except -1:
        cdef Send send
        cdef Pull pull
        cdef int status = NOT_MINE
        cdef int tries
        for tries in range(TRIES):
            if _is_send(frame.code):
                status = _send(&self.desk, frame, &peer.peer, now_ms, &send)
                if status <= SERVED or not self._prepare_send(status, &send):
                    break
            else:
                status = _pull(&self.desk, frame, &peer.peer, &pull)
                if status == NEEDS_HOLD:
                    return self._hold(frame, &pull, peer)
                if status <= SERVED or not self._prepare_pull(status, &pull):
                    break
        return SERVED if status == SERVED else NOT_MINE

    cdef int _prepare_send(self, int need, Send* send) except -1:
        """Fetch what a send needs; 0 when it is not to be had here."""
        cdef ConsumeQueue queue
        cdef bytes topic = send.request.topic.at[:send.request.topic.size]
        if need == NEEDS_ROW:
            rule = self.rules.send_rule(topic.decode())
            if rule is None:
                return 0
            self.rows.add_send(topic, rule.queue_nums, rule.sys_flag)
            return 1
        if need == NEEDS_QUEUE:
            queue = self.writer.find_queue(topic, send.request.queue_id)
            self.rows.kept.append(queue)
            send.row.queues[send.request.queue_id] = &queue.state
            return 1
        return self._make_space(send)

    cdef int _make_space(self, Send* send) except -1:
        cdef int64_t size = record_size(&send.message)
        cdef int entries = 1
        cdef int i
        if send.request.batch:
            entries = send.count
            size = 0
            for i in range(entries):
                size += record_size(&self.desk.messages[i])
        try:
            return self.writer.prepare(send.row.queues[send.request.queue_id], size, entries, entries * KEYS_A_MESSAGE)
        except OSError:
            return 0             # the full lane meets the same error and has the words for it

    cdef int _prepare_pull(self, int need, Pull* pull) except -1:
        cdef ConsumeQueue queue
        cdef bytes group = pull.request.group.at[:pull.request.group.size]
        cdef bytes topic = pull.request.topic.at[:pull.request.topic.size]
        if need == NEEDS_ROW:
            rule = self.rules.pull_rule(group.decode(), topic.decode())
            if rule is None:
                return 0
            self.rows.add_pull(group + b"\0" + topic, rule)
            return 1
        queue = self.writer.find_queue(topic, pull.request.queue_id)
        self.rows.kept.append(queue)
        pull.row.queues[pull.request.queue_id] = &queue.state
        return 1

    cdef int _hold(self, Frame* frame, Pull* pull, LanePeer peer) except -1:
        cdef Hold hold
        if not self.rules.may_hold(len(self.holds)):
            return NOT_MINE
        hold = Hold()
        hold.queue = <ConsumeQueue>pull.row.queues[pull.request.queue_id].owner
        hold.peer = peer
        hold.counter = <Counter>pull.row.counter
        hold.asked_offset = hold.offset = pull.request.queue_offset
        hold.deadline_ms = self.rules.deadline_ms(pull.request.suspend_timeout_ms)
        hold.suggest_which_broker_id = pull.row.suggest_which_broker_id
        hold.opaque = frame.opaque
        hold.max_msg_nums = pull.request.max_msg_nums
        copy_tags(hold, &pull.tags)
        _note_commit(&self.desk, pull)
        self.holds.add(hold)
        return SERVED

    cdef int _commit_offsets(self) except -1:
        cdef PullRow* row = self.rows.pending
        cdef int i
        self.rows.pending = NULL
        while row != NULL:
            for i in range(row.read_queue_nums):
                if row.commits[i] >= 0:
                    group, topic = (<Counter>row.counter).names
                    self.rules.commit(group, topic, i, row.commits[i])
                    row.commits[i] = -1
            row.pending = False
            row = row.next_pending
        return 0

    cdef int end_turn(self, LanePeer peer) except -1:
        if peer.peer.gated.size > 0:
            if self.desk.store.durable_offset >= peer.peer.gate:
                out_move(&peer.peer.out, &peer.peer.gated)
            else:
                self.gate.hold(peer.peer.gate, peer.take_gated(), peer)
                request_flush(self.desk.store)
        if self.rows.pending != NULL:
            self._commit_offsets()
        if self.desk.store.woken != NULL:
            self.holds.drain()
        return 0

    cdef int forget(self, LanePeer peer) except -1:
        self.holds.forget_peer(peer)
        return 0
