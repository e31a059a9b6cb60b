"""One client of a producer or consumer group, as both registries keep it.

A client is its connection: two connections of one client id are two clients. It is forgotten when the connection
closes, or after 120 s without a heartbeat.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from rocketpy._core.command import Command

CLIENT_EXPIRES_MS = 120_000


class Channel(Protocol):
    """What the registries need of a connection."""

    @property
    def address(self) -> str:
        """The peer, `ip:port`."""

    @property
    def is_open(self) -> bool:
        """Whether anything can still be sent."""

    @property
    def is_writable(self) -> bool:
        """Whether it is open and the peer reads as fast as it is written to."""

    def send(self, command: Command) -> object:
        """Send a one-way request."""

    def invoke(self, command: Command, timeout_ms: float) -> Awaitable[Command]:
        """Its answer; RemotingTimeout or RemotingSendError when none comes."""

    def close(self) -> object:
        """Close it; the registries hear of that like of any close."""


@dataclass(slots=True)
class Client:
    """Who spoke in a heartbeat."""

    connection: Channel
    client_id: str
    language: str = "JAVA"
    version: int = 0
    last_update_ms: int = 0

    def __str__(self) -> str:
        return f"{self.client_id} {self.connection.address} {self.language} {self.version}"
