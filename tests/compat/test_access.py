"""Access control: official clients with access keys, and raw requests, answered alike by both servers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kit import wire
from kit.clients import GoClient, JavaClient
from kit.cluster import Cluster, unique
from kit.process import wait_until
from kit.servers import RULES

ADMIN, APPLICATION, HOME = "administrator", "application", "fromhome"
SECRETS = {ADMIN: "12345678", APPLICATION: "application-secret", HOME: "never-asked"}
TEXT = """
globalWhiteRemoteAddresses:
- 10.99.99.*
accounts:
- accessKey: administrator
  secretKey: 12345678
  admin: true
- accessKey: application
  secretKey: application-secret
  admin: false
  defaultTopicPerm: DENY
  defaultGroupPerm: DENY
  topicPerms:
  - Allowed=PUB|SUB
  - ReadOnly=SUB
  groupPerms:
  - CG_allowed=SUB
- accessKey: fromhome
  secretKey: never-asked
  whiteRemoteAddress: 127.0.0.*
"""
DENIED = "org.apache.rocketmq.acl.common.AclException: "


def start(launcher: Callable[[str], Any], kind: str, root: Path, **settings: object) -> Cluster:
    cluster = Cluster(launcher(kind), root, ("broker-a",), aclEnable="true", **settings)
    for home in (cluster.a.home, cluster.namesrv.home):
        (home / RULES).parent.mkdir(parents=True, exist_ok=True)
        (home / RULES).write_text(TEXT)
    return cluster.start()


@pytest.fixture(scope="module")
def guarded(server_kind: str, launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One master that asks for signatures, with the topics of the rules."""
    cluster = start(launcher, server_kind, tmp_path_factory.mktemp(f"access-{server_kind}"))
    try:
        for topic in ("Allowed", "Denied", "ReadOnly"):
            assert ask(cluster, 17, topic_ext(topic), key=ADMIN) == (0, None)
        yield cluster
    finally:
        cluster.kill()


def topic_ext(topic: str) -> dict[str, object]:
    return {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": 2, "writeQueueNums": 2, "perm": 6,
            "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": False}  # fmt: skip


def send_ext(topic: str, **more: object) -> dict[str, object]:
    return {"a": "PG", "b": topic, "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1565000000123, "h": 0,
            "i": "", "j": 0, "k": False, "m": False, **more}  # fmt: skip


def pull_ext(topic: str, group: str) -> dict[str, object]:
    return {"consumerGroup": group, "topic": topic, "queueId": 0, "queueOffset": 0, "maxMsgNums": 1, "sysFlag": 4,
            "commitOffset": 0, "suspendTimeoutMillis": 0, "subscription": "*", "subVersion": 0}  # fmt: skip


def sign(ext: dict[str, object], body: str, key: str, secret: str) -> dict[str, object]:
    named = {**{name: wire.text(value) for name, value in ext.items()}, "AccessKey": key}
    content = "".join(named[name] for name in sorted(named)) + body
    digest = hmac.new(secret.encode(), content.encode(), hashlib.sha1).digest()
    return {**named, "Signature": base64.b64encode(digest).decode()}


def ask(
    cluster: Cluster, code: int, ext: dict[str, object] | None = None, body: str = "", key: str = "", secret: str = "",
    **more: Any,
) -> tuple[int, str | None]:
    """Code and remark of an answer; of a refusal the text, without upstream's place in its code."""
    if key:
        ext = sign(ext or {}, body, key, secret or SECRETS.get(key, "no-secret"))
    with wire.Peer(cluster.a.address) as peer:
        answer = peer.ask(code, ext, body, **more)
    return answer.code, short(answer.remark)


def short(remark: str | None) -> str | None:
    if remark and remark.startswith(DENIED):
        return remark.removeprefix(DENIED).partition(", org.apache.rocketmq.acl.")[0]
    return remark


def steps(run, java: JavaClient, cluster: Cluster, *lines: str) -> list[tuple[str, int, str | None, Any]]:
    done = run(java, cluster, "access", broker=cluster.a.address, steps=";".join(lines))
    return [(step["verb"], step["code"], short(step.get("remark")), step.get("value")) for step in done.of("step")]


BY_ADMIN, BY_APPLICATION = f"{ADMIN}/12345678", f"{APPLICATION}/application-secret"


def test_a_java_client_with_keys_does_what_its_account_may(run, java: JavaClient, guarded: Cluster):
    topic = unique("Made")
    assert steps(
        run, java, guarded,
        f"topic/{BY_ADMIN}/{topic}",
        f"topic/{BY_APPLICATION}/{topic}",
        f"send/{BY_APPLICATION}/Allowed",
        f"batch/{BY_APPLICATION}/Allowed",
        f"send/{BY_APPLICATION}/Denied",
        f"send/{BY_APPLICATION}/ReadOnly",
        f"send/{APPLICATION}/wrong-secret/Allowed",
        "send/stranger/whatever/Allowed",
        "send/-/-/Allowed",
        f"send/{HOME}/whatever/Denied",
        f"pull/{BY_APPLICATION}/CG_allowed/Allowed",
        f"pull/{BY_APPLICATION}/CG_other/Allowed",
        f"pull/{BY_APPLICATION}/CG_allowed/Denied",
        f"push/{BY_APPLICATION}/CG_allowed/Allowed/3",
    ) == [
        ("topic", 0, None, None),
        ("topic", 1, f"Need admin permission for request code=17, but accessKey={APPLICATION} is not", None),
        ("send", 0, None, "SEND_OK"),
        ("batch", 0, None, "SEND_OK"),
        ("send", 1, "No default permission for topic:Denied", None),
        ("send", 1, "No default permission for topic:ReadOnly", None),
        ("send", 1, f"Check signature failed for accessKey={APPLICATION}", None),
        ("send", 1, "No acl config for stranger", None),
        ("send", 1, "No accessKey is configured", None),
        ("send", 0, None, "SEND_OK"),
        ("pull", 0, None, 3),
        ("pull", 1, "No default permission for group:CG_other", None),
        ("pull", 1, "No default permission for topic:Denied", None),
        ("push", 0, None, 3),
    ]  # fmt: skip


def test_accounts_are_changed_by_admin_requests(run, java: JavaClient, guarded: Cluster):
    key, secret = unique("account"), "secret-of-it"
    version = steps(run, java, guarded, f"version/{BY_ADMIN}")[0][3]
    assert steps(
        run, java, guarded,
        f"put/{BY_ADMIN}/{key}/{secret}/false/Denied=PUB,Allowed=DENY",
        f"served/{key}/{secret}/Denied",
        f"send/{key}/{secret}/Allowed",
        f"put/{BY_ADMIN}/short1/whatever/false/Denied=PUB",
        f"white/{BY_ADMIN}/10.99.99.*,10.98.1-9.*",
        f"version/{BY_ADMIN}",
        f"delete/{BY_ADMIN}/{key}",
        f"refused/{key}/{secret}/Denied",
        f"delete/{BY_ADMIN}/{key}",
        f"version/{BY_ADMIN}",
    ) == [
        ("put", 0, None, None),
        ("served", 0, None, "SEND_OK"),
        ("send", 1, "No default permission for topic:Allowed", None),
        ("put", 209, "The accessKey=short1 cannot be null and length should longer than 6", None),
        ("white", 0, None, None),
        ("version", 0, None, version + 2),
        ("delete", 0, None, None),
        ("refused", 1, f"No acl config for {key}", None),
        ("delete", 210, f"The accesskey[{key}] corresponding to accessConfig has been deleted failed.", None),
        ("version", 0, None, version + 3),
    ]  # fmt: skip
    text = (guarded.a.home / RULES).read_text()
    assert "10.98.1-9.*" in text
    assert f"counter: {version + 3}" in text
    assert key not in text


def test_a_file_that_changes_is_in_force_without_a_restart(open_session, java: JavaClient, guarded: Cluster):
    rules = guarded.a.home / RULES
    before, key = rules.read_text(), unique("account")
    more = f"accounts:\n- accessKey: {key}\n  secretKey: secret-of-it\n  defaultTopicPerm: PUB\n"
    session = open_session(
        java, guarded, "access", broker=guarded.a.address,
        steps=f"served/{key}/secret-of-it/Allowed;refused/{key}/secret-of-it/Allowed",
    )  # fmt: skip
    try:
        session.wait_for("waiting", 1)
        rules.write_text(before.replace("accounts:\n", more, 1))
        session.wait_for("waiting", 2)
        rules.write_text("accounts: [")  # a broken file changes nothing
        served = ask(guarded, 310, send_ext("Allowed"), "x", key=key, secret="secret-of-it")
    finally:
        rules.write_text(before)
    session.finish()
    assert served == (0, None)
    assert [(step["verb"], step["code"], short(step.get("remark"))) for step in session.of("step")] == [
        ("served", 0, None),
        ("refused", 1, f"No acl config for {key}"),
    ]


HEARTBEAT = json.dumps({"clientID": "c", "producerDataSet": [], "consumerDataSet": [
    {"groupName": "CG_allowed", "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING",
     "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "subscriptionDataSet": [{"topic": "Allowed", "subString": "*"}]},
]})  # fmt: skip
GROUP = {"consumerGroup": "CG_other"}
RAW = {
    "unsigned": (26, None, "", "", "No accessKey is configured"),
    "unsigned heartbeat": (34, {}, HEARTBEAT, "", "No accessKey is configured"),
    "heartbeat": (34, {}, HEARTBEAT, APPLICATION, None),
    "heartbeat of another group": (34, {}, HEARTBEAT.replace("CG_a", "CG_x"), APPLICATION, "group:CG_xllowed"),
    "heartbeat with another topic": (34, {}, HEARTBEAT.replace('"Al', '"Xl'), APPLICATION, "topic:Xllowed"),
    "members": (38, GROUP, "", APPLICATION, "group:CG_other"),
    "unregister": (35, {"clientID": "c", **GROUP}, "", APPLICATION, "group:CG_other"),
    "commit": (15, {"topic": "Allowed", "queueId": 0, "commitOffset": 0, **GROUP}, "", APPLICATION, "group:CG_other"),
    "send with long names": (
        10,
        {"producerGroup": "P", "topic": "Denied", "defaultTopic": "TBW102", "defaultTopicQueueNums": 4, "queueId": 0,
         "sysFlag": 0, "bornTimestamp": 1, "flag": 0},
        "x", APPLICATION, "topic:Denied",
    ),
    "send to a retry topic": (310, send_ext("%RETRY%CG_other"), "x", APPLICATION, "group:CG_other"),
    "pull of a retry topic": (11, pull_ext("%RETRY%CG_other", "CG_allowed"), "", APPLICATION, "group:CG_other"),
    "pull": (11, pull_ext("Denied", "CG_allowed"), "", APPLICATION, "topic:Denied"),
    "send back": (36, {"offset": 0, "group": "CG_allowed", "delayLevel": 0, "originTopic": "ReadOnly"}, "",
                  APPLICATION, "topic:ReadOnly"),
    "query": (12, {"topic": "Denied", "key": "k", "maxNum": 1, "beginTimestamp": 0, "endTimestamp": 1}, "",
              APPLICATION, "topic:Denied"),
    "settings for any account": (28, {}, "", APPLICATION, None),
    "topics for slaves": (21, {}, "", APPLICATION, None),
}  # fmt: skip


@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_every_request_is_decided_alike(guarded: Cluster, binary: bool):
    found = {name: ask(guarded, *asked[:3], key=asked[3], binary=binary) for name, asked in RAW.items()}
    expected = {}
    for name, (_, _, _, _, text) in RAW.items():
        remark = f"No default permission for {text}" if text and text[:6] in ("topic:", "group:") else text
        expected[name] = (1 if text else 0, remark)
    assert found == expected


def test_a_go_client_with_keys(run, open_session, guarded: Cluster):
    go, keys = GoClient(), {"accessKey": APPLICATION, "secretKey": SECRETS[APPLICATION]}
    first = run(go, guarded, "produce", topic="Allowed", count=4, owner="go", **keys)
    assert [event["status"] for event in first.of("sent")] == ["SEND_OK"] * 4
    consumer = open_session(go, guarded, "consume", topic="Allowed", group="CG_allowed", **keys)
    sent = {event["offset_msg_id"] for event in first.of("sent")}
    wait_until(lambda: len(consumer.of("consumed")) >= len(sent), "the Go consumer gets what was sent", 30)
    consumer.stop()
    denied = run(go, guarded, "produce", topic="Denied", count=1, **keys)
    wrong = run(go, guarded, "produce", topic="Allowed", count=1, accessKey=APPLICATION, secretKey="wrong-secret")
    assert "No default permission for topic:Denied" in denied.of("failed")[0]["error"]
    assert f"Check signature failed for accessKey={APPLICATION}" in wrong.of("failed")[0]["error"]


def test_the_cpp_core_with_keys(run, open_session, cpp, guarded: Cluster):
    keys = {"accessKey": APPLICATION, "secretKey": SECRETS[APPLICATION]}
    first = run(cpp, guarded, "produce", topic="Allowed", count=4, **keys)
    assert [event["status"] for event in first.of("sent")] == ["SEND_OK"] * 4
    consumer = open_session(cpp, guarded, "consume", topic="Allowed", group="CG_allowed", **keys)
    sent = {event["msg_id"] for event in first.of("sent")}
    wait_until(lambda: sent <= {event["msg_id"] for event in consumer.of("consumed")}, "what was sent arrives", 30)
    consumer.stop()
    for topic, more in (("Denied", {}), ("Allowed", {"secretKey": "wrong-secret"})):
        refused = run(cpp, guarded, "produce", topic=topic, count=1, **{**keys, **more})
        assert (refused.of("sent"), len(refused.of("failed"))) == ([], 1)


@pytest.fixture(scope="module")
def strict(launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """RocketPy alone: a master and a name server that keep all admin codes for admins."""
    root = tmp_path_factory.mktemp("strict")
    cluster = Cluster(launcher("rocketpy"), root, ("broker-a",), aclEnable="true", aclStrictAdmin="true")
    for home in (cluster.a.home, cluster.namesrv.home):
        (home / RULES).parent.mkdir(parents=True)
        (home / RULES).write_text(TEXT.replace("10.99.99.*", "127.0.0.1"))
    cluster.namesrv.properties.write_text(cluster.namesrv.properties.read_text() + "aclStrictAdmin=true\n")
    cluster.namesrv.start()
    cluster.a.start()
    try:
        yield cluster
    finally:
        cluster.kill()


def test_strict_servers_keep_admin_codes_for_admins(run, java: JavaClient, strict: Cluster):
    """The brokers' registration and clients go on; a white-listed address is no admin."""
    wait_until(lambda: knows_broker(strict), "the broker is registered", 20)
    assert steps(
        run, java, strict,
        f"topic/{BY_ADMIN}/Allowed",
        "send/-/-/Allowed",
        "push/-/-/CG_any/Allowed/1",
        "topic/-/-/Other",
        "version/-/-",
        f"version/{BY_APPLICATION}",
        f"cluster/{BY_ADMIN}",
        f"version/{BY_ADMIN}",
    ) == [
        ("topic", 0, None, None),
        ("send", 0, None, "SEND_OK"),
        ("push", 0, None, 1),
        ("topic", 1, "No accessKey is configured", None),
        ("version", 1, "No accessKey is configured", None),
        ("version", 1, f"Need admin permission for request code=52, but accessKey={APPLICATION} is not", None),
        ("cluster", 0, None, 1),
        ("version", 0, None, 0),
    ]  # fmt: skip
    with wire.Peer(strict.namesrv_addr) as peer:
        assert short(peer.ask(106).remark) == "No accessKey is configured"


def knows_broker(cluster: Cluster) -> bool:
    with wire.Peer(cluster.namesrv_addr) as peer:
        return peer.ask(105, {"topic": "TBW102"}).code == 0
