"""A walk over the commit log's records in order: checks each one and, where asked, mends the queues from it."""

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.store_writer import StoreWriter

class LogWalk:
    """One walk; `at` may be moved to step over damage; OSError where a file cannot be mapped.

    `unreachable`: offset, topic and queue id of records whose names cannot be folders.
    """

    at: int
    records: int
    last_at: int
    last_timestamp: int
    unreachable: list[tuple[int, bytes, int]]

    def __init__(
        self, writer: StoreWriter, at: int, *, dispatch: bool, check_crc: bool, fill_gaps: bool = False
    ) -> None:
        """`dispatch`: queues are mended; `fill_gaps`: the log has no record for what a queue lacks."""
    def run(self, budget: int) -> str:
        """Walk on for about `budget` bytes: MORE, or why it stopped at `at`: END, GAP, or what is wrong there."""

def find_record(writer: StoreWriter, at: int, until: int) -> tuple[int, int] | None:
    """Offset and store time of the first whole record in [at, until), CRC checked; None when there is none."""

def first_record_time(writer: StoreWriter, at: int) -> int:
    """Store time of the record that stands at `at` with a magic code, 0 for anything else (CRC not checked)."""

def trusted_end(writer: StoreWriter, queue: ConsumeQueue) -> int:
    """Index behind the last entry that points at its own record in the log, looked for from the end back."""

def next_keyed(writer: StoreWriter, at: int, inclusive: bool) -> int | None:
    """Offset of the first record from `at` on (or behind the one at `at`) that has index keys; None: no such record."""

def is_queue_folder(topic: bytes, queue_id: int) -> bool:
    """Whether topic and queue id can name a folder below consumequeue."""
