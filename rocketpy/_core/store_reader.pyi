"""Reading for pull: walks a consume queue and hands out slices of the mapped commit log."""

from collections.abc import Collection

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.message_filter import MessageFilter
from rocketpy._core.store_writer import StoreWriter

def get(
    writer: StoreWriter,
    queue: ConsumeQueue,
    offset: int,
    max_nums: int,
    codes: Collection[int] | None = None,
    wanted: MessageFilter | None = None,
    may_wait: bool = True,
) -> tuple[int, bytes, int, int, int, int, bool, int, int]:
    """(status, body, count, next begin offset, min, max, suggest slave, behind bytes, store time of the last message).

    The last two are -1 where no message was looked at, and where none was found.
    `codes`: hash codes of tags, None for all; `wanted`: asked with the properties of each message that is left;
    `may_wait`: for the disk, else the status may be 9, GET_NOT_IN_MEMORY.
    """

def record(writer: StoreWriter, physical_offset: int) -> bytes | None:
    """The bytes of one record, or None where none stands."""

def store_time(writer: StoreWriter, physical_offset: int) -> int:
    """Store time of the record, or -1."""
