"""Brings consume queues and index to the disk, then writes the checkpoint that says so.

A thread of its own, so that nobody who waits for the commit log waits for a thousand queues. Invariant: checkpoint and
queue ends are written after the flush they speak of, and say nothing younger than it; after a flush that the disk
refused they are not written again.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.mapped_files import MappedFiles, sync_file_system
from rocketpy._core.store_writer import StoreWriter
from rocketpy.clock import Clock
from rocketpy.config.store import MessageStoreConfig
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.queue_ends import QueueEnds
from rocketpy.store.queue_ext import say_refusal

log = logging.getLogger("RocketmqStore")

MANY_QUEUES = 64  # from here on one sync of the file system is cheaper than one a queue


class QueueFlusher:
    """The thread, and what it still has to flush."""

    def __init__(
        self,
        config: MessageStoreConfig,
        clock: Clock,
        writer: StoreWriter,
        checkpoint: Checkpoint,
        queue_ends: QueueEnds,
        refused: Callable[[OSError], None],
    ) -> None:
        """`refused` hears of a disk that refuses a flush."""
        self._config = config
        self._clock = clock
        self._writer = writer
        self._checkpoint = checkpoint
        self._queue_ends = queue_ends
        self._refused = refused
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thread: threading.Thread | None = None
        # Store time of the last entry in these queues when they were handed over, and the queues.
        self._inbox: queue.SimpleQueue[tuple[int, list[ConsumeQueue]] | None] = queue.SimpleQueue()
        self._unflushed: dict[int, ConsumeQueue] = {}  # the thread's own
        self._logics_timestamp = 0  # store time of the last entry in queues that the thread has
        self._last_thorough_ms = clock.monotonic_ms()
        self._sync_all_first = False
        self._was_refused = False
        self.flush_index: Callable[[], None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop | None, after_crash: bool) -> None:
        """Flush every flushIntervalConsumeQueue; without a loop only `flush_all` flushes (tests, tools).

        `after_crash`: what the last process wrote may still be in memory only.
        """
        self._loop = loop
        self._sync_all_first = after_crash
        if loop is not None:
            self._thread = threading.Thread(target=self._run, name="FlushConsumeQueue", daemon=True)
            self._thread.start()
            self._set_timer(loop)

    def stop(self) -> None:
        """End the thread."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop = None
        if self._thread is not None:
            self._inbox.put(None)
            self._thread.join()
            self._thread = None

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._config.flush_interval_consume_queue / 1000, self._hand_over)

    def _hand_over(self) -> None:
        """The loop gives the queues that got entries to the thread: only the loop may look at that list."""
        queues = self._writer.take_dirty()
        for each in queues:
            say_refusal(each)
        self._inbox.put((self._writer.timestamps[1], queues))
        if self._loop is not None:
            self._set_timer(self._loop)

    def _run(self) -> None:
        while (handed := self._inbox.get()) is not None:
            if self._was_refused:  # a sync asked for again would say that all is well
                continue
            try:
                self._flush(*handed)
            except OSError as error:
                self._was_refused = True
                self._refused(error)

    def _flush(self, logics_timestamp: int, queues: list[ConsumeQueue]) -> None:
        self._logics_timestamp = logics_timestamp
        self._unflushed.update((id(each), each) for each in queues)
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._last_thorough_ms >= self._config.flush_consume_queue_thorough_interval:
            self._last_thorough_ms = now_ms
            logics_timestamp = self._sync_all()
            try:
                self._persist(logics_timestamp)
            except OSError as error:  # a full disk perhaps: an older checkpoint only makes recovery longer
                log.warning("%s: not written (%s), tried again later", error.filename, error.strerror)
        else:
            self._sync(self._config.flush_consume_queue_least_pages)

    def flush_all(self) -> None:
        """Everything, in the loop's thread, while no other flushes; OSError when the disk refuses."""
        self._logics_timestamp = self._writer.timestamps[1]
        self._unflushed.update((id(each), each) for each in self._writer.take_dirty())
        self._persist(self._sync_all())

    def _sync_all(self) -> int:
        """Everything that was handed over; the store time up to which that is."""
        logics_timestamp = self._logics_timestamp
        if self._sync_all_first or len(self._unflushed) >= MANY_QUEUES:
            self._sync_file_system()
        self._sync(0)
        if self.flush_index is not None:
            self.flush_index()
        return logics_timestamp

    def _persist(self, logics_timestamp: int) -> None:
        self._checkpoint.logics_msg_timestamp = logics_timestamp or self._checkpoint.logics_msg_timestamp
        self._queue_ends.persist()
        self._checkpoint.persist()

    def _sync(self, least_pages: int) -> None:
        for key, each in list(self._unflushed.items()):
            if each.flush(least_pages):
                del self._unflushed[key]

    def _sync_file_system(self) -> None:
        ends = [(files, files.end_offset) for each in self._unflushed.values() for files in files_of(each)]
        for folder in (self._writer.queue_folder, self._writer.ext_folder):
            if folder is not None and Path(folder).is_dir():
                sync_file_system(folder)
        self._sync_all_first = False
        for files, end in ends:
            files.flushed_to(end)


def files_of(queue: ConsumeQueue) -> list[MappedFiles]:
    """The files of a queue's entries and of their units."""
    return [queue.files] if queue.ext is None else [queue.ext.files, queue.files]
