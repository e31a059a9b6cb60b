"""Units beside the queues over stops, crashes, damage and cleaning: a filter by tag finds what it must, and no more."""

import asyncio
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.consume_queue_ext import ConsumeQueueExt, is_address
from rocketpy._core.hashing import java_hash_of
from rocketpy._core.message import Message, decode_messages
from rocketpy.broker.store_doors import CleanDoor, DelayDoor
from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.clean import Cleaner, DiskLevels
from rocketpy.store.file_sizes import consume_queue_ext_size
from rocketpy.store.message_store import MessageStore
from rocketpy.store.queue_ext import FIRST_ADDRESS
from rocketpy.store.schedule import DelayLevels, Schedule
from tests.unit.store.test_recovery import crash

OpenStore = Callable[..., MessageStore]
Stop = Callable[[MessageStore], None]
UNIT = struct.Struct(">hqqh")
FILE_BYTES = 404  # 20 units and the 4 bytes that stay free


@pytest.fixture
def open_ext(open_store: OpenStore) -> OpenStore:
    """A store with enableConsumeQueueExt and small files; without an index, for whose sake more would be dispatched."""

    def open_it(enabled: bool = True, **settings: object) -> MessageStore:
        return open_store(
            enable_consume_queue_ext=enabled, mapped_file_size_consume_queue_ext=FILE_BYTES,
            message_index_enable=False, **settings,
        )  # fmt: skip

    return open_it


def put(store: MessageStore, count: int, topic: str = "T") -> None:
    for number in range(count):
        assert store.put(Message(topic, b"x" * 50, properties={"TAGS": "ab"[number % 2]})).is_ok


def queue_of(store: MessageStore) -> tuple[ConsumeQueue, ConsumeQueueExt]:
    queue = store.queue("T", 0)
    assert queue.ext is not None
    return queue, queue.ext


def with_tag(store: MessageStore, tag: str) -> list[int]:
    """Queue offsets of everything a get with this tag finds."""
    got: list[int] = []
    offset = store.min_offset("T", 0)
    while offset < store.max_offset("T", 0):
        found = store.get("T", 0, offset, 32, frozenset({java_hash_of(tag)}))
        got += [message.queue_offset for message in decode_messages(found.body)]
        offset = found.next_begin_offset
    return got


def filters_right(store: MessageStore, count: int) -> bool:
    least = store.min_offset("T", 0)
    evens, odds = ([number for number in range(least, count) if number % 2 == rest] for rest in (0, 1))
    return (with_tag(store, "a"), with_tag(store, "b"), with_tag(store, "c")) == (evens, odds, [])


def fields(store: MessageStore) -> list[int]:
    queue = store.queue("T", 0)
    return [queue.stored_entry(index)[2] for index in range(queue.min_offset, queue.max_offset)]  # type: ignore[index]


def ext_file(store: MessageStore, number: int = 0) -> Path:
    return store.paths.queue_ext("T", 0) / f"{number * FILE_BYTES:020d}"


@pytest.mark.parametrize("stop", [crash, MessageStore.shutdown])
def test_units_go_on_after_a_stop(open_ext: OpenStore, stop: Stop) -> None:
    store = open_ext()
    put(store, 50)
    before = fields(store)
    stop(store)
    again = open_ext()
    assert fields(again) == before
    put(again, 30)
    assert fields(again) == [FIRST_ADDRESS + number // 20 * FILE_BYTES + number % 20 * 20 for number in range(80)]
    assert filters_right(again, 80)


def test_no_units_without_the_setting(open_ext: OpenStore) -> None:
    store = open_ext(enabled=False)
    put(store, 30)
    assert store.queue("T", 0).ext is None
    assert not store.paths.consume_queue_ext.exists()
    assert fields(store) == [97, 98] * 15


def test_the_setting_may_come_and_go(open_ext: OpenStore) -> None:
    for enabled in (False, True, False, True):
        store = open_ext(enabled)
        put(store, 30)
        store.shutdown()
    again = open_ext(enabled=False)
    assert [is_address(field) for field in fields(again)] == ([False] * 30 + [True] * 30) * 2
    assert filters_right(again, 120)
    queue, _ = queue_of(again)
    assert queue.stored_entry(90)[2] == FIRST_ADDRESS + FILE_BYTES + 10 * 20  # type: ignore[index]


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("stop", [crash, MessageStore.shutdown])
def test_lost_units_end_as_plain_tags_codes(
    open_ext: OpenStore, stop: Stop, enabled: bool, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_ext()
    put(store, 50)
    stop(store)
    shutil.rmtree(store.paths.consume_queue_ext)
    again = open_ext(enabled)
    assert fields(again) == [97, 98] * 25
    assert "the units of 50 entries in 1 queues were missing or wrong, such as in " in caplog.text
    assert str(store.paths.queue_ext("T", 0)) in caplog.text
    put(again, 10)
    assert filters_right(again, 60)
    again.shutdown()
    caplog.clear()
    third = open_ext(enabled)
    assert filters_right(third, 60)
    assert "missing or wrong" not in caplog.text


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("stop", [crash, MessageStore.shutdown])
def test_one_lost_file_costs_its_units_only(open_ext: OpenStore, stop: Stop, number: int) -> None:
    store = open_ext()
    put(store, 50)
    stop(store)
    ext_file(store, number).unlink()
    again = open_ext()
    plain = [index for index, field in enumerate(fields(again)) if not is_address(field)]
    assert plain == list(range(50))[number * 20 : number * 20 + 20]
    put(again, 10)
    assert filters_right(again, 60)
    assert all(is_address(field) for field in fields(again)[50:])


@pytest.mark.parametrize("garbage", [b"\0", b"\xff", b"\x00\x14"])
@pytest.mark.parametrize("stop", [crash, MessageStore.shutdown])
def test_a_garbled_tail_is_cut(open_ext: OpenStore, stop: Stop, garbage: bytes) -> None:
    store = open_ext()
    put(store, 50)
    stop(store)
    with ext_file(store, 2).open("r+b") as file:
        file.seek(60)
        file.write((garbage * 344)[:344])
    again = open_ext()
    assert [is_address(field) for field in fields(again)] == [True] * 43 + [False] * 7
    put(again, 10)
    assert fields(again)[50] == FIRST_ADDRESS + 2 * FILE_BYTES + 60
    assert filters_right(again, 60)


def test_a_unit_of_another_message_is_noticed_after_a_crash(open_ext: OpenStore) -> None:
    store = open_ext()
    put(store, 10)
    crash(store)
    with ext_file(store).open("r+b") as file:
        file.seek(3 * 20)
        file.write(UNIT.pack(20, 97, store.clock.now_ms(), 0))
        file.write(UNIT.pack(20, 97, store.clock.now_ms() - 1, 0))
    again = open_ext()
    assert [is_address(field) for field in fields(again)] == [True] * 3 + [False] * 2 + [True] * 5
    assert filters_right(again, 10)


def test_the_last_unit_must_be_the_last_messages(open_ext: OpenStore) -> None:
    store = open_ext()
    put(store, 10)
    store.shutdown()
    with ext_file(store).open("r+b") as file:
        file.seek(9 * 20)
        file.write(UNIT.pack(20, 97, store.clock.now_ms() - 1, 0))
    again = open_ext()
    assert [is_address(field) for field in fields(again)] == [True] * 9 + [False]
    put(again, 2)
    assert filters_right(again, 12)
    assert fields(again)[10] == FIRST_ADDRESS + 9 * 20


def test_many_entries_without_units_are_all_mended(open_ext: OpenStore) -> None:
    store = open_ext(mapped_file_size_commit_log=1 << 20, mapped_file_size_consume_queue=100_000)
    put(store, 3000)
    store.shutdown()
    for path in ext_file(store).parent.iterdir():
        if int(path.name) >= 1200 // 20 * FILE_BYTES:
            path.write_bytes(bytes(FILE_BYTES))
    again = open_ext(mapped_file_size_commit_log=1 << 20, mapped_file_size_consume_queue=100_000)
    assert filters_right(again, 3000)
    put(again, 2)
    assert filters_right(again, 3002)


@pytest.mark.parametrize("length", [0, 100, 403, 405, 5000])
def test_a_file_of_another_length_is_set_right(open_ext: OpenStore, length: int) -> None:
    store = open_ext()
    put(store, 50)
    store.shutdown()
    with ext_file(store, 1).open("r+b") as file:
        file.truncate(length)
    again = open_ext()
    assert ext_file(store, 1).stat().st_size == FILE_BYTES
    assert filters_right(again, 50)


def test_a_lost_queue_gets_its_units_anew(open_ext: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    store = open_ext()
    put(store, 50)
    before = fields(store)
    units = ext_file(store, 1).read_bytes()
    store.shutdown()
    shutil.rmtree(store.paths.consume_queue)
    again = open_ext()
    assert f"units of 1 queues that do not exist are removed, such as {ext_file(store).parent}" in caplog.text
    assert fields(again) == before
    assert ext_file(again, 1).read_bytes() == units
    assert filters_right(again, 50)


def test_a_torn_queue_takes_its_units_with_it(open_ext: OpenStore) -> None:
    store = open_ext()
    put(store, 50)
    before = fields(store)
    crash(store)
    queue_file = store.paths.queue("T", 0) / f"{800:020d}"
    with queue_file.open("r+b") as file:
        file.seek(100)
        file.write(bytes(300))
    again = open_ext()
    assert fields(again) == before
    assert filters_right(again, 50)


def test_units_are_flushed_with_their_queues(open_ext: OpenStore) -> None:
    store = open_ext()
    put(store, 30)
    _, ext = queue_of(store)
    assert ext.files.flushed_offset == 0
    store.flush_all()
    assert ext.files.flushed_offset == ext.files.end_offset == FILE_BYTES + 200


def test_many_queues_are_flushed_by_one_sync(open_ext: OpenStore) -> None:
    store = open_ext()
    for number in range(70):
        put(store, 1, f"T{number}")
    store.flush_all()
    for number in range(70):
        queue = store.queue(f"T{number}", 0)
        assert queue.ext is not None and queue.ext.files.flushed_offset == 20


def test_a_topic_goes_with_its_units(open_ext: OpenStore) -> None:
    store = open_ext()
    put(store, 30)
    put(store, 1, "Other")
    store.delete_topic("T")
    assert [path.name for path in store.paths.consume_queue_ext.iterdir()] == ["Other"]
    put(store, 4)
    assert filters_right(store, 4)


def clean(store: MessageStore) -> None:
    """A round with little room: every log file that can goes at once, and what pointed into it."""
    async def no_pause(pause_ms: int) -> None:
        await asyncio.sleep(0)

    config = MessageStoreConfig(store_path_root_dir=store.config.store_path_root_dir)
    cleaner = Cleaner(config, CleanDoor(store), store.clock, DiskLevels(), lambda path: 0.86, no_pause)
    asyncio.run(cleaner.clean())


def test_files_of_units_go_with_the_messages(open_ext: OpenStore) -> None:
    store = open_ext()
    put(store, 100)
    clean(store)
    queue, ext = queue_of(store)
    first = queue.stored_entry(queue.min_offset)
    assert first is not None and queue.min_offset > 60
    offset = first[2] - FIRST_ADDRESS
    assert ext.files.file_starts[0] == offset // FILE_BYTES * FILE_BYTES
    assert len(list(ext_file(store).parent.iterdir())) == len(ext.files.file_starts) == 5 - offset // FILE_BYTES
    put(store, 10)
    assert filters_right(store, 110)
    store.shutdown()
    again = open_ext()
    assert filters_right(again, 110)


def test_units_nobody_needs_go_but_for_the_last_file(open_ext: OpenStore) -> None:
    store = open_ext()
    put(store, 50)
    store.shutdown()
    plain = open_ext(enabled=False)
    put(plain, 100)
    clean(plain)
    assert plain.min_offset("T", 0) > 50
    assert [path.name for path in ext_file(store).parent.iterdir()] == [f"{2 * FILE_BYTES:020d}"]
    plain.shutdown()
    again = open_ext()
    put(again, 20)
    assert filters_right(again, 170)
    assert fields(again)[-20] == FIRST_ADDRESS  # no entry led to the old ones


def test_a_disk_without_room_is_told_once_a_round(open_ext: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    store = open_ext()
    store.paths.consume_queue_ext.write_bytes(b"in the way")
    put(store, 10)
    store._queue_flusher._hand_over()
    assert caplog.text.count("no room for units (") == 1
    assert fields(store) == [97, 98] * 5
    store.paths.consume_queue_ext.unlink()
    put(store, 10)
    store._queue_flusher._hand_over()
    assert caplog.text.count("no room for units (") == 1
    assert is_address(fields(store)[10])
    assert filters_right(store, 20)


def delayed(level: int) -> Message:
    return Message("T", b"late", properties={"DELAY": str(level)})


@pytest.mark.parametrize("lost", [False, True])
def test_a_delayed_message_is_due_on_time_with_or_without_its_unit(open_ext: OpenStore, lost: bool) -> None:
    clock = ManualClock()
    store = open_ext(clock=clock)
    clock.advance(7)
    assert store.put(delayed(2)).is_ok
    queue = store.queue("SCHEDULE_TOPIC_XXXX", 1)
    assert queue.stored_entry(0)[2] == FIRST_ADDRESS  # type: ignore[index]
    if lost:
        queue.attach(None)
    else:
        assert queue.entry(0)[2] == clock.now_ms() + 5000  # type: ignore[index]
    levels = DelayLevels(store.config.message_delay_level)
    schedule = Schedule(DelayDoor(store), levels, store.paths.config_file("delayOffset"), clock, 10_000)
    assert schedule.deliver(2) == 5000
    clock.advance(4999)
    assert (schedule.deliver(2), store.max_offset("T", 0)) == (1, 0)
    clock.advance(1)
    assert (schedule.deliver(2), store.max_offset("T", 0)) == (None, 1)


def test_existing_files_decide_their_size(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def make(queue: str, start: int, length: int) -> None:
        path = tmp_path / "T" / queue / f"{start:020d}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(length))

    assert consume_queue_ext_size(str(tmp_path), 5000) == 5000
    make("0", 0, 1001)
    assert consume_queue_ext_size(str(tmp_path), 5000) == 5000  # a single odd length is damage
    make("1", 0, 1001)
    assert consume_queue_ext_size(str(tmp_path), 5000) == 1001
    assert "keep that size, mappedFileSizeConsumeQueueExt=5000 has no effect here" in caplog.text
    assert consume_queue_ext_size(str(tmp_path), 1001) == 1001


def test_a_stray_file_is_left_alone(open_ext: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    store = open_ext()
    put(store, 5)
    store.shutdown()
    stray = ext_file(store).with_name("notes.txt")
    stray.write_text("mine")
    again = open_ext()
    assert f"{stray} is no file of this sequence: left alone" in caplog.text
    assert filters_right(again, 5)
    again.delete_topic("T")
    assert list(stray.parent.iterdir()) == [stray]
