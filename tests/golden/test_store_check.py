"""What RocketMQ 4.5.2 wrote is found to be without inconsistency."""

import struct
from pathlib import Path

import pytest

from rocketpy.clock import Clock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore
from rocketpy.store_tool.check import check_store
from tests.golden.test_store_folder import LOG, SAMPLES, place

QUEUES = {("TopicTest", 0): "cq_TopicTest_0", ("SCHEDULE_TOPIC_XXXX", 0): "cq_SCHEDULE_TOPIC_XXXX_0"}
STATE = ("topics.json", "subscriptionGroup.json", "delayOffset.json", "consumerFilter.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The samples as upstream leaves them; of all its queues two are among them."""
    root = tmp_path / "store"
    place(root / "commitlog" / f"{0:020d}", LOG, 1 << 30)
    for (topic, queue_id), name in QUEUES.items():
        data = (SAMPLES / name).read_bytes()
        place(root / "consumequeue" / topic / str(queue_id) / f"{0:020d}", data, 6_000_000)
    place(root / "checkpoint", (SAMPLES / "checkpoint").read_bytes(), 4096)
    for name in STATE:
        place(root / "config" / name, (SAMPLES / "config" / name).read_bytes(), (SAMPLES / "config" / name).stat().st_size)
    return root


def test_upstreams_log_queues_and_state_are_clean_but_for_the_queues_left_out(folder: Path) -> None:
    report = check_store(folder)
    assert {finding.kind for finding in report.findings} <= {"queue-folder-missing"}
    assert report.summary["log"]["bytes"] == len(LOG)
    assert report.summary["queues"]["queues"] == len(QUEUES)


def test_it_is_clean_once_opened(folder: Path) -> None:
    """RocketPy makes the queues anew that the samples lack, and the index; the log stays upstream's."""
    store = MessageStore(MessageStoreConfig(store_path_root_dir=str(folder)), Clock())
    store.lock()
    store.load()
    store.start()
    store.shutdown()
    report = check_store(folder)
    assert report.findings == []
    assert report.summary["index"]["files"] == 1


def test_a_changed_byte_of_upstreams_queue_is_found(folder: Path) -> None:
    path = folder / "consumequeue" / "TopicTest" / "0" / f"{0:020d}"
    with path.open("r+b") as file:
        file.seek(20)
        file.write(struct.pack(">q", 1))
    found = [finding for finding in check_store(folder).findings if finding.path == str(path)]
    assert [(finding.kind, finding.offset) for finding in found] == [("queue-wrong", 20)]
