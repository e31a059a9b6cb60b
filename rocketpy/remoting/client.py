"""The calling side of the remoting protocol: one connection an address, made when it is first needed.

Calls that cannot be answered end with a named error: RemotingConnectError, RemotingSendError, RemotingTimeout. Requests
that come from the other side are answered out of the client's own request table; unknown ones with code 3.
"""

import asyncio
import os
import ssl
from collections.abc import Callable

from rocketpy._core.command import Command
from rocketpy.clock import Clock
from rocketpy.errors import RemotingConnectError, RemotingTimeout
from rocketpy.remoting.configured import configured_frame_limit, configured_serialize_type
from rocketpy.remoting.connection import Connection, Endpoint
from rocketpy.remoting.peer_protocol import PeerProtocol
from rocketpy.remoting.request_table import RequestTable

CONNECT_TIMEOUT_MS = 3_000


class RemotingClient:
    """Calls servers by address (`host:port`)."""

    def __init__(
        self,
        request_table: RequestTable | None = None,
        *,
        name: str = "client",
        serialize_type: int | None = None,
        connect_timeout_ms: float = CONNECT_TIMEOUT_MS,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        on_close: Callable[[Connection], object] | None = None,
    ) -> None:
        self.request_table: RequestTable = {} if request_table is None else request_table
        self.name = name
        self.serialize_type = configured_serialize_type() if serialize_type is None else serialize_type
        self.connect_timeout_ms = connect_timeout_ms
        self.clock = clock
        self.tls = tls
        self.on_close = on_close
        self._endpoint: Endpoint | None = None
        self._connections: dict[str, asyncio.Future[Connection]] = {}

    async def invoke(self, address: str, command: Command, timeout_ms: float = 3_000) -> Command:
        """The response to a request; connecting counts towards the timeout."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        connection = await self.connect(address, timeout_ms)
        left_ms = timeout_ms - (loop.time() - begin) * 1000
        if left_ms <= 0:
            raise RemotingTimeout(f"{address} did not answer within {timeout_ms:.0f} ms")
        return await connection.invoke(command, left_ms)

    async def oneway(self, address: str, command: Command, timeout_ms: float = 3_000) -> None:
        """Send a request nobody answers."""
        (await self.connect(address, timeout_ms)).send(command)

    async def connect(self, address: str, timeout_ms: float | None = None) -> Connection:
        """The open connection to an address. Callers at the same time share one attempt."""
        future = self._connections.get(address)
        if future is None or (future.done() and not is_usable(future)):
            future = asyncio.ensure_future(self._open(address))
            future.add_done_callback(note_outcome)
            self._connections[address] = future
        limit_s = min(self.connect_timeout_ms, timeout_ms or self.connect_timeout_ms) / 1000
        try:
            return await asyncio.wait_for(asyncio.shield(future), limit_s)
        except (TimeoutError, asyncio.TimeoutError):
            raise RemotingConnectError(f"{address} does not answer: no connection within {limit_s:.1f} s") from None
        except (OSError, ValueError) as error:
            raise RemotingConnectError(f"{address} cannot be reached: {why(error)}") from None

    async def close(self) -> None:
        """Close every connection and end every attempt to make one."""
        attempts, self._connections = self._connections, {}
        for future in attempts.values():
            future.cancel()
        connections = list(self._endpoint.connections) if self._endpoint is not None else []
        for connection in connections:
            connection.close()
        await asyncio.gather(*attempts.values(), return_exceptions=True)
        while any(connection in connection.endpoint.connections for connection in connections):
            await asyncio.sleep(0)

    async def _open(self, address: str) -> Connection:
        if self._endpoint is None:
            self._endpoint = Endpoint(
                self.request_table,
                name=self.name,
                serialize_type=self.serialize_type,
                clock=self.clock,
                frame_limit=configured_frame_limit(),
                on_close=self.on_close,
            )
        endpoint = self._endpoint
        host, port = split_address(address)
        loop = asyncio.get_running_loop()
        _, protocol = await asyncio.wait_for(
            loop.create_connection(lambda: PeerProtocol(endpoint), host, port, ssl=self.tls),
            self.connect_timeout_ms / 1000,
        )
        return protocol


def is_usable(future: "asyncio.Future[Connection]") -> bool:
    """Whether a finished attempt gave a connection that is still open."""
    return not future.cancelled() and future.exception() is None and future.result().is_open


def note_outcome(future: "asyncio.Future[Connection]") -> None:
    """An attempt may end when nobody waits for it any more: its error is no news then."""
    if not future.cancelled():
        future.exception()


def why(fault: OSError | ValueError) -> str:
    """What the system says of an attempt, without Python's numbers and tuples around it."""
    if not isinstance(fault, OSError) or isinstance(fault, ssl.SSLError) or not fault.errno:
        return str(fault)
    return os.strerror(fault.errno) if fault.errno > 0 else fault.strerror or str(fault)  # names have numbers below 0


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port`. ValueError when it is not that."""
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)
