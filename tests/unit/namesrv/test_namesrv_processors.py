"""Every code a name server serves: codes, remarks and bodies."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rocketpy._core.command import Command
from rocketpy.clock import ManualClock
from rocketpy.config.environment import Environment
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.netty import NettyServerConfig
from rocketpy.errors import RequestRefused
from rocketpy.namesrv.kv_config import KVConfig
from rocketpy.namesrv.processors.config import settings_update
from rocketpy.namesrv.request_table import SERVED, bind
from rocketpy.namesrv.route_info import RouteInfo
from rocketpy.protocol.bodies import DataVersion, RegisterBrokerBody, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.register_body import body_crc32, encode_register_body
from rocketpy.settings_update import nothing

A = "10.32.16.195:10911"
WHO = {"brokerName": "broker-a", "brokerAddr": A, "clusterName": "C", "brokerId": "0"}


@pytest.fixture
def server(tmp_path: Path) -> Any:
    """What processors need of a NameServer."""
    config = NamesrvConfig(
        kv_config_path=str(tmp_path / "kvConfig.json"), config_store_path=str(tmp_path / "namesrv.properties")
    )
    server_config = NettyServerConfig(listen_port=9876)
    return SimpleNamespace(
        config=config,
        server_config=server_config,
        settings_update=settings_update(config, server_config, ManualClock()),
        routes=RouteInfo(ManualClock()),
        kv=KVConfig(tmp_path / "kvConfig.json"),
        cluster_test=None,
        access=None,
        served={},
    )


class Broker:
    """The connection of a broker."""

    address = "10.32.16.195:40000"

    def close(self) -> None: ...


@pytest.fixture
def ask(server: Any) -> Callable[..., Command]:
    """Send one request: ask(code, body=…, **ext)."""
    table = bind(server)
    broker = Broker()

    def ask(code: RequestCode, body: bytes | None = None, version: int = 317, **ext: str) -> Command:
        answer = table[code](broker, Command(code, ext or None, body, version=version))  # type: ignore[arg-type]
        return asyncio.run(awaited(answer)) if inspect.isawaitable(answer) else answer

    return ask


async def awaited(answer: Awaitable[Command]) -> Command:
    return await answer


Ask = Callable[..., Command]


def body_of(*topics: TopicConfig, counter: int = 1) -> RegisterBrokerBody:
    table = {topic.topic_name: topic for topic in topics or (TopicConfig("T", 4, 4),)}
    return RegisterBrokerBody(TopicConfigSerializeWrapper(table, DataVersion(7, counter)))


def register(ask: Ask, *topics: TopicConfig, counter: int = 1, compressed: bool = False, **ext: str) -> Command:
    data = encode_register_body(body_of(*topics, counter=counter), compressed=compressed)
    header = WHO | {"haServerAddr": "ha:1", "bodyCrc32": str(body_crc32(data)), "compressed": str(compressed)} | ext
    return ask(RequestCode.REGISTER_BROKER, data, **header)


def failed(answer: Command) -> tuple[int, str | None]:
    return answer.code, answer.remark


def test_register_answers_with_empty_ext_and_no_body(ask: Ask) -> None:
    answer = register(ask)
    assert (answer.code, answer.remark, answer.ext, answer.body) == (0, None, {}, None)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_route_as_clients_parse_it(ask: Ask, compressed: bool) -> None:
    register(ask, compressed=compressed)
    answer = ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="T")
    assert (answer.code, answer.ext) == (0, None)
    assert answer.body == (
        b'{"brokerDatas":[{"brokerAddrs":{0:"10.32.16.195:10911"},"brokerName":"broker-a","cluster":"C"}],'
        b'"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":4,"topicSynFlag":0,'
        b'"writeQueueNums":4}]}'
    )


def test_no_route(ask: Ask) -> None:
    assert failed(ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="U")) == (
        17,
        "No topic route info in name server for the topic: U\n"
        "See http://rocketmq.apache.org/docs/faq/ for further details.",
    )


@pytest.mark.parametrize(
    ("code", "field"),
    [
        (RequestCode.GET_ROUTEINTO_BY_TOPIC, "topic"),
        (RequestCode.REGISTER_BROKER, "brokerName"),
        (RequestCode.UNREGISTER_BROKER, "brokerName"),
        (RequestCode.PUT_KV_CONFIG, "namespace"),
        (RequestCode.GET_KV_CONFIG, "namespace"),
        (RequestCode.DELETE_KV_CONFIG, "namespace"),
        (RequestCode.GET_KVLIST_BY_NAMESPACE, "namespace"),
        (RequestCode.QUERY_DATA_VERSION, "brokerName"),
        (RequestCode.WIPE_WRITE_PERM_OF_BROKER, "brokerName"),
        (RequestCode.DELETE_TOPIC_IN_NAMESRV, "topic"),
        (RequestCode.GET_TOPICS_BY_CLUSTER, "cluster"),
    ],
)
def test_a_missing_field_is_named(ask: Ask, code: RequestCode, field: str) -> None:
    with pytest.raises(RequestRefused, match=field) as refused:
        ask(code)
    assert refused.value.code == ResponseCode.SYSTEM_ERROR


def test_order_topics_are_in_routes_only_when_enabled(ask: Ask, server: Any) -> None:
    register(ask)
    ask(RequestCode.PUT_KV_CONFIG, namespace="ORDER_TOPIC_CONFIG", key="T", value="broker-a:4")
    assert b"orderTopicConf" not in (ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="T").body or b"")
    ask(RequestCode.UPDATE_NAMESRV_CONFIG, b"orderMessageEnable=true")
    assert b'"orderTopicConf":"broker-a:4"' in (ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="T").body or b"")


def test_registration_brings_the_order_topics(ask: Ask) -> None:
    ask(RequestCode.PUT_KV_CONFIG, namespace="ORDER_TOPIC_CONFIG", key="T", value="broker-a:4")
    assert register(ask).body == b'{"table":{"T":"broker-a:4"}}'
    ask(RequestCode.DELETE_KV_CONFIG, namespace="ORDER_TOPIC_CONFIG", key="T")
    assert register(ask).body == b'{"table":{}}'


def test_a_slave_is_told_its_master(ask: Ask) -> None:
    register(ask)
    answer = register(ask, brokerId="1", brokerAddr="10.32.16.195:20911")
    assert answer.ext == {"haServerAddr": "ha:1", "masterAddr": A}


@pytest.mark.parametrize("crc", ["1", "-1"])
def test_a_wrong_checksum_is_refused(ask: Ask, crc: str) -> None:
    answer = register(ask, bodyCrc32=crc)
    assert (answer.code, answer.remark, answer.ext) == (1, "crc32 not match", {})
    assert ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="T").code == 17


def test_a_checksum_without_a_body_is_refused(ask: Ask) -> None:
    answer = ask(RequestCode.REGISTER_BROKER, None, haServerAddr="ha:1", bodyCrc32="7", **WHO)
    assert answer.remark == "crc32 not match"


@pytest.mark.parametrize("ext", [{"bodyCrc32": "0"}, {}])
def test_no_checksum_is_fine(ask: Ask, ext: dict[str, str]) -> None:
    assert ask(RequestCode.REGISTER_BROKER, body_of().encode(), haServerAddr="ha:1", **WHO, **ext).code == 0
    assert ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="T").code == 0


def test_no_body_registers_without_topics(ask: Ask, server: Any) -> None:
    assert ask(RequestCode.REGISTER_BROKER, None, haServerAddr="ha:1", **WHO).code == 0
    assert server.routes.live[A].data_version == DataVersion(0, 0)


def test_a_broker_before_3_0_11(ask: Ask, server: Any) -> None:
    wrapper = body_of().topic_config_serialize_wrapper
    server.routes.filter_servers[A] = ["f"]
    ask(RequestCode.REGISTER_BROKER, wrapper.encode(), version=36, haServerAddr="ha:1", **WHO)
    assert ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="T").code == 0
    assert server.routes.filter_servers == {A: ["f"]}


def test_garbage_is_no_registration(ask: Ask) -> None:
    with pytest.raises(RequestRefused, match="RemotingCommandException: Failed to decode RegisterBrokerBody"):
        ask(RequestCode.REGISTER_BROKER, b"garbage", haServerAddr="ha:1", compressed="true", **WHO)
    assert ask(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER).body == b'{"topicList":[]}'


def test_unregister(ask: Ask) -> None:
    register(ask)
    answer = ask(RequestCode.UNREGISTER_BROKER, **WHO)
    assert (answer.code, answer.ext, answer.body) == (0, None, None)
    assert ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="T").code == 17
    assert ask(RequestCode.UNREGISTER_BROKER, **WHO).code == 0


def test_data_versions(ask: Ask) -> None:
    same, other = DataVersion(7, 1).encode(), DataVersion(7, 2).encode()
    answer = ask(RequestCode.QUERY_DATA_VERSION, same, **WHO)
    assert (answer.code, answer.ext, answer.body) == (0, {"changed": "true"}, None)
    register(ask)
    answer = ask(RequestCode.QUERY_DATA_VERSION, same, **WHO)
    assert (answer.ext, answer.body) == ({"changed": "false"}, same)
    answer = ask(RequestCode.QUERY_DATA_VERSION, other, **WHO)
    assert (answer.ext, answer.body) == ({"changed": "true"}, same)


def test_cluster_info(ask: Ask) -> None:
    register(ask)
    assert ask(RequestCode.GET_BROKER_CLUSTER_INFO).body == (
        b'{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"10.32.16.195:10911"},"brokerName":"broker-a",'
        b'"cluster":"C"}},"clusterAddrTable":{"C":["broker-a"]}}'
    )


def test_wipe_write_permission(ask: Ask) -> None:
    register(ask)
    assert ask(RequestCode.WIPE_WRITE_PERM_OF_BROKER, brokerName="broker-a").ext == {"wipeTopicCount": "1"}
    assert ask(RequestCode.WIPE_WRITE_PERM_OF_BROKER, brokerName="unknown").ext == {"wipeTopicCount": "0"}
    assert b'"perm":4' in (ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="T").body or b"")


def test_topic_lists(ask: Ask) -> None:
    flags = {"T": 0, "unit": 1, "sub": 2, "both": 3}
    register(ask, *(TopicConfig(name, topic_sys_flag=flag) for name, flag in flags.items()))
    lists = {
        RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER: list(flags),
        RequestCode.GET_UNIT_TOPIC_LIST: ["unit", "both"],
        RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST: ["sub", "both"],
        RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST: ["sub"],
    }
    for code, topics in lists.items():
        answer = ask(code)
        assert (answer.ext, json.loads(answer.body or b"")) == (None, {"topicList": topics})
    assert json.loads(ask(RequestCode.GET_TOPICS_BY_CLUSTER, cluster="C").body or b"") == {"topicList": list(flags)}
    assert ask(RequestCode.GET_TOPICS_BY_CLUSTER, cluster="unknown").body == b'{"topicList":[]}'
    assert json.loads(ask(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS).body or b"") == {
        "brokerAddr": A, "topicList": ["C", "broker-a"]
    }  # fmt: skip
    assert ask(RequestCode.DELETE_TOPIC_IN_NAMESRV, topic="T").code == 0
    assert ask(RequestCode.DELETE_TOPIC_IN_NAMESRV, topic="T").code == 0
    assert ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, topic="T").code == 17


def test_kv_values(ask: Ask) -> None:
    where = {"namespace": "NS", "key": "k"}
    assert failed(ask(RequestCode.GET_KV_CONFIG, **where)) == (22, "No config item, Namespace: NS Key: k")
    assert failed(ask(RequestCode.GET_KVLIST_BY_NAMESPACE, namespace="NS")) == (22, "No config item, Namespace: NS")
    assert ask(RequestCode.PUT_KV_CONFIG, value="v", **where).code == 0
    assert ask(RequestCode.GET_KV_CONFIG, **where).ext == {"value": "v"}
    assert ask(RequestCode.GET_KVLIST_BY_NAMESPACE, namespace="NS").body == b'{"table":{"k":"v"}}'
    assert ask(RequestCode.DELETE_KV_CONFIG, **where).code == 0
    assert ask(RequestCode.DELETE_KV_CONFIG, **where).code == 0
    assert ask(RequestCode.GET_KVLIST_BY_NAMESPACE, namespace="NS").body == b'{"table":{}}'


def test_a_disk_that_refuses_is_told(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "kvConfig.json").mkdir()
    with pytest.raises(RequestRefused, match=r"kvConfig\.json"):
        ask(RequestCode.PUT_KV_CONFIG, namespace="NS", key="k", value="v")


def test_settings_are_shown(ask: Ask, server: Any) -> None:
    server.config.extra["operator"] = "me"
    lines = (ask(RequestCode.GET_NAMESRV_CONFIG).body or b"").decode().splitlines()
    assert {"listenPort=9876", "orderMessageEnable=false", "operator=me"} <= set(lines)


def test_settings_are_changed_and_written(ask: Ask, server: Any, tmp_path: Path) -> None:
    server.config.extra["operator"] = "me"
    file = tmp_path / "namesrv.properties"
    file.write_text("# mine\noperator : me\n\norderMessageEnable=false # for now\n")
    answer = ask(RequestCode.UPDATE_NAMESRV_CONFIG, b"orderMessageEnable=true\noperator=you\n")
    assert (answer.code, answer.remark) == (0, None)
    assert server.config.order_message_enable
    assert file.read_text() == "# mine\noperator : you\n\norderMessageEnable=true # for now\n"
    shown = (ask(RequestCode.GET_NAMESRV_CONFIG).body or b"").decode().splitlines()
    assert {"orderMessageEnable=true", "operator=you"} <= set(shown)
    assert ask(RequestCode.UPDATE_NAMESRV_CONFIG).code == 0


def test_an_unknown_setting_is_refused_with_the_nearest_name(ask: Ask, server: Any) -> None:
    with pytest.raises(RequestRefused, match=r"orderMesageEnable: there is no such setting; .* orderMessageEnable"):
        ask(RequestCode.UPDATE_NAMESRV_CONFIG, b"orderMessageEnable=true\norderMesageEnable=true")
    assert not server.config.order_message_enable


def test_without_a_file_of_its_own_upstreams_is_written_and_said(tmp_path: Path) -> None:
    environment = Environment(variables={"HOME": str(tmp_path), "JAVA_OPT": f"-Duser.home={tmp_path}"})
    config = NamesrvConfig(environment)
    update = settings_update(config, NettyServerConfig(environment), ManualClock())
    path = tmp_path / "namesrv" / "namesrv.properties"
    told = asyncio.run(update.take(b"orderMessageEnable=true", "peer", nothing, nothing))
    assert told == f"kept in {path}, which the next start reads with -c {path}"
    assert path.read_text().endswith("\norderMessageEnable=true\n")


NOT_FROM_AFAR = "kvConfigPath configStorePath rocketmqHome listenPort aclStrictAdmin metricsPort metricsBindAddress"


@pytest.mark.parametrize("name", NOT_FROM_AFAR.split())
def test_paths_and_ports_are_not_changed_from_afar(ask: Ask, server: Any, tmp_path: Path, name: str) -> None:
    before = ask(RequestCode.GET_NAMESRV_CONFIG).body
    with pytest.raises(RequestRefused, match=name) as refused:
        ask(RequestCode.UPDATE_NAMESRV_CONFIG, f"orderMessageEnable=true\n{name}=1234".encode())
    assert refused.value.code == ResponseCode.NO_PERMISSION
    assert ask(RequestCode.GET_NAMESRV_CONFIG).body == before
    assert not (tmp_path / "namesrv.properties").exists()


def test_what_is_shown_may_be_sent_back(ask: Ask) -> None:
    assert ask(RequestCode.UPDATE_NAMESRV_CONFIG, ask(RequestCode.GET_NAMESRV_CONFIG).body).code == 0


def test_a_value_that_is_none_is_named_and_changes_nothing(ask: Ask, server: Any) -> None:
    with pytest.raises(RequestRefused, match="serverWorkerThreads: many is not a number"):
        ask(RequestCode.UPDATE_NAMESRV_CONFIG, b"orderMessageEnable=true\nserverWorkerThreads=many")
    assert not server.config.order_message_enable


def test_every_code_of_the_reference_is_served() -> None:
    assert sorted(SERVED) == [
        100, 101, 102, 103, 104, 105, 106, 205, 206, 216, 219, 224, 304, 311, 312, 313, 318, 319, 322
    ]  # fmt: skip
