"""Slots and entries of index files, which stand nowhere but in the broker's properties: from there, or worked out.

Invariant: worked-out dimensions are only believed when the header, the entries it names and the last entry's slot agree.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rocketpy.store_tool.folder import extents
from rocketpy.store_tool.report import Report

HEADER = struct.Struct(">qqqqii")
OFFSET = struct.Struct(">q")
NUMBER = struct.Struct(">i")
NAME_SIZE = 17                      # yyyyMMddHHmmssSSS
SLOT, ENTRY = 4, 20
OFFSET_IN_ENTRY = 4
CHUNK = 1 << 20

Dimensions = tuple[int, int]        # slots, entries


class IndexFilePlace(NamedTuple):
    """An index file and its dimensions; no slots: they are not known."""

    path: str
    slots: int
    capacity: int


def index_paths(folder: Path, report: Report | None = None) -> list[str]:
    """The index files of a folder, oldest first; other names are noted."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if len(path.name) == NAME_SIZE and path.name.isdecimal():
            found.append(str(path))
        elif report is not None:
            report.note(f"{path} is no index file and is left alone")
    return found


def dimensions(paths: list[str], configured: Dimensions) -> list[IndexFilePlace]:
    """Slots and capacity of each file: as configured, or as in the first file that tells them."""
    lengths = {path: os.stat(path).st_size for path in paths}
    by_length = {size_of(*configured): configured}
    for path, length in lengths.items():
        if length not in by_length:
            with suppress(StopIteration):
                by_length[length] = next(worked_out(path, length))
    return [IndexFilePlace(path, *by_length.get(length, (0, 0))) for path, length in lengths.items()]


def size_of(slots: int, capacity: int) -> int:
    return HEADER.size + SLOT * slots + ENTRY * capacity


def worked_out(path: str, length: int) -> Iterator[Dimensions]:
    """Dimensions with which the file's header leads to its first and last entries, and the last one's slot to it."""
    with open(path, "rb", buffering=0) as file:
        fd = file.fileno()
        head = os.pread(fd, HEADER.size, 0)
        if len(head) < HEADER.size:
            return
        _, _, begin, end, _, following = HEADER.unpack(head)
        if following <= 1:
            return
        for place in places_of(fd, OFFSET.pack(end), length):
            slots, rest = divmod(place - OFFSET_IN_ENTRY - size_of(0, following - 1), SLOT)
            capacity, more = divmod(length - size_of(slots, 0), ENTRY)
            if slots > 0 and not rest and not more and capacity >= following and agrees(fd, slots, following - 1, begin):
                yield slots, capacity


def agrees(fd: int, slots: int, last: int, begin: int) -> bool:
    first_entry = os.pread(fd, ENTRY, size_of(slots, 1))
    last_entry = os.pread(fd, ENTRY, size_of(slots, last))
    if min(len(first_entry), len(last_entry)) < ENTRY or OFFSET.unpack_from(first_entry, OFFSET_IN_ENTRY) != (begin,):
        return False
    (hash_code,) = NUMBER.unpack_from(last_entry)
    return os.pread(fd, SLOT, size_of(max(hash_code, 0) % slots, 0)) == NUMBER.pack(last)


def places_of(fd: int, pattern: bytes, length: int) -> Iterator[int]:
    """Where the bytes stand in the file; a chunk is held at a time, holes are passed over."""
    for start, end in extents(fd, length):
        at = start
        while at < end:
            data = os.pread(fd, CHUNK + len(pattern) - 1, at)
            hit = data.find(pattern)
            while hit >= 0:
                yield at + hit
                hit = data.find(pattern, hit + 1)
            at += CHUNK
