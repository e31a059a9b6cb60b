"""What the library tells of any process: processor time, memory, open files, garbage collections, and who we are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric

from rocketpy import __version__
from rocketpy.metrics.families import gauges


class ProcessMetrics:
    """This process; `program` is `broker` or `namesrv`."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    async def families(self) -> AsyncIterator[Metric]:
        """All of them; counting ten thousand open files takes a while, so a thread does."""
        for family in gauges(
            "rocketpy_build_info", "1; its labels say what runs.", ("program", "version"),
            [((self._program, __version__), 1)],
        ):  # fmt: skip
            yield family
        for family in await asyncio.get_running_loop().run_in_executor(None, lambda: list(self._registry.collect())):
            yield family
