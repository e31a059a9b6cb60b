"""What the parts of a check share: the log's files, read by pread only, and what was found."""

from collections.abc import Sequence

KIND_NAMES: tuple[str, ...]

class Findings:
    """Findings in the order they were made; of each kind only the first ones are kept, all are counted."""

    most: int
    def __init__(self, most: int) -> None: ...
    def rows(self) -> list[tuple[str, int, int, int, int]]:
        """(kind, number of the queue or index file, offset, two values) of each that was kept."""
    def counts(self) -> dict[str, int]:
        """How many there were of each kind that was found."""

class LogFiles:
    """The files of a commit log: `files` are (path, first offset, length), in order."""

    count: int
    file_size: int
    first: int
    until: int
    live: bool
    def __init__(self, files: Sequence[tuple[bytes, int, int]], file_size: int, until: int, live: bool) -> None: ...
    def damages(self) -> list[tuple[int, int]]:
        """(first offset, end) of what cannot be read."""
    def close(self) -> None: ...
