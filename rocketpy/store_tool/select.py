"""Which messages a dump is about, and the shortest way to them: a queue's entries, the index, or the log itself."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from rocketpy._core.hashing import java_hash_of
from rocketpy._core.message import Message
from rocketpy.store_tool.folder import offset_files
from rocketpy.store_tool.index_sizes import HEADER, IndexFilePlace, size_of
from rocketpy.store_tool.log_reader import Gap, LogReader, read

ENTRY = struct.Struct(">qiq")
INDEX_ENTRY = struct.Struct(">iqii")
NUMBER = struct.Struct(">i")
NO_MESSAGE = 0x7FFFFFFF             # size of an entry that only fills the space before a queue's first one
ALL = 1 << 62
CLOCK_SLACK_MS = 3_600_000          # a clock may have been set back by so much


@dataclass(frozen=True)
class Wanted:
    """What a dump is to show; ranges are [first, behind the last)."""

    topic: str | None = None
    queue_id: int | None = None
    offsets: tuple[int, int] | None = None
    physical: tuple[int, int] = (0, ALL)
    from_ms: int = 0
    to_ms: int = ALL
    key: str | None = None

    def has(self, message: Message) -> bool:
        return (
            self.topic in (None, message.topic)
            and self.queue_id in (None, message.queue_id)
            and (self.offsets is None or self.offsets[0] <= message.queue_offset < self.offsets[1])
            and self.physical[0] <= message.physical_offset < self.physical[1]
            and self.from_ms <= message.store_timestamp <= self.to_ms
            and (self.key is None or self.key in keys_of(message))
        )


def keys_of(message: Message) -> set[str]:
    """What the message is found by."""
    words = (message.get_property("KEYS") or "").split(" ")
    return {word for word in (message.get_property("UNIQ_KEY"), *words) if word}


def by_queue(log: LogReader, folder: str, file_size: int, wanted: Wanted) -> Iterator[Message | Gap]:
    """Messages of a range of queue offsets through the queue's entries."""
    files, _ = offset_files(folder)
    first, end = wanted.offsets or (0, ALL)
    if not files:
        return
    end = min(end, (files[-1].start + file_size) // ENTRY.size)
    for index in range(max(first, files[0].start // ENTRY.size), end):
        at = index * ENTRY.size
        data = read(f"{folder}/{at - at % file_size:020d}", at % file_size, ENTRY.size)
        offset, size, _ = ENTRY.unpack(data) if len(data) == ENTRY.size else (0, 0, 0)
        if size <= 0:
            return
        if offset >= log.first and size != NO_MESSAGE:
            yield log.record_at(offset)


def by_log(log: LogReader, wanted: Wanted) -> Iterator[Message | Gap]:
    """Everything in the range of the log, beginning with the first file that may hold the time asked for."""
    start = max(wanted.physical[0], log.first)
    for file in log.files[1:]:
        head = log.record_at(file.start)
        if isinstance(head, Gap) or head.store_timestamp >= wanted.from_ms - CLOCK_SLACK_MS:
            break
        start = max(start, file.start)
    for found in log.walk(start, wanted.physical[1]):
        if isinstance(found, Message) and found.store_timestamp > wanted.to_ms + CLOCK_SLACK_MS:
            return
        yield found


def by_key(log: LogReader, files: list[IndexFilePlace], topic: str, key: str) -> Iterator[Message | Gap]:
    """Messages of a key through the index; what no file of it covers, or a broken one, is read through instead."""
    covered = log.first
    given: set[int] = set()         # a message whose keys stand in two files is shown once
    for file in files:
        head = read(file.path, 0, HEADER.size)
        if not file.slots or len(head) < HEADER.size:
            continue
        _, _, begin, end, _, following = HEADER.unpack(head)
        offsets = chain(file, topic, key, following)
        if offsets is None or following <= 1:
            continue
        yield from unless_in(given, log.walk(covered, begin))
        fresh = [offset for offset in offsets if offset >= max(log.first, covered) and offset not in given]
        yield from map(log.record_at, fresh)
        given = set(offsets)
        covered = max(covered, end)
    yield from unless_in(given, log.walk(covered, ALL))


def unless_in(given: set[int], found: Iterator[Message | Gap]) -> Iterator[Message | Gap]:
    return (each for each in found if isinstance(each, Gap) or each.physical_offset not in given)


def chain(file: IndexFilePlace, topic: str, key: str, following: int) -> list[int] | None:
    """Physical offsets in the slot of a key, oldest first; None when the chain does not only go back."""
    code = java_hash_of(f"{topic}#{key}")
    code = 0 if code == -(1 << 31) else abs(code)
    (number,) = NUMBER.unpack(read(file.path, HEADER.size + NUMBER.size * (code % file.slots), NUMBER.size))
    found: list[int] = []
    before = following
    while number:
        if not 0 < number < before:
            return None
        hash_code, offset, _, previous = INDEX_ENTRY.unpack(read(file.path, size_of(file.slots, number), INDEX_ENTRY.size))
        if hash_code == code and offset not in found:
            found.append(offset)
        before, number = number, previous
    return found[::-1]
