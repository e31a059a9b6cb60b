"""Opens the files of a store in the order in which they depend on each other, and lets recovery make them agree.

First the commit log's end, then the queues up to it, then the index; only when all are whole is anything served.
"""

import logging
from collections.abc import Callable

from rocketpy._core.log_walk import next_keyed
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.store_writer import StoreWriter
from rocketpy.clock import Clock
from rocketpy.config.store import FlushDiskType, MessageStoreConfig
from rocketpy.store import file_sizes
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.index import IndexFolder
from rocketpy.store.paths import StorePaths
from rocketpy.store.queue_ends import QueueEnds
from rocketpy.store.queue_ext import open_units, say_what_was_mended
from rocketpy.store.recovery import Recovery, cut_untrue_tails, load_queues

log = logging.getLogger("RocketmqStore")

LOG_STEP_BYTES = 1 << 20


def open_writer(config: MessageStoreConfig, paths: StorePaths) -> StoreWriter:
    """Log and queues with the file sizes in force; nothing is read yet."""
    log_folder, queue_folder = str(paths.commit_log), str(paths.consume_queue)
    log_size = file_sizes.commit_log_size(log_folder, config.mapped_file_size_commit_log)
    queue_size = file_sizes.consume_queue_size(queue_folder, config.mapped_file_size_consume_queue)
    sync_flush = config.flush_disk_type is FlushDiskType.SYNC_FLUSH
    files = MappedFiles(log_folder, log_size, min(LOG_STEP_BYTES, log_size), True, small_pages=sync_flush)
    writer = StoreWriter(files, config.max_message_size, queue_folder, queue_size)
    writer.sync_flush = sync_flush
    ext_folder = str(paths.consume_queue_ext)
    ext_size = file_sizes.consume_queue_ext_size(ext_folder, config.mapped_file_size_consume_queue_ext)
    writer.use_ext(ext_folder, ext_size, config.enable_consume_queue_ext)
    return writer


class Opening:
    """One opening; `clean`: the last process stopped as it should."""

    def __init__(
        self, config: MessageStoreConfig, clock: Clock, writer: StoreWriter, checkpoint: Checkpoint, clean: bool
    ) -> None:
        self._config = config
        self._writer = writer
        self._recovery = Recovery(config, clock, writer, checkpoint, clean)
        self._clean = clean

    def recover(self, queue_ends: QueueEnds, index: IndexFolder | None) -> None:
        """Load everything and make it agree with the log."""
        folder, size = self._writer.log.folder, self._writer.log.file_size
        damaged = file_sizes.first_damaged(folder, size)
        self._recovery.breaks_off_at = file_sizes.last_file_ends_at(folder, size)
        for note in self._writer.log.load():
            log.warning("%s", note)
        load_queues(self._writer)
        queue_ends.load()
        self._recovery.safe_end = queue_ends.log_end()
        start = self._recovery.start_offset()
        if damaged is not None:
            start = min(start, max(damaged, self._writer.log.first_offset))
        self._writer.resume(self._recovery.find_end(start))
        if not self._writer.log.file_starts and self._writer.queues:
            log.warning("%s holds no commit log: the consume queues go too", self._writer.log.folder)
            for topic, queue_id in list(self._writer.queues):
                self._writer.delete_queue(topic, queue_id)
        start = open_units(self._writer, self._queues_lack_from(start, queue_ends))
        if index is not None:
            start = min(start, self._index_lacks_from(start, index, queue_ends.index_end() if self._clean else None))
        self._recovery.dispatch(start)
        self._writer.unmap_all_queues()
        say_what_was_mended(self._writer)

    def _queues_lack_from(self, start: int, queue_ends: QueueEnds) -> int:
        """Where dispatching must begin so that no queue lacks anything."""
        lost = queue_ends.lost(self._clean) if self._writer.log.end_offset else None
        start = cut_untrue_tails(self._writer, start)
        if lost is None:
            return start
        log.warning("%s: the queues are compared with the whole commit log", lost)
        return self._writer.log.first_offset

    def _index_lacks_from(self, start: int, index: IndexFolder, known_end: int | None) -> int:
        """Where dispatching must begin so that the index lacks nothing; `known_end`: where it was complete."""
        index.load()
        self._writer.use_index(index.writer)
        first, end = self._writer.log.first_offset, self._writer.log.end_offset
        index.recover(first, end, lambda at, itself: next_keyed(self._writer, at, itself), self._clean)
        self._writer.use_index(index.writer)
        if known_end is not None and index.indexed_to == known_end:
            return start
        if known_end is not None:
            log.warning(
                "%s: the index reached to %d and reaches to %d, it is made anew from the commit log from there on",
                index.folder, known_end, index.indexed_to,
            )
        return max(first, index.indexed_to)


def open_index(
    config: MessageStoreConfig,
    clock: Clock,
    paths: StorePaths,
    checkpoint: Checkpoint,
    run_aside: Callable[[Callable[[], None]], None],
) -> IndexFolder | None:
    """The index, unless messageIndexEnable=false."""
    if not config.message_index_enable:
        return None
    return IndexFolder(paths.index, config.max_hash_slot_num, config.max_index_num, clock, checkpoint, run_aside)
