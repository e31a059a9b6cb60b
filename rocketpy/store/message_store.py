"""The door of the store: put, get and query messages; open, recover and close the folder.

Everything runs in one thread, the loop's; only flush and allocation have threads of their own. Before `lock` returned
nothing is touched, and after `shutdown` every message is on disk.
"""

import asyncio
import contextlib
import errno
import logging
import os
from collections.abc import Callable, Iterable

from rocketpy._core import due_messages, store_reader
from rocketpy._core.cold_parts import is_in_memory
from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.message import Message, decode_message, message_id
from rocketpy._core.message_filter import FilterBitmaps, MessageFilter
from rocketpy._core.store_writer import StoreWriter
from rocketpy.clock import Clock
from rocketpy.config.store import FlushDiskType, MessageStoreConfig
from rocketpy.errors import RequestRefused, StartRefused
from rocketpy.json_file import make_folder, sync_folder
from rocketpy.stats import StoreCounts
from rocketpy.store import put_rules
from rocketpy.store.allocate import Allocator
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.cold_reads import ColdReads
from rocketpy.store.delay_levels import delays_ms
from rocketpy.store.flush import Flusher
from rocketpy.store.flush_queues import QueueFlusher
from rocketpy.store.index import IndexFolder, IndexQuery
from rocketpy.store.lock import StoreLock
from rocketpy.store.offset_by_time import offset_by_time, offset_search, store_time_at
from rocketpy.store.opening import Opening, open_index, open_writer
from rocketpy.store.paths import StorePaths, is_folder_name
from rocketpy.store.put_rules import delay_level, destination, host_bytes
from rocketpy.store.queue_ends import QueueEnds
from rocketpy.store.queue_ext import remove_if_empty
from rocketpy.store.remove_queues import QueueRemover
from rocketpy.store.results import GetMessageStatus, GetResult, PutMessageStatus, PutResult, QueryResult
from rocketpy.store.running_flags import Running, RunningFlags

log = logging.getLogger("RocketmqStore")

NO_HOST = ("0.0.0.0", 0)
SYSTEM_ERROR = 1
STATUSES = {
    0: PutMessageStatus.PUT_OK,
    2: PutMessageStatus.MESSAGE_ILLEGAL,
    3: PutMessageStatus.SERVICE_NOT_AVAILABLE,
}
BATCH_TOO_LARGE = 4
MOST_MAPPED_QUEUES = 16_384


class MessageStore:
    """One store folder."""

    def __init__(
        self, config: MessageStoreConfig, clock: Clock, store_host: tuple[str, int] = ("127.0.0.1", 10911)
    ) -> None:
        self.config = config
        self.clock = clock
        self.store_host = store_host
        self.paths = StorePaths.of(config)
        self.flags = RunningFlags()
        self.checkpoint = Checkpoint(self.paths.checkpoint, clock)
        self.on_arrival: Callable[[], None] | None = None
        self.on_delayed: Callable[[int], None] | None = None     # called with the queue id of a delayed message
        self.filter_bitmaps: dict[bytes, FilterBitmaps] = {}     # by topic: what goes into the units of its messages
        self._host = host_bytes(store_host)
        self._lock = StoreLock(self.paths.lock)
        self._max_delay_level = 0
        self._was_clean = True  # how the last process stopped
        self._refusals: set[str] = set()
        self.writer: StoreWriter
        self.flusher: Flusher
        self.index: IndexFolder | None = None
        self.cold_reads: ColdReads
        self.remover: QueueRemover
        self._queue_flusher: QueueFlusher
        self._allocator: Allocator
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- open and close ------------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Take the folder for this process; StartRefused when somebody else has it. No file but the lock is touched."""
        self.paths.check()
        self._lock.acquire()
        try:  # what cannot be made is told now, not at the first put
            make_folder(self.paths.commit_log)
        except OSError as fault:
            self._lock.release()
            raise StartRefused(f"{self.paths.commit_log} cannot be made: {fault.strerror}; set another path") from None

    def unlock(self) -> None:
        """Let the folder go."""
        self._lock.release()

    def load(self) -> None:
        """Map the files and recover; afterwards messages can be read."""
        config = self.config
        self._was_clean = not self.paths.abort.exists()
        log.info("last shutdown %s", "normally" if self._was_clean else f"abnormally: {self.paths.abort} exists")
        self.writer = open_writer(config, self.paths)
        self.writer.bitmaps = self.filter_bitmaps
        self.apply_limits()
        delays = delays_ms(config.message_delay_level)
        self._max_delay_level = len(delays)
        self.writer.set_delays(delays)
        self.flags.attach(self.writer)
        self.checkpoint.load()
        self._queue_ends = QueueEnds(self.paths.root, self.writer)
        self.remover = QueueRemover(self.writer, self.paths, self._queue_ends)
        self.index = open_index(config, self.clock, self.paths, self.checkpoint, self._run_aside)
        try:
            opening = Opening(config, self.clock, self.writer, self.checkpoint, self._was_clean)
            opening.recover(self._queue_ends, self.index)
        except OSError as fault:
            path = fault.filename or self.paths.root
            raise StartRefused(f"{path}: {fault.strerror}; the store cannot be opened before that is mended") from fault
        if self.index is not None:
            index = self.index
            self._queue_ends.indexed_to = lambda: index.indexed_to
        self.correct_min_offsets()
        self.flusher = Flusher(config, self.clock, self.writer, self.checkpoint, self.flags)
        self._queue_flusher = QueueFlusher(
            config, self.clock, self.writer, self.checkpoint, self._queue_ends, self.flusher.refused
        )
        self._queue_flusher.flush_index = self._flush_index
        if self.index is not None:
            self.index.refused = self.flusher.refused
        self._allocator = Allocator(self.writer)
        self.cold_reads = ColdReads(self.writer)
        first, end = self.commit_log_min_offset, self.commit_log_max_offset
        log.info("store %s: messages from %d to %d", self.paths.root, first, end)

    def apply_limits(self) -> None:
        """Take over how much a get may bring, which may change at run time."""
        config = self.config
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        self.writer.limit_gets(
            config.max_transfer_bytes_on_message_in_memory,
            config.max_transfer_count_on_message_in_memory,
            config.max_transfer_bytes_on_message_in_disk,
            config.max_transfer_count_on_message_in_disk,
            memory * config.access_message_in_memory_max_ratio // 100,
        )

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Accept puts: from here on a crash is noticed at the next start."""
        self._loop = loop
        if not self.checkpoint.is_whole:
            self._replace_checkpoint()
        self._mark_open()
        self._run_aside(self.remover.clear_left_overs)
        self.writer.wake_through(self._allocator.event_fd, self.flusher.event_fd)
        self.flusher.start(loop)
        self._queue_flusher.start(loop, after_crash=not self._was_clean)
        self._allocator.start()
        if self.index is not None:
            self.index.bring_in()
        self.flags.open(True)

    def _mark_open(self) -> None:
        """`abort` is on disk before anything is put: without it a power loss would look like a clean stop."""
        try:
            make_folder(self.paths.root)
            self.paths.abort.touch()
            for folder in {self.paths.root, self.paths.root.parent, self.paths.commit_log.parent}:
                with contextlib.suppress(PermissionError):  # above the store, where others rule
                    sync_folder(folder)
        except OSError as fault:
            why = f"{self.paths.abort} cannot be made: {fault.strerror}"
            raise StartRefused(f"{why}; make room, or set another path") from None

    def _replace_checkpoint(self) -> None:
        try:
            self.checkpoint.persist()
        except OSError as error:  # without one recovery only takes longer
            log.warning("%s: not written anew (%s)", self.checkpoint.path, error.strerror)

    def shutdown(self) -> None:
        """Everything to the disk; `abort` goes only when that went well. May be called after a failed start."""
        self.flags.open(False)
        if hasattr(self, "_allocator"):
            self._allocator.stop()
            self.cold_reads.shutdown()
            self._queue_flusher.stop()
            self.flusher.stop()
            self.writer.wake_through(-1, -1)
            self._close()
        self._lock.release()

    def _close(self) -> None:
        self._remove_unused()
        if self.flush_all() and self.flags.is_writeable:
            self.paths.abort.unlink(missing_ok=True)
        self._allocator.close()
        self.flusher.close()
        del self._allocator

    def _remove_unused(self) -> None:
        try:
            for path in self.writer.log.remove_unused():
                log.info("%s was made ahead and is not needed: removed", path)
        except OSError as error:  # a start takes an empty file as it is
            log.warning("%s was made ahead and stays: %s", error.filename, error.strerror)

    @property
    def refusal(self) -> str:
        """Path and reason for which puts are refused by the disk; empty when they are not."""
        return self.flusher.refusal or "; ".join(sorted(self._refusals))

    def flush_all(self) -> bool:
        """Everything to the disk, then the checkpoint; only while the flush threads are stopped. False: it refused."""
        if not self.flusher.flush_all():
            return False
        try:
            self._queue_flusher.flush_all()
        except OSError as error:
            self.flusher.refused(error)
            return False
        return True

    def _run_aside(self, call: Callable[[], None]) -> None:
        if self._loop is None:
            call()
        else:
            self._loop.run_in_executor(None, call)

    def _flush_index(self) -> None:
        if self.index is not None:
            self.index.flush()

    # -- put -----------------------------------------------------------------------------------------------------

    def put(self, message: Message) -> PutResult:
        """Append one message now; with DELAY it waits in SCHEDULE_TOPIC_XXXX. `settle` says when it may be answered."""
        refusal = self._refusal(message)
        if refusal is not None:
            return PutResult(refusal)
        result = self._append(message, *destination(message, self._max_delay_level))
        if self.on_delayed is not None and result.is_ok and delay_level(message) > 0:
            self.on_delayed(min(delay_level(message), self._max_delay_level) - 1)
        return result

    def put_due(self, message: Message) -> PutResult:
        """Append a message whose delay is over: its DELAY, which it keeps, does not count any more."""
        refusal = self._refusal(message)
        if refusal is not None:
            return PutResult(refusal)
        return self._append(message, message.topic, message.queue_id, message.properties_raw)

    def put_due_plainly(self, queue: ConsumeQueue, offset: int, most: int, after_ms: int) -> int:
        """Put those of a queue of delayed messages that are due after `after_ms` and until now, from `offset` on, and
        need no closer look; the queue offset behind the last one.
        """
        behind = due_messages.put_due(
            self.writer, queue, offset, most, after_ms=after_ms, until_ms=self.clock.now_ms()
        )
        if behind > offset:
            self._arrived()
        return behind

    def _append(self, message: Message, topic: str, queue_id: int, properties: bytes) -> PutResult:
        now_ms = self.clock.now_ms()
        try:
            status, offset, size, queue_offset = self.writer.put(
                topic.encode(), queue_id, message.body, properties,
                store_timestamp=now_ms, born_timestamp=message.born_timestamp,
                born_host=host_bytes(message.born_host), store_host=self._store_host_of(message),
                flag=message.flag, sys_flag=message.sys_flag, reconsume_times=message.reconsume_times,
                prepared_transaction_offset=message.prepared_transaction_offset,
            )
        except OSError as error:
            return PutResult(self._no_room(error))
        if status:
            return PutResult(STATUSES[status])
        self._arrived()
        msg_id = message_id(self._ids_host(message), offset)
        return PutResult(PutMessageStatus.PUT_OK, msg_id, queue_offset, offset, size, now_ms, topic)

    def put_batch(self, message: Message) -> PutResult:
        """Append the messages of a client's batch body, all in one file; the first one's offset, all ids."""
        refusal = self._batch_refusal(message)
        if refusal is not None:
            return PutResult(refusal)
        now_ms = self.clock.now_ms()
        try:
            status, places, queue_offset = self.writer.put_batch(
                message.topic.encode(), message.queue_id, message.body,
                store_timestamp=now_ms, born_timestamp=message.born_timestamp,
                born_host=host_bytes(message.born_host), store_host=self._store_host_of(message),
                sys_flag=message.sys_flag, reconsume_times=message.reconsume_times,
            )
        except OSError as error:
            return PutResult(self._no_room(error))
        if status == BATCH_TOO_LARGE:
            raise RequestRefused(SYSTEM_ERROR, "message size exceeded")
        if status:
            return PutResult(STATUSES[status])
        self._arrived()
        host = self._ids_host(message)
        msg_ids = ",".join(message_id(host, offset) for offset, _ in places)
        first, (last, last_size) = places[0][0], places[-1]
        size = last + last_size - first
        return PutResult(PutMessageStatus.PUT_OK, msg_ids, queue_offset, first, size, now_ms, message.topic)

    async def settle(self, result: PutResult, wait: bool = True) -> PutMessageStatus:
        """The status to answer with: under SYNC_FLUSH after the sync that covers the message."""
        if not result.is_ok or not wait or self.config.flush_disk_type is not FlushDiskType.SYNC_FLUSH:
            return result.status
        return await self.flusher.durable(result.end_offset)

    def _refusal(self, message: Message) -> PutMessageStatus | None:
        return put_rules.refusal(message) if self.writer.writeable else PutMessageStatus.SERVICE_NOT_AVAILABLE

    def _batch_refusal(self, message: Message) -> PutMessageStatus | None:
        if not self.writer.writeable:
            return PutMessageStatus.SERVICE_NOT_AVAILABLE
        return put_rules.batch_refusal(message, self.config.max_message_size)

    def _store_host_of(self, message: Message) -> bytes:
        return self._host if message.store_host == NO_HOST else host_bytes(message.store_host)

    def _ids_host(self, message: Message) -> tuple[str, int]:
        return self.store_host if message.store_host == NO_HOST else message.store_host

    def _no_room(self, error: OSError) -> PutMessageStatus:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = f"{error.filename}: {error.strerror}"
        if reason not in self._refusals:
            self._refusals.add(reason)
            log.error("puts are refused until there is room: %s", reason)
        return PutMessageStatus.SERVICE_NOT_AVAILABLE if full else PutMessageStatus.CREATE_MAPEDFILE_FAILED

    def _arrived(self) -> None:
        if self._refusals:
            self._refusals.clear()
            log.info("puts are accepted again")
        if self.on_arrival is not None and self.writer.has_woken:
            self.on_arrival()

    # -- get -----------------------------------------------------------------------------------------------------

    def get(
        self,
        topic: str,
        queue_id: int,
        offset: int,
        max_nums: int,
        tags: frozenset[int] | None = None,
        wanted: MessageFilter | None = None,
        may_wait: bool = True,
    ) -> GetResult:
        """Messages of a queue from `offset` on; `tags`: hash codes, `wanted`: asked with each record's properties.

        Who may not wait for the disk gets what is in memory, or NOT_IN_MEMORY.
        """
        queue = self._queue(topic, queue_id)
        if queue is None:
            return GetResult(GetMessageStatus.NO_MESSAGE_IN_QUEUE, b"", 0, 0, 0, 0, False)
        found = store_reader.get(self.writer, queue, offset, max_nums, tags, wanted, may_wait)
        return GetResult(GetMessageStatus(found[0]), *found[1:])

    async def bring_in(self, topic: str, queue_id: int, offset: int) -> None:
        """Read messages of a queue from `offset` on from the disk, in a thread; OSError when it cannot be read."""
        queue = self._queue(topic, queue_id)
        if queue is not None:
            await self.cold_reads.bring_in(queue, offset)

    def queue(self, topic: str, queue_id: int) -> ConsumeQueue:
        """The queue, made in memory if there is none."""
        return self.writer.queue(topic.encode(), queue_id)

    def max_offset(self, topic: str, queue_id: int) -> int:
        """Queue offset of the next message; 0 for a queue nobody put to."""
        queue = self._queue(topic, queue_id)
        return 0 if queue is None else queue.max_offset

    def min_offset(self, topic: str, queue_id: int) -> int:
        """Queue offset of the first message still in the log; 0 for a queue nobody put to."""
        queue = self._queue(topic, queue_id)
        return 0 if queue is None else queue.min_offset

    def store_time(self, topic: str, queue_id: int, index: int) -> int:
        """Store time of the message at a queue offset, -1 when there is none."""
        queue = self._queue(topic, queue_id)
        return -1 if queue is None else store_time_at(self.writer, queue, index)

    async def store_times_patiently(self, places: Iterable[tuple[str, int, int]]) -> list[int]:
        """`store_time` of each (topic, queue id, index); the disk is waited for in threads. OSError of the disk."""
        places = list(places)
        entries = [queue.entry(index) for topic, id, index in places if (queue := self._queue(topic, id)) is not None]
        await self.cold_reads.bring_in_records([entry[0] for entry in entries if entry is not None])
        return [self.store_time(*place) for place in places]

    def earliest_time(self, topic: str, queue_id: int) -> int:
        """Store time of the first message of a queue, -1 when there is none."""
        return self.store_time(topic, queue_id, self.min_offset(topic, queue_id))

    def offset_by_time(self, topic: str, queue_id: int, timestamp_ms: int) -> int:
        """Queue offset of what was stored at or around a time."""
        queue = self._queue(topic, queue_id)
        return 0 if queue is None else offset_by_time(self.writer, queue, timestamp_ms)

    async def offset_by_time_patiently(self, topic: str, queue_id: int, timestamp_ms: int) -> int:
        """The same; the disk is waited for in threads. OSError when it cannot be read."""
        queue = self._queue(topic, queue_id)
        if queue is None:
            return 0
        search = offset_search(self.writer, queue, timestamp_ms)
        while True:
            try:
                needed = next(search)
            except StopIteration as end:
                return int(end.value)
            await self.cold_reads.bring_in_records([needed])

    def is_on_disk(self, topic: str, queue_id: int, index: int) -> bool:
        """Is the message so far behind the log's end that reading it reads the disk? False when there is none."""
        queue = self._queue(topic, queue_id)
        entry = None if queue is None else queue.entry(index)
        return entry is not None and self.writer.log.end_offset - entry[0] > self.writer.memory_bytes

    def record_at(self, physical_offset: int) -> bytes | None:
        """The bytes of the record that begins there."""
        return store_reader.record(self.writer, physical_offset)

    def message_at(self, physical_offset: int) -> Message | None:
        """The message whose record begins there."""
        record = self.record_at(physical_offset)
        return None if record is None else decode_message(record, 0, False)

    def is_in_memory(self, physical_offset: int) -> bool:
        """Whether the record that begins there can be read without the disk; True also where there is none."""
        return is_in_memory(self.writer, physical_offset)

    def query(self, topic: str, key: str, max_num: int, begin_ms: int, end_ms: int) -> QueryResult:
        """Records whose key has the hash of `key`; `last_…` say how far the index goes, 0 when nothing was found."""
        return self._records_of(self._look_up(topic, key, max_num, begin_ms, end_ms))

    async def query_patiently(self, topic: str, key: str, max_num: int, begin_ms: int, end_ms: int) -> QueryResult:
        """The same; the disk is waited for in threads. OSError when it cannot be read."""
        found = await self.cold_reads.run(lambda: self._look_up(topic, key, max_num, begin_ms, end_ms))
        await self.cold_reads.bring_in_records(found.offsets)
        return self._records_of(found)

    def _look_up(self, topic: str, key: str, max_num: int, begin_ms: int, end_ms: int) -> IndexQuery:
        if self.index is None:
            return IndexQuery([], 0, 0)
        return self.index.query(topic, key, min(max_num, self.config.max_msgs_num_batch), begin_ms, end_ms)

    def _records_of(self, found: IndexQuery) -> QueryResult:
        if not found.offsets:
            return QueryResult(b"", 0, 0)
        records = [record for record in map(self.record_at, found.offsets) if record is not None]
        return QueryResult(b"".join(records), found.last_update_timestamp, found.last_update_physical_offset)

    def bitmaps_changed(self, topic: bytes) -> None:
        """`filter_bitmaps` has another value for this topic."""
        if hasattr(self, "writer"):
            self.writer.bitmaps_changed(topic)

    def queues(self) -> list[tuple[str, int]]:
        """(topic, queue id) of every queue."""
        return [(topic.decode("utf-8", "surrogateescape"), queue_id) for topic, queue_id in self.writer.queues]

    def __contains__(self, queue: tuple[str, int]) -> bool:
        return self._queue(*queue) is not None

    def _queue(self, topic: str, queue_id: int) -> ConsumeQueue | None:
        return self.writer.queues.get((topic.encode("utf-8", "surrogateescape"), queue_id))

    # -- the log as a whole --------------------------------------------------------------------------------------

    @property
    def commit_log_min_offset(self) -> int:
        return self.writer.log.first_offset

    @property
    def commit_log_max_offset(self) -> int:
        return self.writer.log.end_offset

    @property
    def bytes_to_flush(self) -> int:
        """Bytes of the log that are not on disk yet."""
        return self.writer.log.end_offset - self.writer.log.flushed_offset

    @property
    def counts(self) -> StoreCounts:
        """What was put and got since the start."""
        return StoreCounts(*self.writer.counts)

    def earliest_message_time(self) -> int:
        """Store time of the first record, -1 when there is none."""
        return store_reader.store_time(self.writer, self.writer.log.first_offset)

    # -- cleaning ------------------------------------------------------------------------------------------------

    def unmap_idle_queues(self) -> None:
        """A process may have 65,530 maps (vm.max_map_count): beyond a part of that, idle queues give theirs back."""
        unmapped = self.writer.unmap_idle(MOST_MAPPED_QUEUES)
        if unmapped:
            log.info("%d files of idle consume queues are unmapped", unmapped)

    def correct_min_offsets(self) -> None:
        """Let every queue begin with a message that is still in the log."""
        log_start = self.writer.log.first_offset
        for queue in self.writer.queues.values():
            queue.correct_min_offset(log_start)

    def delete_topic(self, topic: str) -> None:
        """Remove the queues of a topic; its messages stay in the log until that is cleaned."""
        wanted = topic.encode("utf-8", "surrogateescape")
        for name, queue_id in [key for key in self.writer.queues if key[0] == wanted]:
            self.writer.delete_queue(name, queue_id)
            log.info("consume queue %s %d is removed", topic, queue_id)
        try:
            self._queue_ends.persist()
        except OSError as error:
            log.warning("%s: not written (%s): a start may make %s anew", error.filename, error.strerror, topic)
        if is_folder_name(topic):
            remove_if_empty(self.paths.consume_queue / topic)
            remove_if_empty(self.paths.consume_queue_ext / topic)

    def set_disk_full(self, is_full: bool) -> None:
        """Cleaning found the disk above, or again below, its limits."""
        if is_full:
            self.flags.set(Running.DISK_FULL)
        else:
            self.flags.clear(Running.DISK_FULL)
