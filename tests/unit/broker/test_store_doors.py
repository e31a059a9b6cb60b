"""Delayed delivery and cleaning on a real store, as the broker joins them."""

import asyncio
import os
from pathlib import Path

import pytest

from rocketpy._core.holds import Holds
from rocketpy._core.message import Message, decode_messages
from rocketpy.broker.store_doors import CleanDoor, DelayDoor
from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.clean import Cleaner, DiskLevels
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import GetMessageStatus, PutMessageStatus
from rocketpy.store.schedule import DelayLevels, Schedule

FILE_SIZE = 4096


def config_in(folder: Path) -> MessageStoreConfig:
    return MessageStoreConfig(
        store_path_root_dir=str(folder),
        store_path_commit_log=str(folder / "commitlog"),
        mapped_file_size_commit_log=FILE_SIZE,
        mapped_file_size_consume_queue=200,
        max_hash_slot_num=20,
        max_index_num=20,
        message_delay_level="1s 5s 10s",
        delete_when="",
    )


@pytest.fixture
def config(tmp_path: Path) -> MessageStoreConfig:
    return config_in(tmp_path)


class House:
    """A store with its schedule and its cleaner; `restart` ends it and opens the folder again."""

    def __init__(self, config: MessageStoreConfig) -> None:
        self.config = config
        self.clock = ManualClock()
        self.used = 0.1
        self.open()

    def open(self) -> None:
        self.store = MessageStore(self.config, self.clock)
        self.store.lock()
        path = self.store.paths.config_file("delayOffset")
        levels = DelayLevels(self.config.message_delay_level)
        self.schedule = Schedule(DelayDoor(self.store), levels, path, self.clock, 10_000)
        self.schedule.load()
        self.store.load()
        self.store.start()
        self.cleaner = Cleaner(
            self.config, CleanDoor(self.store), self.clock, DiskLevels(), lambda path: self.used, self.pause
        )

    def close(self) -> None:
        self.schedule.persist()
        self.store.shutdown()

    def restart(self) -> None:
        self.close()
        self.open()

    def crash(self) -> None:
        """Leave everything as a killed process does, and open the folder again."""
        self.store.unlock()
        self.open()
        self.schedule._unsure_ms = DelayDoor(self.store).last_store_timestamp

    async def pause(self, pause_ms: int) -> None:
        await asyncio.sleep(0)

    def clean(self) -> None:
        asyncio.run(self.cleaner.clean())

    def put(self, body: bytes, **properties: str) -> PutMessageStatus:
        return self.store.put(Message("TopicTest", body, properties=properties, born_host=("10.0.0.1", 80))).status

    def stored(self, topic: str = "TopicTest", queue_id: int = 0) -> list[Message]:
        messages: list[Message] = []
        offset = self.store.min_offset(topic, queue_id)
        while (found := self.store.get(topic, queue_id, offset, 32)).status is GetMessageStatus.FOUND:
            messages += decode_messages(found.body)
            offset = found.next_begin_offset
        return messages


@pytest.fixture
def house(config: MessageStoreConfig) -> House:
    return House(config)


def test_a_delayed_message_waits_and_arrives(house: House) -> None:
    arrived: list[int] = []
    house.store.on_delayed = arrived.append
    house.put(b"now", TAGS="a")
    house.put(b"later", DELAY="2", TAGS="a", KEYS="k")
    assert arrived == [1]
    assert [message.body for message in house.stored()] == [b"now"]
    (waiting,) = house.stored("SCHEDULE_TOPIC_XXXX", 1)
    assert waiting.properties == {"DELAY": "2", "TAGS": "a", "KEYS": "k", "REAL_TOPIC": "TopicTest", "REAL_QID": "0"}
    assert house.schedule.deliver(2) == 5000
    house.clock.advance(5000)
    assert house.schedule.deliver(2) is None
    _, message = house.stored()
    assert (message.body, message.topic, message.queue_offset) == (b"later", "TopicTest", 1)
    assert message.properties_raw == waiting.properties_raw
    assert (message.born_host, message.store_timestamp) == (("10.0.0.1", 80), house.clock.now_ms())
    assert arrived == [1]
    house.close()


def test_a_level_above_the_highest_is_the_highest(house: House) -> None:
    arrived: list[int] = []
    house.store.on_delayed = arrived.append
    house.put(b"later", DELAY="99")
    assert arrived == [2]
    assert house.schedule.deliver(3) == 10_000
    house.close()


def test_progress_outlives_a_restart(house: House) -> None:
    for body in (b"one", b"two"):
        house.put(body, DELAY="1")
        house.clock.advance(1000)
    house.clock.advance(-1)
    assert house.schedule.deliver(1) == 1
    house.restart()
    assert [message.body for message in house.stored()] == [b"one"]
    assert house.schedule.deliver(1) == 1
    house.clock.advance(1)
    assert house.schedule.deliver(1) is None
    house.restart()
    assert house.schedule.deliver(1) is None
    assert [message.body for message in house.stored()] == [b"one", b"two"]
    house.close()


def test_a_crash_does_not_deliver_twice(house: House) -> None:
    for body in (b"one", b"two"):
        house.put(body, DELAY="1", UNIQ_KEY=body.hex())
    house.clock.advance(1000)
    assert house.schedule._deliver_one(0, False)
    house.crash()
    assert house.schedule.deliver(1) is None
    assert [message.body for message in house.stored()] == [b"one", b"two"]
    house.crash()
    assert house.schedule.deliver(1) is None
    assert [message.body for message in house.stored()] == [b"one", b"two"]
    house.close()


DELAYED = [
    {"DELAY": "1", "UNIQ_KEY": "01", "TAGS": "a", "KEYS": "k1 k2", "WAIT": "true"},
    {"DELAY": "1"},
    {"DELAY": "1", "own": "\u6807"},
    {"DELAY": "1", **{f"name{number}": "x" for number in range(14)}},
    {"DELAY": "1", **{f"name{number}": "x" for number in range(40)}},
    {"DELAY": "2", "TAGS": "b"},
    {"DELAY": "1", "TAGS": "c"},
]


def lives_of_delayed(folder: Path, plain: bool) -> tuple[bytes, dict[int, int], bytes]:
    """The log, the progress and a queue's entries after the same delayed messages."""
    house = House(config_in(folder))
    if not plain:
        house.schedule._store.put_due_plainly = lambda queue_id, offset, *_: offset  # type: ignore[method-assign]
    for round_ in range(3):
        for number, properties in enumerate(DELAYED):
            house.put(b"%d-%d" % (round_, number), **properties)
        house.clock.advance(700)
        for level in (1, 2):
            house.schedule.deliver(level)
    house.clock.advance(10_000)
    for level in (1, 2):
        assert house.schedule.deliver(level) is None
    end = house.store.writer.log.end_offset
    log = b"".join(Path(path).read_bytes() for path in house.store.writer.log.paths)[:end]
    queue = house.store.queue("TopicTest", 0)
    entries = [queue.entry(index) for index in range(queue.max_offset)]
    progress = dict(house.schedule.offsets)
    house.close()
    return log, progress, repr(entries).encode()


def test_the_quick_and_the_close_way_of_delivering_store_the_same_bytes(tmp_path: Path) -> None:
    quick, close = (lives_of_delayed(tmp_path / str(plain), plain) for plain in (True, False))
    assert quick == close
    assert quick[0].count(b"TopicTest") > 3 * len(DELAYED)


def test_the_quick_way_ends_before_what_needs_a_closer_look(house: House) -> None:
    for properties in DELAYED[:3]:
        house.put(b"x", **properties)
    house.put(b"first in its queue")
    house.clock.advance(1000)
    queue = house.store.queue("SCHEDULE_TOPIC_XXXX", 0)
    assert house.store.put_due_plainly(queue, 0, 99, house.clock.now_ms()) == 0  # all may have been put before a crash
    assert house.store.put_due_plainly(queue, 0, 1, 0) == 1
    assert house.store.put_due_plainly(queue, 1, 99, 0) == 2
    assert house.store.put_due_plainly(queue, 2, 99, 0) == 2
    house.used = 0.95
    house.clean()
    assert house.store.put_due_plainly(queue, 0, 99, 0) == 0
    house.close()


@pytest.mark.parametrize("real", [{"REAL_TOPIC": "SCHEDULE_TOPIC_XXXX"}, {"REAL_TOPIC": "T", "REAL_QID": "9999999999"}])
@pytest.mark.parametrize("more", [{}, {"DELAY": "1"}])
def test_what_somebody_sent_to_the_schedule_himself_ends(
    house: House, real: dict[str, str], more: dict[str, str]
) -> None:
    topic = "SCHEDULE_TOPIC_XXXX"
    house.store.put_due(Message(topic, b"round and round", properties={"REAL_QID": "0", **real, **more}))
    house.put(b"good", DELAY="1")
    for _ in range(3):
        house.clock.advance(1000)
        assert house.schedule.deliver(1) is None
    assert house.store.queue(topic, 0).max_offset == 2
    assert [message.body for message in house.stored()] == [b"good"]
    house.close()


def test_held_pulls_are_woken_by_what_was_due(house: House) -> None:
    arrivals: list[bool] = []
    house.put(b"the queue is known")
    house.put(b"later", DELAY="1")
    house.store.on_arrival = lambda: arrivals.append(True)
    holds = Holds(house.store.writer, lambda: None)
    holds.hold(house.store.queue("TopicTest", 0), 1, None, 10_000, lambda: None)
    house.clock.advance(1000)
    assert house.schedule.deliver(1) is None
    assert arrivals == [True]
    house.close()


def fill(house: House) -> list[bytes]:
    """Messages over several files of everything."""
    bodies = [b"%03d" % number + b"x" * 500 for number in range(60)]
    for number, body in enumerate(bodies):
        assert house.put(body, KEYS=f"k{number}") is PutMessageStatus.PUT_OK
    return bodies


def test_expired_messages_go_and_the_others_stay(house: House) -> None:
    bodies = fill(house)
    for path in house.store.writer.log.paths[:4]:
        os.utime(path, (0, 0))
    house.cleaner.delete_manually()
    house.clean()
    left = house.stored()
    assert [message.body for message in left] == bodies[-len(left) :]
    assert left[0].physical_offset >= house.store.commit_log_min_offset == 4 * FILE_SIZE
    assert house.store.min_offset("TopicTest", 0) == 60 - len(left)
    house.restart()
    assert house.stored() == left
    assert house.put(b"next") is PutMessageStatus.PUT_OK
    for number in range(60 - len(left), 60):
        assert house.store.query("TopicTest", f"k{number}", 9, 0, 2**62).records
    assert not house.store.query("TopicTest", "k0", 9, 0, 2**62).records
    house.close()


def test_a_full_disk_refuses_puts_until_there_is_room(house: House) -> None:
    fill(house)
    house.used = 0.95
    house.clean()
    assert house.put(b"refused") is PutMessageStatus.SERVICE_NOT_AVAILABLE
    assert house.stored()
    house.used = 0.5
    house.clean()
    assert house.put(b"taken") is PutMessageStatus.PUT_OK
    house.restart()
    assert house.stored()[-1].body == b"taken"
    house.close()
