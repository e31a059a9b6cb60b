"""The folder of index files: which file keys go to, and where messages of a key are.

Files are named by the local time they were made at and stand in the order of the log. Invariant: the files together
cover the log without gaps up to `indexed_to`; what damage takes away is dropped with everything behind it, so that
dispatching the log from there makes it whole again.
"""

import errno
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rocketpy._core.index_file import IndexFile, IndexWriter
from rocketpy._core.mapped_files import read_in
from rocketpy.clock import Clock
from rocketpy.errors import StoreError
from rocketpy.json_file import make_folder, sync_folder
from rocketpy.store.checkpoint import Checkpoint

log = logging.getLogger("RocketmqStore")

HEADER_SIZE = 40
SLOT_SIZE = 4
NAME_SIZE = 17                      # yyyyMMddHHmmssSSS

# (physical offset, whether a record there counts itself) -> offset of the first message with keys from there, or None
NextKeyed = Callable[[int, bool], int | None]


class IndexQuery(NamedTuple):
    """Where messages of a key are, oldest first, and how far the index goes."""

    offsets: list[int]
    last_update_timestamp: int
    last_update_physical_offset: int


def run_here(call: Callable[[], None]) -> None:
    call()


class IndexFolder:
    """All index files of a store. The store writer puts through `writer`; everything else comes in here."""

    def __init__(
        self,
        folder: str | Path,
        slots: int,
        capacity: int,
        clock: Clock,
        checkpoint: Checkpoint,
        run_aside: Callable[[Callable[[], None]], None] = run_here,
    ) -> None:
        """`run_aside` runs a call that waits for the disk where nobody waits for it."""
        self.folder = Path(folder)
        self.files: list[IndexFile] = []
        self.writer = IndexWriter(self._make_file)
        self._slots = slots
        self._capacity = capacity
        self._clock = clock
        self._checkpoint = checkpoint
        self._run_aside = run_aside
        self._unflushed: list[IndexFile] = []       # full or not, files written to since the start
        self.refused: Callable[[OSError], None] | None = None   # hears of a disk that refuses a flush aside; any thread

    # --- start ---

    def load(self) -> None:
        """Open the files; the first one that cannot be an index file goes, and the later ones with it."""
        self.files.clear()
        paths = self._paths()
        for position, path in enumerate(paths):
            try:
                self.files.append(IndexFile(str(path), self._slots, self._capacity))
            except (StoreError, OSError) as error:
                log.error("%s: it and the %d files behind it are made anew", error, len(paths) - position - 1)
                self._unlink(paths[position:])
                break
        self._go_on()

    def recover(self, log_start: int, log_end: int, next_keyed: NextKeyed, clean_exit: bool) -> None:
        """Leave only what is sound and covers the log without gaps; the log is then dispatched from `indexed_to`."""
        trusted_ms = self._checkpoint.index_msg_timestamp
        for position, file in enumerate(self.files):
            if not file.count or not self._follows(position, log_start, next_keyed):
                log.error("%s: empty, or messages before it are missing: the index is made anew from there", file.path)
                self._drop_from(position)
                break
            trusted = (clean_exit or file.end_timestamp <= trusted_ms) and file.end_physical_offset < log_end
            if trusted and file.is_garbled():
                log.error("%s: garbled: it and the files behind it are made anew", file.path)
                self._drop_from(position)
                break
            if not trusted and not self._mend(file, log_end):
                self._drop_from(position + 1 if file.count else position)
                break
        self._take_out_split_message()
        self._go_on()

    @property
    def indexed_to(self) -> int:
        """Messages before this offset are indexed; the one at it perhaps with some of its keys only."""
        return self.files[-1].end_physical_offset if self.files else 0

    def _paths(self) -> list[Path]:
        try:
            paths = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return []
        stray = [path for path in paths if not (len(path.name) == NAME_SIZE and path.name.isdecimal())]
        for path in stray:
            log.warning("%s is no index file and is left alone", path)
        return [path for path in paths if path not in stray]

    def _follows(self, position: int, log_start: int, next_keyed: NextKeyed) -> bool:
        """Whether no message with keys stands between the file before, or the log's start, and this one."""
        begin = self.files[position].begin_physical_offset
        before = self.files[position - 1].end_physical_offset if position else -1
        if before < log_start:
            expected = next_keyed(log_start, True)
        else:
            expected = before if begin == before else next_keyed(before, False)
        return begin <= log_start or begin == expected

    def _mend(self, file: IndexFile, log_end: int) -> bool:
        """Cut off what makes no sense; True when nothing had to be cut."""
        before = file.count
        sound = file.sound_entries(log_end)
        chains_broken = file.check_chains()
        if chains_broken:           # perhaps by a garbled hash, whose key nobody would find: dispatched again
            sound = min(sound, chains_broken - 1)
        if sound == before and not chains_broken and file.is_garbled():     # the header is not the last entry's
            sound -= 1
        if sound < before or chains_broken:
            file.cut(sound)
            log.warning("%s: damaged, %d of %d entries are sound and remain", file.path, sound, before)
        return sound == before

    def _take_out_split_message(self) -> None:
        """Take out a last message whose keys stand in two files: dispatched again, it must not be there twice."""
        while len(self.files) > 1 and self.files[-2].end_physical_offset == self.indexed_to:
            last = self.indexed_to
            while self.files and self.files[-1].end_physical_offset == last:
                before = self.files[-1].sound_entries(last)
                if before:
                    self.files[-1].cut(before)
                else:
                    self._drop_from(len(self.files) - 1)

    def _drop_from(self, position: int) -> None:
        self._unlink([Path(file.path) for file in self.files[position:]])
        del self.files[position:]

    def _go_on(self) -> None:
        self.writer = IndexWriter(self._make_file, self.files[-1] if self.files else None)
        self._unflushed = self.files[-1:]

    # --- writing ---

    def _make_file(self) -> IndexFile:
        try:
            make_folder(self.folder)
            file = IndexFile(str(self._free_path()), self._slots, self._capacity, create=True)
        except OSError as error:
            log.error("no new index file in %s: %s", self.folder, error.strerror)
            raise
        self.files.append(file)
        self._unflushed.append(file)
        log.info("index goes on in %s", file.path)
        self.flush_full()
        return file

    def _free_path(self) -> Path:
        """A name later than every other, so that the order of names stays the order of the log."""
        now_ms = self._clock.now_ms()
        name = file_name(now_ms)
        last = Path(self.files[-1].path).name if self.files else ""
        while name <= last or (self.folder / name).exists():
            name = f"{int(max(name, last)) + 1:0{NAME_SIZE}d}"
        return self.folder / name

    def bring_in(self) -> None:
        """Read the slots of the file written to, aside: each put touches one anywhere, and would wait for the disk."""
        for file in self.files[-1:]:
            self._run_aside(partial(bring_in_slots, file))

    def flush_full(self) -> None:
        """Bring full files to the disk, aside, and let the checkpoint know."""
        full = [file for file in self._unflushed if file.is_full]
        self._unflushed = [file for file in self._unflushed if not file.is_full]
        for file in full:
            self._run_aside(partial(self._flush_quietly, file))

    def _flush_quietly(self, file: IndexFile) -> None:
        try:
            self._flush_file(file)
        except OSError as error:
            log.error("index file %s is not on disk: %s", file.path, error)
            if self.refused is not None:
                self.refused(error)

    def _flush_file(self, file: IndexFile) -> None:
        is_full = file.is_full
        file.flush()
        sync_folder(self.folder)
        if is_full:
            self._vouch_for(file)

    def _vouch_for(self, file: IndexFile) -> None:
        self._checkpoint.index_msg_timestamp = max(self._checkpoint.index_msg_timestamp, file.end_timestamp)
        try:
            self._checkpoint.persist()
        except OSError as error:  # a full disk perhaps: the next one says it too
            log.warning("%s: not written (%s), tried again later", error.filename, error.strerror)

    def flush(self) -> None:
        """Wait until every file is on disk; any thread (it changes nothing), and a clean stop."""
        for file in list(self._unflushed):
            self._flush_file(file)

    # --- reading ---

    def query(self, topic: str, key: str, max_num: int, begin_ms: int, end_ms: int) -> IndexQuery:
        """Offsets of at most `max_num` messages of a key stored in [begin_ms, end_ms]; newest files are asked first."""
        offsets: list[int] = []
        files = list(self.files)                # a helper thread may ask while the loop drops old files
        for file in reversed(files):
            if len(offsets) >= max_num:
                break
            if file.is_time_matched(begin_ms, end_ms):
                offsets += file.select(topic, key, max_num - len(offsets), begin_ms, end_ms)
            if file.count and file.begin_timestamp < begin_ms:
                break
        newest = files[-1] if files else None
        return IndexQuery(
            sorted(offsets), newest.end_timestamp if newest else 0, newest.end_physical_offset if newest else 0
        )

    # --- cleaning ---

    def delete_expired(self, log_start: int) -> int:
        """Remove files, never the last, whose messages have all left the log; returns how many."""
        count = 0
        while count < len(self.files) - 1 and self.files[count].end_physical_offset < log_start:
            count += 1
        gone = self.files[:count]
        del self.files[:count]
        if gone:
            self._unflushed = [file for file in self._unflushed if file not in gone]
            self._run_aside(lambda: self._unlink(Path(file.path) for file in gone))
        return count

    def destroy(self) -> None:
        """Remove every file: there is no log any more."""
        self._drop_from(0)
        self._go_on()

    def _unlink(self, paths: Iterable[Path]) -> None:
        for path in paths:
            try:
                path.unlink()
                log.info("index file %s is removed", path)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    log.error("index file %s cannot be removed: %s", path, error.strerror)


def bring_in_slots(file: IndexFile) -> None:
    try:
        read_in(file.path, 0, HEADER_SIZE + file.slots * SLOT_SIZE)
    except OSError as error:
        log.warning("index file %s cannot be read ahead: %s", file.path, error.strerror)


def file_name(now_ms: int) -> str:
    """yyyyMMddHHmmssSSS in local time."""
    return time.strftime("%Y%m%d%H%M%S", time.localtime(now_ms // 1000)) + f"{now_ms % 1000:03d}"
