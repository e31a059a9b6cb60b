"""Index files that RocketMQ 4.5.2 rolled over: the same puts give the same files, the same queries the same answers.

Odd on purpose: clocks that go back, keys beyond the BMP, a hash of Integer.MIN_VALUE, rollbacks, a message put again.
"""

from pathlib import Path

import pytest

from rocketpy.clock import ManualClock
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.index import IndexFolder

GOLDEN = Path(__file__).parent / "data" / "store" / "index_rolled"
FILES = sorted(path for path in GOLDEN.iterdir() if path.name.isdecimal())
SLOTS = 50
CAPACITY = 30
ROLLBACK = 12
QUERIES = [line.split("\t") for line in (GOLDEN / "queries.tsv").read_text().splitlines()]


def new_folder(folder: Path) -> IndexFolder:
    clock = ManualClock()
    return IndexFolder(folder, SLOTS, CAPACITY, clock, Checkpoint(folder.parent / "checkpoint", clock))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> IndexFolder:
    index = new_folder(tmp_path_factory.mktemp("store") / "index")
    for line in (GOLDEN / "puts.tsv").read_text().splitlines():
        words = (None if word == r"\N" else word for word in line.split("\t"))
        topic, uniq_key, keys, offset, timestamp, sys_flag = words
        assert topic and offset and timestamp and sys_flag
        if int(sys_flag) & ROLLBACK != ROLLBACK:
            index.writer.put(topic, uniq_key, keys, int(offset), int(timestamp))
    index.flush()
    return index


def test_the_same_puts_give_the_same_files(index: IndexFolder) -> None:
    assert len(index.files) == len(FILES)
    for file, golden in zip(index.files, FILES, strict=True):
        assert Path(file.path).read_bytes() == golden.read_bytes(), golden.name


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: "-".join(query[:4]))
def test_the_same_queries_give_the_same_answers(index: IndexFolder, query: list[str]) -> None:
    topic, key, max_num, begin_ms, end_ms, offsets, last_timestamp, last_offset = query
    found = index.query(topic, key, int(max_num), int(begin_ms), int(end_ms))
    assert str(found.offsets) == offsets
    assert (found.last_update_timestamp, found.last_update_physical_offset) == (int(last_timestamp), int(last_offset))
