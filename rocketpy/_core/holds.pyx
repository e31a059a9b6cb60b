"""Holds pulls that found nothing until a message arrives, their time is over, or their connection is gone.

Invariant: QueueState.holds is set exactly while its queue has holds, so a put costs a queue without them one comparison.
A hold of the fast lane is answered here; one of the full lane is woken through its callable and asks again. One whose
filter was replaced meanwhile asks again with the next message: what it passed over, the new one may want.
"""

from libc.stdint cimport int32_t, int64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from rocketpy._core.consume_queue cimport ConsumeQueue, Entry, QueueState, read_entry
from rocketpy._core.lane cimport LanePeer
from rocketpy._core.message_filter cimport MessageFilter
from rocketpy._core.out_buffer cimport out_slice
from rocketpy._core.replies cimport PullAnswer, write_pull_reply
from rocketpy._core.store_reader cimport (
    GET_FOUND,
    GET_NO_MATCHED_MESSAGE,
    GET_NO_MESSAGE_IN_QUEUE,
    GET_OFFSET_OVERFLOW_ONE,
    Found,
    TagFilter,
    get_messages,
    message_matches,
)
from rocketpy._core.store_writer cimport StoreState, StoreWriter, count_get
from rocketpy._core.traffic cimport note_gets

cdef enum:
    SUCCESS = 0                  # ResponseCode
    PULL_NOT_FOUND = 19
    PULL_RETRY_IMMEDIATELY = 20


cdef class Hold:
    def __dealloc__(self):
        free(<void*>self.tags.codes)


cdef int copy_tags(Hold hold, const TagFilter* tags) except -1:
    """Give `hold` its own copy of `tags`."""
    hold.tags.all = tags.all
    hold.tags.count = 0
    hold.tags.test = tags.test
    if tags.test != NULL:
        hold.filter = <object>tags.test.owner
    if tags.all or tags.count == 0:
        return 0
    hold.tags.codes = <const int32_t*>malloc(tags.count * sizeof(int32_t))
    if hold.tags.codes == NULL:
        raise MemoryError
    memcpy(<void*>hold.tags.codes, tags.codes, tags.count * sizeof(int32_t))
    hold.tags.count = tags.count
    return 0


cdef int _answer(StoreState* store, Hold hold, const Found* found, int32_t code, const char* remark) except -1:
    cdef PullAnswer answer
    cdef int i
    answer.code = code
    answer.remark = remark
    answer.next_begin_offset = found.next_begin_offset
    answer.min_offset = found.min_offset
    answer.max_offset = found.max_offset
    answer.suggest_which_broker_id = hold.suggest_which_broker_id
    answer.body_size = found.size if code == SUCCESS else 0
    if write_pull_reply(&hold.peer.peer.out, hold.opaque, &answer) < 0:
        raise MemoryError
    count_get(store, found.count if code == SUCCESS else 0)
    if code == SUCCESS:
        # Woken by a put, whose store time is as near to now as is asked for.
        note_gets(&hold.item.counts, hold.queue.queue_id, found, store.physic_timestamp)
        for i in range(found.slice_count):
            if out_slice(&hold.peer.peer.out, found.slices[i].at, found.slices[i].size) < 0:
                raise MemoryError
    hold.peer.flush_out()
    return 0


cdef class Holds:
    def __init__(self, StoreWriter writer, object on_first):
        self.writer = writer
        self.by_queue = {}
        self.all = set()
        self.on_first = on_first

    def __len__(self):
        return len(self.all)

    cdef int add(self, Hold hold) except -1:
        cdef QueueState* queue = &hold.queue.state
        cdef list holds
        if queue.holds == NULL:
            holds = []
            self.by_queue[<uintptr_t>queue] = holds
            queue.holds = <void*>holds
        (<list>queue.holds).append(hold)
        self.all.add(hold)
        if len(self.all) == 1:
            self.on_first()
        return 0

    cdef int remove(self, Hold hold) except -1:
        cdef QueueState* queue = &hold.queue.state
        cdef list holds = <list>queue.holds
        holds.remove(hold)
        if not holds:
            queue.holds = NULL
            del self.by_queue[<uintptr_t>queue]
        self.all.discard(hold)
        return 0

    cdef int forget_peer(self, LanePeer peer) except -1:
        cdef Hold hold
        if self.all:
            for hold in [hold for hold in self.all if (<Hold>hold).peer is peer]:
                self.remove(hold)
        return 0

    cdef int drain(self) except -1:
        cdef QueueState* queue = self.writer.state.woken
        cdef QueueState* following
        self.writer.state.woken = NULL
        while queue != NULL:
            following = queue.next_woken
            queue.woken = False
            queue.next_woken = NULL
            if queue.holds != NULL:
                self._wake_queue(queue)
            queue = following
        return 0

    cdef int _wake_queue(self, QueueState* queue) except -1:
        cdef Hold hold
        for hold in list(<list>queue.holds):
            if hold in self.all:
                self._try(hold, False)
        return 0

    cdef int _try(self, Hold hold, bint last) except -1:
        """Answer `hold` if there is something for it, or in any case when this is its `last` chance."""
        cdef Found found
        cdef int status
        if hold.wake is not None:
            if last or _has_match(&self.writer.state, hold):
                self.remove(hold)
                hold.wake()
            return 0
        if hold.tags.test != NULL and hold.tags.test.retired:
            hold.offset = hold.asked_offset
            self.remove(hold)
            return self._ask_again(hold)
        status = get_messages(
            &self.writer.state, &hold.queue.state, hold.offset, hold.max_msg_nums, &hold.tags, False, &found)
        if status == GET_NO_MATCHED_MESSAGE and not last:
            hold.offset = found.next_begin_offset
            return 0
        if (status == GET_OFFSET_OVERFLOW_ONE or status == GET_NO_MESSAGE_IN_QUEUE) and not last:
            return 0
        self.remove(hold)
        if status == GET_FOUND:
            return _answer(&self.writer.state, hold, &found, SUCCESS, b"FOUND")
        if status == GET_NO_MATCHED_MESSAGE or found.next_begin_offset > hold.asked_offset:
            return _answer(&self.writer.state, hold, &found, PULL_RETRY_IMMEDIATELY, b"NO_MATCHED_MESSAGE")
        if status == GET_OFFSET_OVERFLOW_ONE:
            return _answer(&self.writer.state, hold, &found, PULL_NOT_FOUND, b"OFFSET_OVERFLOW_ONE")
        if status == GET_NO_MESSAGE_IN_QUEUE:
            return _answer(&self.writer.state, hold, &found, PULL_NOT_FOUND, b"NO_MESSAGE_IN_QUEUE")
        # The queue was cleaned or cut under the waiting pull, or the disk must be read: the client asks again, and the full
        # lane sees to it.
        return self._ask_again(hold)

    cdef int _ask_again(self, Hold hold) except -1:
        cdef Found found
        found.next_begin_offset = hold.asked_offset
        found.min_offset = hold.queue.state.min_index
        found.max_offset = hold.queue.state.max_index
        return _answer(&self.writer.state, hold, &found, PULL_RETRY_IMMEDIATELY, b"NO_MATCHED_MESSAGE")

    def hold(
        self, ConsumeQueue queue, int64_t offset, object tags, int64_t deadline_ms, object wake, MessageFilter wanted=None,
    ):
        """Hold a pull of the full lane; returns what `release` takes. See holds.pyi."""
        cdef Hold held = Hold()
        held.queue = queue
        held.offset = held.asked_offset = offset
        held.deadline_ms = deadline_ms
        held.wake = wake
        held.tags.all = tags is None
        held.tags.test = &wanted.test if wanted is not None else NULL
        held.filter = wanted
        if tags:
            held.tags.codes = <const int32_t*>malloc(len(tags) * sizeof(int32_t))
            if held.tags.codes == NULL:
                raise MemoryError
            for code in tags:
                (<int32_t*>held.tags.codes)[held.tags.count] = code
                held.tags.count += 1
        self.add(held)
        return held

    def release(self, Hold held):
        """Forget a hold without waking it."""
        if held in self.all:
            self.remove(held)

    def wake_arrivals(self):
        """Answer or wake the holds of queues that got entries."""
        self.drain()

    def expire(self, int64_t now_ms):
        """Answer or wake every hold whose deadline has come."""
        cdef Hold hold
        for hold in [hold for hold in self.all if (<Hold>hold).deadline_ms <= now_ms]:
            if hold in self.all:
                self._try(hold, True)

    def end_topic(self, bytes topic not None):
        """Answer or wake the holds of a topic that is about to go."""
        cdef Hold hold
        for hold in [hold for hold in self.all if (<Hold>hold).queue.topic == topic]:
            if hold in self.all:
                self._try(hold, True)


cdef bint _has_match(StoreState* store, Hold hold) noexcept:
    """Whether an entry at or behind the hold's offset matches; moves the offset behind those that do not."""
    cdef Entry entry
    while hold.offset < hold.queue.state.max_index:
        if read_entry(&hold.queue.state, hold.offset, &entry) < 0:
            return True
        if message_matches(store, &hold.queue.state, &hold.tags, &entry):
            return True
        hold.offset += 1
    return False
