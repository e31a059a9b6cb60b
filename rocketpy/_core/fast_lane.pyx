"""Serves plain sends and pulls straight from the read buffer; invariant: what it answers and stores is, byte for byte,
what the full lane would.

Plain means: the broker's rules gave a row for the topic (and group), the header holds nothing unusual, the filter is by
tags or the group's own; of transactions see serve_end.pyx. Anything else is NOT_MINE, before anything was changed. A
thing that needs Python (a row, a queue, a file, a held pull) is fetched with the GIL in `serve_slow`, then the request
is tried again.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from rocketpy._core.commit_log cimport TRANSACTION_COMMIT, MessageToPut, record_size
from rocketpy._core.consume_queue cimport ConsumeQueue, QueueState
from rocketpy._core.desk cimport (
    BATCH_ROOM,
    ID_SIZE,
    NEEDS_HOLD,
    NEEDS_QUEUE,
    NEEDS_ROW,
    NOT_MINE,
    PROPERTIES_ROOM,
    SERVED,
    TAGS_ROOM,
    Pull,
    Send,
)
from rocketpy._core.frame cimport Frame
from rocketpy._core.histogram cimport Histogram, note_times
from rocketpy._core.holds cimport Hold, Holds, copy_tags
from rocketpy._core.lane cimport Lane, LanePeer, Peer
from rocketpy._core.lane_rows cimport LaneRows, PullRow
from rocketpy._core.out_buffer cimport out_move
from rocketpy._core.serve_end cimport End, serve_end
from rocketpy._core.serve_pull cimport note_pull_commit, serve_pull
from rocketpy._core.serve_send cimport serve_send
from rocketpy._core.store_writer cimport StoreWriter, count_get, index_keys, request_flush
from rocketpy._core.traffic cimport Item, Items

cdef enum:
    SEND_MESSAGE = 10            # RequestCode
    PULL_MESSAGE = 11
    END_TRANSACTION = 37
    SEND_MESSAGE_V2 = 310
    SEND_BATCH_MESSAGE = 320

cdef enum:
    TRIES = 5                    # a row, a queue or two, space, and then it must go


cdef bint _is_send(int32_t code) noexcept nogil:
    return code == SEND_MESSAGE_V2 or code == SEND_BATCH_MESSAGE or code == SEND_MESSAGE


cdef class FastLane(Lane):
    def __cinit__(self):
        self.desk.properties = <char*>malloc(PROPERTIES_ROOM)
        self.desk.delayed_properties = <char*>malloc(PROPERTIES_ROOM)
        self.desk.messages = <MessageToPut*>malloc(BATCH_ROOM * sizeof(MessageToPut))
        self.desk.message_ids = <char*>malloc(BATCH_ROOM * (ID_SIZE + 1))
        self.desk.codes = <int32_t*>malloc(TAGS_ROOM * sizeof(int32_t))
        if not (self.desk.properties and self.desk.delayed_properties and self.desk.messages and self.desk.message_ids
                and self.desk.codes):
            raise MemoryError

    def __dealloc__(self):
        free(self.desk.properties)
        free(self.desk.delayed_properties)
        free(self.desk.messages)
        free(self.desk.message_ids)
        free(self.desk.codes)

    def __init__(
        self, StoreWriter writer not None, Holds holds not None, object rules, object gate, bytes store_host not None,
        bytes middle not None, Items puts not None, Items gets not None,
    ):
        self.writer = writer
        self.holds = holds
        self.rules = rules
        self.gate = gate
        self.send_times, self.pull_times = Histogram(), Histogram()
        self.rows = LaneRows()
        self.rows.puts, self.rows.gets = puts, gets
        self._find_items()
        self.desk.store = &writer.state
        self.desk.sends = &self.rows.sends
        self.desk.pulls = &self.rows.pulls
        self.desk.pending = &self.rows.pending
        self.reply_with(middle)
        memcpy(self.desk.store_host, <const char*>store_host, 8)

    def reply_with(self, bytes middle not None):
        """Other words between the values of queueId and msgId from now on."""
        self.middle = middle
        self.desk.words.middle = middle
        self.desk.words.middle_size = <int>len(middle)

    cdef int _find_items(self) except -1:
        """Where what waits in topics of the broker's own is counted: the broker may have forgotten the item meanwhile."""
        cdef Item halves = self.rows.puts.item("RMQ_SYS_TRANS_HALF_TOPIC")
        cdef Item delays = self.rows.puts.item("SCHEDULE_TOPIC_XXXX")
        self.items = [halves, delays]
        self.desk.halves, self.desk.delays = &halves.counts.count, &delays.counts.count
        return 0

    def forget_rows(self):
        """A topic, group, subscription or permission changed: ask the rules anew."""
        self._commit_offsets()
        self.rows.forget()
        self._find_items()
        memset(self.desk.delay_queues, 0, sizeof(self.desk.delay_queues))
        self.desk.half_queue = self.desk.op_queue = NULL

    def commit_offsets(self):
        """Hand over the offsets that pulls of this turn have brought so far."""
        self._commit_offsets()

    cdef int serve(self, Frame* frame, Peer* peer, int64_t now_ms) noexcept nogil:
        cdef Send send
        cdef Pull pull
        cdef End end
        cdef int status = NOT_MINE
        if _is_send(frame.code):
            status = serve_send(&self.desk, frame, peer, now_ms, &send)
        elif frame.code == END_TRANSACTION:
            status = serve_end(&self.desk, frame, peer, now_ms, &end)
        elif frame.code == PULL_MESSAGE:
            status = serve_pull(&self.desk, frame, peer, now_ms, &pull)
        self.served += status == SERVED
        return status if status <= SERVED else -1

    cdef int serve_slow(self, Frame* frame, LanePeer peer, int64_t now_ms) except -1:
        cdef Send send
        cdef Pull pull
        cdef End end
        cdef int status = NOT_MINE
        for _ in range(TRIES):
            if _is_send(frame.code):
                status = serve_send(&self.desk, frame, &peer.peer, now_ms, &send)
                if status <= SERVED or not self._prepare_send(status, &send):
                    break
            elif frame.code == END_TRANSACTION:
                status = serve_end(&self.desk, frame, &peer.peer, now_ms, &end)
                if status <= SERVED or not self._prepare_end(status, &end):
                    break
            else:
                status = serve_pull(&self.desk, frame, &peer.peer, now_ms, &pull)
                if status == NEEDS_HOLD:
                    status = self._hold(frame, &pull, peer)
                if status <= SERVED or not self._prepare_pull(status, &pull):
                    break
        self.served += status == SERVED
        return SERVED if status == SERVED else NOT_MINE

    cdef int _prepare_send(self, int need, Send* send) except -1:
        """Fetch what a send needs; 0 when it is not to be had here."""
        if need == NEEDS_ROW:
            return self._add_send_row(send.request.topic.at[:send.request.topic.size])
        if need == NEEDS_QUEUE:
            return self._find_queue(&send.message, send.queue)
        return self._make_space(send)

    cdef int _add_send_row(self, bytes topic) except -1:
        rule = self.rules.send_rule(topic.decode())
        if rule is None:
            return 0
        self.rows.add_send(topic, rule.queue_nums, rule.sys_flag, rule.takes_halves)
        return 1

    cdef int _find_queue(self, const MessageToPut* message, QueueState** place) except -1:
        """The queue a message goes to, made if there is none, where the desk looks for it."""
        cdef ConsumeQueue queue = self.writer.find_queue(message.topic[:message.topic_size], message.queue_id)
        self.rows.kept.append(queue)
        place[0] = &queue.state
        return 1

    cdef int _prepare_end(self, int need, End* end) except -1:
        """Fetch what an end of a transaction needs; 0 when it is not to be had here."""
        if need == NEEDS_ROW:
            return self._add_send_row(end.topic[:end.topic_size])
        if need == NEEDS_QUEUE:
            is_op = end.missing == &self.desk.op_queue
            return self._find_queue(&end.op if is_op else &end.final, end.missing)
        return self._make_space_for_end(end)

    cdef int _make_space_for_end(self, End* end) except -1:
        cdef int64_t size = record_size(&end.op)
        try:
            if end.how == TRANSACTION_COMMIT:
                size += record_size(&end.final)
                keys = index_keys(self.desk.store, &end.final)
                self.writer.prepare(end.row.queues[end.queue_id], size, 1, keys)
            return self.writer.prepare(self.desk.op_queue, size, 1, 0)
        except OSError:
            return 0             # the full lane meets the same error and has the words for it

    cdef int _make_space(self, Send* send) except -1:
        cdef MessageToPut* messages = self.desk.messages if send.request.batch else &send.message
        cdef int count = send.count if send.request.batch else 1
        cdef int64_t size = 0
        cdef int keys = 0        # as many as there are: room for more could leave an empty index file behind
        cdef int i
        for i in range(count):
            size += record_size(&messages[i])
            keys += index_keys(self.desk.store, &messages[i])
        try:
            return self.writer.prepare(send.queue[0], size, count, keys)
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
        hold.item = <Item>pull.row.item
        hold.asked_offset = hold.offset = pull.request.queue_offset
        hold.deadline_ms = self.rules.deadline_ms(pull.request.suspend_timeout_ms)
        hold.suggest_which_broker_id = pull.row.suggest_which_broker_id
        hold.opaque = frame.opaque
        hold.max_msg_nums = pull.request.max_msg_nums
        copy_tags(hold, &pull.tags)
        note_pull_commit(&self.desk, pull)
        count_get(self.desk.store, 0)
        self.holds.add(hold)
        return SERVED

    cdef int _commit_offsets(self) except -1:
        cdef PullRow* row = self.rows.pending
        cdef int i
        self.rows.pending = NULL
        while row != NULL:
            for i in range(row.read_queue_nums):
                if row.commits[i] >= 0:
                    group, topic = <tuple>row.names
                    self.rules.commit(group, topic, i, row.commits[i])
                    row.commits[i] = -1
            row.pending = False
            row = row.next_pending
        return 0

    cdef int end_turn(self, LanePeer peer) except -1:
        if peer.peer.gated.size > 0:
            if self.desk.store.durable_offset >= peer.peer.gate:
                out_move(&peer.peer.out, &peer.peer.gated)
                self.desk.turn_sends += self.desk.turn_gated
            else:
                self.gate.hold(peer.peer.gate, peer.take_gated(), peer, self.desk.turn_gated)
                request_flush(self.desk.store)
            self.desk.turn_gated = 0
        if self.rows.pending != NULL:
            self._commit_offsets()
        if self.desk.delayed:
            self._tell_delayed()
        if self.desk.store.woken != NULL:
            self.holds.drain()
        return 0

    cdef int _tell_delayed(self) except -1:
        cdef uint64_t delayed = self.desk.delayed
        cdef int queue_id = 0
        self.desk.delayed = 0
        while delayed:
            if delayed & 1:
                self.rules.delayed(queue_id)
            delayed >>= 1
            queue_id += 1
        return 0

    cdef int turn_took(self, int64_t ns) except -1:
        if self.desk.turn_sends:
            note_times(&self.send_times.times, ns, self.desk.turn_sends)
            self.desk.turn_sends = 0
        if self.desk.turn_pulls:
            note_times(&self.pull_times.times, ns, self.desk.turn_pulls)
            self.desk.turn_pulls = 0
        return 0

    cdef int forget(self, LanePeer peer) except -1:
        self.holds.forget_peer(peer)
        return 0
