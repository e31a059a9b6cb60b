"""A server with its metrics endpoint: what starts first, what a failure leaves, and what is not even imported."""

import asyncio
import logging
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rocketpy._core.command import request
from rocketpy.broker.broker import Broker
from rocketpy.config import BrokerConfig, MessageStoreConfig, NamesrvConfig, NettyClientConfig, NettyServerConfig
from rocketpy.errors import StartRefused
from rocketpy.measured import Measured, measured_broker, measured_name_server
from rocketpy.namesrv.name_server import NameServer
from rocketpy.protocol.codes import RequestCode
from rocketpy.remoting.client import RemotingClient
from tests.ports import free_broker_port, free_port

log = logging.getLogger("RocketmqNamesrv")


class Plain:
    """A server that only notes what is done with it."""

    def __init__(self, config: NamesrvConfig, fault: Exception | None = None) -> None:
        self.config, self.fault = config, fault
        self.done: list[str] = []

    async def start(self) -> None:
        self.done.append("start")
        if self.fault:
            raise self.fault

    async def stop(self) -> None:
        self.done.append("stop")


def namesrv_config(tmp_path: Path, **settings: object) -> NamesrvConfig:
    return NamesrvConfig(kv_config_path=str(tmp_path / "kv.json"), **settings)


async def metrics(port: int, host: str = "127.0.0.1") -> str:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    return text.partition("\r\n\r\n")[2]


def test_without_a_port_there_is_just_the_server(tmp_path: Path) -> None:
    server = NameServer(namesrv_config(tmp_path), NettyServerConfig(listen_port=0))
    assert measured_name_server(server, log) is server


def test_a_name_server_tells_of_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port, own = free_port(), free_port()
    config = namesrv_config(tmp_path, metrics_port=port)

    async def scenario() -> str:
        server = measured_name_server(NameServer(config, NettyServerConfig(listen_port=own)), log)
        await server.start()
        client = RemotingClient()
        for _ in range(3):
            await client.invoke(f"127.0.0.1:{own}", request(RequestCode.GET_BROKER_CLUSTER_INFO), 3000)
        text = await metrics(port)
        await client.close()
        await server.stop()
        return text

    families = {family.name: family for family in text_string_to_metric_families(asyncio.run(scenario()))}
    (served,) = families["rocketpy_namesrv_requests"].samples
    assert (served.labels, served.value) == ({"code": "106", "request": "GET_BROKER_CLUSTER_INFO"}, 3)
    assert families["rocketpy_namesrv_connections"].samples[0].value == 1
    assert "process_resident_memory_bytes" in families
    assert f"metrics are at http://127.0.0.1:{port}/metrics\n" in capsys.readouterr().out


def test_a_port_in_use_refuses_the_start_before_the_store_is_touched(tmp_path: Path) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    broker = Broker(
        BrokerConfig(metrics_port=port),
        NettyServerConfig(listen_port=free_broker_port()),
        NettyClientConfig(),
        MessageStoreConfig(store_path_root_dir=str(tmp_path / "store")),
    )
    said = rf"port {port} is in use by pid \d+ \(.*\): stop it or set metricsPort to another port"
    with taken, pytest.raises(StartRefused, match=said):
        asyncio.run(measured_broker(broker, log).start())
    assert not (tmp_path / "store").exists()


def test_a_start_that_fails_gives_the_port_back(tmp_path: Path) -> None:
    port = free_port()
    server = Plain(namesrv_config(tmp_path, metrics_port=port), StartRefused("no"))

    async def scenario() -> None:
        await Measured(server, server.config, lambda _: [], log).start()

    with pytest.raises(StartRefused, match="no"):
        asyncio.run(scenario())
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize(
    ("host", "url", "is_told"),
    [
        ("127.0.0.1", "127.0.0.1", False),
        ("localhost", "localhost", False),
        ("::1", "[::1]", False),
        ("0.0.0.0", "0.0.0.0", True),
    ],
)
def test_where_it_listens_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str, url: str, is_told: bool
) -> None:
    port = free_port()
    server = Plain(namesrv_config(tmp_path, metrics_port=port, metrics_bind_address=host))

    async def scenario() -> str:
        measured = Measured(server, server.config, lambda _: [], log)
        await measured.start()
        text = await metrics(port, "127.0.0.1" if host == "0.0.0.0" else host)
        await measured.stop()
        return text

    with caplog.at_level(logging.INFO):
        assert "rocketpy_scrapes_total 0.0\n" in asyncio.run(scenario())
    assert f"metrics are at http://{url}:{port}/metrics" in caplog.text
    assert ("whoever reaches port" in caplog.text) == is_told
    assert server.done == ["start", "stop"]


def test_without_a_port_nothing_of_it_is_imported() -> None:
    code = (
        "import sys, rocketpy.cli, rocketpy.measured, rocketpy.broker.broker, rocketpy.namesrv.name_server\n"
        "print([name for name in sys.modules if name.startswith(('prometheus_client', 'h11', 'rocketpy.metrics'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
