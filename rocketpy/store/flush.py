"""Brings the commit log to the disk, and answers what had to wait for it.

One thread syncs; the loop hears of it through `call_soon_threadsafe`. While a sync runs, new requests gather: that is
the whole batching. Invariant: the durable offset never passes what msync has returned for, and a refusal of the disk
ends all writing.
"""

import asyncio
import errno
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable

from rocketpy._core.histogram import Histogram
from rocketpy._core.store_writer import StoreWriter
from rocketpy.clock import Clock
from rocketpy.config.store import FlushDiskType, MessageStoreConfig
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.results import PutMessageStatus
from rocketpy.store.running_flags import Running, RunningFlags

log = logging.getLogger("RocketmqStore")

PAGE = 4096
# Nobody waits for an asynchronous flush, so pages may gather that long: a sync for every four of them, as upstream's
# thread has it, took a tenth more CPU a message with one send outstanding.
NOTICE_PAUSE_MS = 100


class Flusher:
    """The flush thread and those who wait for it."""

    def __init__(
        self, config: MessageStoreConfig, clock: Clock, writer: StoreWriter, checkpoint: Checkpoint, flags: RunningFlags
    ) -> None:
        self._config = config
        self._clock = clock
        self._writer = writer
        self._checkpoint = checkpoint
        self._flags = flags
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._waiting: deque[tuple[int, asyncio.Future[PutMessageStatus]]] = deque()
        self._last_thorough_ms = clock.monotonic_ms()
        self._sync_flush = config.flush_disk_type is FlushDiskType.SYNC_FLUSH
        self.on_durable: list[Callable[[int], None]] = []  # called in the loop with the new durable offset
        self.on_refused: list[Callable[[], None]] = []  # called in the loop when the disk refused a flush
        self._syncing = threading.Lock()  # a failure is told to one who asks: nobody else may ask meanwhile
        self.syncs = 0
        self.times = Histogram()  # of the syncs that brought something to the disk
        self.refusal = ""  # path and reason of the flush that the disk refused; final
        self.event_fd = os.eventfd(0, os.EFD_CLOEXEC)

    # -- the loop's side -----------------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Start the thread; without a loop nothing is answered (tests, tools)."""
        self._loop = loop
        self._thread = threading.Thread(target=self._run, name="FlushCommitLog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what still waits is answered by `flush_all`."""
        self._stopping = True
        if self._thread is not None:
            os.eventfd_write(self.event_fd, 1)
            self._thread.join()
            self._thread = None

    def flush_all(self) -> bool:
        """Bring the log to the disk now, the thread being stopped; False when the disk refuses, or did before."""
        flushed = self._sync(0)
        if self._loop is None or self._loop.is_closed():
            return flushed
        if flushed:
            self._answer(self._writer.log.flushed_offset)
        else:
            self._refuse_waiting()
        return flushed

    def close(self) -> None:
        """Give the descriptor back; nothing may signal it any more."""
        if self.event_fd >= 0:
            os.close(self.event_fd)
            self.event_fd = -1

    def request(self, offset: int = 0) -> None:
        """Somebody waits for `offset`: sync as soon as the thread is free."""
        self._writer.request_flush()

    def durable(self, offset: int) -> asyncio.Future[PutMessageStatus]:
        """PUT_OK once the log is on disk up to `offset`; FLUSH_DISK_TIMEOUT after syncFlushTimeout or an I/O error."""
        assert self._loop is not None
        future: asyncio.Future[PutMessageStatus] = self._loop.create_future()
        if offset <= self._writer.durable_offset:
            future.set_result(PutMessageStatus.PUT_OK)
        elif self._flags.bits & Running.NOT_WRITEABLE:
            future.set_result(PutMessageStatus.FLUSH_DISK_TIMEOUT)
        else:
            timer = self._loop.call_later(self._config.sync_flush_timeout / 1000, give_up, future)
            future.add_done_callback(lambda _: timer.cancel())
            self._waiting.append((offset, future))
            self.request(offset)
        return future

    def _answer(self, offset: int) -> None:
        self._writer.durable_offset = offset
        for callback in self.on_durable:
            callback(offset)
        while self._waiting and self._waiting[0][0] <= offset:
            settle(self._waiting.popleft()[1], PutMessageStatus.PUT_OK)

    def _refuse_waiting(self) -> None:
        for callback in self.on_refused:
            callback()
        while self._waiting:
            settle(self._waiting.popleft()[1], PutMessageStatus.FLUSH_DISK_TIMEOUT)

    # -- the thread's side ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self.event_fd, select.POLLIN)
        while not self._stopping:
            asked = self._wait(poll)
            if not self._stopping:
                self._sync(0 if asked else self._least_pages())

    def _wait(self, poll: select.poll) -> bool:
        """Until somebody asks for a flush (then True), enough gathered, or flushIntervalCommitLog is over."""
        config = self._config
        rest_ms = config.flush_interval_commit_log
        if not config.flush_commit_log_timed and config.flush_disk_type is FlushDiskType.ASYNC_FLUSH:
            pause_ms = min(NOTICE_PAUSE_MS, rest_ms)
            if self._is_woken(poll, pause_ms):
                return self._writer.flush_begins()
            rest_ms -= pause_ms
            enough = config.flush_commit_log_least_pages * PAGE
            self._writer.wake_flush_at(self._writer.log.flushed_offset + enough)
        return self._is_woken(poll, rest_ms) and self._writer.flush_begins()

    def _is_woken(self, poll: select.poll, wait_ms: int) -> bool:
        woken = bool(poll.poll(wait_ms))
        if woken:
            os.eventfd_read(self.event_fd)
        return woken

    def _least_pages(self) -> int:
        """How much must have gathered for a sync that nobody asked for."""
        now_ms = self._clock.monotonic_ms()
        thorough = now_ms - self._last_thorough_ms >= self._config.flush_commit_log_thorough_interval
        if self._config.flush_disk_type is FlushDiskType.SYNC_FLUSH or thorough:
            self._last_thorough_ms = now_ms
            return 0
        return self._config.flush_commit_log_least_pages

    def _sync(self, least_pages: int) -> bool:
        files = self._writer.log
        before = files.flushed_offset
        physic_timestamp, end = self._writer.timestamps[0], files.end_offset
        try:
            offset = self._flush(least_pages)
        except OSError:
            return False
        if offset >= end and physic_timestamp:
            self._checkpoint.physic_msg_timestamp = physic_timestamp
        if offset > before or offset > self._writer.durable_offset:
            self.syncs += 1
            if self._sync_flush:
                self._tell(self._answer, offset)
            else:
                self._writer.durable_offset = offset
        return True

    def sync_now(self) -> None:
        """Bring what was put to the disk, for one who is about to rely on it; any thread, OSError when it refuses."""
        self._flush(0)

    def _flush(self, least_pages: int) -> int:
        # The kernel drops what it could not write and answers the next sync as if all were well: it is not asked again.
        with self._syncing:
            if self.refusal:
                raise OSError(errno.EIO, self.refusal)
            began_ns, before = self._clock.monotonic_ns(), self._writer.log.flushed_offset
            try:
                offset = self._writer.log.flush(least_pages)
                if offset > before:
                    self.times.note(self._clock.monotonic_ns() - began_ns)
                return offset
            except OSError as error:
                self.refused(error)
                raise

    def refused(self, error: OSError) -> None:
        """The disk refused a flush: what is in memory may never get there, so nothing more is taken. Any thread."""
        if not self.refusal:
            self.refusal = f"{error.filename}: the disk refused a flush ({error.strerror})"
            self._flags.set(Running.NOT_WRITEABLE)
            log.error("%s; puts are refused until the broker is started anew on a disk that is well", self.refusal)
        self._tell(self._refuse_waiting)

    def _tell(self, callback: Callable[..., None], *args: int) -> None:
        loop = self._loop
        if loop is None:
            self._writer.durable_offset = self._writer.log.flushed_offset
            return
        try:
            loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            log.debug("the loop is closed already")


def settle(future: asyncio.Future[PutMessageStatus], status: PutMessageStatus) -> None:
    """Answer, unless it was given up before."""
    if not future.done():
        future.set_result(status)


def give_up(future: asyncio.Future[PutMessageStatus]) -> None:
    """The disk took too long: stored, but nobody knows whether it is on disk."""
    settle(future, PutMessageStatus.FLUSH_DISK_TIMEOUT)
