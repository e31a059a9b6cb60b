"""Files of one size mapped one behind the other: the commit log and every consume queue stand on it."""

from typing_extensions import Buffer

class MappedFiles:
    """A sequence of equal files in one folder, each named by the offset of its first byte."""

    folder: str

    def __init__(
        self, folder: str, file_size: int, step: int = 65536, durable_names: bool = False, small_pages: bool = False
    ) -> None:
        """`step`: blocks are allocated in steps of this many bytes where the writer runs out of them.

        `durable_names`: a new file's name is on disk before the file is used. `small_pages`: pages ahead of need are
        made one by one, for a log that is synced after each message.
        """
    def load(self) -> list[str]:
        """Take in the files of the folder, all of them counted as full; returns what was odd, a line each."""
    def add_file(self, first_start: int = 0) -> None:
        """Link the file behind the last one; `first_start` is where an empty sequence begins. Appending thread only."""
    def make_spare(self, allocate: int) -> None:
        """Make the next file ahead of need with its first `allocate` bytes ready to write; any thread."""
    def allocate_ahead(self, ahead: int, populate: int = 0) -> int:
        """Blocks for `ahead` bytes behind the end of the tail file, pages for `populate`; errno of a refusal, or 0."""
    def append(self, data: Buffer) -> int:
        """Append bytes that do not cross a file's end, making files and room as needed; returns their offset."""
    def read(self, offset: int, size: int) -> bytes | None:
        """A copy of `size` appended bytes, or None when they are not all there in one file."""
    def place(self, offset: int) -> tuple[str, int] | None:
        """(path, where in that file) of an appended byte, or None: for who reads it by himself; any thread."""
    def readable(self, offset: int) -> int:
        """How many appended bytes stand from `offset` to the end of its file's appended part."""
    @property
    def first_offset(self) -> int: ...
    @property
    def end_offset(self) -> int: ...
    @property
    def file_size(self) -> int: ...
    @property
    def file_starts(self) -> list[int]:
        """First offset of each file, oldest first."""
    @property
    def paths(self) -> list[str]:
        """Path of each file, oldest first."""
    @property
    def tail(self) -> int:
        """Number of the file appended to, counted in `file_starts`; -1 while there is none."""
    @property
    def rest(self) -> int:
        """Bytes still free in the tail file."""
    @property
    def allocated_offset(self) -> int:
        """Blocks stand behind every byte up to here."""
    @property
    def flushed_offset(self) -> int:
        """Everything before this is on disk."""
    def flush(self, least_pages: int = 0) -> int:
        """Bring what was appended to the disk, if that is `least_pages` pages or more; returns the flushed offset.

        Any thread: the GIL is released while the disk works. OSError when the disk says no.
        """
    def flushed_to(self, offset: int) -> None:
        """The caller has brought everything before `offset` to the disk."""
    def unflushed_from(self, offset: int) -> None:
        """What stands from `offset` on may not be on disk: the next flush brings it there (after recovery)."""
    def truncate_to(self, offset: int) -> None:
        """Make `offset` the end: later files are removed, and what stood behind it is zeros from now on."""
    def end_at(self, offset: int) -> None:
        """Make `offset` the end without touching a byte: files behind it wait for their turn as empty ones."""
    def detach_first(self) -> str:
        """Take the oldest file out of the sequence and return its path, for the caller to unlink (in a thread)."""
    def delete_first(self) -> None:
        """Remove the oldest file."""
    def remove_unused(self) -> list[str]:
        """Remove files made ahead that were never written to, as a clean shutdown does; returns their paths."""
    def destroy(self) -> None:
        """Remove every file, and the folder if nothing else is in it."""
    def close(self) -> None:
        """Unmap everything; the files stay. Nothing may be read or appended afterwards."""

def sync_file_system(folder: str) -> None:
    """Bring all files of the folder's file system to the disk; the GIL is released meanwhile."""

def read_in(path: str, start: int, size: int) -> None:
    """Bring a part of a file into memory and wait for it, the GIL released; OSError when the disk cannot be read."""
