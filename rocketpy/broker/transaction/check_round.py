"""One round over one queue of half messages: each open one that is old enough is put back at the end and asked about.

The work is cut into turns of a millisecond or so. Invariant: `at` passes a half message only after an op settled it, or
a copy of it was put (back, or to TRANS_CHECK_MAX_TIME_TOPIC), or it cannot be read at all, which is logged.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from rocketpy._core.message import Message
from rocketpy.broker.transaction import messages
from rocketpy.broker.transaction.op_queue import Messages, OpQueue, Read, records
from rocketpy.clock import Clock
from rocketpy.protocol.names import TRANS_HALF_TOPIC, TRANS_OP_HALF_TOPIC, MessageConst
from rocketpy.store.results import GetMessageStatus, PutResult
from rocketpy.store.schedule import HOPELESS

log = logging.getLogger("RocketmqTransaction")

STEPS_A_TURN = 16  # a message put back, or a read of 32 ops: some 50 µs each
LONGEST_ROUND_MS = 60_000
HALVES_A_READ = 32


class CopyRefused(Exception):
    """A copy of a half message can never be stored, however often it is tried."""


class HalfStore(Messages, Protocol):
    """What is needed of the store."""

    def put_due(self, message: Message) -> PutResult: ...


@dataclass(frozen=True)
class Limits:
    """The settings in force, in ms but for the number of checks."""

    timeout_ms: int
    check_max: int
    reserved_ms: int


class Turn(Enum):
    """How a turn of the round ended."""

    MORE = auto()
    END = auto()
    COLD_HALF = auto()  # half messages at `at` must be read from the disk
    COLD_OP = auto()  # op messages at `ops.offset` must be


class Round:
    """A round; `ask` is given each copy that was put back and where, `make_topic` a topic that a copy goes to."""

    def __init__(
        self, store: HalfStore, clock: Clock, queue_id: int, limits: Limits, ops: OpQueue,
        ask: Callable[[Message, PutResult], None], make_topic: Callable[[str], object],
    ) -> None:  # fmt: skip
        self.did: Counter[str] = Counter()
        self.end_offset = 0  # of the last copy, in the commit log
        self.at = 0
        self._store, self._clock, self._queue_id = store, clock, queue_id
        self._limits, self._ops, self._ask, self._make_topic = limits, ops, ask, make_topic
        self._ends_ms = clock.monotonic_ms() + LONGEST_ROUND_MS
        self._next: deque[Message] = deque()
        self._may_wait = False

    def begin(self, half_progress: int, op_progress: int) -> None:
        """Where the last round stopped; a queue that was deleted, or lost its first files, is begun where it begins."""
        least = self._store.min_offset(TRANS_HALF_TOPIC, self._queue_id)
        most = self._store.max_offset(TRANS_HALF_TOPIC, self._queue_id)
        self.at = half_progress if least <= half_progress <= most else least
        if self.at != half_progress:
            log.warning(
                "half messages of queue %d: progress %d is not within %d..%d, going on at %d",
                self._queue_id, half_progress, least, most, self.at,
            )  # fmt: skip
        self._ops.begin(op_progress, self.at, most)

    def brought_in(self) -> None:
        """What a turn asked for was read from the disk."""
        self._may_wait = True

    def turn(self) -> Turn:
        """Do a little of the round."""
        for _ in range(STEPS_A_TURN):
            result = self._step()
            if result is not Turn.MORE:
                return result
        self._ops.passed(self.at)
        return Turn.END if self._clock.monotonic_ms() > self._ends_ms else Turn.MORE

    def _step(self) -> Turn:
        self.at = self._ops.next_open(self.at)
        if self.at >= self._ops.end_half:
            return Turn.END
        if not self._ops.is_at_end:
            return self._read_ops()
        if not self._next or self._next[0].queue_offset != self.at:
            found = self._read_halves()
            if found is not Turn.MORE or not self._next:
                return found
        return self._treat(self._next.popleft())

    def _read_ops(self) -> Turn:
        may_wait, self._may_wait = self._may_wait, False
        read = self._ops.read(may_wait)
        return Turn.COLD_OP if read is Read.COLD else Turn.MORE

    def _read_halves(self) -> Turn:
        """Read the open ones from `at` on."""
        may_wait, self._may_wait = self._may_wait, False
        nums = self._ops.open_run(self.at, HALVES_A_READ)
        found = self._store.get(TRANS_HALF_TOPIC, self._queue_id, self.at, nums, may_wait=may_wait)
        if found.status is GetMessageStatus.NOT_IN_MEMORY:
            return Turn.COLD_HALF
        self._next = deque(records(found.body) if found.status is GetMessageStatus.FOUND else ())
        there = self._next[0].queue_offset if self._next else found.next_begin_offset
        if there <= self.at and not self._next:
            return Turn.END
        if there > self.at:
            log.error("half messages %d..%d of queue %d cannot be read", self.at, there - 1, self._queue_id)
            self.did["unreadable"] += there - self.at
            self.at = there
        return Turn.MORE

    def _treat(self, half: Message) -> Turn:
        """Decide about the half message `at`; one that makes us fail must not hold up the others."""
        try:
            done = self._decide_or_discard(half)
        except Exception as error:
            log.error("half message %d, %r, cannot be checked and is passed over: %r", self.at, half, error)
            self.did["failed"] += 1
            done = True
        if done:
            self.at += 1
        return Turn.MORE if done else Turn.END

    def _decide_or_discard(self, half: Message) -> bool:
        """One whose copy can never be stored is given up: it must not hold up those behind it."""
        try:
            return self._decide(half)
        except CopyRefused as refused:
            log.error("no copy of half message %d can be put back: %s", half.queue_offset, refused)
            return self._discard(half)

    def _decide(self, half: Message) -> bool:
        """False: the round ends before this one."""
        age_ms = self._clock.now_ms() - half.born_timestamp
        if self._ops.was_settled_late(messages.prepared_offset(half)):
            self.did["settled late"] += 1
            return True
        times = messages.check_times(half)
        if (times is not None and times >= self._limits.check_max) or age_ms > self._limits.reserved_ms:
            return self._discard(half)
        immunity_ms = messages.immunity_ms(half, self._limits.timeout_ms)
        if immunity_ms is None:
            return not 0 <= age_ms < self._limits.timeout_ms and self._put_back(half)
        if age_ms < immunity_ms:
            return self._put(messages.immune_copy(half), "put back immune") is not None
        return self._put_back(half)

    def _put_back(self, half: Message) -> bool:
        copy = messages.asked_copy(half)
        placed = self._put(copy, "put back to be asked about")
        if placed is not None:
            self._ask(copy, placed)
        return placed is not None

    def _discard(self, half: Message) -> bool:
        log.error(
            "half message %d of %s, UNIQ_KEY %s, was asked about %d times and is put to TRANS_CHECK_MAX_TIME_TOPIC",
            half.queue_offset, half.get_property(MessageConst.REAL_TOPIC), half.get_property(MessageConst.UNIQ_KEY),
            messages.check_times(half) or 0,
        )  # fmt: skip
        copy = messages.discarded_copy(half)
        self._make_topic(copy.topic)
        return self._put(copy, "given up") is not None

    def _put(self, copy: Message, what: str) -> PutResult | None:
        placed = self._store.put_due(copy)
        if placed.status in HOPELESS:
            raise CopyRefused(f"{copy.topic} takes none, {placed.status.name}")
        if not placed.is_ok:
            log.error("a half message is not put to %s, %s: tried again", copy.topic, placed.status.name)
            return None
        self.did[what] += 1
        self.end_offset = placed.end_offset
        return placed


def cold_topic(turn: Turn) -> str:
    """Of which topic messages are to be read from the disk."""
    return TRANS_HALF_TOPIC if turn is Turn.COLD_HALF else TRANS_OP_HALF_TOPIC
