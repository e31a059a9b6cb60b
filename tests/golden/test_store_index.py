"""An index file of RocketMQ 4.5.2: every key found, and the same puts give the same bytes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy._core.hashing import java_hash_of
from rocketpy._core.index_file import IndexFile, IndexWriter
from rocketpy._core.message import Message, decode_messages

STORE = Path(__file__).parent / "data" / "store"
GOLDEN = STORE / "index_20261122173053761"
SLOTS = 100
CAPACITY = 400
ALL_TIMES = (0, 2**62)
ROLLBACK = 12


def indexed() -> list[Message]:
    messages = decode_messages((STORE / "commitlog_first8110.bin").read_bytes())
    return [message for message in messages if message.sys_flag & ROLLBACK != ROLLBACK]


def keys_of(message: Message) -> Iterator[str]:
    uniq_key = message.get_property("UNIQ_KEY")
    if uniq_key:
        yield uniq_key
    yield from filter(None, (message.get_property("KEYS") or "").split(" "))


@pytest.fixture
def golden(tmp_path: Path) -> IndexFile:
    path = tmp_path / "20261122173053761"
    shutil.copy(GOLDEN, path)
    return IndexFile(str(path), SLOTS, CAPACITY)


def test_header(golden: IndexFile) -> None:
    assert (golden.count, golden.put_count, golden.is_full) == (55, 55, False)
    assert (golden.begin_physical_offset, golden.end_physical_offset) == (0, 0x1EB4)
    assert (golden.begin_timestamp, golden.end_timestamp) == (indexed()[0].store_timestamp, 0x1A20452F768)


def test_every_key_is_found(golden: IndexFile) -> None:
    for message in indexed():
        for key in keys_of(message):
            assert message.physical_offset in golden.select(message.topic, key, CAPACITY, *ALL_TIMES)
    assert golden.check_chains() == 0
    assert golden.sound_entries(8110) == 55


def test_entries_are_the_messages_in_order(golden: IndexFile) -> None:
    expected = [
        (abs(java_hash_of(f"{message.topic}#{key}")), message.physical_offset)
        for message in indexed()
        for key in keys_of(message)
    ]
    assert [golden.entry(number)[:2] for number in range(1, golden.count + 1)] == expected


def test_the_same_puts_give_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "index"
    file = IndexFile(str(path), SLOTS, CAPACITY, create=True)
    writer = IndexWriter(lambda: pytest.fail("no second file needed"), file)
    for message in indexed():
        writer.put(
            message.topic,
            message.get_property("UNIQ_KEY"),
            message.get_property("KEYS"),
            message.physical_offset,
            message.store_timestamp,
        )
    file.flush()
    assert path.read_bytes() == GOLDEN.read_bytes()


def test_chains_made_anew_are_the_same(golden: IndexFile) -> None:
    golden.cut(golden.count)
    assert Path(golden.path).read_bytes() == GOLDEN.read_bytes()
