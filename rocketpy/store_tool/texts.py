"""What the scanners' findings say, and in which file at which byte they are: one row a kind."""

from collections.abc import Callable
from datetime import datetime, timezone

ENTRY = 20
INDEX_HEADER = 40
LOST_MS = 1 << 48
WRONG = ("", "", "no blank", "it would end behind its file", "no record's magic code", "lengths within do not fit",
         "the body's CRC is wrong", "it says it stands elsewhere")
FIELDS = {0: "begin time", 8: "end time", 16: "begin offset", 24: "end offset", 32: "puts", 36: "number of entries"}


def when(time_ms: int) -> str:
    """A store time as people read it, UTC."""
    if not 0 <= time_ms < LOST_MS:
        return str(time_ms)
    return datetime.fromtimestamp(time_ms / 1000, timezone.utc).isoformat(timespec="milliseconds")


# (offset of the finding, its two values) -> what is said
LOG: dict[str, Callable[[int, int, int], str]] = {
    "log-damaged": lambda at, size, status: f"no record at {at} ({WRONG[status]}), {size} bytes cannot be read",
    "log-crc": lambda at, size, _: f"the body of the record at {at} ({size} bytes) does not have its CRC",
    "log-blank": lambda at, size, right: f"the blank at {at} says {size} bytes, the file has {right} left",
    "log-tail": lambda at, size, status: f"the log ends at {at}, but {size} bytes behind it are no record "
                                         f"({WRONG[status] or 'zeros before them'})",
}
QUEUE: dict[str, Callable[[int, int, int], str]] = {
    "queue-missing": lambda k, count, at: f"no entry for {count} messages from queue offset {k} on, the first one's "
                                          f"record is at {at}",
    "queue-folder-missing": lambda k, count, at: f"does not exist: no entry for {count} messages from queue offset {k} on, "
                                                 f"the first one's record is at {at}",
    "queue-hole": lambda k, count, _: f"{count} entries from queue offset {k} on are empty",
    "queue-wrong": lambda k, there, at: f"entry {k} leads to {there}, its record is at {at}",
    "queue-size": lambda k, there, size: f"entry {k} says {there} bytes, its record has {size}",
    "queue-tags": lambda k, there, code: f"entry {k} has tags code {there}, its record {code}",
    "queue-delivery-time": lambda k, there, time: f"entry {k} is to be delivered at {when(there)}, right is {when(time)}",
    "queue-garbled": lambda k, at, size: f"entry {k} is none: physical offset {at}, size {size}",
    "queue-stranger": lambda k, at, _: f"entry {k} leads to {at}, where its record is not",
    "queue-beyond": lambda k, at, _: f"entry {k} leads to {at}, behind the end of the log",
    "ext-missing": lambda k, address, _: f"entry {k} leads to {address} of consumequeue_ext, where nothing is",
    "ext-wrong": lambda k, address, _: f"entry {k} leads to {address} of consumequeue_ext, which is another message's",
}
INDEX: dict[str, Callable[[int, int, int], str]] = {
    "index-missing": lambda at, last, keys: f"{keys} keys of the messages from {at} to {last} are not in the index",
    "index-hash": lambda n, there, at: f"entry {n} has hash {there}, which no key of the message at {at} has",
    "index-offset": lambda n, there, at: f"entry {n} leads to {there}, its message is at {at}",
    "index-stranger": lambda n, at, _: f"entry {n} leads to {at}, where no message with keys is",
    "index-beyond": lambda n, at, _: f"entry {n} leads to {at}, behind the end of the log",
    "index-seconds": lambda n, there, right: f"entry {n} is {there} s behind the file's first one, its message {right} s",
    "index-chain": lambda n, there, right: f"entry {n} names {there} as the one before in its slot, which is {right}",
    "index-slot": lambda s, there, right: f"slot {s} leads to entry {there}, its last one is {right}",
    "index-header": lambda at, there, right: f"{FIELDS[at]} in the header is {there}, right is {right}",
}


def place_in_index(kind: str, offset: int, slots: int) -> int:
    """The byte of an index file that a finding is about."""
    if kind == "index-header":
        return offset
    if kind == "index-slot":
        return INDEX_HEADER + 4 * offset
    return INDEX_HEADER + 4 * slots + ENTRY * offset
