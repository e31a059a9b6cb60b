"""A server of the remoting protocol: sockets, their connections, and the sweep that closes idle ones.

Processors come in as a request table: `table[code](connection, request)` gives a response, an awaitable of one,
or None.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from rocketpy._core.lane import Lane
from rocketpy.clock import Clock
from rocketpy.remoting.configured import configured_frame_limit, configured_serialize_type
from rocketpy.remoting.connection import Connection, Endpoint
from rocketpy.remoting.listen import bind, listening
from rocketpy.remoting.loop_watch import LoopWatch
from rocketpy.remoting.peer_protocol import PeerProtocol
from rocketpy.remoting.request_table import RequestTable
from rocketpy.remoting.tls import Tls

__all__ = ["RemotingServer", "bind", "configured_serialize_type"]

BACKLOG = 1024
IDLE_MS = 120_000
SWEEPS = 24                     # sweeps within the idle time: a connection is closed at most 1/24 late
DRAIN_S = 1.0                   # how long a stop waits for what was answered to leave

log = logging.getLogger("RocketmqRemoting")


class RemotingServer:
    """Serves one request table on any number of sockets."""

    def __init__(
        self,
        request_table: RequestTable,
        *,
        name: str,
        lane: Lane | None = None,
        idle_ms: int = IDLE_MS,
        frame_limit: int | None = None,
        serialize_type: int | None = None,
        clock: Clock | None = None,
        tls: Tls | None = None,
        on_connect: Callable[[Connection], object] | None = None,
        on_close: Callable[[Connection], object] | None = None,
        watch: LoopWatch | None = None,
    ) -> None:
        self.request_table = request_table
        self.name = name
        self.lane = lane
        self.idle_ms = idle_ms
        self.frame_limit = configured_frame_limit() if frame_limit is None else frame_limit
        self.serialize_type = configured_serialize_type() if serialize_type is None else serialize_type
        self.clock = clock
        self.tls = tls
        self.on_connect = on_connect
        self.on_close = on_close
        self.watch = watch
        self._endpoints: list[Endpoint] = []
        self._listeners: list[asyncio.Server] = []
        self._sweep: asyncio.TimerHandle | None = None

    @property
    def connections(self) -> list[Connection]:
        """Every open connection."""
        return [connection for endpoint in self._endpoints for connection in endpoint.connections]

    @property
    def connection_count(self) -> int:
        """How many those are."""
        return sum(len(endpoint.connections) for endpoint in self._endpoints)

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on these bound sockets with this server's table."""
        if self.tls is not None:
            self.tls.start()
        await self.listen(sockets, self.request_table)
        if self._sweep is None and self.idle_ms > 0:
            self._schedule_sweep()

    async def listen(self, sockets: Sequence[socket.socket], request_table: RequestTable) -> None:
        """Listen on more sockets with another table; the lane and the rest are the same."""
        endpoint = Endpoint(
            request_table,
            name=self.name,
            lane=self.lane,
            serialize_type=self.serialize_type,
            frame_limit=self.frame_limit,
            clock=self.clock,
            gate=self.tls,
            on_connect=self._connected,
            on_close=self._closed,
            watch=self.watch,
        )
        self._endpoints.append(endpoint)
        loop = asyncio.get_running_loop()
        for sock in sockets:
            listener = await loop.create_server(lambda: PeerProtocol(endpoint), sock=listening(sock), backlog=BACKLOG)
            self._listeners.append(listener)

    def _connected(self, connection: Connection) -> None:
        log.info("%s: channelActive, the channel[%s]", self.name, connection.address)
        if self.on_connect is not None:
            self.on_connect(connection)

    def _closed(self, connection: Connection) -> None:
        log.info("%s: channelInactive, the channel[%s]", self.name, connection.address)
        if self.on_close is not None:
            self.on_close(connection)

    async def stop(self) -> None:
        """Stop listening and reading, answer what is under way, let answers leave, close every connection."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        if self.watch is not None:
            self.watch.stop()
        if self.tls is not None:
            await self.tls.stop()
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for endpoint in self._endpoints:
            endpoint.drain()
        await self._until(lambda: not any(endpoint.running_count for endpoint in self._endpoints))
        for endpoint in self._endpoints:
            endpoint.cancel_running()
        for connection in self.connections:
            connection.close()
        await self._until(lambda: not self.connections)
        for connection in self.connections:
            connection.abort()
        await asyncio.sleep(0)

    async def _until(self, done: Callable[[], bool]) -> None:
        """Until it is so, or DRAIN_S."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DRAIN_S
        while not done() and loop.time() < deadline:
            await asyncio.sleep(0.002)

    def sweep(self) -> None:
        """Close idle connections."""
        for endpoint in self._endpoints:
            endpoint.close_idle(self.idle_ms)

    def _schedule_sweep(self) -> None:
        loop = asyncio.get_running_loop()

        def run() -> None:
            self.sweep()
            self._sweep = loop.call_later(every_s, run)

        every_s = max(self.idle_ms / SWEEPS, 10) / 1000
        self._sweep = loop.call_later(every_s, run)
