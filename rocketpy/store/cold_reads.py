"""Reads what is not in memory any more, in threads, so that the loop and everybody it serves never wait for a disk.

The loop asks what is in memory (`_core/cold_parts`), has the rest brought in, and then reads through the map as ever.
Invariant: nothing of the store changes here; what the disk cannot give is an error of the request that asked for it.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rocketpy._core.cold_parts import is_in_memory, log_parts
from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.mapped_files import MappedFiles, read_in
from rocketpy._core.store_writer import StoreWriter

THREADS = 4
ENTRIES_AHEAD = 4096                # of a queue, at most, whose messages are read at once
BYTES_AHEAD = 4 << 20               # of messages, at about the same time: some 128 pulls of 32 KiB
RECORD_BYTES = 65536                # read around a single record: most are smaller
ENTRY_SIZE = 20

T = TypeVar("T")


class ColdReads:
    """The threads that wait for the disk, for one store."""

    def __init__(self, writer: StoreWriter) -> None:
        self._writer = writer
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ReadCold")

    def shutdown(self) -> None:
        """End the threads; what they still read is waited for, because it ends soon and holds no lock."""
        self._threads.shutdown()

    async def run(self, work: Callable[[], T]) -> T:
        """Run what may wait for the disk."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def bring_in(self, queue: ConsumeQueue, index: int) -> None:
        """The queue's entries from `index` on and the messages they lead to, some way ahead; OSError of the disk."""
        await self.run(lambda: self._bring_in(queue.files, index))

    async def bring_in_records(self, physical_offsets: Iterable[int]) -> None:
        """The records that begin at these offsets, those that are in memory left out; OSError of the disk."""
        cold = [offset for offset in physical_offsets if not is_in_memory(self._writer, offset)]
        if cold:
            await self.run(lambda: self._read_parts((offset, RECORD_BYTES) for offset in cold))

    def _bring_in(self, queue_files: MappedFiles, index: int) -> None:
        place = queue_files.place(index * ENTRY_SIZE)
        if place is None:
            return
        try:
            entries = read_at(*place, ENTRIES_AHEAD * ENTRY_SIZE)
        except FileNotFoundError:
            return
        self._read_parts(log_parts(self._writer, entries, BYTES_AHEAD))

    def _read_parts(self, parts: Iterable[tuple[int, int]]) -> None:
        log = self._writer.log
        for offset, size in parts:
            place = log.place(offset)
            if place is not None:
                path, at = place
                with contextlib.suppress(FileNotFoundError):    # cleaned away meanwhile: the reader is told so
                    read_in(path, at, min(size, log.file_size - at))


def read_at(path: str, at: int, size: int) -> bytes:
    """Bytes of a file, fewer at its end."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(fd, size, at)
    finally:
        os.close(fd)
