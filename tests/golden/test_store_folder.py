"""A store folder of RocketMQ 4.5.2 opens, is read and written on; what is made anew has upstream's bytes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy._core.message import Message, decode_messages
from rocketpy.clock import Clock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import GetMessageStatus

SAMPLES = Path(__file__).parent / "data" / "store"
LOG = (SAMPLES / "commitlog_first8110.bin").read_bytes()
QUEUES = {("TopicTest", 0): "cq_TopicTest_0", ("SCHEDULE_TOPIC_XXXX", 0): "cq_SCHEDULE_TOPIC_XXXX_0"}
LOG_FILE_BYTES = 1 << 30
QUEUE_FILE_BYTES = 6_000_000


def place(path: Path, data: bytes, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    with path.open("r+b") as file:
        file.truncate(size)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder as upstream leaves it: full-size files, checkpoint, no `abort`."""
    root = tmp_path / "store"
    place(root / "commitlog" / f"{0:020d}", LOG, LOG_FILE_BYTES)
    for (topic, queue_id), name in QUEUES.items():
        data = (SAMPLES / name).read_bytes()
        place(root / "consumequeue" / topic / str(queue_id) / f"{0:020d}", data, QUEUE_FILE_BYTES)
    place(root / "checkpoint", (SAMPLES / "checkpoint").read_bytes(), 4096)
    return root


@pytest.fixture
def store(folder: Path) -> Iterator[MessageStore]:
    store = opened(folder)
    yield store
    store.shutdown()


def opened(folder: Path) -> MessageStore:
    store = MessageStore(MessageStoreConfig(store_path_root_dir=str(folder)), Clock())
    store.lock()
    store.load()
    store.start()
    return store


def test_every_message_is_reached_through_its_queue(store: MessageStore) -> None:
    assert store.commit_log_max_offset == len(LOG)
    # A queue that upstream's broker had destroyed (op messages of transactions) began at 0 again: the later one counts.
    expected = {(each.topic, each.queue_id, each.queue_offset): each for each in decode_messages(LOG)}
    got = {}
    for topic, queue_id in {key[:2] for key in expected}:
        found = store.get(topic, queue_id, 0, 32)
        assert found.status is GetMessageStatus.FOUND
        got.update({(topic, queue_id, each.queue_offset): each for each in decode_messages(found.body)})
    assert got == expected


@pytest.mark.parametrize("key", QUEUES)
def test_a_queue_made_anew_has_upstreams_bytes(folder: Path, key: tuple[str, int]) -> None:
    path = folder / "consumequeue" / key[0] / str(key[1]) / f"{0:020d}"
    upstream = path.read_bytes()
    path.unlink()
    store = opened(folder)
    store.shutdown()
    assert path.read_bytes() == upstream


def test_it_is_written_on(store: MessageStore, folder: Path) -> None:
    before = store.max_offset("TopicTest", 0)
    result = store.put(Message("TopicTest", b"more", properties={"KEYS": "new"}))
    assert (result.physical_offset, result.queue_offset) == (len(LOG), before)
    store.shutdown()
    with (folder / "commitlog" / f"{0:020d}").open("rb") as file:
        assert file.read(len(LOG)) == LOG
    again = opened(folder)
    assert decode_messages(again.get("TopicTest", 0, before, 1).body)[0].body == b"more"
    assert again.query("TopicTest", "new", 5, 0, 2**62).records == again.record_at(len(LOG))
    again.shutdown()


def test_messages_are_found_by_key_in_an_index_made_anew(store: MessageStore) -> None:
    keyed = [each for each in decode_messages(LOG) if each.get_property("UNIQ_KEY")]
    assert keyed
    for each in keyed:
        key = each.get_property("UNIQ_KEY") or ""
        assert each in decode_messages(store.query(each.topic, key, 64, 0, 2**62).records)
