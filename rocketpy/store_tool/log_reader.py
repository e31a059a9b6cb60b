"""Reads records of a commit log that may be damaged, one after the other or at an offset, by pread only.

Invariant: a message is only given out when lengths, CRC and its own offset are right; anything else is a Gap that says
where and why, and reading goes on at the next whole record behind it.
"""

import os
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from rocketpy._core.commit_log import check_record
from rocketpy._core.message import Message, decode_message
from rocketpy.store_tool.folder import OffsetFile, log_end, offset_files

CHUNK = 1 << 20
HEAD = 8
LEAST_RECORD = 91
MAGIC = b"\xda\xa3\x20\xa7"
REASONS = {
    "TORN": "it would end behind its file",
    "BAD_MAGIC": "no record's magic code",
    "BAD_SIZE": "lengths within do not fit",
    "BAD_CRC": "the body's CRC is wrong",
    "BAD_OFFSET": "it says it stands elsewhere",
    "END": "zeros",
}


class Gap(NamedTuple):
    """Bytes of the log that are no record."""

    path: str
    offset: int         # in the log
    size: int
    reason: str


class LogReader:
    """One commit log, as long as it was when this was made."""

    def __init__(self, folder: str, file_size: int) -> None:
        self.files, _ = offset_files(folder)
        self.file_size = file_size
        self._starts = [file.start for file in self.files]
        self.first = self._starts[0] if self.files else 0
        self.end = log_end(self.files)
        self._chunk = b""
        self._chunk_at = 0

    def file_of(self, offset: int) -> OffsetFile | None:
        number = bisect_right(self._starts, offset) - 1
        if number < 0 or offset >= self.files[number].start + min(self.files[number].length, self.file_size):
            return None
        return self.files[number]

    def record_at(self, offset: int) -> Message | Gap:
        """The message whose record begins there."""
        file = self.file_of(offset)
        if file is None:
            return Gap("", offset, 0, "the log does not reach there")
        status, size = self._status(file, offset)
        if status != "MESSAGE":
            return Gap(file.path, offset, max(size, 0), REASONS.get(status, "a blank"))
        return decode_message(self._bytes(file, offset, size))

    def walk(self, start: int, end: int) -> Iterator[Message | Gap]:
        """What begins in [start, end); `start` need not be where a record begins."""
        at = max(start, self.first)
        end = min(end, self.end)
        whole = at == self.first or isinstance(self.record_at(at), Message)
        while at < end:
            file = self.file_of(at) or self._next_file(at)
            if file is None:
                return
            at = max(at, file.start)
            status, size = self._status(file, at)
            if status == "MESSAGE":
                yield decode_message(self._bytes(file, at, size))
                at += size
                whole = True
                continue
            found = self._behind(file) if status == "BLANK" else self._next_record(file, at)
            if whole and status != "BLANK":
                yield Gap(file.path, at, min(found, self.end) - at, REASONS[status])
            at = found

    def _next_file(self, at: int) -> OffsetFile | None:
        return next((file for file in self.files if file.start >= at), None)

    def _behind(self, file: OffsetFile) -> int:
        return file.start + self.file_size

    def _status(self, file: OffsetFile, at: int) -> tuple[str, int]:
        rest = self._behind(file) - at
        if rest < HEAD:
            return "BLANK", rest
        head = self._bytes(file, at, HEAD)
        size = int.from_bytes(head[:4], "big", signed=True)
        if head[4:] == MAGIC and LEAST_RECORD <= size <= rest:
            return check_record(self._bytes(file, at, size), at)
        return check_record(head, at) if len(head) == HEAD else ("TORN", 0)

    def _bytes(self, file: OffsetFile, at: int, size: int) -> bytes:
        """`size` bytes, fewer where the file ends."""
        first = at - self._chunk_at
        if not 0 <= first <= len(self._chunk) - size:
            self._chunk = read(file.path, at - file.start, max(size, CHUNK))
            self._chunk_at, first = at, 0
        return self._chunk[first : first + size]

    def _next_record(self, file: OffsetFile, at: int) -> int:
        """The first whole record behind `at` in the file, or where the file ends."""
        end = min(self._behind(file), self.end)
        at += 1
        while at + LEAST_RECORD <= end:
            data = self._bytes(file, at, min(CHUNK, end - at))
            hit = data.find(MAGIC, 4)
            if hit < 0:
                at += max(len(data) - 7, 1)
                continue
            at += hit - 4
            if self._status(file, at)[0] == "MESSAGE":
                return at
            at += 1
        return self._behind(file)


def read(path: str, at: int, size: int) -> bytes:
    """Bytes of a file, fewer at its end, none when it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(fd, size, at)
    finally:
        os.close(fd)
