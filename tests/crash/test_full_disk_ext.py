"""A full disk costs an entry its unit at most: gets by tag stay right, and nobody dies of a hole in a file of units."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy._core.consume_queue_ext import is_address
from rocketpy._core.hashing import java_hash_of
from rocketpy._core.message import Message
from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore

BALLAST_BYTES = 256 << 10


@pytest.fixture
def small_disk(mount_small_disk: Callable[[int], Path]) -> Path:
    """A file system of 1 MiB, for the queues and their units; the commit log is elsewhere."""
    return mount_small_disk(1 << 20)


def open_store(disk: Path) -> MessageStore:
    config = MessageStoreConfig(
        store_path_root_dir=str(disk / "store"), store_path_commit_log=str(disk.with_name("commitlog")),
        mapped_file_size_commit_log=1 << 22, mapped_file_size_consume_queue=40_000, message_index_enable=False,
        enable_consume_queue_ext=True, mapped_file_size_consume_queue_ext=1000,  # each takes a page of its own
    )  # fmt: skip
    store = MessageStore(config, ManualClock())
    store.lock()
    store.load()
    store.start()
    return store


def put(store: MessageStore, number: int) -> bool:
    return store.put(Message("T", b"", queue_id=number // 1000, properties={"TAGS": "ab"[number % 2]})).is_ok


def count(store: MessageStore, tag: str, queues: int) -> int:
    total = 0
    for queue_id in range(queues):
        offset = 0
        while offset < store.max_offset("T", queue_id):
            found = store.get("T", queue_id, offset, 32, frozenset({java_hash_of(tag)}))
            total += found.count
            offset = found.next_begin_offset
    return total


def without_units(store: MessageStore) -> int:
    entries = [
        queue.stored_entry(index) for queue in store.writer.queues.values() for index in range(queue.max_offset)
    ]
    return sum(entry is not None and not is_address(entry[2]) for entry in entries)


def test_units_go_before_messages_do(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(BALLAST_BYTES))
    store = open_store(small_disk)
    number = 0
    while put(store, number):
        number += 1
    assert 0 < without_units(store) < number
    assert count(store, "a", 100) == (number + 1) // 2 and count(store, "c", 100) == 0
    ballast.unlink()
    for queue in store.writer.queues.values():
        assert queue.ext is None or queue.ext.take_refusal() in (0, 28)
    before = without_units(store)
    for more in range(500):
        assert put(store, number + more)
    assert without_units(store) == before
    store.shutdown()
    again = open_store(small_disk)
    assert count(again, "a", 100) + count(again, "b", 100) == number + 500
    again.shutdown()


def fill(disk: Path) -> None:
    with (disk / "rest").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


def test_a_hole_among_the_units_is_not_read_through_a_map(small_disk: Path) -> None:
    store = open_store(small_disk)
    for number in range(400):
        assert put(store, number)
    store.shutdown()
    folder = small_disk / "store" / "consumequeue_ext" / "T" / "0"
    for start in (1000, 3000):
        (folder / f"{start:020d}").write_bytes(b"")
    fill(small_disk)
    again = open_store(small_disk)
    assert without_units(again) == 98
    assert (count(again, "a", 1), count(again, "b", 1), count(again, "c", 1)) == (200, 200, 0)
    again.shutdown()
