"""The queues of a store as a check sees them: each read once, in windows, in the order of the log."""

from collections.abc import Sequence

from rocketpy._core.check_files import Findings, LogFiles

class QueueChecks:
    """All queues of a store; the log's walk asks for the entry of each record."""

    count: int
    other_delays: int
    restarts: int
    entries: int
    def __init__(
        self, log: LogFiles, findings: Findings, file_size: int, ext_file_size: int, memory_bytes: int, queues: int
    ) -> None:
        """`memory_bytes` for the windows of so many `queues` together."""
    def set_delays(self, delays_ms: Sequence[int]) -> None:
        """Delays of the levels 1, 2, … that are in force now; others may have been when a message came."""
    def add(self, topic: bytes, queue_id: int, folder: bytes, ext_folder: bytes | None, first: int, end: int) -> None:
        """A queue whose files hold the entries [first, end)."""
    def finish(self, number: int) -> None:
        """After the last record: what is missing or left over in queue `number`."""
    def name(self, number: int) -> tuple[bytes, int, bool]:
        """(topic, queue id, whether it has a folder)."""
    def records(self, number: int) -> int:
        """How many records of the log belong to the queue."""
    def ending(self, number: int) -> int:
        """Queue offset behind the last record."""
    def first(self, number: int) -> int:
        """Queue offset with which the queue's files begin."""
