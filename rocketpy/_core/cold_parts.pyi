"""Which parts of the log are in memory, and which parts a consumer that reads on will need."""

from typing_extensions import Buffer

from rocketpy._core.store_writer import StoreWriter

def is_in_memory(writer: StoreWriter, physical_offset: int) -> bool:
    """Whether the record that begins there can be read without the disk; True also where there is none."""

def log_parts(writer: StoreWriter, entries: Buffer, most_bytes: int) -> list[tuple[int, int]]:
    """[(physical offset, size), …], at most `most_bytes` in all, that the messages of these queue entries stand in.

    Messages that stand near to each other are one part; no part crosses a file's end. What is no entry ends the list.
    """
