"""What is in a store folder: files named by offsets, queues, index files. Only looked at, never changed.

Invariant: a file that goes while one looks (a live broker cleans) is as if it had not been there.
"""

import contextlib
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from rocketpy.store.file_sizes import sub_folders
from rocketpy.store_tool.report import Report

NAME_SIZE = 20
CHUNK = 1 << 20


class OffsetFile(NamedTuple):
    """A file of the commit log or of a queue."""

    path: str
    start: int
    length: int


class QueueFolder(NamedTuple):
    """A folder <topic>/<queue id>, names as bytes of the file system."""

    topic: bytes
    queue_id: int
    path: str


def offset_files(folder: str) -> tuple[list[OffsetFile], list[str]]:
    """Files named by an offset, in order, and whatever else is there."""
    found: list[OffsetFile] = []
    stray: list[str] = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if is_offset(entry.name) and entry.is_file():
                    found.append(OffsetFile(entry.path, int(entry.name), entry.stat().st_size))
                else:
                    stray.append(entry.path)
    return sorted(found, key=lambda file: file.start), sorted(stray)


def is_offset(name: str) -> bool:
    return len(name) == NAME_SIZE and name.isascii() and name.isdigit()


def check_layout(report: Report, what: str, files: list[OffsetFile], file_size: int) -> None:
    """Each file has the size in force, a name that is a multiple of it, and follows the one before."""
    for file in files:
        if file.length != file_size:
            report.add(f"{what}-file-size", file.path, 0, f"has {file.length} bytes, {file_size} are right")
        if file.start % file_size:
            report.add(f"{what}-file-name", file.path, 0, f"its name is no multiple of the file size {file_size}")
    for before, after in pairwise(files):
        gap = after.start - before.start - file_size
        if gap and not after.start % file_size:
            report.add(f"{what}-file-gap", after.path, 0, f"{gap} bytes are missing between {before.path} and it")


def queue_folders(report: Report | None, root: Path) -> Iterator[QueueFolder]:
    """Every queue below `consumequeue`; other names are noted."""
    for topic in sub_folders(str(root)):
        for queue in sub_folders(topic.path):
            if queue.name.isascii() and queue.name.isdigit() and str(int(queue.name)) == queue.name:
                yield QueueFolder(os.fsencode(topic.name), int(queue.name), queue.path)
            elif report is not None:
                report.note(f"{queue.path} is no queue's folder and is left alone")


def data_end(path: str, length: int) -> int:
    """Behind the last byte of the file that is not zero; holes are not read through."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb", buffering=0) as file:
        for start, end in reversed(list(extents(file.fileno(), length))):
            while end > start:
                first = max(start, end - CHUNK)
                used = len(os.pread(file.fileno(), end - first, first).rstrip(b"\0"))
                if used:
                    return first + used
                end = first
    return 0


def extents(fd: int, length: int) -> Iterator[tuple[int, int]]:
    """The parts of a file that are no holes."""
    at = 0
    while at < length:
        try:
            first = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:         # nothing but a hole behind
            return
        at = os.lseek(fd, first, os.SEEK_HOLE)
        yield first, min(at, length)


def log_end(files: list[OffsetFile]) -> int:
    """Behind the last byte of the log that was written: a look at the end of a live one."""
    for file in reversed(files):
        used = data_end(file.path, file.length)
        if used:
            return file.start + used
    return files[0].start if files else 0
