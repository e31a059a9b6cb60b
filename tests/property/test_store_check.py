"""Any store of tiny files is clean, and any changed byte of it is found, unless nothing depends on it."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rocketpy._core.message import Message
from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore
from rocketpy.store.paths import StorePaths
from rocketpy.store_tool.check import StoreFolder, check_store
from rocketpy.store_tool.report import Report

LOG_FILE, QUEUE_FILE, SLOTS, CAPACITY = 2048, 200, 7, 30
INDEX_ENTRIES_AT = 40 + 4 * SLOTS
FLIPS = 12

# Of a record nothing else knows flag, times, hosts, what it was prepared by and how often it was tried again; of
# sysFlag the rest knows the transaction's type only.
FREE_IN_RECORD = {*range(16, 20), *range(36, 84)}
# Prepared and rolled back messages stand in no queue, and the latter not in the index: only what makes them records.
WITHOUT_QUEUE = (*range(12), *range(28, 36), *range(84, 88))

words = st.text("abcdefgh", min_size=1, max_size=6)


@dataclass(frozen=True)
class Sent:
    topic: str
    queue_id: int
    body: bytes
    keys: list[str]
    tag: str
    kind: int
    pause_ms: int


sent = st.builds(
    Sent,
    topic=st.sampled_from(["A", "Bb", "%RETRY%c"]),
    queue_id=st.integers(0, 2),
    body=st.binary(max_size=300),
    keys=st.lists(words, max_size=3),
    tag=words,
    kind=st.sampled_from([0, 0, 0, 4, 8, 12]),
    pause_ms=st.integers(0, 3000),
)


def config_of(folder: str) -> MessageStoreConfig:
    return MessageStoreConfig(
        store_path_root_dir=folder,
        mapped_file_size_commit_log=LOG_FILE,
        mapped_file_size_consume_queue=QUEUE_FILE,
        max_hash_slot_num=SLOTS,
        max_index_num=CAPACITY,
    )


def checked(root: Path) -> Report:
    config = config_of(str(root))
    return check_store(StoreFolder(StorePaths.of(config), config))


@contextmanager
def stored(history: list[Sent]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock()
        store = MessageStore(config_of(folder), clock)
        store.lock()
        store.load()
        store.start()
        for number, each in enumerate(history):
            properties = {"UNIQ_KEY": f"u{number}", "TAGS": each.tag}
            if each.keys:
                properties["KEYS"] = " ".join(each.keys)
            message = Message(each.topic, each.body, queue_id=each.queue_id, properties=properties, sys_flag=each.kind)
            assert store.put(message).is_ok
            clock.advance(each.pause_ms)
        store.shutdown()
        yield Path(folder)



@given(st.lists(sent, max_size=80))
@settings(max_examples=40, deadline=None)
def test_any_store_is_clean(history: list[Sent]) -> None:
    with stored(history) as root:
        report = checked(root)
        assert report.findings == []
        assert report.summary["log"]["records"] == len(history)


@given(st.lists(sent, min_size=1, max_size=50), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_any_changed_byte_is_found(history: list[Sent], chance: random.Random) -> None:
    with stored(history) as root:
        places = list(places_that_count(root))
        for _ in range(FLIPS):
            path, at = chance.choice(places)
            mask = 1 << chance.randrange(8)
            flip(path, at, mask)
            found = not checked(root).clean
            flip(path, at, mask)
            assert found, f"{path.relative_to(root)} byte {at} mask {mask}"
        assert checked(root).clean


def places_that_count(root: Path) -> Iterator[tuple[Path, int]]:
    for path in (root / "commitlog").iterdir():
        for at in log_places(path.read_bytes()):
            yield path, at
    for path in (root / "consumequeue").glob("*/*/*"):
        yield from ((path, at) for at in range(QUEUE_FILE))
    for number, path in enumerate(sorted(root.glob("index/*"))):
        yield from ((path, at) for at in index_places(path.read_bytes(), first=number == 0))


def log_places(data: bytes) -> Iterator[int]:
    """All of each record but its free fields, the blank's eight bytes, and the zeros behind the last record."""
    at = 0
    while at + 8 <= len(data):
        size, magic = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if magic == b"\xcb\xd4\x31\x94":
            yield from range(at, at + 8)
            return
        if magic != b"\xda\xa3\x20\xa7":
            yield from range(at, len(data))
            return
        if data[at + 39] & 4:
            body_size = int.from_bytes(data[at + 84 : at + 88], "big")
            yield from (at + place for place in (*WITHOUT_QUEUE, *range(88, 89 + body_size)))
        else:
            yield from (at + place for place in range(size) if place not in FREE_IN_RECORD)
        at += size


def index_places(data: bytes, first: bool) -> Iterator[int]:
    """Header (the end's time to the second), slots and entries in use; the seconds of the very first one may be any."""
    count = int.from_bytes(data[36:40], "big")
    yield from (*range(14), *range(16, INDEX_ENTRIES_AT))
    for number in range(1, count):
        start = INDEX_ENTRIES_AT + 20 * number
        yield from (at for at in range(start, start + 20) if not (first and number == 1 and 12 <= at - start < 16))


def flip(path: Path, at: int, mask: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ mask]))
