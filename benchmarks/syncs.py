"""Counts a broker's fsync, fdatasync and msync calls from outside, by a library preloaded into either make.

The count stands in a shared file, so reading it costs the broker nothing; counting is one addition a call.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.build import sync_counter

COUNT_SIZE = 8


class SyncCount:
    """The calls made so far by the processes that were started with `environment`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.write_bytes(bytes(COUNT_SIZE))

    @property
    def environment(self) -> dict[str, str]:
        """What a process must be started with to be counted."""
        return {"LD_PRELOAD": str(sync_counter()), "SYNCS_FILE": str(self._file)}

    def read(self) -> int:
        """How many there were since the file was made."""
        return int.from_bytes(self._file.read_bytes()[:COUNT_SIZE], sys.byteorder)


def per_1000(syncs: int, messages: float) -> float:
    """Calls for every 1,000 messages; messages must not be 0."""
    return 1000 * syncs / messages
