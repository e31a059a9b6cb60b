"""Servers of a client under test: functions by address in place of sockets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rocketpy._core.command import Command
from rocketpy.errors import RemotingConnectError
from rocketpy.protocol.bodies import BrokerData, QueueData, TopicRouteData


class FakeRemoting:
    """Answers by address and code; an address nobody serves cannot be reached."""

    def __init__(self) -> None:
        self.servers: dict[str, Callable[[Command], Command]] = {}
        self.asked: list[tuple[str, Command]] = []

    async def invoke(self, address: str, command: Command, timeout_ms: float) -> Command:
        self.asked.append((address, command))
        if address not in self.servers:
            raise RemotingConnectError(f"{address} cannot be reached")
        return self.servers[address](command)

    async def oneway(self, address: str, command: Command) -> None:
        self.asked.append((address, command))

    async def close(self) -> None:
        self.servers.clear()

    def addresses(self, code: int) -> list[str]:
        """Who was asked with this code, in order."""
        return [address for address, command in self.asked if command.code == code]


@pytest.fixture
def remoting() -> FakeRemoting:
    return FakeRemoting()


@pytest.fixture
def route() -> TopicRouteData:
    """Two masters with two queues each; a third broker has only a slave."""
    return TopicRouteData(
        queue_datas=[QueueData(name, 2, 2, 6, 0) for name in ("broker-a", "broker-b", "broker-c")],
        broker_datas=[
            BrokerData("c", "broker-a", {0: "a:1", 1: "a-slave:1"}),
            BrokerData("c", "broker-b", {0: "b:1"}),
            BrokerData("c", "broker-c", {1: "c-slave:1"}),
        ],
    )
