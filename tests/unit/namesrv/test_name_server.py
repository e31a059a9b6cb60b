"""A name server on a real port, spoken to by the remoting client."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rocketpy._core.command import Command
from rocketpy.broker import namesrv_link
from rocketpy.broker.namesrv_link import NamesrvLink
from rocketpy.broker.topics import Topics
from rocketpy.clock import ManualClock
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.netty import NettyServerConfig
from rocketpy.errors import StartRefused
from rocketpy.namesrv.name_server import NameServer
from rocketpy.protocol.codes import RequestCode
from rocketpy.remoting.client import RemotingClient
from tests.ports import free_port

Scenario = Callable[[NameServer, str], Awaitable[None]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def config(tmp_path: Path) -> NamesrvConfig:
    return NamesrvConfig(kv_config_path=str(tmp_path / "kv.json"), config_store_path=str(tmp_path / "ns.properties"))


@pytest.fixture
def serve(config: NamesrvConfig, clock: ManualClock) -> Callable[[Scenario], None]:
    """Run a scenario against a name server; it is stopped whatever happens."""

    async def run(scenario: Scenario) -> None:
        server = NameServer(config, NettyServerConfig(listen_port=0), clock)
        await server.start("127.0.0.1")
        try:
            await scenario(server, f"127.0.0.1:{server.port}")
        finally:
            await server.stop()

    return lambda scenario: asyncio.run(run(scenario))


Serve = Callable[[Scenario], None]


def link_to(address: str, client: RemotingClient, tmp_path: Path) -> tuple[NamesrvLink, Topics]:
    config = BrokerConfig(broker_name="broker-a", broker_cluster_name="C", broker_ip1="10.0.0.1", namesrv_addr=address)
    topics = Topics(config, tmp_path / "topics.json", ManualClock())
    return NamesrvLink(config, NettyServerConfig(listen_port=10911), topics, client), topics


async def route(client: RemotingClient, address: str, topic: str = "BenchmarkTest") -> Command:
    return await client.invoke(address, Command(RequestCode.GET_ROUTEINTO_BY_TOPIC, {"topic": topic}), 3000)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Let the sockets do their work; the test's own timeout is the limit."""
    while not await condition():
        await asyncio.sleep(0.001)


def test_a_broker_registers_and_its_closed_connection_takes_the_route(serve: Serve, tmp_path: Path) -> None:
    async def scenario(server: NameServer, address: str) -> None:
        asker, broker = RemotingClient(), RemotingClient()
        assert (await route(asker, address)).code == 17
        link, topics = link_to(address, broker, tmp_path)
        await link.start()
        answer = await route(asker, address)
        assert answer.code == 0
        assert b'"brokerAddrs":{0:"10.0.0.1:10911"}' in (answer.body or b"")
        topics.create_in_send("T", "TBW102", "10.0.0.9:1", 4, 0)

        async def known() -> bool:
            return (await route(asker, address, "T")).code == 0

        await until(known)
        await broker.close()

        async def gone() -> bool:
            return (await route(asker, address)).code == 17

        await until(gone)
        assert (server.routes.brokers, server.routes.topics) == ({}, {})
        await link.stop()
        await asker.close()

    serve(scenario)


def test_a_broker_that_stops_unregisters(serve: Serve, tmp_path: Path) -> None:
    async def scenario(server: NameServer, address: str) -> None:
        client = RemotingClient()
        link, _ = link_to(address, client, tmp_path)
        await link.start()
        assert list(server.routes.live) == ["10.0.0.1:10911"]
        await link.stop()
        assert server.routes.live == {}
        await client.close()

    serve(scenario)


def test_a_name_server_that_restarts_is_registered_with_anew(
    config: NamesrvConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namesrv_link, "RECONNECT_S", 0.01)
    monkeypatch.setattr(namesrv_link, "RETRY_S", 0.01)

    async def scenario() -> None:
        first = NameServer(config, NettyServerConfig(listen_port=free_port()))
        await first.start("127.0.0.1")
        client = RemotingClient()
        link, _ = link_to(f"127.0.0.1:{first.port}", client, tmp_path)
        await link.start()
        await first.stop()
        await asyncio.sleep(0.05)
        second = NameServer(config, NettyServerConfig(listen_port=first.port))
        await second.start("127.0.0.1")

        async def registered() -> bool:
            return bool(second.routes.live) and link.registered_with == [f"127.0.0.1:{first.port}"]

        await until(registered)
        await link.stop()
        assert not second.routes.live
        await client.close()
        await second.stop()

    asyncio.run(scenario())


def test_a_silent_broker_loses_its_connection(serve: Serve, tmp_path: Path, clock: ManualClock) -> None:
    async def scenario(server: NameServer, address: str) -> None:
        client = RemotingClient()
        link, _ = link_to(address, client, tmp_path)
        await link.register_all()
        connection = await client.connect(address)
        clock.advance(120_001)
        server.routes.expire()
        assert server.routes.live == {}

        async def closed() -> bool:
            return not connection.is_open

        await until(closed)
        await client.close()

    serve(scenario)


def test_refusals_and_unknown_codes_are_answered(serve: Serve) -> None:
    async def scenario(server: NameServer, address: str) -> None:
        client = RemotingClient()
        answer = await client.invoke(address, Command(RequestCode.GET_ROUTEINTO_BY_TOPIC), 3000)
        assert (answer.code, "topic" in (answer.remark or "")) == (1, True)
        answer = await client.invoke(address, Command(RequestCode.SEND_MESSAGE, {}), 3000)
        assert (answer.code, answer.remark) == (3, " request type 10 not supported: the broker has it")
        await client.close()

    serve(scenario)


def test_a_port_in_use_is_told_and_nothing_is_left(config: NamesrvConfig) -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            server = NameServer(config, NettyServerConfig(listen_port=port))
            with pytest.raises(StartRefused, match=str(port)):
                await server.start("127.0.0.1")
            await server.stop()

    asyncio.run(scenario())


def test_a_damaged_kv_file_gives_the_port_back(config: NamesrvConfig, tmp_path: Path) -> None:
    (tmp_path / "kv.json").mkdir()

    async def scenario() -> None:
        server = NameServer(config, NettyServerConfig(listen_port=0))
        with pytest.raises(StartRefused, match=r"kv\.json"):
            await server.start("127.0.0.1")
        await server.stop()

    asyncio.run(scenario())


def test_schedules_go_on_after_a_failure(config: NamesrvConfig, caplog: pytest.LogCaptureFixture) -> None:
    rounds: list[int] = []

    def fail() -> None:
        rounds.append(1)
        raise ValueError("the table is broken")

    async def scenario() -> None:
        server = NameServer(config, NettyServerConfig(listen_port=0))
        server._schedule(0, 0, fail)
        while len(rounds) < 3:
            await asyncio.sleep(0)
        await server.stop()

    asyncio.run(scenario())
    assert "the table is broken" in caplog.text
