"""Room is made ahead of the writer: the next file before it is needed, and a disk that refuses is told once."""

import errno
import logging
import os
import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rocketpy._core.message import Message
from rocketpy._core.store_writer import StoreWriter
from rocketpy.store.allocate import AHEAD_BYTES, FIRST_BYTES, WAKE_EVERY_BYTES, Allocator
from tests.unit.store.conftest import OpenStore

WAIT_S = 10
MIB = 1 << 20


class Files:
    """A commit log that writes down what is asked of it."""

    folder = "/store/commitlog"

    def __init__(self) -> None:
        self.tail, self.rest = 0, 1 << 30
        self.end_offset = self.allocated_offset = 0
        self.refusal = 0
        self.asked: list[tuple[str, int]] = []

    def allocate_ahead(self, ahead: int, populate: int) -> int:
        self.asked.append(("blocks", ahead))
        if not self.refusal:
            self.allocated_offset = max(self.allocated_offset, self.end_offset + ahead)
        return self.refusal

    def make_spare(self, allocate: int) -> None:
        self.asked.append(("file", allocate))


class Helper:
    """An allocator with its thread, which is woken round by round."""

    def __init__(self) -> None:
        self.files = Files()
        self.rounds: queue.Queue[int] = queue.Queue()
        writer = SimpleNamespace(log=self.files, wake_helper_at=self.rounds.put)
        self.allocator = Allocator(cast(StoreWriter, writer))

    def first_round(self) -> int:
        """The mark at which the thread wants to be woken again."""
        self.allocator.start()
        return self.rounds.get(timeout=WAIT_S)

    def round(self) -> list[tuple[str, int]]:
        """What a woken thread asks for."""
        self.files.asked.clear()
        os.eventfd_write(self.allocator.event_fd, 1)
        self.rounds.get(timeout=WAIT_S)
        return self.files.asked


@pytest.fixture
def helper() -> Iterator[Helper]:
    helper = Helper()
    yield helper
    helper.allocator.stop()
    helper.allocator.close()


def test_the_next_file_is_there_before_the_log_reaches_it(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(start=False, mapped_file_size_commit_log=1 << 20)
    marks: queue.Queue[int] = queue.Queue()
    writer = SimpleNamespace(log=store.writer.log, wake_helper_at=marks.put)
    allocator = Allocator(cast(StoreWriter, writer))
    allocator.start()
    try:
        marks.get(timeout=WAIT_S)
    finally:
        allocator.stop()
        allocator.close()
    made = sorted((tmp_path / "store" / "commitlog").iterdir())
    assert store.writer.log.end_offset == 0
    assert [path.stat().st_size for path in made] == [1 << 20]
    assert made[0].stat().st_blocks * 512 >= 1 << 20


def test_the_first_room_is_small_and_comes_at_once(helper: Helper) -> None:
    assert helper.first_round() == WAKE_EVERY_BYTES
    assert helper.files.asked == [("blocks", FIRST_BYTES)]


def test_blocks_are_made_when_half_of_those_ahead_are_used(helper: Helper) -> None:
    helper.first_round()
    helper.files.allocated_offset = AHEAD_BYTES
    assert helper.round() == [("blocks", 0)]
    helper.files.end_offset = AHEAD_BYTES // 2 + 1
    assert helper.round() == [("blocks", AHEAD_BYTES)]


def test_a_file_that_ends_soon_has_its_successor_made(helper: Helper) -> None:
    helper.first_round()
    helper.files.rest = AHEAD_BYTES - 1
    assert ("file", AHEAD_BYTES) in helper.round()


def test_a_disk_that_refuses_is_told_once_a_trouble(helper: Helper, caplog: Any) -> None:
    caplog.set_level(logging.WARNING, "RocketmqStore")
    helper.files.refusal = errno.ENOSPC
    helper.first_round()
    helper.round()
    assert [record.getMessage() for record in caplog.records] == [
        "/store/commitlog: no room ahead of the commit log (No space left on device)"
    ]
    helper.files.refusal = 0
    helper.round()
    helper.files.refusal = errno.EIO
    helper.round()
    assert len(caplog.records) == 2


def until(reached: Callable[[], bool]) -> None:
    """The helper thread works in its own time."""
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_first_file_is_ready_before_the_first_message(open_store: OpenStore) -> None:
    store = open_store(mapped_file_size_commit_log=32 * MIB)
    first = store.paths.commit_log / f"{0:020d}"
    until(first.exists)
    assert store.put(Message("T", b"x")).is_ok
    until(lambda: store.writer.log.allocated_offset >= 16 * MIB)


def test_the_next_file_is_made_before_it_is_needed(open_store: OpenStore) -> None:
    store = open_store(mapped_file_size_commit_log=8 * MIB, max_message_size=2 * MIB)
    for _ in range(3):
        assert store.put(Message("T", bytes(2 * MIB - 200))).is_ok
    following = store.paths.commit_log / f"{8 * MIB:020d}"
    until(following.exists)
    assert len(store.writer.log.file_starts) == 1
    store.shutdown()
    assert not following.exists()


def test_an_empty_store_stays_empty(open_store: OpenStore) -> None:
    store = open_store()
    until(lambda: any(store.paths.commit_log.iterdir()))
    store.shutdown()
    assert not any(store.paths.commit_log.iterdir())
    assert open_store().commit_log_max_offset == 0
