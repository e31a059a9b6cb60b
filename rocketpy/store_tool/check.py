"""Checks a store folder as a whole: log, queues, index and state are compared with each other.

Nothing is written, made, locked or mapped: any store can be looked at, a Java broker's and a running one's. Of a
running one only what was in the log at the start is looked at, and what two looks agree on is told.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rocketpy._core.check_files import Findings, LogFiles
from rocketpy._core.check_index import IndexChecks
from rocketpy._core.check_log import LogCheck
from rocketpy._core.check_queues import QueueChecks
from rocketpy.config.store import MessageStoreConfig
from rocketpy.errors import StoreError
from rocketpy.store import file_sizes
from rocketpy.store.delay_levels import SCHEDULE_TOPIC, delays_ms
from rocketpy.store.lock import lock_holder
from rocketpy.store.paths import StorePaths
from rocketpy.store_tool.folder import (
    OffsetFile,
    QueueFolder,
    check_layout,
    data_end,
    log_end,
    offset_files,
    queue_folders,
)
from rocketpy.store_tool.index_sizes import IndexFilePlace, dimensions, index_paths
from rocketpy.store_tool.report import Report
from rocketpy.store_tool.state_files import (
    check_checkpoint,
    check_config,
    check_queue_ends,
    table,
)
from rocketpy.store_tool.texts import INDEX, LOG, QUEUE, place_in_index, when

MOST_TOLD = 20                      # findings of a kind
STEP_BYTES = 16 << 20
WINDOW_BYTES = 32 << 20             # all queues' windows together
ENTRY = 20
LOOKS = 3                           # at a running store, before what two of them agree on is told
PAUSE_S = 0.5

Progress = Callable[[int, int], None]    # bytes of the log walked, of how many


@dataclass(frozen=True)
class StoreFolder:
    """A store as it is to be checked: where, with which settings, and which of these somebody has set."""

    paths: StorePaths
    config: MessageStoreConfig
    configured: frozenset[str] = frozenset()      # names in the properties file

    @classmethod
    def at(cls, root: str | Path, commit_log: str | Path | None = None) -> "StoreFolder":
        """The folder with upstream's defaults."""
        log = str(commit_log) if commit_log is not None else f"{root}/commitlog"
        config = MessageStoreConfig(store_path_root_dir=str(root), store_path_commit_log=log)
        return cls(StorePaths.of(config), config)


def check_store(
    store: str | Path | StoreFolder,
    *,
    most: int = MOST_TOLD,
    progress: Progress = lambda done, total: None,
    pause: Callable[[float], None] = time.sleep,
) -> Report:
    """Look at a whole store; StoreError when there is none that can be read."""
    folder = store if isinstance(store, StoreFolder) else StoreFolder.at(store)
    try:
        must_be_store(folder.paths)
        return _agreed(folder, most, progress, pause)
    except OSError as error:
        raise StoreError(f"{error.filename}: {error.strerror}; run as the broker's user") from error


def must_be_store(paths: StorePaths) -> None:
    """StoreError unless there is something of a store: another folder must not be told to be clean."""
    if not paths.root.is_dir():
        raise StoreError(f"{paths.root} is no folder; name the store's (storePathRootDir)")
    parts = (paths.commit_log, paths.consume_queue, paths.index, paths.checkpoint, paths.lock)
    if not any(path.exists() for path in parts):
        raise StoreError(
            f"{paths.root} holds no store; name its folder (storePathRootDir), and --commitlog where that is apart"
        )


def _agreed(folder: StoreFolder, most: int, progress: Progress, pause: Callable[[float], None]) -> Report:
    """One look, or as many as a running broker's messages in flight ask for."""
    held_by = lock_holder(folder.paths.lock)
    report = Check(folder, most, held_by, progress).run()
    for _ in range(LOOKS - 1):
        if report.clean or held_by is None:
            break
        pause(PAUSE_S)
        again = Check(folder, most, held_by, progress).run()
        again.only_with(report)
        report = again
    return report


class Check:
    """One look at a store."""

    def __init__(self, folder: StoreFolder, most: int, held_by: int | None, progress: Progress) -> None:
        self._folder = folder
        self._paths = folder.paths
        self._config = folder.config
        self._held_by = held_by
        self._live = held_by is not None
        self._progress = progress
        self._findings = Findings(most)
        self._report = Report(most)
        self._log_files: list[OffsetFile] = []
        self._queue_paths: list[QueueFolder] = []
        self._index_places: list[IndexFilePlace] = []
        self._queue_size = 0
        self._topics: set[str] = set()
        self._knows_topics = False
        self._deleted: Counter[str] = Counter()

    def run(self) -> Report:
        self._look_at_state()
        log = self._open_log()
        queues = self._open_queues(log)
        index = self._open_index(log)
        walk = self._walk(log, queues, index)
        self._check_state(queues, walk)
        self._tell(queues)
        self._sum_up(log, queues, index, walk)
        log.close()
        return self._report

    # -- what there is ----------------------------------------------------------------

    def _look_at_state(self) -> None:
        if self._live:
            who = f"process {self._held_by}" if self._held_by else "a process that cannot be seen from here"
            self._report.note(f"{self._paths.lock} is held by {who}: a running broker, checked up to its last message")
        elif self._paths.abort.exists():
            self._report.note(f"{self._paths.abort} is there: the broker did not stop cleanly, its next start recovers")

    def _open_log(self) -> LogFiles:
        """The log's files, with a look at where it ends before anything else is looked at."""
        folder = str(self._paths.commit_log)
        files, stray = offset_files(folder)
        for path in stray:
            self._report.note(f"{path} is no commit log file and is left alone")
        if not files:
            self._report.note(f"{folder} holds no commit log")
        size = file_sizes.commit_log_size(folder, self._config.mapped_file_size_commit_log)
        check_layout(self._report, "log", files, size)
        self._log_files = files
        rows = [(os.fsencode(file.path), file.start, min(file.length, size)) for file in files]
        return LogFiles(rows, size, log_end(files), self._live)

    def _open_queues(self, log: LogFiles) -> QueueChecks:
        folder, ext = str(self._paths.consume_queue), self._paths.consume_queue_ext
        size = self._queue_size = file_sizes.consume_queue_size(folder, self._config.mapped_file_size_consume_queue)
        found = list(queue_folders(self._report, Path(folder)))
        ext_size = self._ext_size(found)
        queues = QueueChecks(log, self._findings, size, ext_size, WINDOW_BYTES, len(found))
        queues.set_delays(delays_ms(self._config.message_delay_level))
        for queue in found:
            files, stray = offset_files(queue.path)
            for path in stray:
                self._report.note(f"{path} is no consume queue file and is left alone")
            check_layout(self._report, "queue", files, size)
            ext_path = ext / os.fsdecode(queue.topic) / str(queue.queue_id)
            first, end = (files[0].start // ENTRY, (files[-1].start + size) // ENTRY) if files else (0, 0)
            has_ext = ext_size and ext_path.is_dir()
            queues.add(
                queue.topic,
                queue.queue_id,
                os.fsencode(queue.path),
                os.fsencode(ext_path) if has_ext else None,
                first,
                end,
            )
        self._queue_paths = found
        return queues

    def _ext_size(self, queues: list[QueueFolder]) -> int:
        """Size of the extension's files, 0 when there are none."""
        ext = self._paths.consume_queue_ext
        if not ext.is_dir():
            return 0
        for queue in queues:
            files, _ = offset_files(str(ext / os.fsdecode(queue.topic) / str(queue.queue_id)))
            if files:
                return files[0].length
        return 0

    def _open_index(self, log: LogFiles) -> IndexChecks | None:
        paths = index_paths(self._paths.index, self._report)
        places = dimensions(paths, (self._config.max_hash_slot_num, self._config.max_index_num))
        for place in places:
            if not place.slots:
                length = Path(place.path).stat().st_size
                told = f"has {length} bytes, which maxHashSlotNum and maxIndexNum do not give"
                self._report.add("index-file-size", place.path, 0, f"{told}: name the properties file (-c)")
        if len(paths) == 0:
            self._tell_no_index()
        if not paths or not all(place.slots for place in places):
            return None
        self._index_places = places
        files = [(os.fsencode(path), slots, capacity) for path, slots, capacity in places]
        return IndexChecks(log, self._findings, files)

    def _tell_no_index(self) -> None:
        path = self._paths.index
        if not self._config.message_index_enable:
            self._report.note(f"{path} holds no index: messageIndexEnable=false")
        elif "messageIndexEnable" in self._folder.configured:
            self._report.add("index-none", path, 0, "holds no index, but messageIndexEnable=true")
        else:
            self._report.note(f"{path} holds no index: nothing is found by key (messageIndexEnable=false, or lost)")

    # -- the walk ----------------------------------------------------------------

    def _walk(self, log: LogFiles, queues: QueueChecks, index: IndexChecks | None) -> LogCheck:
        walk = LogCheck(log, self._findings, queues, index)
        first, total = log.first, log.until - log.first
        while walk.run(STEP_BYTES):
            self._progress(walk.at - first, total)
        self._progress(total, total)
        walk.close()
        if not self._live:
            log.until = walk.end    # what leads behind it leads nowhere
        for number in range(queues.count):
            queues.finish(number)
        if index is not None:
            index.finish()
        return walk

    # -- what is beside the messages ----------------------------------------------------------------

    def _check_state(self, queues: QueueChecks, walk: LogCheck) -> None:
        ends: dict[tuple[str, int], int] = {}
        for number in range(queues.count):
            topic, queue_id, _ = queues.name(number)
            ends[os.fsdecode(topic), queue_id] = self._queue_end(queues, number)

        def end_of(topic: str, queue_id: int) -> int | None:
            return ends.get((topic, queue_id))

        check_checkpoint(self._report, self._paths.checkpoint, walk.latest_time, self._live)
        states = check_config(self._report, self._paths, end_of, self._live)
        check_queue_ends(self._report, self._paths.root, end_of, walk.end)
        self._topics = set(table(states["topics"], "topicConfigTable")) | {SCHEDULE_TOPIC}
        self._knows_topics = states["topics"] is not None

    def _queue_end(self, queues: QueueChecks, number: int) -> int:
        """Queue offset behind the last message; where the log has none any more, behind the last entry."""
        if (queues.records(number) and not self._live) or number >= len(self._queue_paths):
            return queues.ending(number)
        files, _ = offset_files(self._queue_paths[number].path)
        ends = [(file.start + data_end(file.path, file.length) + ENTRY - 1) // ENTRY for file in files[-2:]]
        return max([queues.ending(number) if queues.records(number) else queues.first(number), *ends])

    # -- what is told ----------------------------------------------------------------

    def _tell(self, queues: QueueChecks) -> None:
        rest = self._findings.counts()
        for kind, file, offset, first, second in self._findings.rows():
            rest[kind] -= 1
            if kind in LOG:
                path = self._log_files[file]
                self._report.add(kind, path.path, offset - path.start, LOG[kind](offset, first, second))
            elif kind in QUEUE:
                self._tell_queue(kind, queues, file, offset, QUEUE[kind](offset, first, second))
            else:
                self._tell_index(kind, file, offset, first, second)
        self._report.counts.update({kind: count for kind, count in rest.items() if count})

    def _tell_queue(self, kind: str, queues: QueueChecks, number: int, index: int, text: str) -> None:
        topic_bytes, queue_id, has_folder = queues.name(number)
        topic = os.fsdecode(topic_bytes)
        folder = self._paths.consume_queue / topic / str(queue_id)
        if has_folder:
            at = index * ENTRY
            start = at - at % self._queue_size
            self._report.add(kind, folder / f"{start:020d}", at - start, f"{text} (queue {queue_id} of {topic})")
        elif self._knows_topics and topic not in self._topics:
            self._deleted[topic] += 1
        else:
            self._report.add(kind, folder, 0, text)

    def _tell_index(self, kind: str, file: int, offset: int, first: int, second: int) -> None:
        text = INDEX[kind](offset, first, second)
        if kind == "index-missing":
            self._report.add(kind, self._paths.index, 0, text)
            return
        place = self._index_places[file]
        self._report.add(kind, place.path, place_in_index(kind, offset, place.slots), text)

    def _sum_up(self, log: LogFiles, queues: QueueChecks, index: IndexChecks | None, walk: LogCheck) -> None:
        for topic, count in self._deleted.items():
            self._report.note(
                f"{topic} was deleted (it is not in topics.json), the log has messages of {count} of its queues"
            )
        if walk.backwards:
            self._report.note(
                f"the store time goes back by more than an hour at {walk.backwards_at}, {walk.backwards} times in all"
            )
        if queues.other_delays:
            self._report.note(
                f"{queues.other_delays} delayed messages have a time of delivery that the levels "
                f"{self._config.message_delay_level!r} do not give: other levels were in force when they came"
            )
        if queues.restarts:
            self._report.note(f"{queues.restarts} messages are of queues that were destroyed and began anew")
        self._report.summary = {
            "log": {
                "folder": str(self._paths.commit_log),
                "files": log.count,
                "file_size": log.file_size,
                "records": walk.records,
                "bytes": walk.end - log.first,
                "first_offset": log.first,
                "end_offset": walk.end,
                "first_store_time": when(walk.first_time) if walk.records else None,
                "last_store_time": when(walk.last_time) if walk.records else None,
                "types": dict(zip(("none", "prepared", "commit", "rollback"), walk.by_type, strict=True)),
            },
            "queues": {
                "queues": len(self._queue_paths),
                "topics": len({queue.topic for queue in self._queue_paths}),
                "file_size": self._queue_size,
                "entries": queues.entries,
            },
            "index": {"files": len(self._index_places), "entries": index.entries if index else 0},
            "state": {
                "live": self._live,
                "abort": self._paths.abort.exists(),
                "checkpoint": self._paths.checkpoint.exists(),
                "config": sorted(path.name for path in self._paths.config.glob("*.json")),
            },
        }
