"""The index of a store as a check sees it: all files read once, entry by entry, in the order of the log."""

from collections.abc import Sequence

from rocketpy._core.check_files import Findings, LogFiles

class IndexChecks:
    """All index files of a store; the log's walk brings the keys of each record."""

    count: int
    entries: int
    def __init__(self, log: LogFiles, findings: Findings, files: Sequence[tuple[bytes, int, int]]) -> None:
        """`files`: (path, slots, capacity) in the order of their names."""
    def finish(self) -> None:
        """After the last record: what is left over, and the slots of the last file."""
