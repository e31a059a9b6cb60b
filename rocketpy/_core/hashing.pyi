"""Java's String.hashCode and the body CRC, as tags codes, index files and records hold them."""

from typing_extensions import Buffer

def java_hash_of(text: str | bytes, seed: int = 0) -> int:
    """`String.hashCode` of `text` (bytes are UTF-8), continued from the hash `seed` of what stands before it."""

def body_crc_of(body: Buffer) -> int:
    """CRC32 of `body` without its sign bit: the BODYCRC field of a record."""
