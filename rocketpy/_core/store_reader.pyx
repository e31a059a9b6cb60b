"""Reading for pull: walks a consume queue and hands out slices of the mapped commit log, no copies.

A message is handed out only when its bytes are appended and within one file. The statuses and limits are upstream's
(DefaultMessageStore.getMessage). An entry whose unit in consumequeue_ext is missing or damaged matches every tag filter:
the client filters by itself. What is filtered by properties is filtered here for good, so the record itself decides. Who
may not wait for the disk gets only what is in memory: what was appended lately is, and of what is older the kernel is
asked (mincore).
"""

from libc.errno cimport ENOMEM
from libc.stdint cimport INT64_MIN, int32_t, int64_t
from libc.string cimport memset

from rocketpy._core.commit_log cimport (
    MESSAGE_MAGIC_CODE, RECORD_MESSAGE, STORE_TIMESTAMP_AT, MessageToPut, get_i32, get_i64, read_record,
)
from rocketpy._core.consume_queue cimport ENTRY_SIZE, ConsumeQueue, Entry, QueueState
from rocketpy._core.consume_queue_ext cimport LEAST_TAGS_CODE, ExtState, ExtUnit, read_unit, real_code, unit_bitmap
from rocketpy._core.mapped_files cimport (
    FileMap, bytes_at, end_offset, find_file, first_offset, map_file, resident,
)
from rocketpy._core.message_filter cimport MessageFilter, RecordTest, bits_set
from rocketpy._core.store_writer cimport StoreState, StoreWriter

cdef enum:
    SCANNED_BYTES = 16000         # of the consume queue in one get, at least
    MOST_TESTED = 4096            # entries in one get, where each message is asked for its properties: about a millisecond
    TAIL_BYTES = 4096             # as HOT_BYTES, for entries at the end of a queue whose last message is hot
    ASKED_BYTES = 65536           # asked of the kernel at once: what a get is likely to bring
    MOST_ASKED = 1 << 20          # the same for one that goes on and on, as where a filter leaves little: twice as much each time


cdef bint tags_match(const TagFilter* tags, int64_t tags_code) noexcept nogil:
    cdef int i
    if tags == NULL or tags.all or tags_code < LEAST_TAGS_CODE:  # an address: the tags are unknown
        return True
    for i in range(tags.count):
        if tags.codes[i] == tags_code:
            return True
    return False


cdef bint entry_matches(QueueState* queue, const TagFilter* tags, int64_t tags_code) noexcept nogil:
    if tags == NULL:
        return True
    if tags.test != NULL and tags_code < LEAST_TAGS_CODE and queue.ext != NULL:
        if not _bitmap_allows(queue.ext, tags.test, tags_code):
            return False
    return tags.all or tags_match(tags, real_code(queue.ext, tags_code))


cdef bint _bitmap_allows(ExtState* ext, const RecordTest* test, int64_t address) noexcept nogil:
    """False when the unit's bitmap says that the message is not wanted; one made before the test was born says nothing."""
    cdef ExtUnit unit
    cdef const char* bitmap
    if test.position_count == 0 or read_unit(ext, address, &unit) != 0:
        return True
    if unit.store_time <= test.born_ms or unit.bitmap_size != test.bitmap_bytes:
        return True
    bitmap = unit_bitmap(ext, address, &unit)
    return bitmap == NULL or bits_set(test, bitmap)


cdef bint message_matches(StoreState* store, QueueState* queue, const TagFilter* tags, const Entry* entry) noexcept nogil:
    cdef MessageToPut message
    cdef const char* record
    if not entry_matches(queue, tags, entry.tags_code):
        return False
    if tags.test == NULL or tags.test.retired:
        return True
    record = bytes_at(store.log, entry.physical_offset, entry.size)
    if record == NULL or read_record(record, entry.size, entry.physical_offset, False, &message) != RECORD_MESSAGE:
        return True
    return tags.test.matches(tags.test.owner, message.properties, message.properties_size)


cdef inline int64_t _scanned_bytes(int max_nums, const TagFilter* tags) noexcept nogil:
    if tags != NULL and tags.test != NULL:
        max_nums = min(max_nums, MOST_TESTED)
    return max(<int64_t> SCANNED_BYTES, <int64_t> max_nums * ENTRY_SIZE)


cdef int get_messages(
    StoreState* store, QueueState* queue, int64_t offset, int max_nums, const TagFilter* tags, bint may_wait, Found* out,
) noexcept nogil:
    out.count = out.slice_count = 0
    out.size = 0
    out.suggest_slave = False
    out.behind_bytes = -1
    out.min_offset = queue.min_index
    out.max_offset = queue.max_index
    out.next_begin_offset = offset
    if queue.max_index == 0:
        out.next_begin_offset = 0
        out.status = GET_NO_MESSAGE_IN_QUEUE
    elif offset < queue.min_index:
        out.next_begin_offset = queue.min_index
        out.status = GET_OFFSET_TOO_SMALL
    elif offset == queue.max_index:
        out.status = GET_OFFSET_OVERFLOW_ONE
    elif offset > queue.max_index:
        out.next_begin_offset = 0 if queue.min_index == 0 else queue.max_index
        out.status = GET_OFFSET_OVERFLOW_BADLY
    else:
        _scan(store, queue, offset, max_nums, tags, may_wait, out)
    return out.status


cdef void _scan(
    StoreState* store, QueueState* queue, int64_t offset, int max_nums, const TagFilter* tags, bint may_wait, Found* out,
) noexcept nogil:
    cdef FileMap* file = find_file(queue.files, offset * ENTRY_SIZE)
    cdef int64_t log_end = end_offset(store.log)
    cdef int64_t hot_from = INT64_MIN if may_wait else log_end - HOT_BYTES
    cdef int64_t known_from = 0, known_until = 0       # this part of the log is in memory
    cdef int64_t asked = ASKED_BYTES
    cdef int64_t skip_before = INT64_MIN      # set after a message that is gone: its whole log file is
    cdef int64_t physical_offset = 0
    cdef int64_t tags_code, at, end
    cdef int32_t size
    cdef const char* entry
    cdef const char* record
    cdef MessageToPut message
    if file == NULL:
        out.status = GET_OFFSET_FOUND_NULL
        out.next_begin_offset = (offset * ENTRY_SIZE // queue.files.file_size + 1) * queue.files.file_size // ENTRY_SIZE
        return
    queue.used = True
    at = offset * ENTRY_SIZE - file.start
    end = min(file.wrote, at + _scanned_bytes(max_nums, tags))
    end = _readable_entries(queue, file, at, end, hot_from)
    if end == at:
        out.status = GET_NOT_IN_MEMORY
        return
    out.status = GET_NO_MATCHED_MESSAGE
    while at < end:
        entry = file.base + at
        physical_offset = get_i64(entry)
        size = get_i32(entry + 8)
        tags_code = get_i64(entry + 12)
        if physical_offset < skip_before:
            at += ENTRY_SIZE
            continue
        if _is_full(store, out, size, max_nums, log_end - physical_offset > store.memory_bytes):
            break
        if entry_matches(queue, tags, tags_code):
            record = bytes_at(store.log, physical_offset, size)
            if record == NULL and _lacks_map(store, physical_offset, size):
                out.status = out.status if out.count else GET_NOT_IN_MEMORY
                break
            if record == NULL:
                if out.size == 0:
                    out.status = GET_MESSAGE_WAS_REMOVING
                if physical_offset < first_offset(store.log):      # else the entry is damaged, and says nothing of others
                    skip_before = (physical_offset // store.log.file_size + 1) * store.log.file_size
            elif (physical_offset < hot_from and not known_from <= physical_offset <= known_until - size
                    and not _is_in_memory(store, physical_offset, size, &asked, &known_from, &known_until)):
                if at == offset * ENTRY_SIZE - file.start:
                    out.status = GET_NOT_IN_MEMORY
                break                          # what was found, or passed over, so far is an answer
            elif not _is_whole(record, size, physical_offset, (file.start + at) // ENTRY_SIZE, &message):
                if out.size == 0:              # log or entry are damaged: what follows stays readable
                    out.status = GET_MESSAGE_WAS_REMOVING
            elif not _passes(tags, &message):
                if out.size == 0:
                    out.status = GET_NO_MATCHED_MESSAGE
            elif not _add(out, record, size):
                break
            else:
                skip_before = INT64_MIN
        elif out.size == 0:
            out.status = GET_NO_MATCHED_MESSAGE
        at += ENTRY_SIZE
    out.next_begin_offset = (file.start + at) // ENTRY_SIZE
    out.behind_bytes = log_end - physical_offset
    out.suggest_slave = out.behind_bytes > store.memory_bytes


cdef int64_t _readable_entries(QueueState* queue, FileMap* file, int64_t at, int64_t end, int64_t hot_from) noexcept nogil:
    """Where the entries from `at` on end that can be read now; `at` itself: none, or there are no maps to be had."""
    cdef int64_t there
    if map_file(file) == NULL:
        return at
    if hot_from == INT64_MIN or queue.max_physical_offset > hot_from and file.wrote - at <= TAIL_BYTES:
        return end
    there = resident(file, at, end - at)
    return at + there // ENTRY_SIZE * ENTRY_SIZE


cdef inline bint _lacks_map(StoreState* store, int64_t offset, int32_t size) noexcept nogil:
    cdef FileMap* file = find_file(store.log, offset)
    return file != NULL and file.base == NULL and size >= 0 and offset - file.start + size <= file.wrote


cdef bint _is_in_memory(
    StoreState* store, int64_t offset, int32_t size, int64_t* asked, int64_t* known_from, int64_t* known_until,
) noexcept nogil:
    """Whether a record of a mapped file can be read without the disk; and how far behind it that is so."""
    cdef FileMap* file = find_file(store.log, offset)
    cdef int64_t wanted = min(max(<int64_t> size, asked[0]), file.start + file.size - offset)
    asked[0] = min(asked[0] * 2, <int64_t> MOST_ASKED)
    known_from[0] = offset
    known_until[0] = offset + resident(file, offset - file.start, wanted)
    return offset + size <= known_until[0]


cdef inline bint _is_whole(
    const char* record, int32_t size, int64_t physical_offset, int64_t index, MessageToPut* message,
) noexcept nogil:
    """Does the record that the entry points at stand there, and is it the queue's message of that queue offset?"""
    return (read_record(record, size, physical_offset, False, message) == RECORD_MESSAGE and message.size == size
            and message.queue_offset == index)


cdef inline bint _passes(const TagFilter* tags, const MessageToPut* message) noexcept nogil:
    return tags == NULL or tags.test == NULL or tags.test.matches(
        tags.test.owner, message.properties, message.properties_size)


cdef inline bint _is_full(StoreState* store, const Found* out, int32_t size, int max_nums, bint on_disk) noexcept nogil:
    """The first message is always given, whatever its size."""
    if out.count == 0:
        return False
    if out.count >= max_nums:
        return True
    if on_disk:
        return out.size + size > store.max_bytes_on_disk or out.count >= store.max_count_on_disk
    return out.size + size > store.max_bytes_in_memory or out.count >= store.max_count_in_memory


cdef inline bint _add(Found* out, const char* record, int32_t size) noexcept nogil:
    cdef LogSlice* last = &out.slices[out.slice_count - 1]
    if out.slice_count and last.at + last.size == record:
        last.size += size
    elif out.slice_count == MAX_SLICES:
        return False
    else:
        out.slices[out.slice_count].at = record
        out.slices[out.slice_count].size = size
        out.slice_count += 1
    out.size += size
    out.count += 1
    out.last = record
    out.status = GET_FOUND
    return True


cdef const char* record_at(StoreState* store, int64_t physical_offset, int32_t* size) noexcept nogil:
    cdef MessageToPut message
    cdef const char* at = bytes_at(store.log, physical_offset, 8)
    cdef FileMap* file
    if at == NULL or get_i32(at + 4) != MESSAGE_MAGIC_CODE:
        return NULL
    file = find_file(store.log, physical_offset)
    if read_record(at, file.start + file.wrote - physical_offset, physical_offset, False, &message) != RECORD_MESSAGE:
        return NULL
    size[0] = message.size
    return at


# -- Python doors --------------------------------------------------------------------------------------------------

def get(
    StoreWriter writer not None, ConsumeQueue queue not None, int64_t offset, int max_nums, codes=None,
    MessageFilter wanted=None, bint may_wait=True,
):
    """(status, body, count, next begin offset, min, max, suggest slave, behind bytes, store time of the last message).

    `codes`: hash codes of tags, None for all; `wanted`: asked with the properties of each message that is left;
    `may_wait`: for the disk, else the status may be GET_NOT_IN_MEMORY.
    """
    cdef Found found
    cdef TagFilter tags
    cdef int32_t[256] room
    _take_codes(&tags, room, codes)
    tags.test = &wanted.test if wanted is not None else NULL
    _get_mapped(writer, queue, offset, max_nums, &tags, may_wait, &found)
    body = b"".join([found.slices[i].at[:found.slices[i].size] for i in range(found.slice_count)])
    return (found.status, body, found.count, found.next_begin_offset, found.min_offset, found.max_offset,
            bool(found.suggest_slave), found.behind_bytes, last_time_ms(&found))


cdef int64_t last_time_ms(const Found* found) noexcept nogil:
    return get_i64(found.last + STORE_TIMESTAMP_AT) if found.count else -1


cdef int _take_codes(TagFilter* tags, int32_t* wanted, codes) except -1:
    cdef int i
    tags.all = codes is None or len(codes) > 256      # beyond that the consumer's own filter does the work
    tags.count = 0
    tags.codes = wanted
    if not tags.all:
        for i, code in enumerate(codes):
            wanted[i] = code
            tags.count = i + 1
    return 0


cdef int _get_mapped(
    StoreWriter writer, ConsumeQueue queue, int64_t offset, int max_nums, const TagFilter* tags, bint may_wait, Found* found,
) except -1:
    """As get_messages; where the process has no maps left, those of idle queues are given back first."""
    get_messages(&writer.state, &queue.state, offset, max_nums, tags, may_wait, found)
    if may_wait and found.status == GET_NOT_IN_MEMORY:
        writer.unmap_queues(&queue.state)
        if get_messages(&writer.state, &queue.state, offset, max_nums, tags, may_wait, found) == GET_NOT_IN_MEMORY:
            raise OSError(ENOMEM, "no map to be had for a consume queue (vm.max_map_count)", queue.files.folder)
    return 0


def record(StoreWriter writer not None, int64_t physical_offset):
    """The bytes of one record, or None where none stands."""
    cdef int32_t size = 0
    cdef const char* at = record_at(&writer.state, physical_offset, &size)
    return None if at == NULL else at[:size]


def store_time(StoreWriter writer not None, int64_t physical_offset):
    """Store time of the record, or -1."""
    cdef MessageToPut message
    cdef FileMap* file = find_file(writer.state.log, physical_offset)
    cdef const char* at = bytes_at(writer.state.log, physical_offset, 8)
    if at == NULL:
        return -1
    memset(&message, 0, sizeof(message))
    if read_record(at, file.start + file.wrote - physical_offset, physical_offset, False, &message) != RECORD_MESSAGE:
        return -1
    return message.store_timestamp
