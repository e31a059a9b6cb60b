"""One peer: its bytes in, its replies out, at most one write for one read."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from rocketpy._core.command import Command
from rocketpy._core.lane import Lane, LanePeer
from rocketpy.clock import Clock
from rocketpy.remoting.loop_watch import LoopWatch
from rocketpy.remoting.request_table import RequestTable

class Gate(Protocol):
    """What decides about a server's peers by their first byte; remoting/tls.py has the one there is."""

    def admits_plain(self, connection: Connection) -> bool:
        """Whether a peer that speaks plain is served; if not, it was refused."""

    def secure(self, connection: Connection, hello: bytes) -> None:
        """A peer begins a handshake with these bytes: `connection.secured` when it is done, or the connection's end."""

class Endpoint:
    """What all connections of one server or client share. Made inside the running loop."""

    request_table: RequestTable
    clock: Clock
    loop: asyncio.AbstractEventLoop
    connections: set[Connection]
    name: str
    serialize_type: int
    frame_limit: int
    queue_limit: int
    running_limit: int

    def __init__(
        self,
        request_table: RequestTable,
        *,
        name: str,
        lane: Lane | None = None,
        serialize_type: int = 0,
        frame_limit: int = 16777216,
        clock: Clock | None = None,
        gate: Gate | None = None,
        on_connect: Callable[[Connection], object] | None = None,
        on_close: Callable[[Connection], object] | None = None,
        queue_limit: int = ...,
        running_limit: int = ...,
        watch: LoopWatch | None = None,
    ) -> None: ...
    @property
    def running_count(self) -> int:
        """Requests under way: processors whose awaitable is not done."""

    def drain(self) -> None:
        """Read no more requests; those under way go on."""

    def cancel_running(self) -> None:
        """Give up requests under way: nobody can be answered any more."""

    def close_idle(self, idle_ms: int) -> None:
        """Close what was neither read from nor written to for that long."""

class Connection(LanePeer):
    """One peer. A protocol of the loop's transports; rooms above use what is documented here."""

    endpoint: Endpoint
    transport: asyncio.Transport
    ip: str
    port: int
    last_active_ms: int
    waited_ms: int
    """How long the requests of this turn have waited, at least; 0 below the watch's limit, and without a watch."""
    reads: int
    writes: int
    attributes: dict[Any, Any]

    def __init__(self, endpoint: Endpoint) -> None: ...
    @property
    def address(self) -> str:
        """`ip:port` of the peer; an IPv4 address is never written as IPv6."""

    @property
    def is_writable(self) -> bool:
        """Open, and the peer takes what is sent to it: no more than 1 MiB waits in the transport."""

    @property
    def backlog(self) -> tuple[list[int], int]:
        """(codes of whole requests that were read and wait for another turn, since when on the monotonic clock, ms);
        ([], 0) when none do. Between turns.
        """

    @property
    def waiting_count(self) -> int:
        """Whole requests that wait behind the one at hand in what was read. Within a turn, once a request."""

    def reply(self, request: Command, answer: Command) -> None:
        """Answer a request, now or later. Nothing happens when it was one-way or the peer is gone."""

    def send(self, command: Command) -> None:
        """Send a request nobody waits for (it is marked one-way), or a response whose opaque is set."""

    def invoke(self, command: Command, timeout_ms: float) -> asyncio.Future[Command]:
        """The peer's response; RemotingTimeout or RemotingSendError when none comes."""

    def secured(self, transport: asyncio.Transport) -> None:
        """The handshake is done: everything to the peer goes through this transport, and frames are served."""

    def close(self) -> None:
        """Close after what was answered has left; inside a turn, at its end."""

    def abort(self) -> None:
        """Close now and forget what was not sent."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def eof_received(self) -> bool | None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def get_buffer(self, sizehint: int) -> Any: ...
    def buffer_updated(self, nbytes: int) -> None: ...
