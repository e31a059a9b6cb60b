"""Keeps replies until the commit log is on disk up to them; invariant: none leaves before the flush that covers it.

Replies of one turn of one connection wait as one piece, in the order of their offsets, so one flush opens the gate for
all that gathered while it ran. A piece that waits longer than syncFlushTimeout leaves as FLUSH_DISK_TIMEOUT.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rocketpy._core.command import Command
from rocketpy._core.histogram import Histogram
from rocketpy.clock import Clock
from rocketpy.protocol.codes import ResponseCode


class LatePeer(Protocol):
    """A connection that can still be written to after its turn."""

    def write_late(self, frames: bytes) -> int: ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whole reply frames that may leave once the log is on disk up to `offset`; to how many sends, and since when."""

    offset: int
    since_ns: int
    deadline_ms: int
    frames: bytes
    peer: LatePeer
    sends: int


class ReplyGate:
    """The one queue of replies that wait for the disk; how long they did goes to `send_times`."""

    def __init__(self, timeout_ms: Callable[[], int], clock: Clock, send_times: Histogram) -> None:
        self._timeout_ms = timeout_ms
        self._clock = clock
        self._send_times = send_times
        self._waiting: deque[Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def hold(self, offset: int, frames: bytes, peer: LatePeer, sends: int) -> None:
        """Keep `frames`, replies to so many sends, until `open` comes with at least `offset`. Offsets rise."""
        now_ns = self._clock.monotonic_ns()
        deadline_ms = now_ns // 1_000_000 + self._timeout_ms()
        self._waiting.append(Waiting(offset, now_ns, deadline_ms, frames, peer, sends))
        self._set_timer()

    def open(self, durable_offset: int) -> None:
        """The log is on disk up to `durable_offset`: let everything at or below it go."""
        now_ns = self._clock.monotonic_ns()
        while self._waiting and self._waiting[0].offset <= durable_offset:
            piece = self._waiting.popleft()
            piece.peer.write_late(piece.frames)
            self._send_times.note(now_ns - piece.since_ns, piece.sends)

    def expire(self) -> None:
        """Answer what waited too long: stored, but nobody knows whether it is on disk."""
        now_ms = self._clock.monotonic_ms()
        while self._waiting and self._waiting[0].deadline_ms <= now_ms:
            self._give_up(self._waiting.popleft())

    def refuse(self) -> None:
        """The disk refused the flush: nothing that waits will ever be known to be on disk."""
        while self._waiting:
            self._give_up(self._waiting.popleft())

    def shutdown(self) -> None:
        """Stop the clock; the last flush opened the gate for all it covered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        if self._timer is None and self._waiting:
            wait_ms = max(0, self._waiting[0].deadline_ms - self._clock.monotonic_ms())
            self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.expire()
        self._set_timer()

    def _give_up(self, piece: Waiting) -> None:
        piece.peer.write_late(_with_code(piece.frames, ResponseCode.FLUSH_DISK_TIMEOUT))
        self._send_times.note(self._clock.monotonic_ns() - piece.since_ns, piece.sends)


def _with_code(frames: bytes, code: ResponseCode) -> bytes:
    """The same replies with another response code."""
    changed = []
    while frames:
        size = 4 + int.from_bytes(frames[:4], "big")
        reply = Command.decode(frames[:size])
        reply.code = code
        changed.append(reply.encode())
        frames = frames[size:]
    return b"".join(changed)
