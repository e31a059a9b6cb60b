"""A walk over the whole commit log for the checker: by pread, and with the second CRC."""

from rocketpy._core.check_files import Findings, LogFiles
from rocketpy._core.check_index import IndexChecks
from rocketpy._core.check_queues import QueueChecks

class LogCheck:
    """One walk; queues and index are compared on the way. Offsets are of the commit log, times in ms."""

    at: int
    end: int
    records: int
    first_record: int
    last_record: int
    first_time: int
    last_time: int
    latest_time: int
    backwards: int
    backwards_at: int
    by_type: list[int]
    def __init__(self, log: LogFiles, findings: Findings, queues: QueueChecks, index: IndexChecks | None) -> None: ...
    def run(self, budget: int) -> bool:
        """Go on for about `budget` bytes; False when the end is reached. OSError: a file cannot be read."""
    def close(self) -> None: ...
