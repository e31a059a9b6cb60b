"""Brings what was appended to the disk, and answers what had to wait for it.

One thread syncs; the loop hears of it through `call_soon_threadsafe`. While a sync runs, new requests gather: that is
the whole batching. Invariant: the durable offset never passes what msync has returned for, and a refusal of the disk
ends all writing.
"""

import asyncio
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.store_writer import StoreWriter
from rocketpy.clock import Clock
from rocketpy.config.store import FlushDiskType, MessageStoreConfig
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.queue_ends import QueueEnds
from rocketpy.store.results import PutMessageStatus
from rocketpy.store.running_flags import Running, RunningFlags

log = logging.getLogger("RocketmqStore")


class Flusher:
    """The flush thread and those who wait for it."""

    def __init__(
        self,
        config: MessageStoreConfig,
        clock: Clock,
        writer: StoreWriter,
        checkpoint: Checkpoint,
        flags: RunningFlags,
        queue_ends: QueueEnds,
    ) -> None:
        self._config = config
        self._clock = clock
        self._writer = writer
        self._checkpoint = checkpoint
        self._flags = flags
        self._queue_ends = queue_ends
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._waiting: deque[tuple[int, asyncio.Future[PutMessageStatus]]] = deque()
        self._dirty: deque[list[ConsumeQueue]] = deque()  # handed over by the loop, every interval
        self._unflushed: dict[int, ConsumeQueue] = {}  # the flush thread's own
        self._last_log_flush_ms = self._last_queue_flush_ms = clock.monotonic_ms()
        self.on_durable: list[Callable[[int], None]] = []  # called in the loop with the new durable offset
        self.flush_index: Callable[[], None] | None = None
        self.syncs = 0
        self.event_fd = os.eventfd(0, os.EFD_CLOEXEC)

    # -- the loop's side -----------------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Start the thread; without a loop nothing is answered (tests, tools)."""
        self._loop = loop
        self._thread = threading.Thread(target=self._run, name="FlushCommitLog", daemon=True)
        self._thread.start()
        if loop is not None:
            loop.call_later(self._config.flush_interval_consume_queue / 1000, self._hand_over_queues)

    def stop(self) -> None:
        """End the thread and flush everything here; OSError is logged and keeps `abort` in place."""
        self._stopping = True
        if self._thread is not None:
            os.eventfd_write(self.event_fd, 1)
            self._thread.join()
            self._thread = None
        self._loop = None
        self.flush_all()

    def close(self) -> None:
        """Give the descriptor back; nothing may signal it any more."""
        if self.event_fd >= 0:
            os.close(self.event_fd)
            self.event_fd = -1

    def request(self) -> None:
        """Somebody waits: sync as soon as the thread is free."""
        self._writer.request_flush()

    def durable(self, offset: int) -> asyncio.Future[PutMessageStatus]:
        """PUT_OK once the log is on disk up to `offset`; FLUSH_DISK_TIMEOUT after syncFlushTimeout or an I/O error."""
        assert self._loop is not None
        future: asyncio.Future[PutMessageStatus] = self._loop.create_future()
        if offset <= self._writer.durable_offset:
            future.set_result(PutMessageStatus.PUT_OK)
        elif not self._flags.is_writeable:
            future.set_result(PutMessageStatus.FLUSH_DISK_TIMEOUT)
        else:
            timer = self._loop.call_later(self._config.sync_flush_timeout / 1000, give_up, future)
            future.add_done_callback(lambda _: timer.cancel())
            self._waiting.append((offset, future))
            self.request()
        return future

    def _hand_over_queues(self) -> None:
        if self._loop is None:
            return
        queues = self._writer.take_dirty()
        if queues:
            self._dirty.append(queues)
        self._loop.call_later(self._config.flush_interval_consume_queue / 1000, self._hand_over_queues)

    def _answer(self, offset: int) -> None:
        self._writer.durable_offset = offset
        for callback in self.on_durable:
            callback(offset)
        while self._waiting and self._waiting[0][0] <= offset:
            settle(self._waiting.popleft()[1], PutMessageStatus.PUT_OK)

    def _refuse_waiting(self) -> None:
        while self._waiting:
            settle(self._waiting.popleft()[1], PutMessageStatus.FLUSH_DISK_TIMEOUT)

    # -- the thread's side ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self.event_fd, select.POLLIN)
        while not self._stopping:
            asked = bool(poll.poll(self._pause_ms()))
            if asked:
                os.eventfd_read(self.event_fd)
                self._writer.flush_begins()
            if not self._stopping:
                self._flush_log(asked)
                self._flush_queues()

    def _pause_ms(self) -> int:
        return min(self._config.flush_interval_commit_log, self._config.flush_interval_consume_queue)

    def _flush_log(self, asked: bool) -> None:
        least_pages = 0
        now_ms = self._clock.monotonic_ms()
        if not asked and self._config.flush_disk_type is FlushDiskType.ASYNC_FLUSH:
            thorough = now_ms - self._last_log_flush_ms >= self._config.flush_commit_log_thorough_interval
            least_pages = 0 if thorough else self._config.flush_commit_log_least_pages
        if least_pages == 0:
            self._last_log_flush_ms = now_ms
        self._sync_log(least_pages)

    def _sync_log(self, least_pages: int) -> bool:
        physic_timestamp = self._writer.timestamps[0]
        before = self._writer.log.flushed_offset
        end = self._writer.log.end_offset
        try:
            offset = self._writer.log.flush(least_pages)
        except OSError as error:
            self._failed(error)
            return False
        if offset > before:
            self.syncs += 1
        if offset >= end and physic_timestamp:
            self._checkpoint.physic_msg_timestamp = physic_timestamp
        self._tell(self._answer, offset)
        return True

    def _flush_queues(self) -> None:
        while self._dirty:
            self._unflushed.update((id(queue), queue) for queue in self._dirty.popleft())
        now_ms = self._clock.monotonic_ms()
        thorough = now_ms - self._last_queue_flush_ms >= self._config.flush_consume_queue_thorough_interval
        if thorough:
            self._last_queue_flush_ms = now_ms
            self.flush_all()
        else:
            self._sync_queues(self._config.flush_consume_queue_least_pages)

    def _sync_queues(self, least_pages: int) -> bool:
        try:
            for key, queue in list(self._unflushed.items()):
                if queue.files.flush(least_pages) >= queue.files.end_offset:
                    del self._unflushed[key]
        except OSError as error:
            self._failed(error)
            return False
        return True

    def flush_all(self) -> bool:
        """Log, queues and index to the disk, then the checkpoint that says so (shutdown, thorough interval)."""
        logics_timestamp = self._writer.timestamps[1]
        queue_ends = self._queue_ends.capture()
        if self._thread is None:
            queues = self._writer.take_dirty()
            self._unflushed.update((id(queue), queue) for queue in queues)
        if not self._sync_log(0) or not self._sync_queues(0):
            return False
        try:
            if self.flush_index is not None:
                self.flush_index()
            self._checkpoint.logics_msg_timestamp = logics_timestamp or self._checkpoint.logics_msg_timestamp
            self._queue_ends.persist(queue_ends)
            self._checkpoint.persist()
        except OSError as error:
            self._failed(error)
            return False
        return True

    def _failed(self, error: OSError) -> None:
        if self._flags.set(Running.NOT_WRITEABLE):
            log.error("%s: the disk refused a flush (%s); puts are refused from now on", error.filename, error.strerror)
        self._tell(self._refuse_waiting)

    def _tell(self, callback: Callable[..., None], *args: int) -> None:
        loop = self._loop
        if loop is None:
            if callback == self._answer:
                self._writer.durable_offset = args[0]
            return
        try:
            loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            log.debug("the loop is closed already")


def settle(future: asyncio.Future[PutMessageStatus], status: PutMessageStatus) -> None:
    if not future.done():
        future.set_result(status)


def give_up(future: asyncio.Future[PutMessageStatus]) -> None:
    settle(future, PutMessageStatus.FLUSH_DISK_TIMEOUT)
