"""Makes consume queues and index anew from the commit log, beside the old ones, and puts them in their place.

The commit log is only read. Invariant: until the new files are on disk the old ones stay where they are, and until they
are in place the old ones stay beside; whatever interrupts a repair, running it again makes it whole.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from rocketpy._core.mapped_files import MappedFiles, sync_file_system
from rocketpy._core.store_writer import StoreWriter
from rocketpy.clock import Clock
from rocketpy.errors import StoreError
from rocketpy.store import file_sizes
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.delay_levels import delays_ms
from rocketpy.store.index import IndexFolder
from rocketpy.store.lock import StoreLock
from rocketpy.store.recovery import Recovery
from rocketpy.store_tool.check import ENTRY, StoreFolder
from rocketpy.store_tool.folder import check_layout, offset_files, queue_folders
from rocketpy.store_tool.index_sizes import dimensions, index_paths
from rocketpy.store_tool.log_reader import read
from rocketpy.store_tool.report import Report

NEW, OLD = ".repair", ".before-repair"
STEP_BYTES = 1 << 20

Say = Callable[[str], None]


def repair(folder: StoreFolder, say: Say) -> None:
    """Rebuild; StartRefused when a broker runs, StoreError when the log must be mended first, OSError of the disk."""
    lock = StoreLock(folder.paths.lock)
    lock.acquire()
    try:
        Repair(folder, say).run()
    finally:
        lock.release()


class Repair:
    """One repair; the store's lock is held meanwhile."""

    def __init__(self, folder: StoreFolder, say: Say) -> None:
        self._paths = folder.paths
        self._config = folder.config
        self._say = say
        self._clock = Clock()
        self._queues = folder.paths.consume_queue.resolve()     # one may have put it on another disk
        self._index = folder.paths.index.resolve()
        self._log_size = file_sizes.commit_log_size(
            str(folder.paths.commit_log), self._config.mapped_file_size_commit_log
        )

    def run(self) -> None:
        self._check_log()
        for path in (self._queues, self._index):
            settle(path)
        queue_size = file_sizes.consume_queue_size(str(self._queues), self._config.mapped_file_size_consume_queue)
        try:
            count = self._build(queue_size)
        except BaseException:
            for path in (self._queues, self._index):
                shutil.rmtree(beside(path, NEW), ignore_errors=True)
            raise
        replace(self._queues)
        self._say(f"{self._queues}: {count} consume queues are made anew")
        if self._config.message_index_enable:
            replace(self._index)
            self._say(f"{self._index}: the index is made anew")

    def _check_log(self) -> None:
        """Opening a log whose files are out of order would mend it, and a repair must not touch it."""
        files, _ = offset_files(str(self._paths.commit_log))
        report = Report(1)
        check_layout(report, "log", files, self._log_size)
        if not files:
            raise StoreError(f"{self._paths.commit_log} holds no commit log: there is nothing to rebuild from")
        if not report.clean:
            raise StoreError(f"{report.findings[0]}; start a broker on the store once, it mends that, then repair")

    def _build(self, queue_size: int) -> int:
        """Everything of the log into new folders, and those to the disk; how many queues there are."""
        log = MappedFiles(str(self._paths.commit_log), self._log_size)
        log.load()
        writer = StoreWriter(log, self._config.max_message_size, str(beside(self._queues, NEW)), queue_size)
        writer.set_delays(delays_ms(self._config.message_delay_level))
        index = self._new_index(writer)
        checkpoint = Checkpoint(self._paths.checkpoint, self._clock)
        checkpoint.load()
        Recovery(self._config, self._clock, writer, checkpoint, clean=True).dispatch(log.first_offset)
        self._keep_ends(writer, log.first_offset)
        for queue in writer.queues.values():
            queue.files.flush()
        if index is not None:
            index.flush()
        log.close()
        for path in (self._queues, self._index):
            if beside(path, NEW).is_dir():
                sync_file_system(str(beside(path, NEW)))
        return len(writer.queues)

    def _new_index(self, writer: StoreWriter) -> IndexFolder | None:
        if not self._config.message_index_enable:
            return None
        configured = (self._config.max_hash_slot_num, self._config.max_index_num)
        known = [place for place in dimensions(index_paths(self._index), configured) if place.slots]
        slots, capacity = (known[0].slots, known[0].capacity) if known else configured
        folder = beside(self._index, NEW)
        # Full files raise the checkpoint's time: one that nobody reads.
        index = IndexFolder(folder, slots, capacity, self._clock, Checkpoint(folder / "checkpoint", self._clock))
        index.load()
        writer.use_index(index.writer)
        return index

    def _keep_ends(self, writer: StoreWriter, log_start: int) -> None:
        """A queue whose messages have all left the log goes on where it was: groups know their offsets in it."""
        for old in queue_folders(None, self._queues):
            queue = writer.queue(old.topic, old.queue_id)
            if queue.max_offset == 0:
                end = old_end(old.path, queue.files.file_size, log_start)
                queue.begin_at(end)
                if end == 0:
                    del writer.queues[old.topic, old.queue_id]


def old_end(folder: str, file_size: int, log_start: int) -> int:
    """Index behind the last entry that led to a message that has left the log since."""
    files, _ = offset_files(folder)
    for file in reversed(files):
        data = read(file.path, 0, file_size)
        for at in range(len(data) // ENTRY * ENTRY - ENTRY, -1, -ENTRY):
            offset, size = int.from_bytes(data[at : at + 8], "big"), int.from_bytes(data[at + 8 : at + 12], "big")
            if size and offset < log_start:
                return (file.start + at) // ENTRY + 1
    return 0


# -- putting in place ----------------------------------------------------------------------------------------------------


def beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def settle(path: Path) -> None:
    """Undo what an interrupted repair has left: half of the new goes, the old comes back where the new is not in place."""
    shutil.rmtree(beside(path, NEW), ignore_errors=True)
    old = beside(path, OLD)
    if old.is_dir():
        if path.exists():
            shutil.rmtree(old)
        else:
            old.rename(path)


def replace(path: Path) -> None:
    """The new folder, which is on disk, takes the old one's place; only then the old one goes."""
    new, old = beside(path, NEW), beside(path, OLD)
    new.mkdir(exist_ok=True)
    (new / "checkpoint").unlink(missing_ok=True)
    if path.exists():
        path.rename(old)
    new.rename(path)
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    if old.exists():
        shutil.rmtree(old)
