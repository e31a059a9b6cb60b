"""The record of one message in the commit log: written, read back and checked in place, without copies."""

from typing import Any

from typing_extensions import Buffer

STATUS_NAMES: tuple[str, ...]

def check_record(data: Buffer, physical_offset: int = -1, check_crc: bool = True) -> tuple[str, int]:
    """(what stands at the start of `data`: one of STATUS_NAMES, its size)."""

def scanned_properties(properties: bytes) -> dict[str, Any]:
    """What the scan finds: keys, uniq_key, tags, tags_code, delay_level, wait, transaction_message."""

def count_batch(body: Buffer) -> int:
    """Messages in a client's batch body; -1 when it is malformed."""
