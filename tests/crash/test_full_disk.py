"""A full disk costs nobody a message: puts are refused, gets go on, and service returns by itself with the space."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy._core.message import Message
from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutMessageStatus
from tests.crash.test_kill import stored

BALLAST_BYTES = 1 << 20


@pytest.fixture
def small_disk(mount_small_disk: Callable[[int], Path]) -> Path:
    """A file system of 4 MiB."""
    return mount_small_disk(4 << 20)


def open_store(folder: Path) -> MessageStore:
    config = MessageStoreConfig(
        store_path_root_dir=str(folder), mapped_file_size_commit_log=1 << 20, mapped_file_size_consume_queue=20_000,
        max_hash_slot_num=1000, max_index_num=20_000,
    )
    store = MessageStore(config, ManualClock())
    store.lock()
    store.load()
    store.start()
    return store


def put_until_full(store: MessageStore, first: int) -> tuple[int, PutMessageStatus]:
    number = first
    while True:
        body = f"{number} ".encode() + b"x" * 700
        result = store.put(Message("Crash", body, queue_id=number % 3, properties={"KEYS": f"k{number}"}))
        if not result.is_ok:
            return number, result.status
        number += 1


def test_a_full_disk_refuses_and_recovers(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(BALLAST_BYTES))
    store = open_store(small_disk / "store")
    with caplog.at_level(logging.ERROR):
        count, status = put_until_full(store, 0)
    assert count > 100
    assert status is PutMessageStatus.SERVICE_NOT_AVAILABLE
    assert caplog.text.count("No space left on device") == 1
    assert sorted(stored(store)) == list(range(count))
    assert put_until_full(store, count) == (count, status)
    ballast.unlink()
    more, _ = put_until_full(store, count)
    assert more > count + 100
    assert sorted(stored(store)) == list(range(more))
    store.shutdown()
    again = open_store(small_disk / "store")
    assert sorted(stored(again)) == list(range(more))
    again.shutdown()
