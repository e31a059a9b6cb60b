"""Keeps time for pulls that wait; invariant: nothing ticks while none does.

The holds themselves, and how a message finds them, are `_core/holds`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.holds import Hold, Holds
from rocketpy._core.message_filter import MessageFilter
from rocketpy._core.store_writer import StoreWriter
from rocketpy.clock import Clock

TICK_S = 0.025
"""A pull is answered at most this much after its deadline (upstream: up to 5 s)."""
LONGEST_MS = 1 << 62
"""Forever; a deadline still is a 64-bit number then."""


def deadline_ms(clock: Clock, timeout_ms: int) -> int:
    """When a pull held now is answered at the latest (monotonic)."""
    return clock.monotonic_ms() + min(timeout_ms, LONGEST_MS)


class PullHold:
    """The pulls that wait for a message, by queue."""

    def __init__(self, writer: StoreWriter, clock: Clock) -> None:
        self.holds = Holds(writer, self._start_ticking)
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self.holds)

    def hold(
        self,
        queue: ConsumeQueue,
        offset: int,
        tags: Collection[int] | None,
        timeout_ms: int,
        wake: Callable[[], None],
        test: MessageFilter | None = None,
    ) -> Hold:
        """Call `wake` when a message at or behind `offset` with one of these tag codes (None: any) and passing `test`
        is in the queue, or after `timeout_ms`. Give the result to `release` when nobody waits any more.
        """
        return self.holds.hold(queue, offset, tags, deadline_ms(self._clock, timeout_ms), wake, test)

    def release(self, held: Hold) -> None:
        """Forget a hold, as when its connection is gone."""
        self.holds.release(held)

    def wake_arrivals(self) -> None:
        """Wake the pulls of queues that got messages; the store calls it at the end of a turn that put some."""
        self.holds.wake_arrivals()

    def end_topic(self, topic: str) -> None:
        """Let the pulls of a topic go before its queues do."""
        self.holds.end_topic(topic.encode("utf-8", "surrogateescape"))

    def shutdown(self) -> None:
        """Stop the clock; whoever still waits is gone with its connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_ticking(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.holds.expire(self._clock.monotonic_ms())
        if len(self.holds):
            self._start_ticking()
