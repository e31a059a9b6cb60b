"""Index files: messages by key.

Invariant: what is reachable from a slot lies within the file and before the entry it was reached from, whatever the
bytes are; and nothing is written through a map before its blocks are allocated.
"""

from collections.abc import Callable
from typing import NamedTuple

class IndexEntry(NamedTuple):
    """One entry as it stands in a file."""

    key_hash: int
    physical_offset: int
    seconds: int  # since the file's begin_timestamp
    previous: int  # number of the entry before it in the slot, 0: none

class IndexFile:
    """One index file, mapped as long as the object lives."""

    path: str
    def __init__(self, path: str, slots: int, capacity: int, create: bool = False) -> None:
        """Open a file of exactly these dimensions, or make it; OSError, or StoreError when size or header are wrong."""
    @property
    def slots(self) -> int: ...
    @property
    def capacity(self) -> int: ...
    @property
    def count(self) -> int:
        """Entries in the file."""
    @property
    def put_count(self) -> int: ...
    @property
    def is_full(self) -> bool: ...
    @property
    def begin_timestamp(self) -> int: ...
    @property
    def end_timestamp(self) -> int: ...
    @property
    def begin_physical_offset(self) -> int: ...
    @property
    def end_physical_offset(self) -> int: ...
    def is_time_matched(self, begin_ms: int, end_ms: int) -> bool:
        """Whether the times of the file overlap [begin_ms, end_ms]."""
    def select(self, topic: str, key: str, max_num: int, begin_ms: int, end_ms: int) -> list[int]:
        """Physical offsets of at most `max_num` messages, newest first; a hash collision may be among them."""
    def entry(self, number: int) -> IndexEntry:
        """Entry `number` (from 1)."""
    def slot(self, number: int) -> int:
        """Number of the last entry of a slot, as it stands there."""
    def sound_entries(self, end_offset: int) -> int:
        """How many entries from the first on make sense in a log that ends at `end_offset`."""
    def is_garbled(self) -> bool:
        """Does anything make no sense in a sample of its entries, slots and header; all of them in a small file?"""
    def check_chains(self) -> int:
        """Number of an entry that its slot does not lead to in order, 0 when all is well."""
    def cut(self, count: int) -> None:
        """Keep the first `count` entries and make slots and chains anew from them."""
    def flush(self) -> None:
        """Wait until the file is on disk; the GIL is released meanwhile."""

class IndexWriter:
    """The tail of the index: where the store writer puts keys."""

    def __init__(self, make_file: Callable[[], IndexFile], tail: IndexFile | None = None) -> None:
        """`make_file` gives the next file of the folder; `tail` is the last one there is."""
    def room(self, keys: int) -> bool:
        """Make sure that so many keys fit; False when disk or folder refuse (the reason is in `error`)."""
    def put(
        self, topic: str, uniq_key: str | None, keys: str | None, physical_offset: int, store_timestamp: int
    ) -> None:
        """Index one message; StoreError when there is no room."""
    @property
    def error(self) -> int:
        """errno of what refused last."""
