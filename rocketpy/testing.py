"""A name server and a broker inside a test: `with rocketpy.testing.cluster() as cluster:`.

Both run on a loop of their own in a thread, on free ports of 127.0.0.1, with a store that is gone afterwards; so any
client can be tested against them, asyncio or not, in this process or another. Documented in docs/testing.md.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from rocketpy.broker.broker import Broker
from rocketpy.client import Admin
from rocketpy.errors import StartRefused
from rocketpy.protocol.bodies import TopicConfig
from rocketpy.quickstart import Cluster, Quickstart

T = TypeVar("T")
HOST = "127.0.0.1"
TRIES = 20
STOP_S = 20
TINY_STORE = {"mapped_file_size_commit_log": 8 * 1024 * 1024, "mapped_file_size_consume_queue": 20 * 3000}


@dataclass
class RunningCluster:
    """What a test needs to know of the cluster that runs beside it."""

    namesrv_addr: str
    broker_addr: str
    store: Path
    broker: Broker  # its state lives on the cluster's loop: look at it through `run`
    _loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 10) -> T:
        """Run a coroutine on the cluster's loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def create_topic(self, topic: str, queue_nums: int = 4) -> None:
        """Create a topic before its first message."""

        async def create() -> None:
            async with Admin(self.namesrv_addr) as admin:
                config = TopicConfig(topic, read_queue_nums=queue_nums, write_queue_nums=queue_nums)
                await admin.create_topic(self.broker_addr, config)

        self.run(create())


@contextmanager
def cluster(store: Path | None = None, **store_settings: Any) -> Iterator[RunningCluster]:
    """Run a name server and a broker until the block ends.

    `store` keeps the messages in a folder of your own; `store_settings` are attributes of MessageStoreConfig, such as
    `message_delay_level="1s 2s 3s"`.
    """
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="rocketpy-cluster", daemon=True)
    thread.start()
    try:
        with tempfile.TemporaryDirectory(prefix="rocketpy-") as folder:
            yield from _running(loop, store or Path(folder), {**TINY_STORE, **store_settings})
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STOP_S)
        loop.close()


def _running(loop: asyncio.AbstractEventLoop, store: Path, settings: dict[str, Any]) -> Iterator[RunningCluster]:
    def on_loop(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(STOP_S)

    started = on_loop(_start(store, settings))
    asked = started.asked
    try:
        yield RunningCluster(asked.namesrv_addr, f"{HOST}:{asked.port}", store, started.broker, loop)
    finally:
        on_loop(started.stop())


async def _start(store: Path, settings: dict[str, Any]) -> Cluster:
    """Start on free ports; another process may take one between our look and our bind, so it is tried again."""
    for attempt in range(TRIES):
        port = free_broker_port()
        started = Cluster(Quickstart(free_port(), port, store, HOST), **settings)
        try:
            await started.start()
            return started
        except StartRefused:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def free_broker_port() -> int:
    """A port whose VIP port (-2) is free as well."""
    while True:
        port = free_port()
        with socket.socket() as sock:
            try:
                sock.bind((HOST, port - 2))
            except OSError:
                continue
            return port
