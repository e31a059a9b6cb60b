"""Index files: times, rolling over, what is put twice, and damage that must not lead anywhere."""

import errno
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy._core.index_file import IndexEntry, IndexFile, IndexWriter
from rocketpy.errors import StoreError

SLOTS = 8
CAPACITY = 5                    # four entries fit
ALL_TIMES = (0, 2**62)


class Folder:
    """Makes index files 0, 1, 2 … and keeps them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: list[IndexFile] = []

    def make_file(self) -> IndexFile:
        self.files.append(IndexFile(str(self.path / str(len(self.files))), SLOTS, CAPACITY, create=True))
        return self.files[-1]

    def select(self, key: str) -> list[int]:
        return [offset for file in self.files for offset in file.select("T", key, 100, *ALL_TIMES)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def writer(folder: Folder) -> IndexWriter:
    return IndexWriter(folder.make_file)


def test_no_keys_make_no_file(folder: Folder, writer: IndexWriter) -> None:
    writer.put("T", None, None, 0, 1000)
    writer.put("T", None, "  ", 0, 1000)
    assert not folder.files


def test_uniq_key_first_then_each_word(folder: Folder, writer: IndexWriter) -> None:
    writer.put("T", "u", " a  b ", 7, 1000)
    (file,) = folder.files
    assert file.count == 3
    assert [folder.select(key) for key in ("u", "a", "b", "", "a  b")] == [[7], [7], [7], [], []]
    assert (file.begin_physical_offset, file.end_physical_offset) == (7, 7)
    assert (file.begin_timestamp, file.end_timestamp) == (1000, 1000)


def test_seconds_count_from_the_first_entry(folder: Folder, writer: IndexWriter) -> None:
    for offset, time in enumerate((10_000, 11_999, 9_000, 10_000 + 2**31 * 1000)):
        writer.put("T", "k", None, offset, time)
    (file,) = folder.files
    assert [file.entry(number).seconds for number in range(1, 5)] == [0, 1, 0, 2**31 - 1]
    assert [file.entry(number).previous for number in range(1, 5)] == [0, 1, 2, 3]


def test_a_select_goes_by_time_newest_first(folder: Folder, writer: IndexWriter) -> None:
    for offset in range(4):
        writer.put("T", "k", None, offset, 10_000 + offset * 1000)
    (file,) = folder.files
    assert file.select("T", "k", 10, 11_000, 12_000) == [2, 1]
    assert file.select("T", "k", 1, *ALL_TIMES) == [3]
    assert file.select("T", "k", 0, *ALL_TIMES) == []
    assert file.is_time_matched(0, 10_000)
    assert file.is_time_matched(13_000, 13_000)
    assert file.is_time_matched(0, 99_000)
    assert not file.is_time_matched(0, 9_999)
    assert not file.is_time_matched(13_001, 99_000)


def test_a_full_file_rolls_within_a_message(folder: Folder, writer: IndexWriter) -> None:
    writer.put("T", "u1", "a b", 1, 10_000)
    writer.put("T", "u2", "a b", 2, 20_000)
    first, second = folder.files
    assert (first.count, first.is_full, second.count) == (4, True, 2)
    assert (first.end_physical_offset, first.end_timestamp) == (2, 20_000)
    assert (second.begin_physical_offset, second.begin_timestamp) == (2, 20_000)
    assert [folder.select(key) for key in ("u1", "u2", "a", "b")] == [[1], [2], [1, 2], [1, 2]]


def test_a_message_may_need_many_files(folder: Folder, writer: IndexWriter) -> None:
    words = [f"k{number}" for number in range(10)]
    writer.put("T", None, " ".join(words), 3, 10_000)
    assert [file.count for file in folder.files] == [4, 4, 2]
    assert [folder.select(word) for word in words] == [[3]] * 10


def test_the_next_file_counts_from_the_end_of_the_full_one(folder: Folder, writer: IndexWriter) -> None:
    for offset in range(5):
        writer.put("T", f"k{offset}", None, offset, 10_000 + offset * 3000)
    assert folder.files[1].entry(1).seconds == 3        # upstream's header holds the former end until the first put
    assert folder.files[1].begin_timestamp == 22_000


def test_what_is_dispatched_again_is_not_put_again(folder: Folder, writer: IndexWriter) -> None:
    writer.put("T", "u1", None, 1, 10_000)
    writer.put("T", "u2", None, 2, 10_000)
    again = IndexWriter(folder.make_file, folder.files[0])
    again.put("T", "u1", None, 1, 10_000)
    again.put("T", "u2", "late", 2, 10_000)             # the crash came between its two keys
    (file,) = folder.files
    assert file.count == 3
    assert [folder.select(key) for key in ("u1", "u2", "late")] == [[1], [2], [2]]


def test_a_full_tail_is_not_gone_on_with(folder: Folder, writer: IndexWriter) -> None:
    writer.put("T", None, "a b c d", 1, 10_000)
    again = IndexWriter(folder.make_file, folder.files[0])
    again.put("T", "k", None, 2, 11_000)
    assert [file.count for file in folder.files] == [4, 1]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_no_room_writes_nothing(tmp_path: Path, number: int) -> None:
    def refuse() -> IndexFile:
        raise OSError(number, os.strerror(number))

    writer = IndexWriter(refuse)
    assert writer.room(0)
    assert not writer.room(1)
    assert writer.error == number
    with pytest.raises(StoreError, match="no room in the index"):
        writer.put("T", "k", None, 1, 10_000)


def reopened(file: IndexFile) -> IndexFile:
    return IndexFile(file.path, SLOTS, CAPACITY)


def test_a_file_survives_its_process(folder: Folder, writer: IndexWriter) -> None:
    writer.put("T", "u", "a", 7, 1000)
    folder.files[0].flush()
    file = reopened(folder.files[0])
    assert (file.count, file.put_count, file.select("T", "a", 9, *ALL_TIMES)) == (2, 2, [7])


@pytest.mark.parametrize("size", [0, 171, 173])
def test_a_file_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "index"
    path.write_bytes(bytes(size))
    with pytest.raises(StoreError, match=f"has {size} bytes, 8 slots and 5 entries take 172"):
        IndexFile(str(path), SLOTS, CAPACITY)


@pytest.mark.parametrize("next_entry", [-1, CAPACITY + 1])
def test_a_garbled_header_is_refused(tmp_path: Path, next_entry: int) -> None:
    path = tmp_path / "index"
    path.write_bytes(struct.pack(">qqqqii", 1, 2, 3, 4, 5, next_entry) + bytes(132))
    with pytest.raises(StoreError, match=f"says it has {next_entry - 1} entries, 4 fit"):
        IndexFile(str(path), SLOTS, CAPACITY)


def garbled(file: IndexFile, at: int, value: int) -> IndexFile:
    with Path(file.path).open("r+b") as raw:
        raw.seek(at)
        raw.write(struct.pack(">i", value))
    return reopened(file)


def entry_at(number: int) -> int:
    return 40 + SLOTS * 4 + number * 20


@pytest.fixture
def filled(folder: Folder, writer: IndexWriter) -> Iterator[IndexFile]:
    """Three entries of one key, at offsets 1 to 3."""
    for offset in range(1, 4):
        writer.put("T", "k", None, offset, 10_000 + offset * 1000)
    yield folder.files[0]


@pytest.mark.parametrize("previous", [3, 2, 4, 2**31 - 1, -1])
def test_a_garbled_chain_ends(filled: IndexFile, previous: int) -> None:
    file = garbled(filled, entry_at(2) + 16, previous)
    assert file.select("T", "k", 100, *ALL_TIMES) == [3, 2]
    assert file.check_chains() == 2
    file.cut(3)
    assert file.check_chains() == 0
    assert file.select("T", "k", 100, *ALL_TIMES) == [3, 2, 1]


@pytest.mark.parametrize("slot", [4, 2**31 - 1, -5])
def test_a_garbled_slot_leads_nowhere(filled: IndexFile, slot: int) -> None:
    which = filled.entry(1).key_hash % SLOTS
    file = garbled(filled, 40 + which * 4, slot)
    assert file.select("T", "k", 100, *ALL_TIMES) == []
    assert file.check_chains() == (4 if slot == 4 else 3)
    assert file.slot(which) == slot


def test_unsound_entries_are_counted_out(filled: IndexFile) -> None:
    assert [filled.sound_entries(end) for end in (0, 1, 2, 3, 4)] == [0, 0, 1, 2, 3]
    assert garbled(filled, entry_at(2), -1).sound_entries(4) == 1
    assert garbled(filled, entry_at(1) + 4, -1).sound_entries(4) == 0


def test_a_cut_goes_back_in_time(filled: IndexFile) -> None:
    filled.cut(2)
    assert (filled.count, filled.put_count) == (2, 2)
    assert (filled.end_physical_offset, filled.end_timestamp) == (2, 12_000)
    assert filled.select("T", "k", 9, *ALL_TIMES) == [2, 1]
    filled.cut(0)
    assert (filled.count, filled.begin_timestamp, filled.end_timestamp) == (0, 0, 0)
    assert not any(Path(filled.path).read_bytes()[:36])
    with pytest.raises(ValueError, match="1 cannot be kept"):
        filled.cut(1)


def test_entries_by_number(filled: IndexFile) -> None:
    assert filled.entry(2) == IndexEntry(filled.entry(1).key_hash, 2, 1, 1)
    for number in (0, 4, -1):
        with pytest.raises(IndexError):
            filled.entry(number)
    for slot in (-1, SLOTS):
        with pytest.raises(IndexError):
            filled.slot(slot)
