"""Whatever is put, crashes and is cut, a key finds exactly its messages that are still in the log."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rocketpy._core.hashing import java_hash_of
from rocketpy._core.index_file import IndexFile
from rocketpy.clock import ManualClock
from rocketpy.errors import StoreError
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.index import IndexFolder

SLOTS = 3
RECORD = 100
ALL_TIMES = (0, 2**62)
KEYS = st.sampled_from(["a", "b", "c", "Aa", "BB", "ab"])        # Aa and BB have the same hash
MESSAGES = st.lists(st.lists(KEYS, max_size=4, unique_by=java_hash_of), max_size=40)
CRASHES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.booleans()), max_size=3)


class Log:
    """Messages by their keys, a record every RECORD bytes, and the index of them."""

    def __init__(self, folder: Path, capacity: int) -> None:
        self.folder = folder
        self.capacity = capacity
        self.clock = ManualClock()
        self.keys: list[list[str]] = []
        self.index = self.opened()

    def opened(self) -> IndexFolder:
        checkpoint = Checkpoint(self.folder / "checkpoint", self.clock)
        checkpoint.load()
        index = IndexFolder(self.folder / "index", SLOTS, self.capacity, self.clock, checkpoint)
        index.load()
        return index

    def put(self, keys: list[str]) -> None:
        self.keys.append(keys)
        self.dispatch(len(self.keys) - 1)
        self.clock.advance(700)

    def dispatch(self, number: int) -> None:
        timestamp = 1_565_000_000_000 + number * 700
        self.index.writer.put("T", None, " ".join(self.keys[number]), number * RECORD, timestamp)

    def next_keyed(self, offset: int, itself: bool) -> int | None:
        first = offset // RECORD + (not itself)
        return next((number * RECORD for number in range(first, len(self.keys)) if self.keys[number]), None)

    def crash(self, lost: int, clean_exit: bool) -> None:
        """Lose the last records, and open what is left."""
        del self.keys[len(self.keys) - lost :]
        self.index = self.opened()
        self.index.recover(0, len(self.keys) * RECORD, self.next_keyed, clean_exit)
        for number in range(self.index.indexed_to // RECORD, len(self.keys)):
            self.dispatch(number)

    def check(self) -> None:
        for key in ("a", "b", "c", "Aa", "ab"):
            wanted = java_hash_of(key)
            expected = [
                number * RECORD for number, keys in enumerate(self.keys) if wanted in map(java_hash_of, keys)
            ]
            assert self.index.query("T", key, 1000, *ALL_TIMES).offsets == expected
        for file in self.index.files:
            assert file.check_chains() == 0
            assert file.sound_entries(len(self.keys) * RECORD) == file.count


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 2**40))
def test_garbage_leads_nowhere(data: bytes, at: int, log_end: int) -> None:
    """Any bytes in an index file: it is refused, or read within its bounds and mended."""
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder), 9)
        for _ in range(5):
            log.put(["a", "b"])
        path = Path(log.index.files[0].path)
        size = path.stat().st_size
        with path.open("r+b") as raw:
            raw.seek(min(at, size))
            raw.write(data[: max(0, size - at)])
        try:
            file = IndexFile(str(path), SLOTS, 9)
        except StoreError:
            return
        file.select("T", "a", 1000, *ALL_TIMES)
        file.check_chains()
        file.cut(file.count)
        sound = file.sound_entries(log_end)
        file.cut(sound)
        assert file.check_chains() == 0
        assert (file.count, file.sound_entries(log_end)) == (sound, sound)


@settings(max_examples=60)
@given(st.integers(2, 7), MESSAGES, CRASHES)
def test_a_key_finds_its_messages(
    capacity: int, messages: list[list[str]], crashes: list[tuple[int, int, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder), capacity)
        for number, keys in enumerate(messages):
            log.put(keys)
            for at, lost, clean_exit in crashes:
                if at == number:
                    log.crash(min(lost, len(log.keys)), clean_exit)
        log.check()
        log.crash(0, clean_exit=False)
        log.check()
