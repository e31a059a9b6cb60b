"""What a disk refused to sync is vouched for by nobody, then or later; names are on disk before what relies on them."""

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rocketpy import json_file
from rocketpy._core.message import Message
from rocketpy.clock import ManualClock
from rocketpy.store import message_store
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutMessageStatus
from tests.unit.store.test_flush import Disk, slow_disk

OpenStore = Callable[..., MessageStore]
REFUSED = OSError(errno.EIO, "Input/output error", "/the/log")


def sick(store: MessageStore) -> Disk:
    disk = slow_disk(store)
    disk.may_flush.release(100)
    disk.error = REFUSED
    return disk


def test_a_sync_that_failed_is_not_asked_for_again(open_store: OpenStore) -> None:
    store = open_store(start=False, clock=ManualClock(5000))
    store.flags.open(True)
    disk = sick(store)
    assert store.put(Message("T", b"x")).is_ok
    assert not store.flush_all()
    disk.error = None                       # the kernel forgets what it could not write: the next sync would succeed
    assert not store.flush_all()
    assert disk.flushes == 1
    assert store.checkpoint.physic_msg_timestamp == 0
    assert not store.paths.checkpoint.exists()
    with pytest.raises(OSError, match="/the/log"):
        store.flusher.sync_now()
    assert store.put(Message("T", b"x")).status is PutMessageStatus.SERVICE_NOT_AVAILABLE
    assert store.refusal == "/the/log: the disk refused a flush (Input/output error)"


def test_queues_that_were_refused_are_never_vouched_for(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        store = open_store(start=False, clock=ManualClock(5000), flush_interval_consume_queue=1)
        flushes = 0

        def refuse(*_: Any) -> None:
            nonlocal flushes
            flushes += 1
            raise REFUSED

        flusher = store._queue_flusher
        monkeypatch.setattr(flusher, "_sync", refuse)
        store.start(asyncio.get_running_loop())
        store.put(Message("T", b"x"))
        while not store.flusher.refusal:
            await asyncio.sleep(0.001)
        for _ in range(5):
            flusher._hand_over()
        store.shutdown()
        assert flushes == 1
        assert not any(store.paths.checkpoint.read_bytes())
        assert store.paths.abort.exists()

    asyncio.run(run())


def test_an_index_file_that_was_refused_ends_writing(open_store: OpenStore) -> None:
    store = open_store(start=False, clock=ManualClock(5000))
    store.flags.open(True)
    assert store.index is not None
    store.put(Message("T", b"x", properties={"KEYS": "k"}))

    class Refusing:
        path = "/the/index"
        is_full = True

        def flush(self) -> None:
            raise REFUSED

    store.index._flush_quietly(Refusing())  # type: ignore[arg-type]
    assert not store.put(Message("T", b"x")).is_ok
    assert store.checkpoint.index_msg_timestamp == 0


def test_a_checkpoint_without_room_is_no_refusal_of_the_index(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(start=False, clock=ManualClock(5000), max_index_num=3)
    store.flags.open(True)

    def refuse() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/the/checkpoint")

    monkeypatch.setattr(store.checkpoint, "persist", refuse)
    for number in range(8):
        assert store.put(Message("T", b"x", properties={"KEYS": f"k{number}"})).is_ok
    assert "/the/checkpoint: not written (No space left on device)" in caplog.text


def test_abort_is_on_disk_before_anything_is_put(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(start=False)
    synced: list[Path] = []

    def note(folder: Path) -> None:
        assert store.paths.abort.exists()
        synced.append(folder)

    monkeypatch.setattr(message_store, "sync_folder", note)
    store.start()
    assert {store.paths.root, store.paths.root.parent} <= set(synced)


def test_a_new_folder_s_name_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(json_file, "sync_folder", synced.append)
    json_file.make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    json_file.make_folder(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_queue_ends_are_on_disk_before_the_checkpoint(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(start=False)
    store.flags.open(True)
    store.put(Message("T", b"x"))
    order: list[str] = []
    monkeypatch.setattr("rocketpy.store.queue_ends.sync_folder", lambda folder: order.append(folder.name))
    monkeypatch.setattr(store.checkpoint, "persist", lambda: order.append("checkpoint"))
    assert store.flush_all()
    assert order == ["store", "checkpoint"]
