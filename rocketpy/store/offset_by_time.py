"""From times to queue offsets, by the store times of the messages a consume queue points at."""

from collections.abc import Generator
from pathlib import Path

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.store_reader import store_time
from rocketpy._core.store_writer import StoreWriter

ENTRY_SIZE = 20


def store_time_at(writer: StoreWriter, queue: ConsumeQueue, index: int) -> int:
    """Store time of the message at a queue offset, -1 when it is not there."""
    entry = queue.entry(index)
    return -1 if entry is None else store_time(writer, entry[0])


def offset_by_time(writer: StoreWriter, queue: ConsumeQueue, timestamp: int) -> int:
    """What `offset_search` finds; the disk is read where it must be."""
    search = offset_search(writer, queue, timestamp)
    while True:
        try:
            next(search)
        except StopIteration as end:
            return int(end.value)


def offset_search(writer: StoreWriter, queue: ConsumeQueue, timestamp: int) -> Generator[int, None, int]:
    """The offset stored at `timestamp`, else the nearer neighbour (the earlier on a tie); 0 when times cannot be read.

    Yields the physical offset of each message it is about to look at, so that it can be brought into memory.
    As upstream: only the first file last modified at or after `timestamp` is searched, so a time beyond the end gives
    the last index, not the one behind it.
    """
    low, high = _file_range(queue, timestamp)
    left = right = -1
    left_time = right_time = -1
    log_start = writer.log.first_offset
    while low <= high:
        middle = (low + high) // 2
        entry = queue.entry(middle)
        if entry is not None and entry[0] < log_start:
            low, left = middle + 1, middle
            continue
        found = -1
        if entry is not None:
            yield entry[0]
            found = store_time(writer, entry[0])
        if found < 0:
            return 0
        if found == timestamp:
            return middle
        if found > timestamp:
            high, right, right_time = middle - 1, middle, found
        else:
            low, left, left_time = middle + 1, middle, found
    return max(0, _nearer(timestamp, left, left_time, right, right_time))


def _nearer(timestamp: int, left: int, left_time: int, right: int, right_time: int) -> int:
    if left_time == -1:
        return right if right != -1 else left
    if right_time == -1:
        return left
    return right if abs(timestamp - left_time) > abs(timestamp - right_time) else left


def _file_range(queue: ConsumeQueue, timestamp: int) -> tuple[int, int]:
    """First and last index of the file to search."""
    starts, paths = queue.files.file_starts, queue.files.paths
    entries = queue.files.file_size // ENTRY_SIZE
    used = queue.files.tail + 1
    if not used:
        return 0, -1
    number = used - 1
    for candidate in range(used - 1):
        if Path(paths[candidate]).stat().st_mtime * 1000 >= timestamp:
            number = candidate
            break
    first = starts[number] // ENTRY_SIZE
    return max(first, queue.min_offset), min(first + entries, queue.max_offset) - 1
