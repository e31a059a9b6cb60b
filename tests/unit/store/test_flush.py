"""No answer before the sync that covers it, one sync for all that gathered, and no writing once the disk says no."""

import asyncio
import errno
import logging
import select
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rocketpy._core.message import Message
from rocketpy.clock import ManualClock
from rocketpy.config.store import FlushDiskType
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutMessageStatus

OpenStore = Callable[..., MessageStore]


class Disk:
    """Stands in for the log's files in the flush thread: a flush waits until the test lets it go, or fails."""

    def __init__(self, store: MessageStore) -> None:
        self.files = store.writer.log
        self.may_flush = threading.Semaphore(0)
        self.error: OSError | None = None
        self.entered = self.flushes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.files, name)

    def flush(self, least_pages: int = 0) -> int:
        end = self.files.end_offset
        self.entered += 1
        self.may_flush.acquire(timeout=20)
        self.flushes += 1
        if self.error is not None:
            raise self.error
        self.files.flush(least_pages)
        return end


class Writer:
    """The store's writer with another disk."""

    def __init__(self, writer: Any, disk: Disk) -> None:
        self._writer = writer
        self.log = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_writer", "log"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._writer, name, value)


def slow_disk(store: MessageStore) -> Disk:
    disk = Disk(store)
    store.flusher._writer = Writer(store.writer, disk)  # type: ignore[assignment]
    return disk


def put(store: MessageStore) -> Any:
    return store.settle(store.put(Message("T", b"x")))


def settings(**more: Any) -> dict[str, Any]:
    return {"flush_disk_type": FlushDiskType.SYNC_FLUSH, "flush_interval_commit_log": 3_600_000, **more}


def test_an_answer_waits_for_the_sync_that_covers_it(open_store: OpenStore) -> None:
    async def run() -> None:
        store = open_store(start=False, **settings())
        disk = slow_disk(store)
        store.start(asyncio.get_running_loop())
        durable: list[int] = []
        store.flusher.on_durable.append(durable.append)
        first = asyncio.ensure_future(put(store))
        while not disk.entered:
            await asyncio.sleep(0.001)
        rest = [asyncio.ensure_future(put(store)) for _ in range(50)]      # they gather while the first sync runs
        await asyncio.sleep(0.01)
        assert not first.done()
        disk.may_flush.release()
        assert await first is PutMessageStatus.PUT_OK
        disk.may_flush.release()
        assert set(await asyncio.gather(*rest)) == {PutMessageStatus.PUT_OK}
        assert disk.flushes == 2
        assert durable[-1] == store.commit_log_max_offset == store.writer.durable_offset
        disk.may_flush.release(100)
        store.shutdown()

    asyncio.run(run())


def test_a_sync_that_takes_too_long_is_told(open_store: OpenStore) -> None:
    async def run() -> None:
        store = open_store(start=False, **settings(sync_flush_timeout=20))
        disk = slow_disk(store)
        store.start(asyncio.get_running_loop())
        assert await put(store) is PutMessageStatus.FLUSH_DISK_TIMEOUT
        disk.may_flush.release(100)
        store.shutdown()

    asyncio.run(run())


def test_a_refused_flush_ends_writing(open_store: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        store = open_store(start=False, **settings())
        disk = slow_disk(store)
        store.start(asyncio.get_running_loop())
        disk.error = OSError(errno.EIO, "Input/output error", "/the/log")
        disk.may_flush.release(100)
        assert await put(store) is PutMessageStatus.FLUSH_DISK_TIMEOUT
        assert store.put(Message("T", b"x")).status is PutMessageStatus.SERVICE_NOT_AVAILABLE
        assert store.get("T", 0, 0, 1).count == 1
        store.shutdown()
        assert store.paths.abort.exists()                                  # the next start looks closely

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert "/the/log: the disk refused a flush (Input/output error); puts are refused" in caplog.text


def test_an_asynchronous_store_answers_at_once(open_store: OpenStore) -> None:
    async def run() -> None:
        store = open_store(start=False, flush_interval_commit_log=3_600_000)
        slow_disk(store).may_flush.release(100)
        store.start(asyncio.get_running_loop())
        assert await put(store) is PutMessageStatus.PUT_OK
        assert store.bytes_to_flush > 0
        store.shutdown()
        assert store.bytes_to_flush == 0

    asyncio.run(run())


def test_by_the_clock_a_flush_waits_for_pages_or_the_thorough_interval(open_store: OpenStore) -> None:
    clock = ManualClock()
    store = open_store(start=False, clock=clock)
    assert store.flusher._least_pages() == 4
    clock.advance(10_000)
    assert store.flusher._least_pages() == 0
    assert store.flusher._least_pages() == 4


def test_the_put_that_fills_enough_pages_wakes_an_asynchronous_flush(open_store: OpenStore) -> None:
    async def run() -> None:
        store = open_store(flush_interval_commit_log=3_600_000, mapped_file_size_commit_log=1 << 20, start=False)
        store.start(asyncio.get_running_loop())
        while store.writer.log.flushed_offset == 0:
            store.put(Message("T", bytes(1000)))
            await asyncio.sleep(0.001)
        assert store.writer.log.end_offset >= 4 * 4096
        store.shutdown()

    asyncio.run(run())


def test_timed_flushes_are_woken_by_no_put(open_store: OpenStore) -> None:
    store = open_store(flush_interval_commit_log=3_600_000, flush_commit_log_timed=True)
    for _ in range(50):
        store.put(Message("T", bytes(1000)))
    assert not select.select([store.flusher.event_fd], [], [], 0)[0]
    assert store.writer.log.flushed_offset == 0


def test_queues_and_checkpoint_follow(open_store: OpenStore) -> None:
    async def run() -> None:
        clock = ManualClock(5000)
        store = open_store(start=False, clock=clock, flush_interval_consume_queue=1)
        store.start(asyncio.get_running_loop())
        store.put(Message("T", b"x"))
        clock.advance(60_000)
        while store.checkpoint.logics_msg_timestamp != 5000:
            await asyncio.sleep(0.001)
        files = store.queue("T", 0).files
        while files.flushed_offset != files.end_offset:
            await asyncio.sleep(0.001)
        store.shutdown()
        assert (store.paths.root / "queueEnds").read_text().splitlines() == ["93", "0-1 0 T", "index 0", "end"]
        assert store.checkpoint.physic_msg_timestamp == 5000

    asyncio.run(run())


def test_a_checkpoint_that_cannot_be_written_refuses_nobody(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/the/checkpoint")

    async def run() -> None:
        clock = ManualClock(5000)
        store = open_store(start=False, clock=clock, flush_interval_consume_queue=1)
        monkeypatch.setattr(store.checkpoint, "persist", refuse)
        store.start(asyncio.get_running_loop())
        store.put(Message("T", b"x"))
        clock.advance(60_000)
        while "/the/checkpoint: not written" not in caplog.text:
            await asyncio.sleep(0.001)
        assert store.put(Message("T", b"x")).is_ok
        monkeypatch.undo()
        store.shutdown()
        assert not store.paths.abort.exists()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())


def test_a_sync_that_brought_something_to_the_disk_is_timed(open_store: OpenStore) -> None:
    store = open_store(**settings())
    store.put(Message(topic="T", body=b"x"))
    assert sum(store.flusher.times.counts) == 0
    store.flusher.sync_now()
    store.flusher.sync_now()
    assert sum(store.flusher.times.counts) == 1
