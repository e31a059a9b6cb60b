"""Brings the machine's memory into the state of one that has been up for a while: in use.

On a virtual machine, memory that was never used, or was free for some seconds, is not backed by the host: the first
touch of a page costs 3-8 µs, more than storing the messages it takes, and is charged to the broker. Where memory is
full of old file pages, as it soon is on a server, the kernel hands out pages that are there. Both brokers gain alike;
`--cold` leaves this out.
"""

from __future__ import annotations

from pathlib import Path

LEFT_FREE_MB = 128
STEP = 1 << 20


def free_mb() -> int:
    """Memory nobody uses, not even as cache."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(fields["MemFree"].split()[0]) // 1024


class Filler:
    """Holes of a sparse file, read so that the page cache keeps them until the memory is wanted."""

    def __init__(self, file: Path) -> None:
        self._holes = file.open("wb+")
        self._path = file

    def fill(self) -> int:
        """Fill what is free now, in MB; again before each load: what is free for a while is taken back by the host."""
        size_mb = max(0, free_mb() - LEFT_FREE_MB)
        start = self._holes.seek(0, 2)
        self._holes.truncate(start + size_mb * STEP)
        buffer = bytearray(STEP)
        while self._holes.readinto(buffer):
            pass
        return size_mb

    def __enter__(self) -> Filler:
        return self

    def __exit__(self, *_: object) -> None:
        self._holes.close()
        self._path.unlink()
