"""What is asked of a name server that no real broker knows: routes, KV values and its own settings."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

from kit import wire
from kit.process import wait_until

from oracle.transcript import Side, setting_names

PUT_KV_CONFIG, GET_KV_CONFIG, DELETE_KV_CONFIG = 100, 101, 102
REGISTER_BROKER, UNREGISTER_BROKER, GET_ROUTEINTO_BY_TOPIC = 103, 104, 105
GET_BROKER_CLUSTER_INFO, WIPE_WRITE_PERM_OF_BROKER, GET_ALL_TOPIC_LIST, DELETE_TOPIC_IN_NAMESRV = 106, 205, 206, 216
GET_KVLIST_BY_NAMESPACE, GET_TOPICS_BY_CLUSTER, GET_SYSTEM_TOPIC_LIST = 219, 224, 304
GET_UNIT_TOPIC_LIST, GET_HAS_UNIT_SUB_TOPIC_LIST, GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST = 311, 312, 313
UPDATE_NAMESRV_CONFIG, GET_NAMESRV_CONFIG, QUERY_DATA_VERSION = 318, 319, 322

VERSION = {"timestamp": 1_700_000_000_000, "counter": 3}


def topic(name: str, **more: Any) -> dict[str, Any]:
    return {"topicName": name, "readQueueNums": 8, "writeQueueNums": 8, "perm": 6, "topicFilterType": "SINGLE_TAG",
            "topicSysFlag": 0, "order": False, **more}


def body_of(*topics: dict[str, Any], version: dict[str, int] = VERSION, filters: list[str] | None = None) -> bytes:
    table = {each["topicName"]: each for each in topics}
    wrapper = {"dataVersion": version, "topicConfigTable": table}
    return json.dumps({"filterServerList": filters or [], "topicConfigSerializeWrapper": wrapper}).encode()


def compressed(*topics: dict[str, Any], version: dict[str, int] = VERSION) -> bytes:
    def counted(data: bytes) -> bytes:
        return struct.pack(">i", len(data)) + data

    members = ("topicName", "readQueueNums", "writeQueueNums", "perm", "topicFilterType")
    lines = [" ".join(str(each[member]) for member in members).encode() for each in topics]
    parts = [counted(json.dumps(version).encode()), struct.pack(">i", len(lines)), *map(counted, lines), counted(b"[]")]
    return zlib.compress(b"".join(parts), 9)


def who(name: str, number: int, broker_id: int = 0, cluster: str = "NC", **more: Any) -> dict[str, Any]:
    return {"brokerName": name, "brokerAddr": f"10.9.8.{number}:10911", "clusterName": cluster,
            "haServerAddr": f"10.9.8.{number}:10912", "brokerId": broker_id, **more}


def ask(side: Side, step: str, code: int, ext: dict[str, Any] | None = None, *body: Any, **more: Any) -> None:
    """A registration goes over a connection of that broker's own: the name server knows a broker by its connection."""
    if code == REGISTER_BROKER and ext:
        more.setdefault("via", side.peer("namesrv", ext["brokerAddr"]))
    side.ask(step, code, ext, *body, to="namesrv", **more)


def crc(body: bytes) -> int:
    return zlib.crc32(body) & 0x7FFFFFFF


def registration(side: Side) -> None:
    body = body_of(topic("ns_t1"), topic("ns_t2", perm=4, topicSysFlag=1))
    ask(side, "plain, with CRC", REGISTER_BROKER, who("ns-a", 1, bodyCrc32=crc(body)), body)
    ask(side, "route of one", GET_ROUTEINTO_BY_TOPIC, {"topic": "ns_t1"})
    ask(side, "wrong CRC", REGISTER_BROKER, who("ns-b", 2, bodyCrc32=5), body)
    ask(side, "CRC without a body", REGISTER_BROKER, who("ns-b", 2, bodyCrc32=5))
    ask(side, "no CRC", REGISTER_BROKER, who("ns-b", 2), body)
    ask(side, "route of two", GET_ROUTEINTO_BY_TOPIC, {"topic": "ns_t1"})
    packed = compressed(topic("ns_t3", readQueueNums=3), topic("ns_t4", perm=2))
    ask(side, "compressed", REGISTER_BROKER, who("ns-c", 3, compressed=True, bodyCrc32=crc(packed)), packed)
    ask(side, "route by the compressed one", GET_ROUTEINTO_BY_TOPIC, {"topic": "ns_t3"})
    ask(side, "compressed, not zlib", REGISTER_BROKER, who("ns-d", 4, compressed=True), b"nonsense")
    ask(side, "old version's body", REGISTER_BROKER, who("ns-e", 5),
        json.dumps({"dataVersion": VERSION, "topicConfigTable": {"ns_old": topic("ns_old")}}), version=30)
    ask(side, "route by the old one", GET_ROUTEINTO_BY_TOPIC, {"topic": "ns_old"})
    ask(side, "no body", REGISTER_BROKER, who("ns-f", 6))
    ask(side, "slave", REGISTER_BROKER, who("ns-a", 11, 1), body)
    ask(side, "master and slave in the route", GET_ROUTEINTO_BY_TOPIC, {"topic": "ns_t2"})
    ask(side, "slave without a master", REGISTER_BROKER, who("ns-g", 12, 1), body)
    filtered = body_of(topic("ns_t1"), filters=["10.9.8.1:1", "10.9.8.1:2"])
    ask(side, "filter servers", REGISTER_BROKER, who("ns-a", 1), filtered)
    ask(side, "route with filter servers", GET_ROUTEINTO_BY_TOPIC, {"topic": "ns_t1"})
    newer = {"timestamp": VERSION["timestamp"], "counter": 4}
    ask(side, "changed topic", REGISTER_BROKER, who("ns-a", 1), body_of(topic("ns_t1", readQueueNums=2), version=newer))
    ask(side, "changed route", GET_ROUTEINTO_BY_TOPIC, {"topic": "ns_t1"})
    ask(side, "topics left out stay", GET_ROUTEINTO_BY_TOPIC, {"topic": "ns_t2"})
    ask(side, "same version again is not looked at", REGISTER_BROKER, who("ns-a", 1),
        body_of(topic("ns_t1", readQueueNums=9), version=newer))
    ask(side, "unchanged route", GET_ROUTEINTO_BY_TOPIC, {"topic": "ns_t1"})
    ask(side, "cluster", GET_BROKER_CLUSTER_INFO)
    ask(side, "body is no JSON", REGISTER_BROKER, who("ns-i", 9), b"{x")


def data_versions(side: Side) -> None:
    body = body_of(topic("dv_t1"))
    ask(side, "never seen", QUERY_DATA_VERSION, who("dv-a", 21), json.dumps(VERSION))
    ask(side, "register", REGISTER_BROKER, who("dv-a", 21), body)
    ask(side, "same", QUERY_DATA_VERSION, who("dv-a", 21), json.dumps(VERSION))
    ask(side, "other", QUERY_DATA_VERSION, who("dv-a", 21), json.dumps({**VERSION, "counter": 9}))
    ask(side, "address missing", QUERY_DATA_VERSION, {"brokerName": "dv-a"}, json.dumps(VERSION))


def leaving(side: Side) -> None:
    body = body_of(topic("lv_t1"))
    ask(side, "first", REGISTER_BROKER, who("lv-a", 31), body)
    ask(side, "second", REGISTER_BROKER, who("lv-b", 32), body)
    ask(side, "first leaves", UNREGISTER_BROKER, {k: v for k, v in who("lv-a", 31).items() if k != "haServerAddr"})
    ask(side, "route without it", GET_ROUTEINTO_BY_TOPIC, {"topic": "lv_t1"})
    ask(side, "never registered leaves", UNREGISTER_BROKER, who("lv-x", 39))
    third = side.connect("namesrv", "third")
    ask(side, "third on its own connection", REGISTER_BROKER, who("lv-c", 33), body, via=third)
    ask(side, "route of second and third", GET_ROUTEINTO_BY_TOPIC, {"topic": "lv_t1"})
    third.close()
    wait_until(lambda: len(route(side, "lv_t1")["brokerDatas"]) == 1, "third is forgotten", 10)
    ask(side, "route without the third", GET_ROUTEINTO_BY_TOPIC, {"topic": "lv_t1"})
    ask(side, "second leaves", UNREGISTER_BROKER, who("lv-b", 32))
    ask(side, "no route left", GET_ROUTEINTO_BY_TOPIC, {"topic": "lv_t1"})


def route(side: Side, name: str) -> dict[str, Any]:
    with wire.Peer(side.address("namesrv")) as peer:
        found: dict[str, Any] = peer.ask(GET_ROUTEINTO_BY_TOPIC, {"topic": name}).json()
        return found


def routes_refused(side: Side) -> None:
    ask(side, "unknown topic", GET_ROUTEINTO_BY_TOPIC, {"topic": "nowhere"})
    ask(side, "topic with odd letters", GET_ROUTEINTO_BY_TOPIC, {"topic": "no\"where\\\n\u4e2d"})
    ask(side, "topic missing", GET_ROUTEINTO_BY_TOPIC, {})
    ask(side, "no ext fields at all", GET_ROUTEINTO_BY_TOPIC)
    ask(side, "binary header", GET_ROUTEINTO_BY_TOPIC, {"topic": "nowhere"}, binary=True)
    for code in (9999, 10, 34):
        side.expect_silence(f"code {code}", code, to="namesrv")


def topic_lists(side: Side) -> None:
    topics = [topic(f"tl_{name}", topicSysFlag=flag) for flag, name in enumerate(["none", "unit", "sub", "both"])]
    ask(side, "register", REGISTER_BROKER, who("tl-a", 41, cluster="TC"), body_of(*topics))
    ask(side, "all topics", GET_ALL_TOPIC_LIST)
    ask(side, "of the cluster", GET_TOPICS_BY_CLUSTER, {"cluster": "TC"})
    ask(side, "of an unknown cluster", GET_TOPICS_BY_CLUSTER, {"cluster": "XX"})
    ask(side, "cluster missing", GET_TOPICS_BY_CLUSTER, {})
    ask(side, "system topics", GET_SYSTEM_TOPIC_LIST, hide=("brokerAddr",))
    ask(side, "unit topics", GET_UNIT_TOPIC_LIST)
    ask(side, "unit subscription topics", GET_HAS_UNIT_SUB_TOPIC_LIST)
    ask(side, "unit subscriptions of others", GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST)
    ask(side, "wipe write permission", WIPE_WRITE_PERM_OF_BROKER, {"brokerName": "tl-a"})
    ask(side, "not writable now", GET_ROUTEINTO_BY_TOPIC, {"topic": "tl_none"})
    ask(side, "wipe an unknown broker", WIPE_WRITE_PERM_OF_BROKER, {"brokerName": "tl-x"})
    ask(side, "wipe nobody", WIPE_WRITE_PERM_OF_BROKER, {})
    ask(side, "delete a topic", DELETE_TOPIC_IN_NAMESRV, {"topic": "tl_sub"})
    ask(side, "it is gone", GET_ROUTEINTO_BY_TOPIC, {"topic": "tl_sub"})
    ask(side, "delete an unknown topic", DELETE_TOPIC_IN_NAMESRV, {"topic": "tl_xxx"})


def key_values(side: Side) -> None:
    ask(side, "nothing yet", GET_KV_CONFIG, {"namespace": "kv", "key": "k"})
    ask(side, "no such namespace", GET_KVLIST_BY_NAMESPACE, {"namespace": "kv"})
    ask(side, "delete nothing", DELETE_KV_CONFIG, {"namespace": "kv", "key": "k"})
    ask(side, "put", PUT_KV_CONFIG, {"namespace": "kv", "key": "k", "value": "v \u4e2d \"q\""})
    ask(side, "get", GET_KV_CONFIG, {"namespace": "kv", "key": "k"})
    ask(side, "another key", GET_KV_CONFIG, {"namespace": "kv", "key": "k2"})
    ask(side, "list", GET_KVLIST_BY_NAMESPACE, {"namespace": "kv"})
    ask(side, "delete", DELETE_KV_CONFIG, {"namespace": "kv", "key": "k"})
    ask(side, "empty namespace", GET_KVLIST_BY_NAMESPACE, {"namespace": "kv"})
    ask(side, "put without a key", PUT_KV_CONFIG, {"namespace": "kv", "value": "v"})
    ask(side, "order of a topic", PUT_KV_CONFIG, {"namespace": "ORDER_TOPIC_CONFIG", "key": "kv_t", "value": "kv-a:4"})
    ask(side, "a registration brings the order table", REGISTER_BROKER, who("kv-a", 51), body_of(topic("kv_t")))
    ask(side, "route, order off", GET_ROUTEINTO_BY_TOPIC, {"topic": "kv_t"})
    ask(side, "turn order on", UPDATE_NAMESRV_CONFIG, None, "orderMessageEnable=true\n")
    ask(side, "route, order on", GET_ROUTEINTO_BY_TOPIC, {"topic": "kv_t"})
    ask(side, "turn order off", UPDATE_NAMESRV_CONFIG, None, "orderMessageEnable=false\n")


def settings(side: Side) -> None:
    """The names are compared, and not the values of this machine."""
    answer = side.peer("namesrv").ask(GET_NAMESRV_CONFIG)
    side.note("settings", code=answer.code, remark=answer.remark, ext=answer.ext, names=setting_names(answer))
    ask(side, "no body", UPDATE_NAMESRV_CONFIG)


def settings_from_afar(side: Side) -> None:
    """Behind everything that writes: upstream takes the path."""
    ask(side, "a path", UPDATE_NAMESRV_CONFIG, None, "kvConfigPath=/nowhere/kvConfig.json\n")
    ask(side, "the port", UPDATE_NAMESRV_CONFIG, None, "listenPort=1\n")
    ask(side, "no number", UPDATE_NAMESRV_CONFIG, None, "serverWorkerThreads=many\n")
    ask(side, "an unknown name", UPDATE_NAMESRV_CONFIG, None, "noSuchSetting=1\n")
    ask(side, "a number", UPDATE_NAMESRV_CONFIG, None, "serverOnewaySemaphoreValue=128\n")


def missing_names(side: Side) -> None:
    """Comes last: a null broker name breaks upstream's own tables for good."""
    nameless = {key: value for key, value in who("mn-a", 61).items() if key != "brokerName"}
    ask(side, "register without a name", REGISTER_BROKER, nameless, body_of(topic("mn_t")))
    ask(side, "unregister without a name", UNREGISTER_BROKER, nameless)


SCENARIOS = [registration, data_versions, leaving, routes_refused, topic_lists, key_values, settings,
             settings_from_afar, missing_names]
