"""One queue of one topic: an entry of 20 bytes for each message."""

from rocketpy._core.consume_queue_ext import ConsumeQueueExt
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.message_filter import FilterBitmaps

class ConsumeQueue:
    """Entry k stands at byte k * 20; `max_offset` is the index of the next one."""

    topic: bytes
    queue_id: int
    files: MappedFiles
    ext: ConsumeQueueExt | None
    ended_with_address: bool

    def __init__(self, topic: bytes, queue_id: int, folder: str, file_size: int) -> None: ...
    @property
    def max_offset(self) -> int:
        """Index of the next entry."""
    @property
    def min_offset(self) -> int:
        """First index whose message is still in the commit log."""
    @property
    def last_physical_offset(self) -> int:
        """Where the message of the last entry begins; -1 when there is no entry, or a filler."""
    @property
    def max_physical_offset(self) -> int:
        """End of the last message an entry points to; -1 when there is none."""
    def load(self) -> list[str]:
        """Open the files; recover() finds the end. Returns what was odd."""
    def recover(self, from_first: bool = False) -> None:
        """Find the end: the first invalid entry, looked for from the third last file on, or from the first."""
    def cut_at(self, index: int) -> None:
        """Make `index` the next one; later entries become zeros."""
    def begin_anew(self) -> None:
        """Remove every file: the entries will be appended again."""
    def correct_min_offset(self, log_start: int) -> None:
        """min offset: the first entry whose message is at or behind `log_start`."""
    def begin_at(self, index: int) -> None:
        """Let an empty queue begin at `index`: the space before it in its file is filled as upstream fills it."""
    def entry(self, index: int) -> tuple[int, int, int] | None:
        """(physical offset, size, tags code), or None; the code of an entry with a unit is the unit's."""
    def stored_entry(self, index: int) -> tuple[int, int, int] | None:
        """(physical offset, size, tags field) as they stand on disk, or None."""
    def attach(self, ext: ConsumeQueueExt | None) -> None:
        """Entries get their units there from now on, or have them there already."""
    def make_bitmaps(self, bitmaps: FilterBitmaps | None) -> None:
        """Units get bitmaps of these filters from now on."""
    def address_from(self, index: int) -> int | None:
        """Address in the first entry at or behind `index` that has one; None: no entry has."""
    def address_before(self, index: int) -> tuple[int, int] | None:
        """(index, address) of the last entry before `index` that has one; None: no entry has."""
    def flush(self, least_pages: int = 0) -> bool:
        """Units, then entries, to the disk; whether all that was appended is there. Any thread."""
    def destroy(self) -> None:
        """Remove every file."""
    def last_entry_of_first_file(self) -> tuple[int, int, int] | None:
        """The newest entry of the oldest file, for cleaning; None while that file is not full."""
    def append(self, physical_offset: int, size: int, tags_code: int) -> None:
        """Append an entry, making files as needed (slow door: recovery, tests)."""
    def add_file(self) -> None:
        """Link the next file."""
