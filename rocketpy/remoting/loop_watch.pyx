"""How late the loop is, measured by a tick that runs while there is traffic; invariant: nothing ticks while nothing is read.

A tick that is overdue says that the loop has not come round for so long: whatever is read now was there before. One late
tick is a stall (a stopped process, a collection of garbage, one slow disk access) and is over when it is seen; two late
ticks in a row are overload. Nothing of it costs anything a message: a turn compares two numbers.
"""

import asyncio
import time

from libc.stdint cimport int64_t

from rocketpy.clock import Clock

TICK_MS = 50
IDLE_TICKS = 40         # so many without a turn, and it stops until the next one


def thread_cpu_ms():
    return time.thread_time_ns() // 1000000


cdef class LoopWatch:
    def __init__(self, limit_ms, clock=None, *, cpu_ms=thread_cpu_ms, call_later=None, on_tick=None):
        self.limit_ms = limit_ms
        self.clock = Clock() if clock is None else clock
        self.cpu_ms = cpu_ms
        self.call_later = call_later
        self.on_tick = on_tick

    def set_limit(self, limit_ms):
        self.limit_ms = limit_ms

    cdef int64_t overdue(self, int64_t now_ms) except -1:
        """How long the loop has not come round, 0 when it is in time; the first turn starts the ticks."""
        self.active = True
        if self.due_ms == 0:
            self._schedule(now_ms)
        return max(0, now_ms - self.due_ms)

    def note_turn(self, now_ms):
        return self.overdue(now_ms)

    def _schedule(self, now_ms):
        self.ticked_cpu_ms = self.cpu_ms()
        self.due_ms = now_ms + TICK_MS
        if self.call_later is None:
            self.call_later = asyncio.get_running_loop().call_later
        self.timer = self.call_later(TICK_MS / 1000, self.tick)

    def tick(self):
        cdef int64_t now_ms = self.clock.monotonic_ms()
        cdef int64_t worked_ms = self.cpu_ms() - self.ticked_cpu_ms
        self.late_ms = max(0, now_ms - self.due_ms)
        self.off_cpu_ms = max(0, self.late_ms - worked_ms)
        self.due_ms = 0
        self.idle_ticks = 0 if self.active else self.idle_ticks + 1
        self.active = False
        if self.idle_ticks < IDLE_TICKS:
            self._schedule(now_ms)
        if self.on_tick is not None:
            self.on_tick()

    def stop(self):
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.due_ms = 0
        self.active = False
