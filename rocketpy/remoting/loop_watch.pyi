"""How late the loop is, measured by a tick that runs while there is traffic."""

from collections.abc import Callable
from typing import Any

from rocketpy.clock import Clock

TICK_MS: int
IDLE_TICKS: int

class LoopWatch:
    """One for all connections of a server."""

    @property
    def limit_ms(self) -> int:
        """What nobody minds: requests that waited no longer are not looked at."""
    @property
    def late_ms(self) -> int:
        """How late the last tick came."""
    @property
    def off_cpu_ms(self) -> int:
        """Of these, how long the loop's thread waited, for a disk or a processor, instead of working."""

    on_tick: Callable[[], object] | None
    call_later: Callable[..., Any] | None

    def __init__(
        self,
        limit_ms: int,
        clock: Clock | None = None,
        *,
        cpu_ms: Callable[[], int] = ...,
        call_later: Callable[..., Any] | None = None,
        on_tick: Callable[[], object] | None = None,
    ) -> None:
        """`cpu_ms` is the processor time of the loop's thread. It ticks by `call_later`, else on the loop of its first
        turn."""
    def set_limit(self, limit_ms: int) -> None:
        """Another limit from now on."""
    def note_turn(self, now_ms: int) -> int:
        """How long the next tick is overdue at a turn that begins now (what a connection asks)."""
    def tick(self) -> None:
        """Measure; the loop calls it every TICK_MS while there are turns."""
    def stop(self) -> None:
        """Tick no more."""
