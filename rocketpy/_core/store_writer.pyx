"""The one door for puts: a message's record, queue entry and index entries are written in one turn, all or nothing.

What could fail is asked for first (room in the log, the queue and the index); after that nothing can. The thread that
appends is the only one that changes StoreState; helpers are woken through eventfds, without the GIL.
"""

import os

cimport cython
from libc.errno cimport EFBIG, ENOMEM
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset
from posix.unistd cimport write as c_write

from rocketpy._core.commit_log cimport (
    BLANK_SIZE, MAX_PROPERTIES_SIZE, MAX_TOPIC_SIZE, TRANSACTION_COMMIT, TRANSACTION_MASK,
    TRANSACTION_NONE, TRANSACTION_ROLLBACK, MessageToPut, put_i32, put_i64, record_size, scan_properties, split_batch,
    write_blank, write_record,
)
from rocketpy._core.consume_queue cimport ConsumeQueue, Entry, QueueState, entry_at, put_entry, queue_room, read_entry
from rocketpy._core.consume_queue_ext cimport LEAST_TAGS_CODE, ConsumeQueueExt, ExtUnit, ext_room, put_unit, read_unit
from rocketpy._core.index_file cimport INDEX_READY, IndexWriter, count_keys, index_room, put_keys
from rocketpy._core.mapped_files cimport (
    ROOM_FAILED, ROOM_NEEDS_FILE, ROOM_READY, FileMap, FileSeq, MappedFiles, allocate_to, make_room, roll_file,
)
from rocketpy._core.message_filter cimport take_bitmap

cdef enum:
    UNMAPPED_AT_ONCE = 4096       # some milliseconds


cdef extern from * nogil:
    int __sync_val_compare_and_swap(int* at, int old, int new)


cdef inline bint _has_entry(const MessageToPut* message) noexcept nogil:
    cdef int kind = message.sys_flag & TRANSACTION_MASK
    return kind == TRANSACTION_NONE or kind == TRANSACTION_COMMIT


cdef int index_keys(StoreState* store, const MessageToPut* message) noexcept nogil:
    """Index entries the message makes: types none, prepared and commit are indexed."""
    if store.index == NULL or message.sys_flag & TRANSACTION_MASK == TRANSACTION_ROLLBACK:
        return 0
    return (message.uniq_key != NULL) + (count_keys(message.keys, message.keys_size) if message.keys_size else 0)


cdef inline bint _index_has_room(StoreState* store, int keys) noexcept nogil:
    return keys == 0 or index_room(store.index, keys) == INDEX_READY


cdef void _index(StoreState* store, const MessageToPut* message) noexcept nogil:
    if index_keys(store, message):
        put_keys(store.index, message.topic, message.topic_size, message.uniq_key, message.uniq_key_size,
                 message.keys, message.keys_size, message.physical_offset, message.store_timestamp)


cdef bint _is_illegal(StoreState* store, const MessageToPut* message, int64_t size) noexcept nogil:
    return (message.topic_size > MAX_TOPIC_SIZE or message.topic_size < 1
            or message.properties_size > MAX_PROPERTIES_SIZE
            or size > store.max_message_size or size + BLANK_SIZE > store.log.file_size)


cdef int put_message(StoreState* store, QueueState* queue, MessageToPut* message) noexcept nogil:
    cdef int64_t size = record_size(message)
    cdef int entries = 1 if _has_entry(message) else 0
    if not store.writeable:
        return PUT_NOT_WRITEABLE
    if _is_illegal(store, message, size):
        return PUT_MESSAGE_ILLEGAL
    _announce_bitmap(queue, message)
    if queue.ext != NULL and entries and ext_room(queue.ext, message, 1) != ROOM_READY:
        return PUT_NEEDS_SPACE
    if log_room(store.log, size) != ROOM_READY or queue_room(queue, entries) != ROOM_READY:
        return PUT_NEEDS_SPACE
    if not _index_has_room(store, index_keys(store, message)):
        return PUT_NEEDS_SPACE
    _begin_record(store.log, size)
    _append(store, queue, message, <int32_t> size)
    _wake(store, queue, entries)
    return PUT_DONE


cdef int put_messages(StoreState* store, QueueState* queue, MessageToPut* messages, int count) noexcept nogil:
    cdef int64_t total = 0
    cdef int64_t size
    cdef int i
    cdef int entries = 0
    cdef int keys = 0
    if not store.writeable:
        return PUT_NOT_WRITEABLE
    for i in range(count):
        size = record_size(&messages[i])
        if _is_illegal(store, &messages[i], size):
            return PUT_MESSAGE_ILLEGAL
        total += size
        entries += 1 if _has_entry(&messages[i]) else 0
        keys += index_keys(store, &messages[i])
        _announce_bitmap(queue, &messages[i])
    if total > store.max_message_size:
        return PUT_BATCH_TOO_LARGE
    if total + BLANK_SIZE > store.log.file_size or count == 0:
        return PUT_MESSAGE_ILLEGAL
    if queue.ext != NULL and entries and ext_room(queue.ext, messages, count) != ROOM_READY:
        return PUT_NEEDS_SPACE
    if log_room(store.log, total) != ROOM_READY or queue_room(queue, entries) != ROOM_READY:
        return PUT_NEEDS_SPACE
    if not _index_has_room(store, keys):
        return PUT_NEEDS_SPACE
    _begin_record(store.log, total)
    for i in range(count):
        _append(store, queue, &messages[i], <int32_t> record_size(&messages[i]))
    _wake(store, queue, entries)
    return PUT_DONE


cdef bint _parts(FileSeq* log, int64_t first_size, int64_t total) noexcept nogil:
    """Whether the file's end would come between two records that are put one after the other."""
    cdef FileMap* tail = log.files[log.tail]
    cdef int64_t rest = tail.size - tail.wrote
    return first_size + BLANK_SIZE <= rest < total + BLANK_SIZE


cdef int put_pair(
    StoreState* store, QueueState* first_queue, MessageToPut* first, QueueState* second_queue, MessageToPut* second,
) noexcept nogil:
    cdef int64_t first_size = record_size(first)
    cdef int64_t second_size = record_size(second)
    cdef int64_t total = first_size + second_size
    if not store.writeable:
        return PUT_NOT_WRITEABLE
    if _is_illegal(store, first, first_size) or _is_illegal(store, second, second_size):
        return PUT_MESSAGE_ILLEGAL
    if not _has_entry(first) or not _has_entry(second) or total + BLANK_SIZE > store.log.file_size:
        return PUT_MESSAGE_ILLEGAL
    _announce_bitmap(first_queue, first)
    _announce_bitmap(second_queue, second)
    if (first_queue.ext != NULL and ext_room(first_queue.ext, first, 1) != ROOM_READY
            or second_queue.ext != NULL and ext_room(second_queue.ext, second, 1) != ROOM_READY):
        return PUT_NEEDS_SPACE
    if queue_room(first_queue, 1) != ROOM_READY or queue_room(second_queue, 1) != ROOM_READY:
        return PUT_NEEDS_SPACE
    if log_room(store.log, total) != ROOM_READY or _parts(store.log, first_size, total):
        return PUT_NEEDS_SPACE
    if not _index_has_room(store, index_keys(store, first) + index_keys(store, second)):
        return PUT_NEEDS_SPACE
    _begin_record(store.log, total)
    _append(store, first_queue, first, <int32_t> first_size)
    _append(store, second_queue, second, <int32_t> second_size)
    _wake(store, first_queue, 1)
    _wake(store, second_queue, 1)
    return PUT_DONE


cdef int log_room(FileSeq* log, int64_t size) noexcept nogil:
    """Room for `size` bytes and a blank behind them, in the tail or in an empty file already linked behind it."""
    cdef FileMap* tail
    cdef int room = make_room(log, size + BLANK_SIZE)
    if room != ROOM_NEEDS_FILE or log.tail < 0:
        return room
    if log.tail + 1 >= log.count:
        return ROOM_NEEDS_FILE
    tail = log.files[log.tail]
    if tail.wrote + BLANK_SIZE <= tail.size:
        room = make_room(log, BLANK_SIZE)
        if room != ROOM_READY:
            return room
    return allocate_to(log, log.files[log.tail + 1], size + BLANK_SIZE)


cdef void _begin_record(FileSeq* log, int64_t size) noexcept nogil:
    """Where the bytes do not fit in the tail with a blank behind them, close it with a blank and go on in the next file."""
    cdef FileMap* tail = log.files[log.tail]
    cdef int64_t rest = tail.size - tail.wrote
    if size + BLANK_SIZE <= rest:
        return
    if rest >= BLANK_SIZE:
        write_blank(tail.base + tail.wrote, <int32_t> rest)
    roll_file(log)


cdef void _append(StoreState* store, QueueState* queue, MessageToPut* message, int32_t size) noexcept nogil:
    cdef FileMap* tail = store.log.files[store.log.tail]
    message.size = size
    message.physical_offset = tail.start + tail.wrote
    message.queue_offset = queue.max_index if _has_entry(message) else 0
    write_record(tail.base + tail.wrote, message)
    tail.wrote += size
    store.put_nums += 1
    store.put_bytes += size
    store.physic_timestamp = message.store_timestamp
    if _has_entry(message):
        put_entry(queue, message.physical_offset, size, _tags_field(store, queue, message))
        store.logics_timestamp = message.store_timestamp
        _mark_dirty(store, queue)
    _index(store, message)


cdef inline void _mark_dirty(StoreState* store, QueueState* queue) noexcept nogil:
    if not queue.dirty:
        queue.dirty = True
        queue.next_dirty = store.dirty
        store.dirty = queue


cdef inline bint _is_delayed(const MessageToPut* message) noexcept nogil:
    return message.topic_size == 19 and message.delay_level > 0 and memcmp(message.topic, b"SCHEDULE_TOPIC_XXXX", 19) == 0


cdef int64_t entry_code(StoreState* store, const MessageToPut* message) noexcept nogil:
    """In SCHEDULE_TOPIC_XXXX the tag slot of a queue entry holds the delivery time; a tag filter must not look at it."""
    if not _is_delayed(message):
        return message.tags_code
    if store.delay_levels == 0:
        return message.store_timestamp + 1000
    return message.store_timestamp + store.delays_ms[min(message.delay_level, store.delay_levels) - 1]


cdef inline void _announce_bitmap(QueueState* queue, MessageToPut* message) noexcept nogil:
    """Room is asked for before the bitmap is made."""
    if queue.bitmaps != NULL:
        message.filter_bitmap_size = queue.bitmaps.bitmap_bytes


cdef inline int64_t _tags_field(StoreState* store, QueueState* queue, MessageToPut* message) noexcept nogil:
    """What the entry holds: the tags code, or the address of a unit put for it now."""
    cdef int64_t code = entry_code(store, message)
    if queue.ext == NULL:
        return code
    if queue.bitmaps != NULL and queue.ext.writes:
        take_bitmap(queue.bitmaps, message)
    return put_unit(queue.ext, message, code)


cdef bint _tells_code(QueueState* queue, const Entry* entry, const MessageToPut* message, int64_t code) noexcept nogil:
    """Whether an entry says the right tags code, by itself or by its unit.

    A delivery time may be that of a messageDelayLevel which was in force when the message came: it stays, as upstream's.
    """
    cdef ExtUnit unit
    if entry.tags_code >= LEAST_TAGS_CODE:
        return entry.tags_code == code or _is_delayed(message) and entry.tags_code >= message.store_timestamp
    if queue.ext == NULL or read_unit(queue.ext, entry.tags_code, &unit) != 0:
        return False
    if unit.store_time != message.store_timestamp:
        return False
    return unit.tags_code == code or _is_delayed(message) and unit.tags_code >= message.store_timestamp


cdef void _wake(StoreState* store, QueueState* queue, int entries) noexcept nogil:
    cdef FileMap* tail = store.log.files[store.log.tail]
    if queue.holds != NULL and not queue.woken and entries and store.wake_on_put:
        queue.woken = True
        queue.next_woken = store.woken
        store.woken = queue
    if tail.start + tail.wrote >= store.wake_flush_at:
        store.wake_flush_at = INT64_MAX
        _signal(store.flush_fd)
    if tail.start + tail.wrote >= store.wake_helper_at:
        store.wake_helper_at = INT64_MAX
        _signal(store.helper_fd)


cdef void _signal(int fd) noexcept nogil:
    cdef uint64_t one = 1
    if fd >= 0:
        c_write(fd, &one, sizeof(one))


cdef void request_flush(StoreState* store) noexcept nogil:
    """One write for all requests since the flush thread last looked at the log's end (it clears flush_asked before)."""
    if __sync_val_compare_and_swap(&store.flush_asked, 0, 1) == 0:
        _signal(store.flush_fd)


cdef void _replace_entry(
    StoreState* store, QueueState* queue, const MessageToPut* message, const Entry* entry, int64_t code,
) noexcept nogil:
    cdef char* at = entry_at(queue, message.queue_offset)
    if at == NULL:
        return
    if queue.ext != NULL and entry.tags_code < LEAST_TAGS_CODE:
        queue.ext.mended += 1
    put_i64(at, message.physical_offset)
    put_i32(at + 8, message.size)
    put_i64(at + 12, code)
    _mark_dirty(store, queue)


cdef int dispatch_message(StoreState* store, QueueState* queue, MessageToPut* message, bint often) noexcept nogil:
    """Queue entry of a record that stands in the log: a right one stays, a wrong one is replaced, a missing one appended.

    PUT_NEEDS_SPACE also when the queue ends before the record's queue offset, or begins behind it. Index entries that are there already are
    not made again.
    """
    cdef Entry entry
    cdef int64_t code = entry_code(store, message)
    if not _index_has_room(store, index_keys(store, message)):
        return PUT_NEEDS_SPACE
    _index(store, message)
    if not _has_entry(message):
        return PUT_DONE
    if message.queue_offset < queue.max_index:
        if often:
            entry_at(queue, message.queue_offset)        # maps the file: cheaper than reading it again and again
        if read_entry(queue, message.queue_offset, &entry) != 0:
            return PUT_NEEDS_SPACE   # the file of that entry is lost: the message still is in the log
        if (entry.physical_offset != message.physical_offset or entry.size != message.size
                or not _tells_code(queue, &entry, message, code)):
            _replace_entry(store, queue, message, &entry, code)
        return PUT_DONE
    if message.queue_offset > queue.max_index:
        return PUT_NEEDS_SPACE
    _announce_bitmap(queue, message)
    if queue.ext != NULL and ext_room(queue.ext, message, 1) != ROOM_READY or queue_room(queue, 1) != ROOM_READY:
        return PUT_NEEDS_SPACE
    put_entry(queue, message.physical_offset, message.size, _tags_field(store, queue, message))
    _mark_dirty(store, queue)
    return PUT_DONE


@cython.final
cdef class StoreWriter:
    def __cinit__(self, MappedFiles log, int64_t max_message_size, str queue_folder, int64_t queue_file_size):
        memset(&self.state, 0, sizeof(StoreState))
        self.log = log
        self.queues = {}
        self.bitmaps = {}
        self.deleted = []
        self.queue_folder = queue_folder
        self.queue_file_size = queue_file_size
        self.state.log = &log.seq
        self.state.max_message_size = max_message_size
        self.state.wake_helper_at = self.state.wake_flush_at = INT64_MAX
        self.state.helper_fd = self.state.flush_fd = -1
        self.state.writeable = self.state.readable = True
        self.state.wake_on_put = True
        self.limit_gets(262144, 32, 65536, 8, INT64_MAX)

    @property
    def counts(self):
        """(records appended, their bytes, gets that found messages, those messages, gets that found none)."""
        return (self.state.put_nums, self.state.put_bytes, self.state.gets_found, self.state.got_nums,
                self.state.gets_missed)

    def count_get(self, int64_t nums):
        """A get of the full lane found so many messages."""
        count_get(&self.state, nums)

    def limit_gets(self, int bytes_in_memory, int count_in_memory, int bytes_on_disk, int count_on_disk, int64_t memory_bytes):
        """Limits of one get; `memory_bytes`: messages further behind the end count as on disk."""
        self.state.max_bytes_in_memory = bytes_in_memory
        self.state.max_count_in_memory = count_in_memory
        self.state.max_bytes_on_disk = bytes_on_disk
        self.state.max_count_on_disk = count_on_disk
        self.state.memory_bytes = memory_bytes

    cdef ConsumeQueue find_queue(self, bytes topic, int queue_id):
        cdef tuple key = (topic, queue_id)
        cdef object queue = self.queues.get(key)
        if queue is None:
            folder = os.path.join(self.queue_folder, os.fsdecode(topic), str(queue_id))
            queue = self.queues[key] = ConsumeQueue(topic, queue_id, folder, self.queue_file_size)
            if self.puts_units:
                (<ConsumeQueue> queue).attach(self.ext_of(topic, queue_id))
                queue.make_bitmaps(self.bitmaps.get(topic))
        return <ConsumeQueue> queue

    cdef ConsumeQueueExt ext_of(self, bytes topic, int queue_id):
        folder = os.path.join(self.ext_folder, os.fsdecode(topic), str(queue_id))
        return ConsumeQueueExt(folder, self.ext_file_size, self.puts_units)

    def use_ext(self, str folder not None, int64_t file_size, bint puts_units):
        """Where units beside the queues are; `puts_units`: new entries get one. Before the first queue is made."""
        self.ext_folder = folder
        self.ext_file_size = file_size
        self.puts_units = puts_units

    def bitmaps_changed(self, bytes topic not None):
        """`bitmaps` has another value for this topic."""
        cdef ConsumeQueue queue
        for queue in self.queues.values():
            if self.puts_units and queue.topic == topic:
                queue.make_bitmaps(self.bitmaps.get(topic))

    def load_ext(self, ConsumeQueue queue not None):
        """The queue's units, opened; returns them and what was odd."""
        queue.attach(self.ext_of(queue.topic, queue.queue_id))
        return queue.ext, queue.ext.load()

    def queue(self, bytes topic not None, int queue_id):
        """The queue, made if there is none: in memory only, its folder comes with the first put."""
        return self.find_queue(topic, queue_id)

    cdef int prepare(self, QueueState* queue, int64_t size, int entries, int keys) except -1:
        """After PUT_NEEDS_SPACE: files linked and blocks allocated; 1: put again. OSError names what the disk refused."""
        cdef int room = log_room(&self.log.seq, size)
        if room == ROOM_NEEDS_FILE:
            self.log.add_file()
            if self.log.seq.tail < 0:
                roll_file(&self.log.seq)
            room = log_room(&self.log.seq, size)
        _checked(room, &self.log.seq, self.log.folder)
        room = queue_room(queue, entries)
        if room == ROOM_NEEDS_FILE:
            self._add_queue_file(<ConsumeQueue> queue.owner)
            room = queue_room(queue, entries)
        if room == ROOM_FAILED and queue.files.error == ENOMEM:
            self.unmap_queues(queue)
            room = queue_room(queue, entries)
        if room == ROOM_NEEDS_FILE:
            raise OSError(EFBIG, f"a batch of {entries} messages takes more than two files of a queue",
                          (<ConsumeQueue> queue.owner).files.folder)
        _checked(room, queue.files, (<ConsumeQueue> queue.owner).files.folder)
        self.prepare_ext(queue)
        return self.prepare_index(keys)

    cdef int prepare_ext(self, QueueState* queue) except -1:
        """Files for units, where ext_room found them lacking."""
        if queue.ext != NULL and queue.ext.wanted_files:
            (<ConsumeQueue> queue.owner).ext.add_files()
        return 0

    cdef int prepare_index(self, int keys) except -1:
        if keys and self.state.index != NULL and self.index.prepare(keys) != INDEX_READY:
            raise OSError(self.state.index.error, os.strerror(self.state.index.error), "the index")
        return 1

    def use_index(self, IndexWriter index):
        """Where keys go from now on; None: nowhere."""
        self.index = index
        self.state.index = &index.state if index is not None else NULL

    cdef int _add_queue_file(self, ConsumeQueue queue) except -1:
        queue.files.add_file()
        if queue.files.seq.tail < 0:
            roll_file(&queue.files.seq)
        return 0

    # -- the slow door: MessageStore and tests; the fast lane calls put_message itself ----------------------------

    def put(self, bytes topic not None, int queue_id, const unsigned char[::1] body not None, bytes properties not None, *,
            int64_t store_timestamp, int64_t born_timestamp, bytes born_host not None, bytes store_host not None,
            int32_t flag=0, int32_t sys_flag=0, int32_t reconsume_times=0, int64_t prepared_transaction_offset=0,
            bytes filter_bitmap not None=b""):
        """Append one message: (PUT_…, physical offset, size, queue offset). OSError: the disk refused, nothing was written."""
        cdef MessageToPut message
        cdef ConsumeQueue queue = self.find_queue(topic, queue_id)
        _fill(&message, topic, queue_id, body, properties)
        _fill_hosts(&message, born_host, store_host)
        message.store_timestamp = store_timestamp
        message.born_timestamp = born_timestamp
        message.flag = flag
        message.sys_flag = sys_flag
        message.reconsume_times = reconsume_times
        message.prepared_transaction_offset = prepared_transaction_offset
        message.filter_bitmap = filter_bitmap
        message.filter_bitmap_size = len(filter_bitmap)
        scan_properties(&message)
        status = put_message(&self.state, &queue.state, &message)
        if status == PUT_NEEDS_SPACE:
            self.prepare(&queue.state, record_size(&message), 1, index_keys(&self.state, &message))
            status = put_message(&self.state, &queue.state, &message)
        return status, message.physical_offset, message.size, message.queue_offset

    def put_batch(self, bytes topic not None, int queue_id, const unsigned char[::1] body not None, *,
                  int64_t store_timestamp, int64_t born_timestamp, bytes born_host not None, bytes store_host not None,
                  int32_t sys_flag=0, int32_t reconsume_times=0):
        """Append a client's batch body: (PUT_…, [(physical offset, size), …], first queue offset)."""
        cdef MessageToPut header
        cdef MessageToPut* messages
        cdef ConsumeQueue queue = self.find_queue(topic, queue_id)
        cdef int count
        _fill(&header, topic, queue_id, body, b"")
        _fill_hosts(&header, born_host, store_host)
        header.store_timestamp = store_timestamp
        header.born_timestamp = born_timestamp
        header.sys_flag = sys_flag
        header.reconsume_times = reconsume_times
        count = split_batch(header.body, header.body_size, &header, NULL, 0)
        if count <= 0:
            return PUT_MESSAGE_ILLEGAL, [], 0
        messages = <MessageToPut*> malloc(count * sizeof(MessageToPut))
        if messages == NULL:
            raise MemoryError
        try:
            split_batch(header.body, header.body_size, &header, messages, count)
            return self._put_all(queue, messages, count)
        finally:
            free(messages)

    cdef tuple _put_all(self, ConsumeQueue queue, MessageToPut* messages, int count):
        cdef int64_t total = 0
        cdef int i
        cdef int keys = 0
        cdef int status = put_messages(&self.state, &queue.state, messages, count)
        if status == PUT_NEEDS_SPACE:
            for i in range(count):
                total += record_size(&messages[i])
                keys += index_keys(&self.state, &messages[i])
            self.prepare(&queue.state, total, count, keys)
            status = put_messages(&self.state, &queue.state, messages, count)
        if status != PUT_DONE:
            return status, [], 0
        return status, [(messages[i].physical_offset, messages[i].size) for i in range(count)], messages[0].queue_offset

    # -- queues ------------------------------------------------------------------------------------------------------

    def take_dirty(self):
        """Queues with entries since the last call, for the flush thread (appending thread only)."""
        cdef QueueState* queue = self.state.dirty
        cdef list queues = []
        self.state.dirty = NULL
        while queue != NULL:
            queue.dirty = False
            queues.append(<ConsumeQueue> queue.owner)
            queue = queue.next_dirty
        return queues

    cdef int unmap_queues(self, QueueState* but) except -1:
        """No more maps to be had: give some of other queues back, of idle ones first."""
        cdef ConsumeQueue queue
        cdef int count = 0
        for queue in self.queues.values():
            if count >= UNMAPPED_AT_ONCE:
                return 0
            if &queue.state != but and not queue.state.used:
                count += queue.unmap()
            queue.state.used = False
        for queue in self.queues.values():
            if count >= UNMAPPED_AT_ONCE:
                return 0
            if &queue.state != but:
                count += queue.unmap()
        return 0

    def unmap_all_queues(self):
        """After recovery: few of those it mapped will be used soon."""
        cdef ConsumeQueue queue
        for queue in self.queues.values():
            queue.unmap()

    def unmap_idle(self, int most):
        """Keep at most `most` queues mapped, if so many are idle; returns how many were unmapped (between two turns)."""
        cdef ConsumeQueue queue
        cdef int mapped = 0, unmapped = 0
        for queue in self.queues.values():
            mapped += queue.is_mapped()
        if mapped <= most:
            return 0
        for queue in self.queues.values():
            if not queue.state.used:
                unmapped += queue.unmap()
            queue.state.used = False
        return unmapped

    def take_queue(self, bytes topic not None, int queue_id):
        """Take a queue out; its files stay."""
        cdef ConsumeQueue queue = self.queues.pop((topic, queue_id))
        for other in self.take_dirty():
            if other is not queue:
                _mark_dirty(&self.state, &(<ConsumeQueue> other).state)
        self.deleted.append(queue)
        return queue

    def delete_queue(self, bytes topic not None, int queue_id):
        """Take a queue out and remove its files."""
        self.take_queue(topic, queue_id).destroy()

    def set_delays(self, delays_ms):
        """Delays of the levels 1, 2, …"""
        cdef int i
        for i, delay in enumerate(delays_ms):
            if i == 64:
                raise ValueError("more than 64 delay levels")
            self.delays_ms[i] = delay
        self.state.delays_ms = self.delays_ms
        self.state.delay_levels = len(delays_ms)

    @property
    def has_woken(self):
        """Did queues with held pulls get entries?"""
        return self.state.woken != NULL

    # -- what the store's Python parts see of StoreState ------------------------------------------------------------

    @property
    def durable_offset(self):
        return self.state.durable_offset

    @durable_offset.setter
    def durable_offset(self, int64_t offset):
        if offset > self.state.durable_offset:
            self.state.durable_offset = offset

    @property
    def writeable(self):
        return bool(self.state.writeable)

    @writeable.setter
    def writeable(self, bint value):
        self.state.writeable = value

    @property
    def readable(self):
        return bool(self.state.readable)

    @readable.setter
    def readable(self, bint value):
        self.state.readable = value

    @property
    def sync_flush(self):
        return bool(self.state.sync_flush)

    @sync_flush.setter
    def sync_flush(self, bint value):
        self.state.sync_flush = value

    @property
    def memory_bytes(self):
        """More than this behind the end counts as on disk."""
        return self.state.memory_bytes

    @property
    def timestamps(self):
        """Store times of the last record and the last queue entry, for the checkpoint."""
        return self.state.physic_timestamp, self.state.logics_timestamp

    def resume(self, int64_t store_timestamp):
        """After recovery: store time of the last record, and what is on disk."""
        self.state.physic_timestamp = self.state.logics_timestamp = store_timestamp
        self.state.durable_offset = self.log.flushed_offset

    def wake_through(self, int helper_fd, int flush_fd):
        """eventfds of the allocator and the flush thread; -1: none."""
        self.state.helper_fd = helper_fd
        self.state.flush_fd = flush_fd

    def wake_helper_at(self, int64_t offset):
        """The allocator is told once the log's end passes `offset`."""
        self.state.wake_helper_at = offset

    def wake_flush_at(self, int64_t offset):
        """The flush thread is told once the log's end passes `offset`."""
        self.state.wake_flush_at = offset

    def flush_begins(self):
        """The flush thread is about to look at the log's end: requests from now on wake it again. Was there one?"""
        return __sync_val_compare_and_swap(&self.state.flush_asked, 1, 0) == 1

    def request_flush(self):
        """Wake the flush thread."""
        request_flush(&self.state)


cdef int _checked(int room, FileSeq* seq, str folder) except -1:
    if room == ROOM_READY:
        return 0
    raise OSError(seq.error, os.strerror(seq.error), folder)


cdef int _fill(MessageToPut* message, bytes topic, int queue_id, const unsigned char[::1] body, bytes properties) except -1:
    memset(message, 0, sizeof(MessageToPut))
    message.topic = topic
    message.topic_size = len(topic)
    message.queue_id = queue_id
    if body.shape[0]:
        message.body = <const char*> &body[0]
    message.body_size = body.shape[0]
    message.properties = properties
    message.properties_size = len(properties)
    return 0


cdef int _fill_hosts(MessageToPut* message, bytes born_host, bytes store_host) except -1:
    if len(born_host) != 8 or len(store_host) != 8:
        raise ValueError("a host is 4 bytes of IPv4 and an i32 port")
    memcpy(message.born_host, <const char*> born_host, 8)
    memcpy(message.store_host, <const char*> store_host, 8)
    return 0
