"""Delayed delivery: messages of SCHEDULE_TOPIC_XXXX are put to their real topic when their time has come.

A level is a queue whose messages come due in the order they were stored, so one timer a level, set for the first that
is not delivered, is all there is; a message that arrives in an idle level sets it. Invariant: `offsets[level]` passes a
message only after it was put, or can never be (which is logged).
"""

import asyncio
import logging
import re
import threading
from pathlib import Path
from typing import Protocol

from rocketpy import json_file
from rocketpy._core.consume_queue_ext import is_address
from rocketpy._core.json_reader import read_json
from rocketpy._core.message import Message
from rocketpy.clock import Clock
from rocketpy.errors import CorruptMessage, StartRefused
from rocketpy.store.delay_levels import SCHEDULE_TOPIC, delays_ms
from rocketpy.store.property_order import encode_in_map_order
from rocketpy.store.put_rules import MAX_INTEGER
from rocketpy.store.results import PutMessageStatus, PutResult

log = logging.getLogger("RocketmqStore")

UNKNOWN_LEVEL_MS = 1000                 # delay of a level that is not in messageDelayLevel
READ_FIRST = -1                         # instead of ms to wait
RETRY_MS = 10_000                       # after a put that failed
LONGEST_SLEEP_MS = 60_000               # the wall clock is looked at again, in case it was set
MESSAGES_A_TURN = 64                    # then others have their turn of the loop
PLAIN_MESSAGES_A_TURN = 256             # which take a microsecond or two each
_QUEUE_ID = re.compile(r"[0-9]{1,10}")
HOPELESS = (PutMessageStatus.MESSAGE_ILLEGAL, PutMessageStatus.PROPERTIES_SIZE_EXCEEDED)


class DelayLevels:
    """The levels of `messageDelayLevel`: level 1 is the first."""

    def __init__(self, text: str) -> None:
        self._delays_ms = delays_ms(text)

    @property
    def max_level(self) -> int:
        return len(self._delays_ms)

    def clamp(self, level: int) -> int:
        """The level a message with this DELAY property gets."""
        return min(level, self.max_level)

    def delay_ms(self, level: int) -> int:
        return self._delays_ms[level - 1] if 0 < level <= self.max_level else UNKNOWN_LEVEL_MS

    def deliver_timestamp(self, level: int, store_timestamp: int) -> int:
        """When a message of this level is due: the tags code of its consume queue entry."""
        return store_timestamp + self.delay_ms(level)


class DelayQueue(Protocol):
    """What is needed of a consume queue of the schedule topic."""

    @property
    def min_offset(self) -> int: ...
    @property
    def max_offset(self) -> int: ...
    def entry(self, index: int, /) -> tuple[int, int, int] | None:
        """(physical offset, size, deliver timestamp, or the address of a lost unit)."""


class DelayStore(Protocol):
    """What is needed of the store."""

    def delay_queues(self) -> dict[int, DelayQueue]:
        """The queues of the schedule topic by queue id."""
    def delay_queue(self, queue_id: int, /) -> DelayQueue | None:
        """One of them."""

    @property
    def last_store_timestamp(self) -> int:
        """Store time of the last message in the log."""
    def message_at(self, physical_offset: int, /) -> Message | None: ...
    def is_in_memory(self, physical_offset: int, /) -> bool:
        """Whether `message_at` need not wait for the disk."""
    async def bring_in(self, queue_id: int, index: int, /) -> None:
        """Read messages of a queue of the schedule topic from the disk, from `index` on."""
    def was_put(self, message: Message, after: int, /) -> bool:
        """Whether the log holds this very message behind the offset `after`."""
    def put_due(self, message: Message, /) -> PutResult:
        """Put a message as it is: its DELAY property does not count any more."""
    def put_due_plainly(self, queue_id: int, offset: int, most: int, after_ms: int, /) -> int:
        """Put those due after `after_ms` and until now that need no closer look; the offset behind the last one."""
    def sync_log(self) -> None:
        """Bring what was put to the disk; any thread, OSError when it refuses."""


class Schedule:
    """Delivers what is due. Everything happens in the loop's thread."""

    def __init__(self, store: DelayStore, levels: DelayLevels, path: str | Path, clock: Clock, flush_ms: int) -> None:
        """`path` is config/delayOffset.json, written every `flush_ms` and at shutdown."""
        self.offsets: dict[int, int] = {}           # level -> queue offset of the next message to deliver
        self._store = store
        self._levels = levels
        self._path = Path(path)
        self._clock = clock
        self._flush_ms = flush_ms
        self._persisted: dict[int, int] = {}
        self._unsure_ms = 0                         # what was due until then may have been put before a crash
        self._writing = threading.Lock()
        self._timers: dict[int, asyncio.TimerHandle | asyncio.Task[None]] = {}
        self._brought_in: dict[int, int] = {}       # level -> queue offset whose message was read from the disk
        self._flush_timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- life ---

    def load(self) -> None:
        """Read the progress; none is 0 for every level."""
        text = json_file.load(self._path)
        try:
            table = (read_json(text) or {}).get("offsetTable") or {} if text else {}
            self.offsets = {int(level): int(offset) for level, offset in table.items()}
        except (AttributeError, TypeError, ValueError, OverflowError):
            raise StartRefused(f"{self._path} holds no offsets: {json_file.remedy(self._path)}") from None
        self._persisted = dict(self.offsets)

    def persist(self) -> None:
        """Write the progress if there was any."""
        with self._writing:                         # a flush may still be at it when the broker stops
            offsets = dict(sorted(self.offsets.items()))
            if offsets != self._persisted:
                self._store.sync_log()              # progress on disk before the message itself would lose it
                json_file.persist(self._path, json_file.pretty({"offsetTable": offsets}))
                self._persisted = offsets

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Deliver from now on; what came due meanwhile comes first."""
        self._loop = loop
        self._unsure_ms = self._store.last_store_timestamp
        for queue_id in self._store.delay_queues():
            self.arrived(queue_id)
        self._flush_timer = loop.call_later(self._flush_ms / 1000, self._flush)

    def shutdown(self) -> None:
        """Stop delivering and write the progress."""
        self._loop = None
        for timer in (*self._timers.values(), *filter(None, (self._flush_timer,))):
            timer.cancel()
        self._timers.clear()
        self._persist_quietly()

    def arrived(self, queue_id: int) -> None:
        """A message was stored in this queue of the schedule topic."""
        level = queue_id + 1
        if self._loop is not None and level not in self._timers:
            self._wake_in(level, 0)

    def _flush(self) -> None:
        if self._loop is None:
            return
        self._flush_timer = self._loop.call_later(self._flush_ms / 1000, self._flush)
        self._loop.run_in_executor(None, self._persist_quietly)

    def _persist_quietly(self) -> None:
        try:
            self.persist()
        except OSError as error:
            log.error("delay progress is not written to %s: %s", self._path, error)

    # --- delivering ---

    def deliver(self, level: int) -> int | None:
        """Put what is due of one level; ms until it must be looked at again, None: when a message arrives.

        READ_FIRST: the next message must be brought into memory, so that nobody waits for the disk.
        """
        queue = self._store.delay_queue(level - 1)
        if queue is None:
            return None
        begin = self._offset_within(level, queue)
        offset = self._store.put_due_plainly(level - 1, begin, PLAIN_MESSAGES_A_TURN, self._unsure_ms)
        if offset > begin:
            self.offsets[level] = offset
        if offset == begin + PLAIN_MESSAGES_A_TURN:
            return 0
        for _ in range(MESSAGES_A_TURN):
            if offset >= queue.max_offset:
                return None
            entry = queue.entry(offset)
            due_ms = self._due_ms(level, entry) if entry else 0
            wait_ms = self._wait_ms(level, due_ms)
            if wait_ms > 0:
                return min(wait_ms, LONGEST_SLEEP_MS)
            if entry and self._is_on_disk(level, offset, entry[0]):
                return READ_FIRST
            if entry and not self._deliver_one(entry[0], due_ms <= self._unsure_ms):
                return RETRY_MS
            offset += 1
            self.offsets[level] = offset
        return 0

    def _offset_within(self, level: int, queue: DelayQueue) -> int:
        """Where the level goes on: never at messages that are gone, nor beyond the end of a queue that was cut."""
        offset = self.offsets.get(level, 0)
        within = max(queue.min_offset, min(offset, queue.max_offset))
        if within != offset:
            log.error(
                "delay level %d: progress %d is not within %d..%d of its queue, going on at %d",
                level, offset, queue.min_offset, queue.max_offset, within,
            )
        if queue.max_offset:
            self.offsets[level] = within
        return within

    def _due_ms(self, level: int, entry: tuple[int, int, int]) -> int:
        """When the message is due: said by its entry, or, where that names a unit that is lost, by its store time."""
        if not is_address(entry[2]):
            return entry[2]
        try:
            delayed = self._store.message_at(entry[0])
        except CorruptMessage:
            return 0                    # due now: delivering tells what is wrong with it
        return 0 if delayed is None else self._levels.deliver_timestamp(level, delayed.store_timestamp)

    def _wait_ms(self, level: int, deliver_timestamp: int) -> int:
        """How long a message has to wait yet; one due later than its level allows (a clock was set) is due now."""
        wait_ms = deliver_timestamp - self._clock.now_ms()
        return 0 if 0 < level <= self._levels.max_level and wait_ms > self._levels.delay_ms(level) else wait_ms

    def _deliver_one(self, physical_offset: int, unsure: bool) -> bool:
        """Put one message to its real queue, unless it was put before a crash; False: it must be tried again."""
        try:
            delayed = self._store.message_at(physical_offset)
            if delayed is None:
                return True             # cleaned away
            due = real_message(delayed)
        except CorruptMessage as error:
            log.error("a delayed message is dropped: %s", error)
            return True
        if unsure and self._store.was_put(due, physical_offset):
            log.info("a delayed message was delivered before the broker died: %s to %s", delayed.msg_id, due.topic)
            return True
        result = self._store.put_due(due)
        if result.status in HOPELESS:
            log.error("a delayed message is dropped, %s: %s to %s", result.status.name, delayed.msg_id, due.topic)
            return True
        if result.status is not PutMessageStatus.PUT_OK:
            log.error("a delayed message is not put, %s: %s to %s", result.status.name, delayed.msg_id, due.topic)
        return result.status is PutMessageStatus.PUT_OK

    def _is_on_disk(self, level: int, offset: int, physical_offset: int) -> bool:
        return self._brought_in.get(level) != offset and not self._store.is_in_memory(physical_offset)

    async def _bring_in(self, level: int) -> None:
        wait_ms = 0
        self._brought_in[level] = self.offsets.get(level, 0)
        try:
            await self._store.bring_in(level - 1, self._brought_in[level])
        except OSError as error:
            log.error("delay level %d: %s cannot be read: %s", level, error.filename, error.strerror)
            wait_ms = RETRY_MS
        if self._loop is not None:
            self._wake_in(level, wait_ms)

    def _wake_in(self, level: int, wait_ms: int) -> None:
        assert self._loop is not None
        self._timers[level] = self._loop.call_later(wait_ms / 1000, self._wake, level)

    def _wake(self, level: int) -> None:
        wait_ms: int | None = RETRY_MS
        try:
            wait_ms = self.deliver(level)
        except Exception:
            log.exception("delay level %d: tried again in %d ms", level, RETRY_MS)
        del self._timers[level]
        if wait_ms == READ_FIRST and self._loop is not None:
            self._timers[level] = self._loop.create_task(self._bring_in(level))
        elif wait_ms is not None and self._loop is not None:
            self._wake_in(level, wait_ms)


def real_message(delayed: Message) -> Message:
    """The message to put when a delayed one is due; its properties keep DELAY, REAL_TOPIC and REAL_QID."""
    topic = delayed.get_property("REAL_TOPIC")
    queue_id = delayed.get_property("REAL_QID") or ""
    # Into the schedule topic again it would go round for ever: somebody sent it there himself.
    if not topic or topic == SCHEDULE_TOPIC or not _QUEUE_ID.fullmatch(queue_id) or int(queue_id) > MAX_INTEGER:
        raise CorruptMessage(f"{delayed!r} has REAL_TOPIC {topic!r} and REAL_QID {queue_id!r}")
    due = delayed.copy()
    due.properties_raw = encode_in_map_order(delayed.properties)
    due.topic = topic
    due.queue_id = int(queue_id)
    due.prepared_transaction_offset = 0
    return due
