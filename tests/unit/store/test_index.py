"""The folder of index files: naming, rolling, queries over files, expiry, and what is left after damage."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy.clock import ManualClock
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.index import IndexFolder, file_name

SLOTS = 8
CAPACITY = 5                            # four entries fit
START_MS = 1_795_000_000_000
RECORD = 100                            # a message every 100 bytes
ALL_TIMES = (0, 2**62)
TOO_MANY = struct.pack(">qqqqii", 1, 2, 3, 4, 5, 99) + bytes(132)     # says 98 entries


class Store:
    """A log of messages `k<n>` at n * RECORD, stored a second apart, and its index."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(START_MS)
        self.checkpoint = Checkpoint(folder / "checkpoint", self.clock)
        self.aside: list[Callable[[], None]] = []
        self.folder = folder / "index"
        self.log_start = 0
        self.count = 0
        self.index = self.opened()

    def opened(self) -> IndexFolder:
        index = IndexFolder(self.folder, SLOTS, CAPACITY, self.clock, self.checkpoint, self.aside.append)
        index.load()
        return index

    def put(self, count: int) -> None:
        for number in range(self.count, self.count + count):
            self.put_one(self.index, number)
        self.count += count

    def put_one(self, index: IndexFolder, number: int) -> None:
        index.writer.put("T", f"k{number}", None, number * RECORD, START_MS + number * 1000)

    def next_keyed(self, offset: int, itself: bool) -> int | None:
        offset = offset if itself else offset + RECORD
        return offset if offset < self.count * RECORD else None

    def run_aside(self) -> None:
        while self.aside:
            self.aside.pop(0)()

    def reopened(self, clean_exit: bool = False, log_end: int | None = None) -> IndexFolder:
        self.index = self.opened()
        log_end = self.count * RECORD if log_end is None else log_end
        self.index.recover(self.log_start, log_end, self.next_keyed, clean_exit)
        return self.index

    def dispatch_again(self) -> None:
        for number in range(max(self.log_start, self.index.indexed_to) // RECORD, self.count):
            self.put_one(self.index, number)

    def found(self) -> list[int]:
        numbers = range(self.count)
        return [n for n in numbers if self.index.query("T", f"k{n}", 9, *ALL_TIMES).offsets == [n * RECORD]]

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_names_are_local_times(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert file_name(START_MS).endswith("000")
    assert len(file_name(START_MS)) == 17
    assert file_name(START_MS + 61_234) > file_name(START_MS)
    store.put(9)                        # three files within one millisecond
    first = file_name(START_MS)
    assert store.names == [first, str(int(first) + 1), str(int(first) + 2)]


def test_names_stay_in_order_when_the_clock_goes_back(store: Store) -> None:
    store.put(4)
    store.clock.advance(-3_600_000)
    store.put(4)
    assert [Path(file.path).name for file in store.index.files] == store.names


def test_an_empty_folder_is_not_made(store: Store) -> None:
    assert store.index.query("T", "k", 1, *ALL_TIMES) == ([], 0, 0)
    assert store.index.indexed_to == 0
    assert not store.folder.exists()


def test_queries_go_over_files(store: Store) -> None:
    store.put(10)
    assert store.found() == list(range(10))
    for number in (10, 11, 12):
        store.index.writer.put("T", "same", None, number * RECORD, START_MS + number * 1000)
    query = store.index.query("T", "same", 64, *ALL_TIMES)
    assert query == ([1000, 1100, 1200], START_MS + 12_000, 1200)
    assert store.index.query("T", "same", 2, *ALL_TIMES).offsets == [1100, 1200]
    assert store.index.query("T", "same", 64, START_MS, START_MS + 11_000).offsets == [1000, 1100]
    assert store.index.query("T", "k1", 64, START_MS + 2000, 2**62).offsets == []


def test_a_full_file_reaches_the_disk_aside(store: Store) -> None:
    store.put(5)
    assert store.checkpoint.index_msg_timestamp == 0
    store.run_aside()
    assert store.checkpoint.index_msg_timestamp == START_MS + 3000
    assert store.checkpoint.path.exists()


def test_a_clean_stop_flushes_all(store: Store) -> None:
    store.put(8)
    store.index.flush()
    assert store.checkpoint.index_msg_timestamp == START_MS + 7000
    assert store.reopened(clean_exit=True).indexed_to == 700


def test_expired_files_go_but_never_the_last(store: Store) -> None:
    store.put(10)
    assert store.index.delete_expired(300) == 0
    assert store.index.delete_expired(401) == 1
    assert len(store.names) == 3
    store.run_aside()
    assert len(store.names) == 2
    assert store.index.delete_expired(99_999) == 1
    store.run_aside()
    assert len(store.names) == 1
    assert store.found() == [8, 9]


def test_after_a_crash_everything_is_still_there(store: Store) -> None:
    store.put(10)
    index = store.reopened()
    assert index.indexed_to == 900
    store.dispatch_again()
    store.put(3)
    assert store.found() == list(range(13))
    assert sum(file.count for file in store.index.files) == 13


def test_a_cut_log_cuts_the_index(store: Store) -> None:
    store.put(10)
    assert store.reopened(log_end=600).indexed_to == 500
    assert len(store.names) == 2
    store.count = 6
    assert store.found() == list(range(6))
    assert store.reopened(log_end=0).indexed_to == 0
    assert store.names == []


@pytest.mark.parametrize("clean_exit", [True, False])
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_file_is_made_anew(store: Store, lost: int, clean_exit: bool) -> None:
    store.put(10)
    (store.folder / store.names[lost]).unlink()
    store.reopened(clean_exit)
    store.dispatch_again()
    assert store.found() == list(range(10))


@pytest.mark.parametrize("damaged", [0, 1, 2])
@pytest.mark.parametrize("damage", [b"", b"\xff" * 172, b"\0" * 172, TOO_MANY])
def test_a_garbled_file_is_made_anew(store: Store, damaged: int, damage: bytes) -> None:
    store.put(10)
    (store.folder / store.names[damaged]).write_bytes(damage)
    store.reopened()
    store.dispatch_again()
    assert store.found() == list(range(10))


def test_garbled_entries_are_cut_after_a_crash(store: Store) -> None:
    store.put(7)
    entry = 40 + SLOTS * 4 + 2 * 20
    with (store.folder / store.names[1]).open("r+b") as raw:
        raw.seek(entry)
        raw.write(b"\xff" * 20)
    assert store.reopened().indexed_to == 400
    store.dispatch_again()
    assert store.found() == list(range(7))


@pytest.mark.parametrize("clean_exit", [True, False])
@pytest.mark.parametrize("at, size", [(0, 8), (24, 8), (40, SLOTS * 4), (40 + SLOTS * 4 + 20, 40)])
def test_files_older_than_the_checkpoint_are_looked_at_too(
    store: Store, at: int, size: int, clean_exit: bool
) -> None:
    store.put(6)
    store.run_aside()
    with (store.folder / store.names[0]).open("r+b") as raw:
        raw.seek(at)
        raw.write(bytes(size))
    store.reopened(clean_exit)
    store.dispatch_again()
    assert store.found() == list(range(6))


def test_stray_files_are_left_alone(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.put(2)
    (store.folder / "notes.txt").touch()
    store.reopened()
    assert "notes.txt is no index file" in caplog.text
    assert store.found() == [0, 1]
    assert "notes.txt" in store.names


def test_a_cleaned_log_needs_no_older_files(store: Store) -> None:
    store.put(10)
    store.index.delete_expired(500)
    store.run_aside()
    store.log_start = 500
    store.reopened()
    assert store.found() == [4, 5, 6, 7, 8, 9]


def test_destroy(store: Store) -> None:
    store.put(10)
    store.index.destroy()
    assert store.names == []
    store.put(1)
    assert store.found() == [10]
