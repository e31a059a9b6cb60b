"""Runs a function again and again until the broker stops; a failure is logged and the next round comes all the same."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger("RocketmqBroker")


class Periodic:
    """The broker's schedules, all on the loop."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def every(
        self, period_ms: int, action: Callable[[], Awaitable[object] | object], *, first_ms: int | None = None
    ) -> None:
        """Run `action` after `first_ms` (else one period), and then every `period_ms`."""
        first = period_ms if first_ms is None else first_ms
        self._tasks.append(asyncio.get_running_loop().create_task(self._run(period_ms, first, action)))

    async def stop(self) -> None:
        """End all of them, in the middle of their waiting at most."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    @staticmethod
    async def _run(period_ms: int, first_ms: int, action: Callable[[], Awaitable[object] | object]) -> None:
        await asyncio.sleep(first_ms / 1000)
        while True:
            try:
                done = action()
                if inspect.isawaitable(done):
                    await done
            except Exception:
                log.exception(
                    "%s failed; it is tried again in %d ms", getattr(action, "__qualname__", action), period_ms
                )
            await asyncio.sleep(period_ms / 1000)
