"""Puts plain delayed messages whose time has come to their real queues; invariant: what stands in the log afterwards is
what store/schedule.py would have put, one message after the other.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memset

from rocketpy._core.commit_log cimport (
    MAX_PROPERTIES_SIZE, MAX_TOPIC_SIZE, RECORD_MESSAGE, MessageToPut, read_record, record_size, scan_properties,
)
from rocketpy._core.consume_queue cimport ConsumeQueue, Entry, QueueState, read_entry
from rocketpy._core.consume_queue_ext cimport LEAST_TAGS_CODE
from rocketpy._core.map_order cimport Properties, Property, find_named, queue_id_of, read_properties, write_in_map_order
from rocketpy._core.mapped_files cimport bytes_at, end_offset, find_file, resident
from rocketpy._core.store_reader cimport HOT_BYTES
from rocketpy._core.store_writer cimport (
    PUT_DONE, PUT_NEEDS_SPACE, StoreWriter, index_keys, put_message,
)

cdef enum:
    SCHEDULE_TOPIC_SIZE = 19
    CACHED = 16                   # queues that one call puts to and need not look up again


cdef const char* SCHEDULE_TOPIC = b"SCHEDULE_TOPIC_XXXX"


cdef struct Target:
    const char* topic             # in the mapped log
    int topic_size
    int32_t queue_id
    QueueState* queue


cdef struct Targets:              # queues that were found in this call
    Target[16] found
    int count


cdef QueueState* _target_of(Targets* targets, StoreWriter writer, const MessageToPut* message) except? NULL:
    """The message's own queue; NULL: nobody put to it yet, so nobody has looked at its name."""
    cdef int i
    cdef Target* target
    cdef ConsumeQueue queue
    for i in range(targets.count):
        target = &targets.found[i]
        if (target.queue_id == message.queue_id and target.topic_size == message.topic_size
                and memcmp(target.topic, message.topic, message.topic_size) == 0):
            return target.queue
    queue = writer.queues.get((message.topic[:message.topic_size], message.queue_id))
    if queue is None:
        return NULL
    target = &targets.found[targets.count % CACHED]
    target.topic, target.topic_size, target.queue_id = message.topic, message.topic_size, message.queue_id
    target.queue = &queue.state
    targets.count = min(targets.count + 1, CACHED)
    return target.queue


cdef const char* _record_of(StoreWriter writer, const Entry* entry) noexcept nogil:
    """The record that an entry names, when it can be read without the disk; else NULL."""
    cdef const char* record = bytes_at(writer.state.log, entry.physical_offset, entry.size)
    if record == NULL or end_offset(writer.state.log) - entry.physical_offset < HOT_BYTES:
        return record
    file = find_file(writer.state.log, entry.physical_offset)
    return record if resident(file, entry.physical_offset - file.start, entry.size) >= entry.size else NULL


cdef bint _make_real(MessageToPut* message, char* properties) noexcept nogil:
    """The message as it goes to its own topic; False when its properties are not plain."""
    cdef Properties read
    cdef const Property* topic
    cdef const Property* queue_id
    if not read_properties(message.properties, message.properties_size, &read):
        return False
    topic = find_named(&read, b"REAL_TOPIC", 10)
    queue_id = find_named(&read, b"REAL_QID", 8)
    if topic == NULL or queue_id == NULL or topic.value_size > MAX_TOPIC_SIZE:
        return False
    if topic.value_size == SCHEDULE_TOPIC_SIZE and memcmp(topic.value, SCHEDULE_TOPIC, SCHEDULE_TOPIC_SIZE) == 0:
        return False
    message.topic = topic.value
    message.topic_size = topic.value_size
    message.queue_id = queue_id_of(queue_id)
    message.prepared_transaction_offset = 0
    message.properties_size = write_in_map_order(&read, properties, MAX_PROPERTIES_SIZE)
    message.properties = properties
    if message.queue_id < 0 or message.properties_size < 0:
        return False
    scan_properties(message)
    return True


cdef bint _put(StoreWriter writer, QueueState* queue, MessageToPut* message) except -1:
    cdef int status = put_message(&writer.state, queue, message)
    if status == PUT_NEEDS_SPACE:
        try:
            writer.prepare(queue, record_size(message), 1, index_keys(&writer.state, message))
        except OSError:
            return False          # the schedule's own way meets the same error and has the words for it
        status = put_message(&writer.state, queue, message)
    return status == PUT_DONE


def put_due(StoreWriter writer not None, ConsumeQueue queue not None, int64_t offset, int most, *, int64_t after_ms,
            int64_t until_ms):
    """Put what is due and plain; see due_messages.pyi."""
    cdef Entry entry
    cdef MessageToPut message
    cdef QueueState* target
    cdef const char* record
    cdef Targets targets
    cdef int64_t last = min(offset + most, queue.state.max_index)
    cdef char* properties = <char*> malloc(MAX_PROPERTIES_SIZE)
    if properties == NULL:
        raise MemoryError
    targets.count = 0
    try:
        while offset < last:
            if read_entry(&queue.state, offset, &entry) != 0 or not max(LEAST_TAGS_CODE, after_ms + 1) <= entry.tags_code <= until_ms:
                break
            record = _record_of(writer, &entry)
            memset(&message, 0, sizeof(MessageToPut))
            if record == NULL or read_record(record, entry.size, entry.physical_offset, False, &message) != RECORD_MESSAGE:
                break
            target = _target_of(&targets, writer, &message) if _make_real(&message, properties) else NULL
            if target == NULL:
                break
            message.store_timestamp = until_ms
            if not _put(writer, target, &message):
                break
            offset += 1
        return offset
    finally:
        free(properties)
