"""Time comes in through a constructor; tests move it by hand."""

import time


class Clock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        """Wall clock, milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """A clock that never goes back, milliseconds from an arbitrary start."""
        return time.monotonic_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        """The same clock, nanoseconds."""
        return time.monotonic_ns()


class ManualClock(Clock):
    """A clock that stands still until a test moves it."""

    def __init__(self, now_ms: int = 1_565_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_ms(self) -> int:
        return self._now_ms

    def monotonic_ns(self) -> int:
        return self._now_ms * 1_000_000

    def advance(self, by_ms: int) -> None:
        """Move both clocks on by `by_ms` milliseconds."""
        self._now_ms += by_ms
