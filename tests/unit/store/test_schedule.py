"""Delayed delivery: on time, in order, once, over restarts, and never stuck at what cannot be delivered."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy._core.message import Message
from rocketpy.clock import Clock, ManualClock
from rocketpy.errors import StartRefused
from rocketpy.store.results import PutMessageStatus, PutResult
from rocketpy.store.schedule import READ_FIRST, DelayLevels, DelayQueue, Schedule, real_message

GOLDEN = Path(__file__).parents[2] / "golden" / "data" / "store" / "config" / "delayOffset.json"
LEVELS = DelayLevels("1s 5s 10s 30s 1m")


class Queue:
    """A consume queue of the schedule topic."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, int]] = []
        self.min_offset = 0

    @property
    def max_offset(self) -> int:
        return len(self.entries)

    def entry(self, index: int) -> tuple[int, int, int]:
        return self.entries[index]


class Store:
    """A store of delayed messages that answers puts with `statuses`, then with PUT_OK."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.queues: dict[int, Queue] = {}
        self.messages: dict[int, Message] = {}
        self.statuses: list[PutMessageStatus] = []
        self.last_store_timestamp = 0
        self.known: list[bytes] = []
        self.put: list[Message] = []
        self.put_at_ms: list[int] = []
        self.on_disk: set[int] = set()
        self.brought_in: list[tuple[int, int]] = []
        self.unreadable = False
        self.sync_error: OSError | None = None
        self.synced = 0

    def delay_queues(self) -> dict[int, DelayQueue]:
        return dict(self.queues)

    def delay_queue(self, queue_id: int) -> DelayQueue | None:
        return self.queues.get(queue_id)

    def message_at(self, physical_offset: int) -> Message | None:
        return self.messages.get(physical_offset)

    def is_in_memory(self, physical_offset: int) -> bool:
        return physical_offset not in self.on_disk

    async def bring_in(self, queue_id: int, index: int) -> None:
        self.brought_in.append((queue_id, index))
        if self.unreadable:
            raise OSError(5, "Input/output error", "commitlog/0")
        self.on_disk.clear()

    def was_put(self, message: Message, after: int) -> bool:
        return message.body in self.known

    def sync_log(self) -> None:
        if self.sync_error is not None:
            raise self.sync_error
        self.synced = len(self.put)

    def put_due(self, message: Message) -> PutResult:
        self.put.append(message)
        self.put_at_ms.append(self.clock.now_ms())
        return PutResult(self.statuses.pop(0) if self.statuses else PutMessageStatus.PUT_OK)

    def put_due_plainly(self, queue_id: int, offset: int, most: int, after_ms: int) -> int:
        return offset  # here every message needs a closer look

    def delay(self, level: int, body: bytes, properties: dict[str, str] | None = None) -> None:
        """Store a message of this level."""
        properties = properties or {"DELAY": str(level), "REAL_TOPIC": "T", "REAL_QID": "3"}
        at = len(self.messages) * 100
        self.messages[at] = Message("SCHEDULE_TOPIC_XXXX", body, properties=properties, queue_id=level - 1)
        queue = self.queues.setdefault(level - 1, Queue())
        queue.entries.append((at, 100, LEVELS.deliver_timestamp(level, self.clock.now_ms())))

    @property
    def bodies(self) -> list[bytes]:
        return [message.body for message in self.put]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> Store:
    return Store(clock)


@pytest.fixture
def schedule(store: Store, clock: ManualClock, tmp_path: Path) -> Schedule:
    return Schedule(store, LEVELS, tmp_path / "config" / "delayOffset.json", clock, 10_000)


def test_levels() -> None:
    default = DelayLevels("1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h")
    assert default.max_level == 18
    assert [default.delay_ms(level) for level in (1, 5, 18, 19, 0)] == [1000, 60_000, 7_200_000, 1000, 1000]
    assert (default.clamp(3), default.clamp(99)) == (3, 18)
    assert DelayLevels("2d").deliver_timestamp(1, 5) == 172_800_005


def test_due_in_order_and_not_before(schedule: Schedule, store: Store, clock: ManualClock) -> None:
    store.delay(2, b"first")
    clock.advance(1000)
    store.delay(2, b"second")
    assert schedule.deliver(2) == 4000
    clock.advance(3999)
    assert schedule.deliver(2) == 1
    assert store.put == []
    clock.advance(1)
    assert schedule.deliver(2) == 1000
    clock.advance(1000)
    assert schedule.deliver(2) is None
    assert store.bodies == [b"first", b"second"]
    assert schedule.offsets == {2: 2}


def test_a_due_message_goes_as_it_is(store: Store) -> None:
    delayed = Message(
        "SCHEDULE_TOPIC_XXXX", b"body",
        properties_raw=b"REAL_TOPIC\x01T\x02KEYS\x01k\x02DELAY\x011\x02REAL_QID\x013\x02",
        flag=5, sys_flag=1, born_timestamp=7, born_host=("10.0.0.1", 80), store_host=("10.0.0.2", 81),
        reconsume_times=2, prepared_transaction_offset=9,
    )
    due = real_message(delayed)
    assert (due.topic, due.queue_id, due.properties_raw) == ("T", 3, delayed.properties_raw)
    assert (due.body, due.flag, due.sys_flag, due.reconsume_times) == (b"body", 5, 1, 2)
    assert (due.born_timestamp, due.born_host, due.store_host) == (7, ("10.0.0.1", 80), ("10.0.0.2", 81))
    assert due.prepared_transaction_offset == 0
    assert delayed.topic == "SCHEDULE_TOPIC_XXXX"


def test_properties_of_a_due_message_are_in_upstreams_order(store: Store) -> None:
    delayed = Message("SCHEDULE_TOPIC_XXXX", properties_raw=b"REAL_QID\x013\x02DELAY\x011\x02REAL_TOPIC\x01T\x02")
    assert real_message(delayed).properties_raw == b"REAL_TOPIC\x01T\x02DELAY\x011\x02REAL_QID\x013\x02"


def test_a_clock_set_back_does_not_hold_messages(schedule: Schedule, store: Store, clock: ManualClock) -> None:
    store.delay(1, b"stored in the future")
    clock.advance(-3_600_000)
    assert schedule.deliver(1) is None
    assert store.bodies == [b"stored in the future"]


def test_a_level_that_was_removed_still_delivers(schedule: Schedule, store: Store, clock: ManualClock) -> None:
    store.queues[6] = Queue()
    store.delay(7, b"old level")
    assert schedule.deliver(7) == 1000
    clock.advance(1000)
    assert schedule.deliver(7) is None
    assert store.bodies == [b"old level"]


def test_a_failed_put_is_tried_again(schedule: Schedule, store: Store, clock: ManualClock) -> None:
    store.delay(1, b"one")
    store.delay(1, b"two")
    clock.advance(1000)
    store.statuses = [PutMessageStatus.PUT_OK, PutMessageStatus.SERVICE_NOT_AVAILABLE]
    assert schedule.deliver(1) == 10_000
    assert schedule.offsets == {1: 1}
    assert schedule.deliver(1) is None
    assert store.bodies == [b"one", b"two", b"two"]


@pytest.mark.parametrize(
    "properties",
    [
        {"DELAY": "1"},
        {"REAL_TOPIC": "T"},
        {"REAL_TOPIC": "T", "REAL_QID": "-1"},
        {"REAL_TOPIC": "T", "REAL_QID": "x"},
        {"REAL_TOPIC": "T", "REAL_QID": "9" * 5000},
        {"REAL_TOPIC": "T", "REAL_QID": "2147483648"},
        {"REAL_TOPIC": "SCHEDULE_TOPIC_XXXX", "REAL_QID": "0"},  # it would go round for ever
    ],
)
def test_what_has_no_real_queue_is_dropped(
    schedule: Schedule, store: Store, clock: ManualClock, properties: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    store.delay(1, b"bad", properties)
    store.delay(1, b"good")
    clock.advance(1000)
    assert schedule.deliver(1) is None
    assert store.bodies == [b"good"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_what_can_never_be_put_does_not_block_its_level(schedule: Schedule, store: Store, clock: ManualClock) -> None:
    store.delay(1, b"illegal")
    store.delay(1, b"good")
    store.statuses = [PutMessageStatus.MESSAGE_ILLEGAL]
    clock.advance(1000)
    assert schedule.deliver(1) is None
    assert schedule.offsets == {1: 2}


def test_messages_cleaned_away_are_passed(schedule: Schedule, store: Store, clock: ManualClock) -> None:
    for body in (b"0", b"1", b"2"):
        store.delay(1, body)
    clock.advance(1000)
    store.queues[0].min_offset = 1
    del store.messages[100]
    assert schedule.deliver(1) is None
    assert store.bodies == [b"2"]


def test_progress_beyond_a_cut_queue_goes_back_to_its_end(
    schedule: Schedule, store: Store, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    schedule.offsets[1] = 9
    store.delay(1, b"0")
    assert schedule.deliver(1) is None
    assert "progress 9 is not within 0..1" in caplog.text
    store.delay(1, b"1")
    clock.advance(1000)
    assert schedule.deliver(1) is None
    assert store.bodies == [b"1"]


def test_a_long_level_lets_others_have_their_turn(schedule: Schedule, store: Store, clock: ManualClock) -> None:
    for _ in range(100):
        store.delay(1, b"")
    clock.advance(1000)
    assert schedule.deliver(1) == 0
    assert 0 < len(store.put) < 100
    assert schedule.deliver(1) is None
    assert len(store.put) == 100


def test_progress_is_upstream_s_file(schedule: Schedule, store: Store, clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "config" / "delayOffset.json"
    schedule.persist()
    assert not path.exists()
    schedule.offsets = {5: 1, 1: 1, 3: 1}
    schedule.persist()
    assert path.read_bytes() == GOLDEN.read_bytes()
    again = Schedule(store, LEVELS, path, clock, 10_000)
    again.load()
    assert again.offsets == {1: 1, 3: 1, 5: 1}


def test_progress_is_on_disk_only_after_what_it_speaks_of(
    schedule: Schedule, store: Store, clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.delay(1, b"a")
    clock.advance(1000)
    schedule.deliver(1)
    store.sync_error = OSError(5, "Input/output error", "/the/log")
    schedule.shutdown()
    assert "delay progress is not written" in caplog.text
    assert not list(tmp_path.rglob("delayOffset.json"))
    store.sync_error = None
    schedule.persist()
    assert store.synced == 1
    assert list(tmp_path.rglob("delayOffset.json"))


def run(schedule: Schedule, steps: Callable[[], None], seconds: float) -> None:
    async def main() -> None:
        schedule.start(asyncio.get_running_loop())
        steps()
        await asyncio.sleep(seconds)
        schedule.shutdown()

    asyncio.run(main())


def test_on_time_on_a_loop(tmp_path: Path) -> None:
    clock = Clock()
    store = Store(clock)
    schedule = Schedule(store, LEVELS, tmp_path / "delayOffset.json", clock, 10_000)
    sent_ms: list[int] = []
    in_time: list[bytes] = []

    def note(body: bytes) -> None:
        in_time.extend(each for each in store.bodies if each == body)

    def send() -> None:
        for body in (b"one", b"two"):
            sent_ms.append(clock.now_ms())
            store.delay(1, body)
            schedule.arrived(0)
            # What a timer of the same loop finds: a busy machine lets both wait.
            asyncio.get_running_loop().call_later(1.1, note, body)
            time.sleep(0.05)

    run(schedule, send, 1.2)
    assert store.bodies == in_time == [b"one", b"two"]
    assert min(at - sent - 1000 for at, sent in zip(store.put_at_ms, sent_ms, strict=True)) >= 0


def test_what_came_due_while_stopped_comes_at_the_start(schedule: Schedule, store: Store, clock: ManualClock) -> None:
    store.delay(1, b"done")
    store.delay(1, b"due")
    store.delay(3, b"due too")
    schedule.offsets = {1: 1}
    clock.advance(10_000)
    run(schedule, lambda: None, 0.05)
    assert sorted(store.bodies) == [b"due", b"due too"]
    again = Schedule(store, LEVELS, schedule._path, clock, 10_000)
    again.load()
    assert again.offsets == {1: 2, 3: 1}


def test_what_was_put_before_a_crash_is_not_put_again(schedule: Schedule, store: Store, clock: ManualClock) -> None:
    store.delay(1, b"put")
    store.delay(1, b"not put")
    clock.advance(1000)
    store.last_store_timestamp = clock.now_ms()
    store.delay(1, b"put, but later than the crash")
    store.known = [b"put", b"put, but later than the crash"]
    clock.advance(1000)
    run(schedule, lambda: None, 0.05)
    assert store.bodies == [b"not put", b"put, but later than the crash"]
    assert schedule.offsets == {1: 3}


def test_a_disk_that_refuses_does_not_keep_the_broker_from_stopping(
    schedule: Schedule, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "config").touch()
    schedule.offsets = {1: 1}
    schedule.shutdown()
    assert "delay progress is not written" in caplog.text


def test_a_bug_is_logged_and_tried_again(schedule: Schedule, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.delay(1, b"")
    store.queues[0].entries[0] = (1,)  # type: ignore[call-overload]
    run(schedule, lambda: None, 0.05)
    assert "tried again in 10000 ms" in caplog.text


@pytest.mark.parametrize(
    "text", ["[1]", '{"offsetTable":[1]}', '{"offsetTable":{"1":"x"}}', '{"offsetTable":{"1":1e999}}']
)
def test_json_of_something_else_refuses_the_start(schedule: Schedule, tmp_path: Path, text: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "delayOffset.json").write_text(text)
    with pytest.raises(StartRefused, match=r"delayOffset\.json holds no offsets: restore it from .*\.bak"):
        schedule.load()


def test_a_message_on_disk_is_brought_into_memory_first(schedule: Schedule, store: Store) -> None:
    for number in range(3):
        store.delay(1, b"%d" % number)
    store.on_disk = {100, 200}
    store.clock.advance(1000)

    async def scenario() -> None:
        schedule.start(asyncio.get_running_loop())
        while len(store.put) < 3:
            await asyncio.sleep(0)
        schedule.shutdown()

    asyncio.run(scenario())
    assert store.bodies == [b"0", b"1", b"2"]
    assert store.brought_in == [(0, 1)]


def test_a_message_that_memory_never_holds_is_delivered_all_the_same(schedule: Schedule, store: Store) -> None:
    store.delay(1, b"0")
    store.on_disk = {0}
    store.clock.advance(1000)
    assert schedule.deliver(1) == READ_FIRST
    schedule._brought_in[1] = 0                 # and was pushed out again at once
    assert schedule.deliver(1) is None
    assert store.bodies == [b"0"]


def test_a_disk_that_cannot_be_read_is_told_and_tried_again(
    schedule: Schedule, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.delay(1, b"0")
    store.on_disk, store.unreadable = {0}, True
    store.clock.advance(1000)

    async def scenario() -> None:
        schedule.start(asyncio.get_running_loop())
        while not store.brought_in:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        schedule.shutdown()

    asyncio.run(scenario())
    assert "commitlog/0 cannot be read: Input/output error" in caplog.text
    assert not store.put
