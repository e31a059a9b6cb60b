"""Keys that circulate in guides but are no properties of 4.5.2: what each of them means here.

Upstream drops them all without a word. The two sizes and the misspelt names' right spellings are honoured; paths that
upstream derives from storePathRootDir are derived here too, so that a store can go back and forth.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rocketpy.config.store import CONSUME_QUEUE_ENTRY_SIZE

ENTRIES_BELOW = 1_000_000  # the old key's comment speaks of entries; a queue file of so few bytes would make no sense


def _as_it_is(text: str) -> str:
    return text


def _queue_bytes(text: str) -> str:
    """Bytes of a consume queue file whose size is given in entries where the number is small."""
    if not (text.isascii() and text.isdigit()) or int(text) >= ENTRIES_BELOW:
        return text
    return str(int(text) * CONSUME_QUEUE_ENTRY_SIZE)


@dataclass(frozen=True)
class OldSpelling:
    """The property an old key stands for, and how its text is read."""

    name: str
    read: Callable[[str], str] = _as_it_is


SPELLINGS = {
    "mapedFileSizeCommitLog": OldSpelling("mappedFileSizeCommitLog"),
    "mapedFileSizeConsumeQueue": OldSpelling("mappedFileSizeConsumeQueue", _queue_bytes),
    "mapedFileSizeConsumeQueueExt": OldSpelling("mappedFileSizeConsumeQueueExt"),
    "destroyMappedFileIntervalForcibly": OldSpelling("destroyMapedFileIntervalForcibly"),
    "warmMappedFileEnable": OldSpelling("warmMapedFileEnable"),
    "flushLeastPagesWhenWarmMappedFile": OldSpelling("flushLeastPagesWhenWarmMapedFile"),
}

DERIVED_PATHS = {  # key -> what stands there below storePathRootDir
    "storePathConsumeQueue": "consumequeue",
    "storePathIndex": "index",
    "storeCheckpoint": "checkpoint",
    "abortFile": "abort",
}

WITHOUT_EFFECT = {
    "checkTransactionMessageEnable": "has no effect since 4.3: transactions are always checked",
}

# No field of any settings class in 4.5.2, but its start-up reads them out of the file; they are kept as extra keys.
ADDRESS_SERVER_DOMAIN = "rmqAddressServerDomain"
ADDRESS_SERVER_SUB_GROUP = "rmqAddressServerSubGroup"
READ_AT_START = (ADDRESS_SERVER_DOMAIN, ADDRESS_SERVER_SUB_GROUP)
