"""Units beside the consume queues (consumequeue_ext): opened and made to agree with the entries, and cleaned.

A unit is worth nothing without the entry that leads to it, and an entry does without its unit: what is missing or wrong
is never waited for, its entry gets its plain tags code back. Invariant: after `open_units` and the dispatching it asks
for, an address leads to its own unit, and no unit to come can take its place.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.consume_queue_ext import ConsumeQueueExt, is_address
from rocketpy._core.store_reader import store_time
from rocketpy._core.store_writer import StoreWriter
from rocketpy.store.file_sizes import files_of
from rocketpy.store.recovery import queue_folders

log = logging.getLogger("RocketmqStore")

FIRST_ADDRESS = -(1 << 63)
MOST_LOST = 1000  # that many entries in a row without their unit, and the units of the queue are given up


def open_units(writer: StoreWriter, start: int) -> int:
    """Open the units of all queues; where dispatching must begin, at `start` or before, to mend what lacks its own."""
    assert writer.ext_folder is not None
    folders = set(queue_folders(writer.ext_folder))
    for (topic, queue_id), queue in writer.queues.items():
        name = os.fsdecode(topic)
        if writer.puts_units or (name, queue_id) in folders or queue.ended_with_address:
            start = min(start, _open(writer, queue))
        folders.discard((name, queue_id))
    _remove_orphans([Path(writer.ext_folder, name, str(queue_id)) for name, queue_id in sorted(folders)])
    return start


def _open(writer: StoreWriter, queue: ConsumeQueue) -> int:
    ext, notes = writer.load_ext(queue)
    for note in notes:
        log.warning("%s", note)
    start = _find_end(writer, queue, ext)
    queue.correct_min_offset(writer.log.first_offset)
    first = queue.stored_entry(queue.min_offset)
    lost_first = first is not None and is_address(first[2]) and not _is_own(writer, ext, first)
    return writer.log.first_offset if notes or lost_first else start


def _find_end(writer: StoreWriter, queue: ConsumeQueue, ext: ConsumeQueueExt) -> int:
    """Cut the units behind the last entry's own one; from where on entries lack theirs, or the end of the log."""
    start = writer.log.end_offset
    index = queue.max_offset
    for _ in range(MOST_LOST if ext.files.file_starts else 1):
        found = queue.address_before(index)
        entry = None if found is None else queue.stored_entry(found[0])
        if found is None or entry is None or entry[0] < writer.log.first_offset:
            _give_up(ext)
            return start
        if _is_own(writer, ext, entry) and ext.end_behind(entry[2]):
            return start
        index, start = found[0], entry[0]
    _give_up(ext)
    return writer.log.first_offset


def _is_own(writer: StoreWriter, ext: ConsumeQueueExt, entry: tuple[int, int, int]) -> bool:
    unit = ext.unit(entry[2])
    return unit is not None and unit[1] == store_time(writer, entry[0])


def _give_up(ext: ConsumeQueueExt) -> None:
    if ext.files.file_starts:
        log.warning("%s: no entry leads to these units, they are removed", ext.files.folder)
    ext.destroy()


def _remove_orphans(folders: list[Path]) -> None:
    """Units of queues that are not there: their entries, if they come back from the log, get new ones."""
    for folder in folders:
        for start, _ in list(files_of(str(folder))):
            (folder / f"{start:020d}").unlink()
        remove_if_empty(folder)
        remove_if_empty(folder.parent)
    if folders:
        log.warning("units of %d queues that do not exist are removed, such as %s", len(folders), folders[0])


def remove_if_empty(folder: Path) -> None:
    """Remove the folder unless there is something in it, or none."""
    with suppress(OSError):
        folder.rmdir()


def say_what_was_mended(writer: StoreWriter) -> None:
    """One line for all; the entries were changed where they had been on disk before, so that all go there again."""
    mended = {queue.ext: queue for queue in writer.queues.values() if queue.ext is not None and queue.ext.mended}
    for queue in mended.values():
        queue.files.unflushed_from(0)
    if mended:
        log.warning(
            "the units of %d entries in %d queues were missing or wrong, such as in %s: these have plain tags codes",
            sum(ext.mended for ext in mended), len(mended), next(iter(mended)).files.folder,
        )


def take_expired(queue: ConsumeQueue) -> list[str]:
    """Take out the files of units before the first valid entry's, but for the last file; their paths, to unlink."""
    ext = queue.ext
    if ext is None or ext.files.tail < 1:
        return []
    address = queue.address_from(queue.min_offset)
    return ext.detach_before(FIRST_ADDRESS + ext.files.end_offset if address is None else address)


def say_refusal(queue: ConsumeQueue) -> None:
    """One line when the disk gave no room for units since the last call; then it is asked again."""
    error = 0 if queue.ext is None else queue.ext.take_refusal()
    if error and queue.ext is not None:
        log.error(
            "%s: no room for units (%s), entries have plain tags codes meanwhile: filters by tag work, those by SQL92 "
            "read more; make room there", queue.ext.files.folder, os.strerror(error),
        )
