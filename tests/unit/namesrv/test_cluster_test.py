"""Cluster test mode: routes of another environment, asked of its name servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rocketpy._core.command import Command
from rocketpy.config.environment import Environment
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.netty import NettyServerConfig
from rocketpy.namesrv import cluster_test
from rocketpy.namesrv.name_server import NameServer
from rocketpy.protocol.bodies import (
    DataVersion,
    RegisterBrokerBody,
    TopicConfig,
    TopicConfigSerializeWrapper,
    TopicRouteData,
)
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.register_body import body_crc32, encode_register_body
from rocketpy.remoting.client import RemotingClient

WHO = {"brokerAddr": "10.0.0.1:10911", "clusterName": "C", "brokerId": "0", "haServerAddr": "10.0.0.1:10912"}
NOT_FOUND = "No topic route info in name server for the topic: "


class Parties:
    """Name servers of both environments, and someone who asks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = RemotingClient()
        self.running: list[NameServer] = []

    async def start(self, **settings: Any) -> tuple[NameServer, str]:
        path = self.folder / f"kv{len(self.running)}.json"
        server = NameServer(NamesrvConfig(kv_config_path=str(path), **settings), NettyServerConfig(listen_port=0))
        await server.start("127.0.0.1")
        self.running.append(server)
        return server, f"127.0.0.1:{server.port}"

    async def register(self, address: str, broker: str, topic: str) -> None:
        wrapper = TopicConfigSerializeWrapper({topic: TopicConfig(topic, 4, 4)}, DataVersion(7, 1))
        body = encode_register_body(RegisterBrokerBody(wrapper), compressed=False)
        ext = WHO | {"brokerName": broker, "bodyCrc32": str(body_crc32(body)), "compressed": "false"}
        assert (await self.client.invoke(address, Command(RequestCode.REGISTER_BROKER, ext, body))).code == 0

    async def route(self, address: str, topic: str) -> Command:
        command = Command(RequestCode.GET_ROUTEINTO_BY_TOPIC, {"topic": topic})
        return await self.client.invoke(address, command, 10_000)

    async def stop(self) -> None:
        await self.client.close()
        for server in self.running:
            await server.stop()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address_server: Any) -> Path:
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    monkeypatch.setenv("JAVA_OPT", f"-Drocketmq.namesrv.domain={address_server.domain}")
    return tmp_path


@asynccontextmanager
async def parties(folder: Path) -> AsyncIterator[Parties]:
    found = Parties(folder)
    try:
        yield found
    finally:
        await found.stop()


def test_a_route_that_is_not_here_comes_from_the_other_environment(folder: Path, address_server: Any) -> None:
    async def scenario() -> None:
        async with parties(folder) as all_of_them:
            product, product_address = await all_of_them.start(order_message_enable=True)
            product.kv.put("ORDER_TOPIC_CONFIG", "There", "broker-p:4")
            await all_of_them.register(product_address, "broker-p", "There")
            address_server.pages["/rocketmq/nsaddr-prod?nofix=1"] = f"127.0.0.1:1;{product_address}\n"
            _, address = await all_of_them.start(cluster_test=True, product_env_name="prod")
            answer = await all_of_them.route(address, "There")
            assert answer.body == (await all_of_them.route(product_address, "There")).body
            route = TopicRouteData.decode(answer.body)
            assert (route.broker_datas[0].broker_name, route.order_topic_conf) == ("broker-p", "broker-p:4")
            missing = await all_of_them.route(address, "Nowhere")
            assert (missing.code, (missing.remark or "").startswith(NOT_FOUND + "Nowhere\n")) == (17, True)

    asyncio.run(scenario())
    assert address_server.asked == ["/rocketmq/nsaddr-prod?nofix=1"]


def test_a_route_that_is_here_has_its_order_conf(folder: Path, address_server: Any) -> None:
    async def scenario() -> None:
        async with parties(folder) as all_of_them:
            server, address = await all_of_them.start(cluster_test=True)
            server.kv.put("ORDER_TOPIC_CONFIG", "Here", "broker-a:4")
            await all_of_them.register(address, "broker-a", "Here")
            route = TopicRouteData.decode((await all_of_them.route(address, "Here")).body)
            assert route.order_topic_conf == "broker-a:4"
            assert (await all_of_them.route(address, "Nowhere")).code == 17  # nobody knows the environment `center`

    asyncio.run(scenario())
    assert address_server.asked == ["/rocketmq/nsaddr-center?nofix=1"]


def test_a_silent_environment_holds_up_nobody_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_test, "TOTAL_S", 0.2)

    async def scenario() -> None:
        gone = asyncio.Event()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()
            gone.set()

        silent = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        monkeypatch.setenv("NAMESRV_ADDR", f"127.0.0.1:{port}")  # it is named outright: no address server is asked
        async with parties(folder) as all_of_them:
            _, address = await all_of_them.start(cluster_test=True)
            waiting = [asyncio.ensure_future(all_of_them.route(address, "Nowhere")) for _ in range(3)]
            await all_of_them.register(address, "broker-a", "Here")
            assert (await all_of_them.route(address, "Here")).code == 0
            assert not any(answer.done() for answer in waiting)
            assert [answer.code for answer in await asyncio.gather(*waiting)] == [17, 17, 17]
        await gone.wait()
        silent.close()

    asyncio.run(scenario())


def test_a_name_server_that_is_told_to_ask_itself_finds_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_test, "TOTAL_S", 0.1)

    async def scenario() -> None:
        async with parties(folder) as all_of_them:
            server, address = await all_of_them.start(cluster_test=True)
            assert server.cluster_test is not None
            server.cluster_test._use([address])
            assert (await all_of_them.route(address, "Nowhere")).code == 17

    asyncio.run(scenario())


def test_no_more_than_so_many_questions_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_test, "MOST_QUESTIONS", 0)

    async def scenario() -> None:
        test = cluster_test.ClusterTest(NamesrvConfig(Environment({"NAMESRV_ADDR": "127.0.0.1:1"})))
        assert await test.route("T") is None
        await test.stop()

    asyncio.run(scenario())
