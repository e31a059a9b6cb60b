"""Finds where the commit log ends, cuts what is torn, and mends queues and index from the log.

The log is the truth. Nothing that was on disk when the checkpoint was written is ever cut: damage inside it is reported
with file and offset, and what follows stays readable. What is cut becomes zeros, so that it cannot come back.
"""

import logging
import os
import struct
from collections.abc import Iterator

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.log_walk import LogWalk, find_record, first_record_time, trusted_end
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.store_writer import StoreWriter
from rocketpy.clock import Clock
from rocketpy.config.store import MessageStoreConfig
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.file_sizes import sub_folders

log = logging.getLogger("RocketmqStore")

STEP_BYTES = 64 << 20
MOST_TOLD = 20
SAY_EVERY_MS = 1000
SECTOR = 512
STALE_MS = 60_000                       # no flush is that late: a younger message proves an old checkpoint
BODY_SIZE_AT = 84
BODY_SIZE = struct.Struct(">i")
RECORD_OVERHEAD = 91


class Recovery:
    """One recovery; `run` is the whole of it."""

    def __init__(
        self, config: MessageStoreConfig, clock: Clock, writer: StoreWriter, checkpoint: Checkpoint, clean: bool
    ) -> None:
        self._config = config
        self._clock = clock
        self._writer = writer
        self._log: MappedFiles = writer.log
        self._checkpoint = checkpoint
        self._clean = clean
        self._safe_ms = checkpoint.physic_msg_timestamp  # store time before which the log was on disk
        self.safe_end = 0                                   # how far it was on disk besides, if that is known
        self._said_ms = clock.monotonic_ms()
        self.end = 0
        self.breaks_off_at: int | None = None               # where the last file was found to end
        self.damaged: list[tuple[int, int]] = []  # (offset, size) of what cannot be read within the log

    def find_end(self, start: int) -> int:
        """Check the records from `start` on; where the last good one ends is the end of the log, the rest is cut."""
        walk = LogWalk(self._writer, start, dispatch=False, check_crc=self._config.check_crc_on_recover)
        self._walk(walk)
        self.end = walk.last_at if self._lacks_its_end(walk) else walk.at
        self._log.truncate_to(self.end)
        self._log.unflushed_from(start)
        log.info("the commit log ends at %d, %d records were checked from %d on", self.end, walk.records, start)
        return walk.last_timestamp

    def _lacks_its_end(self, walk: LogWalk) -> bool:
        """Is the last record torn where no CRC tells, in topic or properties? File or sector end there."""
        if walk.last_at < 0 or (self._was_synced(walk.last_at, walk.last_timestamp) and self.breaks_off_at is None):
            return False
        record = self._log.read(walk.last_at, walk.at - walk.last_at) or b""
        if int.from_bytes(record[:4], "big") != len(record):    # a blank was written behind it: it is whole
            return False
        in_last_sector = (walk.at - 1 - self._log.first_offset) % self._log.file_size % SECTOR + 1
        torn = (self.breaks_off_at is not None and walk.last_at < self.breaks_off_at < walk.at) or (
            zeros_at_end(record) < in_last_sector < len(record) and not any(record[-in_last_sector:])
        )
        if torn:
            path = self._path_of(walk.at - 1)
            log.warning("%s: torn at %d (its end is missing), the log ends here", path, walk.last_at)
        return torn

    def dispatch(self, start: int) -> None:
        """Mend queues and index from the records at `start` and behind; where they lack more than that, from all."""
        first = self._log.first_offset
        check_crc = bool(self.damaged)          # what find_end stepped over gets no queue entry either
        walk = LogWalk(self._writer, start, dispatch=True, check_crc=check_crc, fill_gaps=start <= first)
        if not self._walk(walk):
            log.warning("queues lack entries before %d: all are rebuilt from the commit log", start)
            walk = LogWalk(self._writer, first, dispatch=True, check_crc=check_crc, fill_gaps=True)
            self._walk(walk)
        for at, topic, queue_id in walk.unreachable[:MOST_TOLD]:
            log.error(
                "%s: the message at %d is to topic %r, queue %d, which cannot be a folder's name: it stays in the log, "
                "the others are served", self._path_of(at), at, topic, queue_id,
            )
        if len(walk.unreachable) > MOST_TOLD:
            log.error("and %d more such messages", len(walk.unreachable) - MOST_TOLD)

    def _walk(self, walk: LogWalk) -> bool:
        """To the end of the log, over damage that is certain not to be a torn tail; False: a queue ends too early."""
        while True:
            why = walk.run(STEP_BYTES)
            self._say(walk.at)
            if why == "GAP":
                return False
            if why == "END" and walk.at >= self._log.end_offset:
                return True
            if why != "MORE" and not self._step_over(walk, why):
                return True

    def _step_over(self, walk: LogWalk, why: str) -> bool:
        """Go on behind damage if what stands there was on disk for certain; False: the log ends here."""
        found = self._next_record(walk.at)
        if found is None:
            if why != "END":
                log.warning("%s: torn at %d (%s), the log ends here", self._path_of(walk.at), walk.at, why)
            return False
        damage = (walk.at, found - walk.at)
        if damage not in self.damaged:  # dispatching walks here again
            self.damaged.append(damage)
            log.error(
                "%s: damaged at offset %d (%s): %d bytes cannot be read, the record at %d and those behind it can",
                self._path_of(walk.at), walk.at, why, found - walk.at, found,
            )
        walk.at = found
        return True

    def _next_record(self, at: int) -> int | None:
        """The next whole record that was on disk for certain."""
        tail_start = self._last_used_file()
        for start in self._log.file_starts:
            if start + self._log.file_size <= at:
                continue
            for first, behind in data_extents(self._path_of(start), max(at + 1, start) - start, self._log.file_size):
                found = find_record(self._writer, start + first, start + behind)
                if found is not None:
                    offset, store_time = found
                    is_stale = at < tail_start and self._is_checkpoint_stale(store_time)
                    return offset if self._clean or is_stale or self._was_synced(offset, store_time) else None
        return None

    def _was_synced(self, offset: int, store_time: int) -> bool:
        """Was this record on disk for certain? Of the checkpoint's own millisecond some came behind the sync."""
        return store_time < self._safe_ms or (store_time == self._safe_ms and offset < self.safe_end)

    def _is_checkpoint_stale(self, store_time: int) -> bool:
        """Is it missing, or so old that a message of this time was on disk all the same?"""
        begin_ms = self._safe_ms or first_record_time(self._writer, self._log.first_offset)
        return not self._checkpoint.is_known or store_time > begin_ms + STALE_MS

    def _last_used_file(self) -> int:
        """Where the newest file begins that holds a record: damage before it is in a closed file."""
        newest_first = reversed(self._log.file_starts)
        return next((start for start in newest_first if first_record_time(self._writer, start)), 0)

    def _path_of(self, offset: int) -> str:
        starts = self._log.file_starts
        number = (offset - starts[0]) // self._log.file_size if starts else -1
        return self._log.paths[number] if 0 <= number < len(starts) else self._log.folder

    def _say(self, at: int) -> None:
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._said_ms >= SAY_EVERY_MS:
            self._said_ms = now_ms
            log.info("recovery is at %d of at most %d", at, self._log.end_offset)

    # -- where to begin ------------------------------------------------------------------------------------------

    def start_offset(self) -> int:
        """Where checking begins: near the end after a clean stop, else where the checkpoint vouches for all before."""
        if self._clean:
            return self._last_known_record()
        least_ms = self._checkpoint.min_timestamp
        if self._config.message_index_enable and self._config.message_index_safe:
            least_ms = self._checkpoint.min_timestamp_index
        for start in reversed(self._log.file_starts):
            store_time = first_record_time(self._writer, start)
            if 0 < store_time <= least_ms:
                return start
        return self._log.first_offset

    def _last_known_record(self) -> int:
        """The last record a queue points at: after a clean stop everything before it is on disk."""
        starts = self._log.file_starts
        least = starts[-min(3, len(starts))] if starts else 0
        named = (queue.last_physical_offset for queue in self._writer.queues.values())
        for offset in sorted((offset for offset in named if offset > least), reverse=True):
            if first_record_time(self._writer, offset):
                return offset
        return least


def load_queues(writer: StoreWriter) -> list[ConsumeQueue]:
    """Open every consume queue of the folder and find its end; what is odd about its files is said."""
    queues = []
    for topic, queue_id in queue_folders(writer.queue_folder):
        queue = writer.queue(os.fsencode(topic), queue_id)
        notes = queue.load()
        for note in notes:
            log.warning("%s", note)
        queue.recover(from_first=bool(notes))
        queues.append(queue)
    return queues


def queue_folders(folder: str) -> Iterator[tuple[str, int]]:
    """(topic, queue id) of every folder <topic>/<queue id>; another name is left alone with a line in the log."""
    for topic in sub_folders(folder):
        for queue in sub_folders(topic.path):
            if queue.name.isascii() and queue.name.isdigit() and str(int(queue.name)) == queue.name:
                yield topic.name, int(queue.name)
            else:
                log.warning("%s is no queue's folder and is left alone", queue.path)


def cut_untrue_tails(writer: StoreWriter, start: int) -> int:
    """Cut the entries at queues' ends that do not point at their own record; where dispatching must begin then."""
    for queue in writer.queues.values():
        end = trusted_end(writer, queue)
        if end < queue.max_offset:
            log.warning(
                "%s: the last %d entries do not lead to its messages and are made anew",
                queue.files.folder, queue.max_offset - end,
            )
            queue.cut_at(end)
            start = min(start, max(queue.max_physical_offset, writer.log.first_offset))
    return start


def zeros_at_end(record: bytes) -> int:
    """How many bytes at a record's end may be zero: the length of its properties when there are none."""
    (body_size,) = BODY_SIZE.unpack_from(record, BODY_SIZE_AT)
    topic_size = record[BODY_SIZE_AT + 4 + body_size]
    return 2 if len(record) == RECORD_OVERHEAD + body_size + topic_size else 0


def data_extents(path: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a file's [start, end) that are no holes: a sparse file's rest is not read through for nothing."""
    fd = os.open(path, os.O_RDONLY)
    try:
        while start < end:
            try:
                first = os.lseek(fd, start, os.SEEK_DATA)
            except OSError:
                return
            start = os.lseek(fd, first, os.SEEK_HOLE)
            yield first, min(start, end)
    finally:
        os.close(fd)
