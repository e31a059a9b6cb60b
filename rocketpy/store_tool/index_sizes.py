"""Slots and entries of index files, which stand nowhere but in the broker's properties: from there, or worked out.

Invariant: dimensions are only believed when a file's own header agrees with the entries they lead to.
"""

import os
import struct
from typing import NamedTuple

HEADER = struct.Struct(">qqqqii")
OFFSET_IN_ENTRY = struct.Struct(">4xq8x")
SLOT, ENTRY = 4, 20
ENTRIES_A_SLOT = 4              # of upstream's defaults: 5,000,000 slots, 20,000,000 entries


class IndexFilePlace(NamedTuple):
    """An index file and its dimensions; no slots: they are not known."""

    path: str
    slots: int
    capacity: int


def dimensions(paths: list[str], configured: tuple[int, int]) -> list[IndexFilePlace]:
    """Slots and capacity of each file."""
    candidates = [configured, *rolled(paths)]
    return [IndexFilePlace(path, *fitting(path, candidates)) for path in paths]


def size_of(slots: int, capacity: int) -> int:
    return HEADER.size + SLOT * slots + ENTRY * capacity


def rolled(paths: list[str]) -> list[tuple[int, int]]:
    """What full files tell: they end with entry capacity - 1."""
    found = []
    for path in paths[:-1]:
        length, header = look(path)
        capacity = header[5]
        slots, rest = divmod(length - HEADER.size - ENTRY * capacity, SLOT)
        if capacity > 1 and slots > 0 and not rest:
            found.append((slots, capacity))
    return found


def fitting(path: str, candidates: list[tuple[int, int]]) -> tuple[int, int]:
    """The dimensions that give the file's length and lead to the entries its header names; (0, 0): none do."""
    length, header = look(path)
    units, rest = divmod(length - HEADER.size, SLOT + ENTRIES_A_SLOT * ENTRY)
    usual = [] if rest else [(units, units * ENTRIES_A_SLOT)]
    for slots, capacity in candidates + usual:
        if slots > 0 and size_of(slots, capacity) == length and (
            (slots, capacity) == candidates[0] or leads_to_entries(path, header, slots)
        ):
            return slots, capacity
    return 0, 0


def leads_to_entries(path: str, header: tuple[int, ...], slots: int) -> bool:
    _, _, begin, end, _, following = header
    return following <= 1 or (entry_offset(path, slots, 1), entry_offset(path, slots, following - 1)) == (begin, end)


def look(path: str) -> tuple[int, tuple[int, ...]]:
    """A file's length and the fields of its header; zeros when it has none."""
    try:
        with open(path, "rb") as file:
            data = file.read(HEADER.size)
            return os.fstat(file.fileno()).st_size, HEADER.unpack(data.ljust(HEADER.size, b"\0"))
    except FileNotFoundError:
        return 0, (0,) * 6


def entry_offset(path: str, slots: int, number: int) -> int:
    """Physical offset in an entry, -1 behind the file's end."""
    with open(path, "rb") as file:
        data = os.pread(file.fileno(), ENTRY, size_of(slots, number))
    return int(OFFSET_IN_ENTRY.unpack(data)[0]) if len(data) == ENTRY else -1
