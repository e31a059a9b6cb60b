"""Which file sizes are in force: those of the files that exist, else the configured ones.

A store goes on with the size it has; the log says so when the configuration wants another one.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from pathlib import Path

log = logging.getLogger("RocketmqStore")

ENTRY_SIZE = 20
SAMPLED_FILES = 64
PLAUSIBLE_BYTES = 1024


def commit_log_size(folder: str, configured: int) -> int:
    """Size of commit log files; a single file of an odd length is damage, no choice of size."""
    if _is_cut_off(folder, configured):
        return configured
    return _in_force("mappedFileSizeCommitLog", folder, configured, files_of(folder), PLAUSIBLE_BYTES)


def _is_cut_off(folder: str, configured: int) -> bool:
    """Is the log a single file that lost its end? Then it has data up to its last byte, and its length is no choice."""
    found = list(islice(files_of(folder), 2))
    if len(found) != 1 or not 0 < found[0][1] < configured:
        return False
    with (Path(folder) / f"{found[0][0]:020d}").open("rb") as file:
        file.seek(-min(8, found[0][1]), os.SEEK_END)
        return any(file.read())


def consume_queue_size(folder: str, configured: int) -> int:
    """Size of consume queue files, taken from a sample of them."""
    files = (file for queue in _folders(folder) for file in files_of(queue))
    return _in_force("mappedFileSizeConsumeQueue", folder, configured, islice(files, SAMPLED_FILES), ENTRY_SIZE)


def consume_queue_ext_size(folder: str, configured: int) -> int:
    """Size of consumequeue_ext files, any number of bytes; but a single file of an odd length is damage."""
    files = list(islice((file for queue in _folders(folder) for file in files_of(queue)), SAMPLED_FILES))
    seen = Counter(length for _, length in files)
    likely = [(start, length) for start, length in files if seen[length] > 1 or length % PLAUSIBLE_BYTES == 0]
    return _in_force("mappedFileSizeConsumeQueueExt", folder, configured, likely, 1)


def _in_force(name: str, folder: str, configured: int, files: Iterable[tuple[int, int]], unit: int) -> int:
    found = list(files)
    lengths = Counter(length for _, length in found if length)
    if configured in lengths:                   # files of another length are damaged then
        return configured
    for length, _ in lengths.most_common():
        if length % unit == 0 and all(start % length == 0 for start, _ in found) and not _fits(found, configured):
            log.warning(
                "%s: files have %d bytes and keep that size, %s=%d has no effect here", folder, length, name, configured
            )
            return length
    return configured


def _fits(found: list[tuple[int, int]], configured: int) -> bool:
    """Names that only the configured size explains: then a file of another length is damage."""
    starts = sorted(start for start, _ in found)
    return len(starts) > 1 and all(after - before == configured for before, after in pairwise(starts))


def first_damaged(folder: str, size: int) -> int | None:
    """First offset of the first file that is too short, or missing between others."""
    lengths = {start: length for start, length in files_of(folder) if start % size == 0}
    for start in sorted(lengths):
        if lengths[start] < size:
            return start
        if start + size not in lengths and start != max(lengths):
            return start + size
    return None


def last_file_ends_at(folder: str, size: int) -> int | None:
    """Where the last file breaks off, if it is too short: what crosses that offset is torn."""
    start, length = max(((start, length) for start, length in files_of(folder) if start % size == 0), default=(0, size))
    return start + length if length < size else None


def files_of(folder: str) -> Iterator[tuple[int, int]]:
    """(first offset, length) of every file named by an offset."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(entry.name) == 20 and entry.name.isascii() and entry.name.isdigit() and entry.is_file():
                    yield int(entry.name), entry.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return


def _folders(folder: str) -> Iterator[str]:
    """The folders <topic>/<queue id>."""
    for topic in sub_folders(folder):
        for queue in sub_folders(topic.path):
            yield queue.path


def sub_folders(folder: str) -> list[os.DirEntry[str]]:
    """Folders of a folder by name; none when it is not there."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if entry.is_dir()), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
