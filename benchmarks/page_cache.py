"""Puts the page cache into a known state: a store's files in it, or nothing of them.

Dropping caches passes over pages that a process has mapped and touched, as brokers have theirs; those of a running
broker are paged out first (process_madvise). Both need root and Linux 5.10; without them a cold case is Failed, never
measured warm.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.processes import Failed

DROP = Path("/proc/sys/vm/drop_caches")
SYS_PROCESS_MADVISE, MADV_PAGEOUT = 440, 21  # the same numbers on all architectures
CHUNK = 1 << 20

libc = ctypes.CDLL(None, use_errno=True)
Range = tuple[int, int]


class IoVector(ctypes.Structure):
    """One range of memory, as the kernel takes it."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


def warm(files: Iterable[Path]) -> None:
    """Reads the files, so that the page cache holds them as far as memory goes."""
    buffer = bytearray(CHUNK)
    for path in files:
        with path.open("rb", buffering=0) as file:
            for start, end in data_of(file.fileno()):
                file.seek(start)
                while file.tell() < end and file.readinto(buffer):
                    pass


def data_of(file: int) -> Iterator[Range]:
    """The parts of a file that are no holes: a sparse queue file of 6 MB would fill memory with zeros."""
    at = 0
    while True:
        try:
            start = os.lseek(file, at, os.SEEK_DATA)
        except OSError:  # none behind here
            return
        at = os.lseek(file, start, os.SEEK_HOLE)
        yield start, at


def drop() -> None:
    """Writes out what is dirty and drops what no process has touched."""
    os.sync()
    try:
        DROP.write_text("3")
    except OSError as error:
        raise Failed(f"the page cache cannot be dropped ({error}): run as root") from error


def drop_mapped(pid: int, files: set[Path]) -> None:
    """The same, and what the process has mapped of `files`."""
    os.sync()
    _page_out(pid, ranges_of(Path(f"/proc/{pid}/maps").read_text(), files))
    drop()


def ranges_of(maps: str, files: set[Path]) -> list[Range]:
    """Address and size of each mapping of one of `files`, from the text of /proc/PID/maps."""
    names = {str(path) for path in files}
    found = []
    for line in maps.splitlines():
        addresses, *_, name = line.split(maxsplit=5)
        if name in names:
            start, end = (int(address, 16) for address in addresses.split("-"))
            found.append((start, end - start))
    return found


def _page_out(pid: int, ranges: list[Range]) -> None:
    handle = os.pidfd_open(pid)
    try:
        for start, size in ranges:  # one a call: the kernel takes 2 GiB at once, and leaves out the rest
            vector = IoVector(start, size)
            if libc.syscall(SYS_PROCESS_MADVISE, handle, ctypes.byref(vector), 1, MADV_PAGEOUT, 0) < 0:
                raise Failed(f"pages of the broker cannot be paged out: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(handle)


def resident_share(files: Iterable[Path]) -> float:
    """How much of the files the page cache holds, 0 to 1."""
    held = pages = 0
    for path in files:
        with path.open("r+b") as file:  # the kernel tells only those who may write
            if size := os.fstat(file.fileno()).st_size:
                held += _resident_pages(file.fileno(), size)
                pages += -(-size // mmap.PAGESIZE)
    return held / pages if pages else 0.0


def _resident_pages(file: int, size: int) -> int:
    state = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
    with mmap.mmap(file, size) as mapped:
        base = ctypes.c_char.from_buffer(mapped)
        failed = libc.mincore(ctypes.c_void_p(ctypes.addressof(base)), ctypes.c_size_t(size), state)
        del base  # else the map cannot be closed
    if failed:
        raise Failed(f"mincore: {os.strerror(ctypes.get_errno())}")
    return sum(byte & 1 for byte in bytes(state))
