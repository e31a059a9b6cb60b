"""CRC32 a second time, for the checker only."""

from typing_extensions import Buffer

def second_crc_of(data: Buffer) -> int:
    """CRC32 of the bytes without its sign bit."""
