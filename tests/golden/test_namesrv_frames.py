"""A registration as an upstream broker sends it, frame by frame, against the name server's processors."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from rocketpy._core.command import Command
from rocketpy.broker.namesrv_link import NamesrvLink
from rocketpy.broker.topics import Topics
from rocketpy.clock import ManualClock
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.netty import NettyServerConfig
from rocketpy.namesrv.kv_config import KVConfig
from rocketpy.namesrv.request_table import bind
from rocketpy.namesrv.route_info import RouteInfo
from rocketpy.protocol import fastjson
from rocketpy.protocol.bodies import DataVersion, RegisterBrokerBody
from rocketpy.protocol.register_body import decode_register_body, encode_register_body

FRAMES = Path(__file__).parent / "data" / "frames"


def frame(name: str) -> bytes:
    return (FRAMES / name).read_bytes()


@pytest.fixture
def server(tmp_path: Path) -> SimpleNamespace:
    routes, kv = RouteInfo(ManualClock()), KVConfig(tmp_path / "kv.json")
    return SimpleNamespace(routes=routes, kv=kv, access=None, served={})


def test_upstreams_registration_and_good_bye(server: SimpleNamespace) -> None:
    table, broker = bind(server), SimpleNamespace(address="127.0.0.1:40000")
    request = Command.decode(frame("ns_req_103_live.bin"))
    answer = table[request.code](broker, request)
    answer.opaque, answer.flag = request.opaque, 1
    assert answer.encode() == frame("ns_resp_0_live.bin")
    assert server.routes.live["127.0.0.1:47911"].data_version == DataVersion(1795368345154, 0)
    assert {name: queues["broker-a"].write_queue_nums for name, queues in server.routes.topics.items()} == {
        "SELF_TEST_TOPIC": 1, "DefaultCluster": 16, "broker-a": 1, "RMQ_SYS_TRACE_TOPIC": 1, "TBW102": 8,
        "BenchmarkTest": 1024, "OFFSET_MOVED_EVENT": 1,
    }  # fmt: skip
    request = Command.decode(frame("ns_req_104_live.bin"))
    assert table[request.code](broker, request).code == 0
    assert (server.routes.topics, server.routes.clusters) == ({}, {})


def test_our_registration_is_upstreams(tmp_path: Path) -> None:
    class Client:
        def __init__(self) -> None:
            self.on_close: Callable[[object], object] | None = None
            self.sent: list[Command] = []

        async def invoke(self, address: str, command: Command, timeout_ms: int) -> Command:
            self.sent.append(command)
            return Command(0, {}, flag=1)

        async def oneway(self, address: str, command: Command) -> None: ...

    config = BrokerConfig(
        broker_name="broker-a", broker_cluster_name="DefaultCluster", broker_ip1="127.0.0.1", broker_ip2="127.0.0.1",
        namesrv_addr="127.0.0.1:9876", trace_topic_enable=True,
    )  # fmt: skip
    client = Client()
    topics = Topics(config, tmp_path / "topics.json", ManualClock(1795368345154))
    link = NamesrvLink(config, NettyServerConfig(listen_port=47911), topics, client)
    asyncio.run(link.register_all())
    ours, theirs = client.sent[0], Command.decode(frame("ns_req_103_live.bin"))
    assert fastjson.loads(ours.body or b"") == fastjson.loads(theirs.body or b"")
    assert ours.ext is not None
    assert theirs.ext is not None
    assert {**ours.ext, "bodyCrc32": ""} == {**theirs.ext, "bodyCrc32": ""}


def test_upstreams_compressed_body() -> None:
    wrapper, servers = decode_register_body(frame("RegisterBrokerBody_compressed.bin"), compressed=True, version=317)
    assert servers is not None
    again = encode_register_body(RegisterBrokerBody(wrapper, servers), compressed=True)
    assert decode_register_body(again, compressed=True, version=317) == (wrapper, servers)
    assert wrapper.data_version == DataVersion(1565000000123, 3)
    assert list(wrapper.topic_config_table) == ["TopicTest"]
