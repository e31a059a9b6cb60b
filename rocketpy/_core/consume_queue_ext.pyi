"""Units beside a consume queue: tags code, store time and filter bitmap of each message."""

from rocketpy._core.mapped_files import MappedFiles

def is_address(tags_code: int) -> bool:
    """Whether an entry's tags field names a unit."""

class ConsumeQueueExt:
    """The units of one queue, in files of their own."""

    files: MappedFiles
    writes: bool

    def __init__(self, folder: str, file_size: int, writes: bool) -> None:
        """`writes`: new entries get units; else there is only reading."""
    def load(self) -> list[str]:
        """Open the files, all counted as full; returns what was odd."""
    def end_behind(self, address: int) -> bool:
        """Make the end of the unit at `address` the end of all; False, and nothing is done: there is no whole unit."""
    def destroy(self) -> None:
        """Remove every file; new units begin anew."""
    def unit(self, address: int) -> tuple[int, int, bytes] | None:
        """(tags code, store time, bitmap), or None."""
    def detach_before(self, address: int) -> list[str]:
        """Take out the files whose units all lie before `address`, never the last one; their paths, to unlink."""
    def take_refusal(self) -> int:
        """errno with which the disk refused room since the last call, or 0; afterwards it is asked again."""
    @property
    def mended(self) -> int:
        """Entries whose unit recovery found missing or wrong: they got their plain tags code."""
