"""Reads the op queue beside a queue of half messages: which of these are settled, and how far the ops are used up.

A round knows the half messages from `first` to `end`, one byte for each, so that a hundred thousand open ones and
millions of ops cost little memory. Invariant: `used_up` passes an op only when the half message it names stood before
the progress that was committed when the round began; what a crash sets back is then still settled.
"""

from __future__ import annotations

import logging
from array import array
from enum import Enum, auto
from typing import Protocol

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.message import Message, decode_message
from rocketpy.broker.transaction.messages import op_names
from rocketpy.errors import CorruptMessage
from rocketpy.protocol.names import TRANS_HALF_TOPIC, TRANS_OP_HALF_TOPIC
from rocketpy.store.results import GetMessageStatus, GetResult

log = logging.getLogger("RocketmqTransaction")

MESSAGES_A_READ = 32
MAX_HALVES = 4_000_000  # of a round; the next one takes the others
MAX_OPS = 4_000_000  # 32 MB; half messages whose op stands behind them count as open
MAX_LATE = 50_000
NO_OP = -1


class Read(Enum):
    """How a read of the queue ended."""

    MORE = auto()
    END = auto()
    COLD = auto()  # the disk must be read first


class Messages(Protocol):
    """What is needed of the store."""

    def get(self, topic: str, queue_id: int, offset: int, max_nums: int, *, may_wait: bool) -> GetResult: ...
    def min_offset(self, topic: str, queue_id: int) -> int: ...
    def max_offset(self, topic: str, queue_id: int) -> int: ...
    def queue(self, topic: str, queue_id: int) -> ConsumeQueue: ...


class OpQueue:
    """The ops of one queue of half messages, over all rounds."""

    def __init__(self, store: Messages, queue_id: int) -> None:
        self._store = store
        self._queue_id = queue_id
        # Half messages settled after a copy of them was put back, newest last: the copy names the first one.
        self._late: dict[int, None] = {}
        self._read_from = 0  # the first op that the next round needs
        self._named = array("q")  # from _base on: the half message each op names
        self._settled = bytearray()
        self._base = self._dropped = self._used = self._first = self._end = self.offset = 0
        self._first_record = 0  # of the queue of half messages, in the commit log

    def begin(self, progress: int, first_half: int, end_half: int) -> None:
        """A round begins: `progress` is what was committed of the op queue, the half messages are first..end."""
        if first_half < self._first:  # another queue: the old one was deleted
            self._late.clear()
        self._first_record = self._where_halves_begin()
        self._first, self._end = first_half, min(end_half, first_half + MAX_HALVES)
        self._settled = bytearray(self._end - self._first)
        least = self._store.min_offset(TRANS_OP_HALF_TOPIC, self._queue_id)
        most = self._store.max_offset(TRANS_OP_HALF_TOPIC, self._queue_id)
        start = max(progress, self._read_from)
        if not least <= start <= most:
            log.warning("op messages of queue %d: progress %d is not within %d..%d", self._queue_id, start, least, most)
            start = least
        self.offset = self._base = start
        self._used = self._dropped = 0
        self._named = array("q")

    def _where_halves_begin(self) -> int:
        if self._store.max_offset(TRANS_HALF_TOPIC, self._queue_id) == 0:
            return 0
        queue = self._store.queue(TRANS_HALF_TOPIC, self._queue_id)
        entry = queue.entry(queue.min_offset)
        return entry[0] if entry is not None else 0

    @property
    def end_half(self) -> int:
        """The half message before which the round ends."""
        return self._end

    @property
    def used_up(self) -> int:
        """Ops before this offset are needed no more, not even after a crash."""
        return self._base + self._used

    @property
    def is_at_end(self) -> bool:
        """Whether every op of now has been read."""
        most = self._store.max_offset(TRANS_OP_HALF_TOPIC, self._queue_id)
        return self.offset >= most or len(self._named) >= MAX_OPS

    def read(self, may_wait: bool = False) -> Read:
        """Take the next ops."""
        found = self._store.get(TRANS_OP_HALF_TOPIC, self._queue_id, self.offset, MESSAGES_A_READ, may_wait=may_wait)
        if found.status is GetMessageStatus.NOT_IN_MEMORY:
            return Read.COLD
        ops = records(found.body) if found.status is GetMessageStatus.FOUND else []
        if not ops and found.next_begin_offset <= self.offset:
            return Read.END
        for op in ops:
            self._skip_to(op.queue_offset)
            self._take(op)
        self._skip_to(found.next_begin_offset)
        return Read.MORE

    def _skip_to(self, offset: int) -> None:
        """Ops that cannot be read settle nothing."""
        if offset > self.offset:
            log.error("op messages %d..%d of queue %d cannot be read", self.offset, offset - 1, self._queue_id)
            for _ in range(offset - self.offset):
                self._note(NO_OP)
            self.offset = offset

    def _take(self, op: Message) -> None:
        half_offset = self._half_of(op)
        if half_offset == NO_OP:
            log.error("an op message that is none is left out: %r, tags %s", op, op.get_property("TAGS"))
        elif half_offset < self._first:
            self._settle_late(half_offset)
        elif half_offset < self._end:
            self._settled[half_offset - self._first] = 1
        self._note(half_offset)
        self.offset = op.queue_offset + 1

    def _half_of(self, op: Message) -> int:
        """The half message that an op settles: one that stands before it in the log.

        Anybody can send here, and ops outlive a half topic that is deleted: NO_OP for those, which would settle others.
        """
        named = op_names(op)
        if named is None or op.physical_offset < self._first_record:
            return NO_OP
        is_there = named < self._end or named < self._store.max_offset(TRANS_HALF_TOPIC, self._queue_id)
        return named if is_there else NO_OP

    def _settle_late(self, half_offset: int) -> None:
        self._late[half_offset] = None
        if len(self._late) > MAX_LATE:
            del self._late[next(iter(self._late))]

    def _note(self, half_offset: int) -> None:
        if half_offset < self._first and self._used == len(self._named):
            self._used += 1
        self._named.append(half_offset)

    def next_open(self, at: int) -> int:
        """The first half message from `at` on that no op has settled so far; `end_half` when there is none."""
        found = self._settled.find(0, max(0, at - self._first))
        return self._end if found < 0 else self._first + found

    def open_run(self, at: int, most: int) -> int:
        """How many half messages from `at` on, at most `most`, are open so far."""
        start = at - self._first
        found = self._settled.find(1, start, start + most)
        return (min(self._end, at + most) if found < 0 else self._first + found) - at

    def was_settled_late(self, half_offset: int | None) -> bool:
        """Whether an op named this half message after the progress had passed it."""
        return half_offset in self._late

    def passed(self, half_offset: int) -> None:
        """Half messages before this one are done with."""
        while self._dropped < len(self._named) and self._named[self._dropped] < half_offset:
            self._dropped += 1

    def finish(self) -> None:
        """The round's progress is committed: the next round need not read the ops of what was passed."""
        self._read_from = self._base + self._dropped
        self._settled, self._named = bytearray(), array("q")


def records(body: bytes) -> list[Message]:
    """The messages of a get; one that cannot be decoded is left out, with a line in the log."""
    messages, at = [], 0
    while at < len(body):
        try:
            messages.append(decode_message(body, at, False))
        except CorruptMessage as error:
            log.error("a message of a transaction cannot be read: %s", error)
        at += int.from_bytes(body[at : at + 4], "big")
    return messages
