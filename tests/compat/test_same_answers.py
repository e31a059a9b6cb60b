"""The same requests, byte by byte, to RocketPy's broker and to upstream's: every field of the answers is the same.

One connection asks both servers the questions below in order, so later answers also compare what the earlier requests
did to topics, groups, offsets and commit log. Differences on purpose are named with their reason.
"""

from __future__ import annotations

import json
import re
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit import wire
from kit.cluster import CLUSTER, Broker, NameServer

Question = tuple[str, int, dict[str, Any] | None, bytes]

ON_PURPOSE = {
    "heartbeat without a body": "names the class that was expected instead of a null pointer",
    "a half message": "transactions are a later release: refused as with rejectTransactionMessage=true",
    "pull with an empty expression type": "means tags, as no type does; upstream matches nothing",
}
# Upstream answers a send before its reput thread wrote the queue entry, and 17 before it made the topic.
DONE_AFTER_THE_ANSWER = {10, 17, 36, 310, 320}
NO_DELIVERY = " ".join(["1h"] * 18)  # delayed messages stay where they are, so that both logs are alike


def send(topic: str, queue_id: int = 0, properties: str = "", **more: Any) -> dict[str, Any]:
    header = {"a": "PG", "b": topic, "c": "TBW102", "d": 4, "e": queue_id, "f": 0, "g": 1565000000123, "h": 0,
              "i": properties, "j": 0, "k": False, "m": False}  # fmt: skip
    return {**header, **more}


def pull(topic: str, offset: int = 0, queue_id: int = 0, **more: Any) -> dict[str, Any]:
    header = {"consumerGroup": "CG", "topic": topic, "queueId": queue_id, "queueOffset": offset, "maxMsgNums": 32,
              "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 300, "subscription": "*", "subVersion": 0,
              "expressionType": "TAG"}  # fmt: skip
    return {**header, **more}


def send_back(offset: int, delay_level: int, group: str = "CG2") -> dict[str, Any]:
    return {"offset": offset, "group": group, "delayLevel": delay_level, "originMsgId": "x", "originTopic": "T",
            "unitMode": False, "maxReconsumeTimes": 16}  # fmt: skip


def topic(name: str, **more: Any) -> dict[str, Any]:
    header = {"topic": name, "defaultTopic": "TBW102", "readQueueNums": 2, "writeQueueNums": 3, "perm": 6,
              "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": False}  # fmt: skip
    return {**header, **more}


def query(key: str, **more: Any) -> dict[str, Any]:
    return {"topic": "T", "key": key, "maxNum": 32, "beginTimestamp": 0, "endTimestamp": 2**62, **more}


def batch(*bodies: bytes) -> bytes:
    text = b"KEYS\x01k\x02"
    items = []
    for body in bodies:
        size = 22 + len(body) + len(text)
        items.append(struct.pack(">iiiii", size, 0, 0, 0, len(body)) + body + struct.pack(">h", len(text)) + text)
    return b"".join(items)


def heartbeat(group: str, unit_mode: bool = False) -> bytes:
    subscription = {"classFilterMode": False, "topic": "T", "subString": "TagA", "tagsSet": ["TagA"],
                    "codeSet": [2598919], "subVersion": 5, "expressionType": "TAG"}  # fmt: skip
    consumer = {"groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING",
                "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET", "subscriptionDataSet": [subscription],
                "unitMode": unit_mode}  # fmt: skip
    return dumps({"clientID": "c@1", "consumerDataSet": [consumer], "producerDataSet": [{"groupName": "PG"}]})


def locks(client_id: str, *queue_ids: int) -> bytes:
    queues = [{"brokerName": "broker-a", "queueId": queue_id, "topic": "T"} for queue_id in queue_ids]
    return dumps({"consumerGroup": "CG2", "clientId": client_id, "mqSet": queues})


def check(expression_type: str) -> bytes:
    subscription = {"topic": "T", "subString": "a > 1", "expressionType": expression_type}
    return dumps({"clientId": "c@1", "group": "CG2", "subscriptionData": subscription})


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


LONG_NAMES = {
    "producerGroup": "PG", "topic": "T", "defaultTopic": "TBW102", "defaultTopicQueueNums": 4, "queueId": 1,
    "sysFlag": 0, "bornTimestamp": 1, "flag": 0, "properties": "TAGS\x01TagA\x02", "unitMode": False,
}  # fmt: skip
QUEUE = {"topic": "T", "queueId": 1}
NO_QUEUE = {"topic": "Unknown", "queueId": 1}
GROUP = {"consumerGroup": "CG2"}
NO_GROUP = {"consumerGroup": "CGno"}

QUESTIONS: list[Question] = [
    ("send", 310, send("T", 1, "KEYS\x01k1 k2\x02UNIQ_KEY\x01U1\x02TAGS\x01TagA\x02"), b"one"),
    ("send another tag", 310, send("T", 1, "TAGS\x01TagB\x02"), b"two"),
    ("send with long names", 10, LONG_NAMES, b"three"),
    ("send nothing", 310, send("T"), b""),
    ("send beyond the queues", 310, send("T", 9), b"x"),
    ("send to the template", 310, send("TBW102"), b"x"),
    ("send after an unknown topic", 310, send("Nope", c="Unknown"), b"x"),
    ("send after a topic without inherit", 310, send("Nope", c="SELF_TEST_TOPIC"), b"x"),
    ("send to the cluster's topic", 310, send(CLUSTER), b"x"),
    ("send to a topic too long", 310, send("t" * 128), b"x"),
    ("send too many properties", 310, send("T", 0, "A\x01" + "b" * 32800 + "\x02"), b"x"),
    ("send of a unit", 310, send("UnitT", k=True), b"x"),
    ("batch", 320, send("T", 2, m=True), batch(b"1", b"2")),
    ("batch under another code", 310, send("T", 3, m=True), batch(b"1", b"2", b"3")),
    ("batch to a retry topic", 320, send("%RETRY%CG", m=True), batch(b"1")),
    ("batch to a topic too long", 320, send("u" * 128, m=True), batch(b"1")),
    ("batch with a delay", 320, send("T", 0, "DELAY\x013\x02", m=True), batch(b"1")),
    ("send to a retry topic", 310, send("%RETRY%CGX", j=1, l=16), b"x"),
    ("send to a retry topic for the last time", 310, send("%RETRY%CGX", j=16, l=16), b"x"),
    ("send delayed", 310, send("T", 0, "DELAY\x0118\x02"), b"x"),
    ("send delayed too long", 310, send("T", 0, "DELAY\x0199\x02"), b"x"),
    ("pull", 11, pull("T", 0, 1), b""),
    ("pull a tag", 11, pull("T", 0, 1, subscription="TagB"), b""),
    ("pull a tag nobody has", 11, pull("T", 0, 1, subscription="TagX"), b""),
    ("pull at the end", 11, pull("T", 3, 1), b""),
    ("pull beyond the end", 11, pull("T", 77, 1), b""),
    ("pull before the beginning", 11, pull("T", -5, 1), b""),
    ("pull an empty queue", 11, pull("SELF_TEST_TOPIC"), b""),
    ("pull beyond an empty queue", 11, pull("SELF_TEST_TOPIC", 9), b""),
    ("pull and wait in vain", 11, pull("SELF_TEST_TOPIC", sysFlag=6), b""),
    ("pull an unknown topic", 11, pull("Unknown"), b""),
    ("pull beyond the queues", 11, pull("T", 0, 44), b""),
    ("pull queue -1", 11, pull("T", 0, -1), b""),
    *[(f"pull {text!r}", 11, pull("T", 0, 1, subscription=text), b"") for text in ("||", "TagA||", "||TagA", " ", "")],
    ("pull without a subscription text", 11, pull("T", 0, 1, subscription=None), b""),
    ("pull by SQL", 11, pull("T", 0, 1, expressionType="SQL92", subscription="a > 1"), b""),
    ("pull with an empty expression type", 11, pull("T", 0, 1, expressionType="", subscription="TagA"), b""),
    ("pull no messages", 11, pull("T", 0, 1, maxMsgNums=0), b""),
    ("pull -1 messages", 11, pull("T", 0, 1, maxMsgNums=-1), b""),
    ("pull of an unknown group", 11, pull("T", 0, 1, sysFlag=0), b""),
    ("heartbeat", 34, None, heartbeat("CG2")),
    ("heartbeat without a body", 34, None, b""),
    ("pull as the heartbeat said", 11, pull("T", 0, 1, sysFlag=0, consumerGroup="CG2", subVersion=5), b""),
    ("pull with a newer subscription", 11, pull("T", 0, 1, sysFlag=0, consumerGroup="CG2", subVersion=6), b""),
    ("pull what is not subscribed to", 11, pull("UnitT", 0, 0, sysFlag=0, consumerGroup="CG2"), b""),
    *[(f"code {code} of a group", code, GROUP, b"") for code in (38, 203, 208)],
    *[(f"code {code} of no group", code, NO_GROUP, b"") for code in (38, 203, 208)],
    ("producers", 204, {"producerGroup": "PG"}, b""),
    ("no producers", 204, {"producerGroup": "PGno"}, b""),
    ("who consumes", 300, {"topic": "T"}, b""),
    ("commit", 15, {**GROUP, **QUEUE, "commitOffset": 2}, b""),
    *[(f"offset of {group['consumerGroup']} in {queue['topic']}", 14, {**group, **queue}, b"")
      for group in (GROUP, NO_GROUP) for queue in (QUEUE, NO_QUEUE)],
    ("progress", 208, GROUP, b""),
    ("progress in a topic", 208, {**GROUP, "topic": "T"}, b""),
    ("progress of nobody in a topic", 208, {**NO_GROUP, "topic": "T"}, b""),
    *[(f"code {code} of {queue['topic']}", code, queue, b"") for code in (30, 31, 32) for queue in (QUEUE, NO_QUEUE)],
    *[(f"offset at {time}", 29, {**QUEUE, "timestamp": time}, b"") for time in (0, 2**50)],
    ("lock", 41, None, locks("c@1", 0, 1)),
    ("lock what another has", 41, None, locks("c@2", 1, 2)),
    ("unlock", 42, None, locks("c@1", 0, 1)),
    ("tags are served", 46, None, check("TAG")),
    ("SQL is not", 46, None, check("SQL92")),
    ("query", 12, query("k2"), b""),
    ("query by unique key", 12, query("U1", maxNum=1, _UNIQUE_KEY_QUERY=True), b""),
    ("query for nothing", 12, query("unknown"), b""),
    ("view", 33, {"offset": 0}, b""),
    ("view nothing", 33, {"offset": 9999999}, b""),
    ("send back", 36, send_back(0, 0), b""),
    ("send back as a dead letter", 36, send_back(0, -1), b""),
    ("send back nothing", 36, send_back(7777777, 0), b""),
    ("create a topic", 17, topic("Made"), b""),
    ("create the cluster's topic", 17, topic(CLUSTER), b""),
    ("create a topic to read", 17, topic("Readable", order=True, perm=4), b""),
    ("send to a topic to read", 310, send("Readable"), b"x"),
    ("create a topic to write", 17, topic("Writable", perm=2), b""),
    ("pull a topic to write", 11, pull("Writable"), b""),
    ("create a topic of many tags", 17, topic("MultiT", topicFilterType="MULTI_TAG"), b""),
    ("send to a topic of many tags", 310, send("MultiT", 0, "TAGS\x01a\x02"), b"x"),
    ("pull a topic of many tags", 11, pull("MultiT", subscription="a"), b""),
    ("stats of a topic", 202, {"topic": "Made"}, b""),
    ("stats of no topic", 202, {"topic": "Unknown"}, b""),
    ("delete a topic", 215, {"topic": "Made"}, b""),
    ("disable a group", 200, None, dumps({"groupName": "GX", "consumeEnable": False})),
    ("pull of a disabled group", 11, pull("T", 0, 1, consumerGroup="GX"), b""),
    ("a group without retries", 200, None, dumps({"groupName": "GY", "retryQueueNums": 0})),
    ("send back without retries", 36, send_back(0, 0, "GY"), b""),
    ("delete a group", 207, {"groupName": "GX"}, b""),
    ("heartbeat of a unit", 34, None, heartbeat("CGU", unit_mode=True)),
    ("unregister", 35, {"clientID": "c@1", "producerGroup": "PG", "consumerGroup": "CG2"}, b""),
    *[(f"code {code}", code, None, b"") for code in (21, 201, 43, 305, 26, 28)],
    ("offsets that were corrected", 11, pull("OFFSET_MOVED_EVENT"), b""),
    ("a half message", 310, send("T", 0, "TRAN_MSG\x01true\x02PGROUP\x01PG\x02"), b"x"),
]  # fmt: skip


def records(body: bytes) -> Iterator[tuple[Any, ...]]:
    """The records of a body without the times and hosts in them."""
    while body:
        size, _, crc, queue_id, flag, queue_offset, offset, sys_flag, born = struct.unpack_from(">iiiiiqqiq", body)
        times, prepared, body_size = struct.unpack_from(">iqi", body, 72)
        text = body[88 : 88 + body_size]
        topic_size = body[88 + body_size]
        rest = body[89 + body_size : size]
        properties = sorted(rest[topic_size + 2 :].decode().split("\x02"))
        born_by_client = born if born == 1565000000123 else "time"
        yield (size, crc, queue_id, flag, queue_offset, offset, sys_flag, born_by_client, times, prepared, text,
               rest[:topic_size], properties)  # fmt: skip
        body = body[size:]


def plain(value: Any) -> Any:
    """JSON without the order of sets and maps."""
    if isinstance(value, dict):
        return dict(sorted((str(key), plain(member)) for key, member in value.items()))
    return sorted(map(plain, value), key=str) if isinstance(value, list) else value


def comparable(code: int, answer: wire.Answer, port: int) -> dict[str, Any]:
    """What must be alike: everything but times, and the ports of this broker and this client."""

    def settled(text: str) -> str:
        text = re.sub(r"\b1[5-9]\d{11}\b", "TIME", text.replace(f"{port:08X}", "PORT"))
        return re.sub(r"127\.0\.0\.1:\d+", "HOST", text)

    ext = None if answer.ext is None else {name: settled(text) for name, text in answer.ext.items()}
    if code in (11, 12, 33):
        body: Any = str(list(records(answer.body)))
    elif code == 26:  # which settings there are; their values depend on the machine
        body = sorted(line.split("=")[0] for line in answer.body.decode().splitlines())
    elif code == 28:
        body = sorted(answer.json()["table"])
    else:
        body = str(plain(answer.json())) if answer.body else ""
    return {"code": answer.code, "remark": settled(answer.remark or ""), "ext": ext, "body": settled(str(body))}


def ask_all(launcher: Any, kind: str, home: Path) -> tuple[dict[str, Any], list[Any]]:
    """Every answer of one kind of broker, and what it said unasked."""
    servers = launcher(kind)
    namesrv = NameServer(servers, home / "namesrv")
    settings = {"namesrvAddr": namesrv.address, "messageDelayLevel": NO_DELIVERY}
    broker = Broker(servers, home / "broker-a", "broker-a", settings)
    try:
        namesrv.start()
        broker.start()
        with wire.Peer(broker.address) as peer:
            answers = {}
            for name, code, ext, body in QUESTIONS:
                answers[name] = comparable(code, peer.ask(code, ext, body), broker.port)
                if code in DONE_AFTER_THE_ANSWER:
                    time.sleep(0.05)
            return answers, [(notice.code, notice.flag, notice.ext) for notice in peer.unasked]
    finally:
        broker.kill()
        namesrv.kill()


@pytest.mark.slow
def test_both_brokers_answer_alike(launcher: Any, tmp_path: Path) -> None:
    upstream, upstream_notices = ask_all(launcher, "upstream", tmp_path / "upstream")
    rocketpy, notices = ask_all(launcher, "rocketpy", tmp_path / "rocketpy")
    assert notices == upstream_notices
    different = {name for name in upstream if rocketpy[name] != upstream[name]}
    for name in sorted(different - ON_PURPOSE.keys()):
        assert rocketpy[name] == upstream[name], name
    assert different == set(ON_PURPOSE), "a difference on purpose is none any more"
