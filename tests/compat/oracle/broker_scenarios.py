"""What is asked of a broker: each function asks in the same order on both sides, topics and groups are its own."""

from __future__ import annotations

import json
import struct
import time
from typing import Any

from kit.wire import Peer

from oracle.transcript import Side

SEND_MESSAGE, PULL_MESSAGE, QUERY_MESSAGE, QUERY_CONSUMER_OFFSET, UPDATE_CONSUMER_OFFSET = 10, 11, 12, 14, 15
SEARCH_OFFSET_BY_TIMESTAMP, GET_MAX_OFFSET, GET_MIN_OFFSET, GET_EARLIEST_MSG_STORETIME = 29, 30, 31, 32
VIEW_MESSAGE_BY_ID = 33
HEART_BEAT, UNREGISTER_CLIENT, CONSUMER_SEND_MSG_BACK, GET_CONSUMER_LIST_BY_GROUP = 34, 35, 36, 38
LOCK_BATCH_MQ, UNLOCK_BATCH_MQ, CHECK_CLIENT_CONFIG, SEND_MESSAGE_V2, SEND_BATCH_MESSAGE = 41, 42, 46, 310, 320
COMMIT, SUSPEND, SUBSCRIPTION = 1, 2, 4
PATHS = ("../oracle_path", "oracle/path", "..", "oracle\0path", "oracle path", "\u4e3b\u9898")
BORN = 1_700_000_000_000


def properties(**pairs: str) -> str:
    return "".join(f"{key}\x01{value}\x02" for key, value in pairs.items())


def send_ext(topic: str, queue: int = 0, **more: Any) -> dict[str, Any]:
    """Header of code 10 with everything a client fills in."""
    return {"producerGroup": "PG_oracle", "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": 4,
            "queueId": queue, "sysFlag": 0, "bornTimestamp": BORN, "flag": 7, "properties": properties(TAGS="T"),
            "reconsumeTimes": 0, "unitMode": False, "batch": False, **more}


LETTERS = {"producerGroup": "a", "topic": "b", "defaultTopic": "c", "defaultTopicQueueNums": "d", "queueId": "e",
           "sysFlag": "f", "bornTimestamp": "g", "flag": "h", "properties": "i", "reconsumeTimes": "j", "unitMode": "k",
           "maxReconsumeTimes": "l", "batch": "m"}


def v2(ext: dict[str, Any]) -> dict[str, Any]:
    return {LETTERS[key]: value for key, value in ext.items()}


def pull_ext(topic: str, queue: int = 0, offset: int = 0, **more: Any) -> dict[str, Any]:
    return {"consumerGroup": "CG_oracle", "topic": topic, "queueId": queue, "queueOffset": offset, "maxMsgNums": 32,
            "sysFlag": SUBSCRIPTION, "commitOffset": 0, "suspendTimeoutMillis": 1000, "subscription": "*",
            "subVersion": 1, **more}


def batch_item(body: bytes, text: str, flag: int = 0) -> bytes:
    raw = text.encode()
    head = struct.pack(">iiiii", 22 + len(body) + len(raw), 0, 0, flag, len(body))
    return head + body + struct.pack(">h", len(raw)) + raw


def put(side: Side, topic: str, queue: int, count: int, **more: Any) -> None:
    """Stores messages without writing the answers down, and waits until they can be pulled."""
    for index in range(count):
        answer = side.peer("broker").ask(SEND_MESSAGE, send_ext(topic, queue, **more), f"body {index}")
        assert answer.code == 0, answer
    side.settle(topic, queue, count)


def send(side: Side) -> None:
    topic = "oracle_send"
    side.ask("first send makes the topic", SEND_MESSAGE, send_ext(topic), "hello")
    side.ask("long names", SEND_MESSAGE, send_ext(topic, 1), "hello again")
    side.ask("letters", SEND_MESSAGE_V2, v2(send_ext(topic, 1)), "in letters")
    side.ask("binary header", SEND_MESSAGE_V2, v2(send_ext(topic, 1)), "binary", binary=True)
    side.ask("body of no bytes", SEND_MESSAGE, send_ext(topic, 1), "")
    side.ask("no properties", SEND_MESSAGE, send_ext(topic, 1, properties=None), "plain")
    side.ask("optional fields absent", SEND_MESSAGE,
             send_ext(topic, 1, reconsumeTimes=None, unitMode=None, batch=None), "bare")
    side.ask("any queue", SEND_MESSAGE, send_ext("oracle_any", -1), "anywhere", hide=("queueId",))
    side.ask("large body", SEND_MESSAGE, send_ext(topic, 2), b"\x00\xff" * 40_000)
    side.ask("unknown ext fields", SEND_MESSAGE, {**send_ext(topic, 2), "zone": "none", "x": "\u4e2d"}, "extra")
    side.settle(topic, 1, 6)
    side.ask("stored as sent", PULL_MESSAGE, pull_ext(topic, 1))


def send_refused(side: Side) -> None:
    topic = "oracle_refused"
    put(side, topic, 0, 1)
    side.ask("reserved topic", SEND_MESSAGE, send_ext("TBW102"), "x")
    side.ask("default topic unknown", SEND_MESSAGE, send_ext("oracle_none", defaultTopic="oracle_no_default"), "x")
    side.ask("default topic without inheritance", SEND_MESSAGE, send_ext("oracle_none", defaultTopic=topic), "x")
    side.ask("queue too high", SEND_MESSAGE, send_ext(topic, 4), "x")
    side.ask("queue far too high in letters", SEND_MESSAGE_V2, v2(send_ext(topic, 2_000_000_000)), "x")
    side.ask("topic of 128 characters", SEND_MESSAGE, send_ext("t" * 128), "x")
    side.ask("topic of 127 characters", SEND_MESSAGE, send_ext("u" * 127), "x", hide=("msgId",))
    side.ask("properties too long", SEND_MESSAGE, send_ext(topic, properties=properties(KEYS="k" * 32_768)), "x")
    side.ask("message too big", SEND_MESSAGE, send_ext(topic), b"x" * (4 * 1024 * 1024))
    side.ask("queue number is no number", SEND_MESSAGE, send_ext(topic, queueId="two"), "x")
    side.ask("topic missing", SEND_MESSAGE, {k: v for k, v in send_ext(topic).items() if k != "topic"}, "x")
    side.ask("queue missing", SEND_MESSAGE_V2, {k: v for k, v in v2(send_ext(topic)).items() if k != "e"}, "x")
    side.ask("no ext fields at all", SEND_MESSAGE_V2, None, "x")


def batches(side: Side) -> None:
    topic = "oracle_batch"
    items = batch_item(b"one", properties(TAGS="A"), 1) + batch_item(b"two", "") + batch_item(b"", properties(KEYS="k"))
    ext = send_ext(topic, 2, batch=True, properties="")
    side.ask("three messages", SEND_BATCH_MESSAGE, v2(ext), items)
    side.ask("one message", SEND_BATCH_MESSAGE, v2(ext), batch_item(b"alone", ""))
    side.ask("long names by the batch flag", SEND_MESSAGE, ext, items)
    side.ask("code 320 without the flag", SEND_BATCH_MESSAGE, v2({**ext, "batch": False}), items)
    side.ask("retry topic", SEND_BATCH_MESSAGE, v2({**ext, "topic": "%RETRY%CG_oracle_batch"}), items)
    side.ask("delayed", SEND_BATCH_MESSAGE, v2({**ext, "properties": properties(DELAY="1")}), items)
    side.ask("too big together", SEND_BATCH_MESSAGE, v2(ext), batch_item(b"x" * 1_500_000, "") * 3)
    side.settle(topic, 2, 8)
    side.ask("stored one by one", PULL_MESSAGE, pull_ext(topic, 2))


def one_way(side: Side) -> None:
    topic = "oracle_oneway"
    put(side, topic, 0, 1)
    side.expect_silence("one-way send", SEND_MESSAGE, send_ext(topic), "quiet", wait_s=0.4, flag=2)
    side.expect_silence("one-way send refused", SEND_MESSAGE, send_ext(topic, 99), "quiet", wait_s=0.4, flag=2)
    side.expect_silence("one-way unknown code", 9999, wait_s=0.4, flag=2)
    side.settle(topic, 0, 2)
    side.ask("it is stored", GET_MAX_OFFSET, {"topic": topic, "queueId": 0})


def pulls(side: Side) -> None:
    topic = "oracle_pull"
    for index, tag in enumerate(["A", "B", "Aa", "BB", "C", "A"]):
        side.peer("broker").ask(SEND_MESSAGE, send_ext(topic, properties=properties(TAGS=tag)), f"body {index}")
    side.settle(topic, 0, 6)
    hide = ()
    side.ask("all", PULL_MESSAGE, pull_ext(topic), hide=hide)
    side.ask("at most two", PULL_MESSAGE, pull_ext(topic, offset=1, maxMsgNums=2), hide=hide)
    side.ask("one tag", PULL_MESSAGE, pull_ext(topic, subscription="A"), hide=hide)
    side.ask("tags of one hash code", PULL_MESSAGE, pull_ext(topic, subscription="Aa"), hide=hide)
    side.ask("several tags", PULL_MESSAGE, pull_ext(topic, subscription=" B || C||  "), hide=hide)
    side.ask("no subscription text", PULL_MESSAGE, pull_ext(topic, subscription=None, maxMsgNums=1), hide=hide)
    side.ask("expression type TAG", PULL_MESSAGE, pull_ext(topic, subscription="C", expressionType="TAG"), hide=hide)
    side.ask("no tag matches", PULL_MESSAGE, pull_ext(topic, subscription="nothing"))
    side.ask("at the end", PULL_MESSAGE, pull_ext(topic, offset=6))
    side.ask("beyond the end", PULL_MESSAGE, pull_ext(topic, offset=7))
    side.ask("below the start", PULL_MESSAGE, pull_ext(topic, offset=-1))
    side.ask("empty queue", PULL_MESSAGE, pull_ext(topic, 1))
    side.ask("empty queue, offset 5", PULL_MESSAGE, pull_ext(topic, 1, 5))
    side.ask("binary header", PULL_MESSAGE, pull_ext(topic, maxMsgNums=1), hide=hide, binary=True)
    side.settle("OFFSET_MOVED_EVENT", 0, 3)
    # Events of earlier scenarios stand here too: both sides were asked the same.
    side.ask("moved offsets were noted", PULL_MESSAGE, pull_ext("OFFSET_MOVED_EVENT"),
             hide=("born_timestamp", "born_host"))


def pulls_refused(side: Side) -> None:
    topic = "oracle_pull_refused"
    put(side, topic, 0, 1)
    side.ask("unknown topic", PULL_MESSAGE, pull_ext("oracle_nowhere"))
    side.ask("queue too high", PULL_MESSAGE, pull_ext(topic, 4))
    side.ask("queue below 0", PULL_MESSAGE, pull_ext(topic, -1))
    side.ask("group not connected", PULL_MESSAGE, pull_ext(topic, sysFlag=0, consumerGroup="CG_oracle_absent"))
    side.ask("SQL", PULL_MESSAGE, pull_ext(topic, subscription="a > 1", expressionType="SQL92"))
    side.ask("SQL, group not connected", PULL_MESSAGE,
             pull_ext(topic, sysFlag=0, consumerGroup="CG_oracle_absent", expressionType="SQL92"))
    side.ask("topic missing", PULL_MESSAGE, {k: v for k, v in pull_ext(topic).items() if k != "topic"})
    side.ask("offset missing", PULL_MESSAGE, {k: v for k, v in pull_ext(topic).items() if k != "queueOffset"})
    side.ask("offset is no number", PULL_MESSAGE, pull_ext(topic, queueOffset="12x"))
    side.ask("no ext fields at all", PULL_MESSAGE)
    side.expect_silence("on the VIP port", PULL_MESSAGE, pull_ext(topic), to="vip")


def held_pulls(side: Side) -> None:
    topic = "oracle_held"
    put(side, topic, 0, 1)
    waiting = side.connect(name="waiting")
    held = {"sysFlag": SUSPEND | SUBSCRIPTION, "suspendTimeoutMillis": 15_000, "subscription": "wanted"}
    opaque = hold(waiting, pull_ext(topic, offset=1, **held))
    other, wanted = properties(TAGS="other"), properties(TAGS="wanted")
    side.ask("another tag", SEND_MESSAGE, send_ext(topic, properties=other), "not for it", hide=("msgId",))
    if early(side, waiting):  # upstream looks at all held pulls every 5 s, whatever their tags
        opaque = hold(waiting, pull_ext(topic, offset=2, **held))
    side.ask("the tag", SEND_MESSAGE, send_ext(topic, properties=wanted), "for it", hide=("msgId",))
    answer = waiting.receive()
    if answer.code == 20 and side.kind == "upstream":  # the same look, just before the tag came
        opaque = waiting.tell(PULL_MESSAGE, pull_ext(topic, offset=2, **held))
        answer = waiting.receive()
    side.note("the tag wakes it", own=answer.opaque == opaque, **side.plain(answer, ("physical_offset",)))
    started = time.monotonic()
    late = side.ask("held to its time", PULL_MESSAGE,
                    pull_ext(topic, offset=3, sysFlag=SUSPEND | SUBSCRIPTION, suspendTimeoutMillis=600))
    assert late.code == 19
    assert time.monotonic() - started >= 0.55


def hold(waiting: Peer, ext: dict[str, Any]) -> int:
    """A pull that is held when this returns: what was asked behind it on its connection is answered, and some time
    has gone by for upstream, which serves the two in different threads.
    """
    opaque = waiting.tell(PULL_MESSAGE, ext)
    waiting.ask(GET_MAX_OFFSET, {"topic": ext["topic"], "queueId": ext["queueId"]})
    time.sleep(0.3)
    return opaque


def early(side: Side, waiting: Peer) -> bool:
    """Whether a held pull was answered though nothing for it arrived; here it never is."""
    waiting.patience(0.5)
    try:
        woken = waiting.receive()
    except TimeoutError:
        return False
    finally:
        waiting.patience(8)
    assert side.kind == "upstream"
    assert woken.code == 20
    return True


def committing_pulls(side: Side) -> None:
    topic, group = "oracle_commit", "CG_oracle_commit"
    put(side, topic, 0, 3)
    place = {"consumerGroup": group, "topic": topic, "queueId": 0}
    side.ask("nothing committed yet", QUERY_CONSUMER_OFFSET, place)
    ext = pull_ext(topic, consumerGroup=group, sysFlag=SUBSCRIPTION | COMMIT, commitOffset=2, maxMsgNums=1)
    side.ask("a pull that commits", PULL_MESSAGE, ext)
    side.ask("it is committed", QUERY_CONSUMER_OFFSET, place)
    side.ask("a pull without the flag", PULL_MESSAGE, {**ext, "sysFlag": SUBSCRIPTION, "commitOffset": 1},
             hide=("physical_offset",))
    side.ask("it stays", QUERY_CONSUMER_OFFSET, place)


def offsets(side: Side) -> None:
    topic, group = "oracle_offsets", "CG_oracle_offsets"
    put(side, topic, 1, 4)
    place = {"consumerGroup": group, "topic": topic, "queueId": 1}
    side.ask("no offset, queue from its start", QUERY_CONSUMER_OFFSET, place)
    side.ask("no offset, empty queue", QUERY_CONSUMER_OFFSET, {**place, "queueId": 0})
    side.ask("no offset, unknown topic", QUERY_CONSUMER_OFFSET, {**place, "topic": "oracle_nowhere2"})
    side.ask("store", UPDATE_CONSUMER_OFFSET, {**place, "commitOffset": 3})
    side.ask("stored", QUERY_CONSUMER_OFFSET, place)
    side.ask("backwards", UPDATE_CONSUMER_OFFSET, {**place, "commitOffset": 1})
    side.ask("went backwards", QUERY_CONSUMER_OFFSET, place)
    side.ask("unknown topic stored", UPDATE_CONSUMER_OFFSET, {**place, "topic": "oracle_nowhere3", "commitOffset": 9})
    side.ask("unknown topic asked", QUERY_CONSUMER_OFFSET, {**place, "topic": "oracle_nowhere3"})
    side.ask("group missing", QUERY_CONSUMER_OFFSET, {"topic": topic, "queueId": 1})
    side.ask("offset missing", UPDATE_CONSUMER_OFFSET, place)
    for name, where in {"known": {"topic": topic, "queueId": 1}, "empty": {"topic": topic, "queueId": 0},
                        "unknown": {"topic": "oracle_nowhere4", "queueId": 0}}.items():
        side.ask(f"max of {name}", GET_MAX_OFFSET, where)
        side.ask(f"min of {name}", GET_MIN_OFFSET, where)
        side.ask(f"earliest of {name}", GET_EARLIEST_MSG_STORETIME, where)
        side.ask(f"time 1 of {name}", SEARCH_OFFSET_BY_TIMESTAMP, {**where, "timestamp": 1})
        side.ask(f"future of {name}", SEARCH_OFFSET_BY_TIMESTAMP, {**where, "timestamp": 2**52})
    side.ask("max without a queue", GET_MAX_OFFSET, {"topic": topic})
    side.ask("timestamp is no number", SEARCH_OFFSET_BY_TIMESTAMP, {"topic": topic, "queueId": 1, "timestamp": "now"})


def queries(side: Side) -> None:
    topic = "oracle_query"
    put(side, topic, 0, 1, properties=properties(KEYS="k1 k2", UNIQ_KEY="UNIQUE1"))
    ext = {"topic": topic, "key": "k1", "maxNum": 32, "beginTimestamp": 0, "endTimestamp": 2**62}
    side.until_found(QUERY_MESSAGE, ext)
    hide = ()
    side.ask("first key", QUERY_MESSAGE, ext, hide=hide)
    side.ask("second key", QUERY_MESSAGE, {**ext, "key": "k2"}, hide=hide)
    side.ask("unique key", QUERY_MESSAGE, {**ext, "key": "UNIQUE1", "_UNIQUE_KEY_QUERY": "true"}, hide=hide)
    side.ask("unknown key", QUERY_MESSAGE, {**ext, "key": "k3"}, hide=hide)
    side.ask("other topic", QUERY_MESSAGE, {**ext, "topic": "oracle_query2"}, hide=hide)
    side.ask("before it was stored", QUERY_MESSAGE, {**ext, "endTimestamp": 1000}, hide=hide)
    side.ask("none asked for", QUERY_MESSAGE, {**ext, "maxNum": 0}, hide=hide)
    side.ask("key missing", QUERY_MESSAGE, {k: v for k, v in ext.items() if k != "key"}, hide=hide)
    put(side, topic, 1, 70, properties=properties(KEYS="many", UNIQ_KEY="MANY"))
    put(side, topic, 2, 1, properties=properties(KEYS="last"))
    side.until_found(QUERY_MESSAGE, {**ext, "key": "last"})
    side.ask("three of many", QUERY_MESSAGE, {**ext, "key": "many", "maxNum": 3}, hide=hide)
    side.ask("more than a broker gives", QUERY_MESSAGE, {**ext, "key": "many", "maxNum": 100}, hide=hide)
    side.ask("a unique key of many", QUERY_MESSAGE, {**ext, "key": "MANY", "maxNum": 1, "_UNIQUE_KEY_QUERY": "true"},
             hide=hide)
    side.ask("from a time on", QUERY_MESSAGE, {**ext, "key": "many", "beginTimestamp": 2**61}, hide=hide)
    sent = side.ask("one more", SEND_MESSAGE, send_ext(topic), "to view", hide=("msgId",))
    offset = int(sent.ext["msgId"][16:], 16)  # type: ignore[index]
    side.ask("by its place", VIEW_MESSAGE_BY_ID, {"offset": offset})
    side.ask("behind the end", VIEW_MESSAGE_BY_ID, {"offset": 2**40})
    side.ask("below 0", VIEW_MESSAGE_BY_ID, {"offset": -5})
    side.ask("place missing", VIEW_MESSAGE_BY_ID, {})


def beat(client: str, group: str, subscriptions: dict[str, tuple[str, int]], **more: Any) -> str:
    data = [{"topic": topic, "subString": text, "classFilterMode": False, "tagsSet": [], "codeSet": [],
             "subVersion": version, "expressionType": "TAG"} for topic, (text, version) in subscriptions.items()]
    return json.dumps({"clientID": client, "producerDataSet": [{"groupName": "PG_oracle"}], "consumerDataSet": [
        {"groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING",
         "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET", "unitMode": False, "subscriptionDataSet": data, **more}]})


def members(side: Side) -> None:
    topic, group = "oracle_members", "CG_oracle_members"
    put(side, topic, 0, 1)
    first, second = side.connect(name="first"), side.connect(name="second")
    side.ask("nobody yet", GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})
    side.ask("first joins", HEART_BEAT, body=beat("c1", group, {topic: ("*", 10)}), via=first)
    side.heard("first is told", first, 1)
    side.ask("first again", HEART_BEAT, body=beat("c1", group, {topic: ("*", 10)}), via=first)
    side.ask("second joins", HEART_BEAT, body=beat("c2", group, {topic: ("*", 10)}), via=second)
    side.heard("second is told", second, 1)
    side.heard("first is told of the second", first, 1)
    side.ask("both", GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})
    ext = pull_ext(topic, consumerGroup=group, sysFlag=0, subVersion=10)
    side.ask("pull by the subscription", PULL_MESSAGE, ext)
    side.ask("pull by a newer one", PULL_MESSAGE, {**ext, "subVersion": 11})
    put(side, "oracle_other", 0, 1)
    side.ask("pull of a topic not subscribed", PULL_MESSAGE, {**ext, "topic": "oracle_other"})
    two_topics = {topic: ("*", 10), "oracle_other": ("*", 1)}
    side.ask("another topic", HEART_BEAT, body=beat("c1", group, two_topics), via=first)
    side.heard("first is told of its topic", first, 1)
    side.heard("second is told of the topic", second, 1)
    side.ask("retry topic is there", GET_MAX_OFFSET, {"topic": f"%RETRY%{group}", "queueId": 0})
    side.ask("second leaves", UNREGISTER_CLIENT, {"clientID": "c2", "consumerGroup": group}, via=second)
    side.heard("first is told it left", first, 1)
    side.ask("one left", GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})
    third = side.connect(name="third")
    side.ask("third joins", HEART_BEAT, body=beat("c3", group, {topic: ("*", 10)}), via=third)
    side.heard("third is told", third, 1)
    side.heard("first is told of the third", first, 1)
    third.close()
    side.heard("first is told the third is gone", first, 1)
    side.ask("one again", GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})
    side.ask("last leaves", UNREGISTER_CLIENT, {"clientID": "c1", "consumerGroup": group, "producerGroup": "PG_oracle"},
             via=first)
    side.ask("nobody left", GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})
    side.ask("leaves again", UNREGISTER_CLIENT, {"clientID": "c1", "consumerGroup": group}, via=first)
    side.ask("client id missing", UNREGISTER_CLIENT, {"consumerGroup": group}, via=first)
    side.ask("group missing", GET_CONSUMER_LIST_BY_GROUP, {})
    side.ask("no heartbeat body", HEART_BEAT)
    side.ask("heartbeat of nobody", HEART_BEAT, body='{"clientID":"c9","producerDataSet":[],"consumerDataSet":[]}')
    side.ask("heartbeat is no JSON", HEART_BEAT, body="{clientID")


def client_checks(side: Side) -> None:
    def check(kind: str | None, text: str) -> str:
        subscription = {"topic": "oracle_check", "subString": text, "subVersion": 1}
        if kind:
            subscription["expressionType"] = kind
        return json.dumps({"clientId": "c", "group": "CG_oracle_check", "subscriptionData": subscription})

    side.ask("tags", CHECK_CLIENT_CONFIG, body=check("TAG", "A || B"))
    side.ask("no type", CHECK_CLIENT_CONFIG, body=check(None, "*"))
    side.ask("SQL", CHECK_CLIENT_CONFIG, body=check("SQL92", "a > 5"))
    side.ask("no subscription", CHECK_CLIENT_CONFIG, body='{"clientId":"c","group":"g"}')
    side.ask("no body", CHECK_CLIENT_CONFIG)


def locks(side: Side) -> None:
    def body(client: str, *queues: int) -> str:
        rows = [{"topic": "oracle_lock", "brokerName": "broker-a", "queueId": queue} for queue in queues]
        return json.dumps({"consumerGroup": "CG_oracle_lock", "clientId": client, "mqSet": rows})

    side.ask("free queues", LOCK_BATCH_MQ, body=body("c1", 0, 1))
    side.ask("own again and one more", LOCK_BATCH_MQ, body=body("c1", 1, 2))
    side.ask("another's", LOCK_BATCH_MQ, body=body("c2", 0, 3))
    side.ask("unlock another's", UNLOCK_BATCH_MQ, body=body("c2", 0))
    side.ask("still another's", LOCK_BATCH_MQ, body=body("c2", 0))
    side.ask("unlock", UNLOCK_BATCH_MQ, body=body("c1", 0))
    side.ask("free again", LOCK_BATCH_MQ, body=body("c2", 0))
    side.ask("none asked for", LOCK_BATCH_MQ, body=body("c2"))
    side.ask("no body to lock", LOCK_BATCH_MQ)
    side.ask("no body to unlock", UNLOCK_BATCH_MQ)


def send_backs(side: Side) -> None:
    topic, group = "oracle_back", "CG_oracle_back"
    offsets = []
    for index in range(3):
        header = send_ext(topic, properties=properties(KEYS=f"b{index}", TAGS="T"))
        sent = side.peer("broker").ask(SEND_MESSAGE, header, "again")
        offsets.append(int(sent.ext["msgId"][16:], 16))  # type: ignore[index]
    side.settle(topic, 0, 3)
    ext = {"offset": offsets[0], "group": group, "delayLevel": 0, "originMsgId": "ORIGIN", "originTopic": topic,
           "unitMode": False, "maxReconsumeTimes": 16}
    side.ask("later", CONSUMER_SEND_MSG_BACK, ext)
    hide = ("queue_id", "ORIGIN_MESSAGE_ID")
    side.settle(f"%RETRY%{group}", 0, 1)
    side.ask("it comes back", PULL_MESSAGE, pull_ext(f"%RETRY%{group}", consumerGroup=group), hide=hide)
    side.ask("at once to the dead letters", CONSUMER_SEND_MSG_BACK, {**ext, "offset": offsets[1], "delayLevel": -1})
    side.ask("no more tries", CONSUMER_SEND_MSG_BACK, {**ext, "offset": offsets[2], "maxReconsumeTimes": 0})
    side.settle(f"%DLQ%{group}", 0, 2)
    side.ask("dead letters cannot be pulled", PULL_MESSAGE, pull_ext(f"%DLQ%{group}", consumerGroup=group))
    side.ask("no such message", CONSUMER_SEND_MSG_BACK, {**ext, "offset": 2**40})
    side.ask("no limit given", CONSUMER_SEND_MSG_BACK, {k: v for k, v in ext.items() if k != "maxReconsumeTimes"})
    side.ask("no limit given by an old client", CONSUMER_SEND_MSG_BACK,
             {k: v for k, v in ext.items() if k != "maxReconsumeTimes"}, version=100)
    side.ask("group missing", CONSUMER_SEND_MSG_BACK, {k: v for k, v in ext.items() if k != "group"})
    side.ask("sent to a retry topic", SEND_MESSAGE,
             send_ext(f"%RETRY%{group}", maxReconsumeTimes=3, reconsumeTimes=1), "own", hide=("msgId", "queueOffset"))
    side.ask("sent to a retry topic too often", SEND_MESSAGE,
             send_ext(f"%RETRY%{group}", maxReconsumeTimes=3, reconsumeTimes=3), "own", hide=("msgId",))
    side.settle(f"%DLQ%{group}", 0, 3)
    side.settle(f"%RETRY%{group}", 0, 3)    # the old client's too: what comes later would lie elsewhere


def delayed(side: Side) -> None:
    topic = "oracle_delay"
    put(side, topic, 3, 1)
    late = properties(DELAY="1", KEYS="late", TAGS="T")
    peer = side.peer("broker")
    sent = peer.tell(SEND_MESSAGE, send_ext(topic, 3, properties=late), "late")
    # Asked with it, not after its answer: by then a second may have gone by.
    side.ask("not there yet", GET_MAX_OFFSET, {"topic": topic, "queueId": 3})
    side.note("level 1", **side.plain(peer.answer(sent), ("msgId", "queueOffset")))
    side.settle(topic, 3, 2)
    side.ask("there", PULL_MESSAGE, pull_ext(topic, 3, 1))


def unknown_codes(side: Side) -> None:
    for code in (9999, 13, 27):
        side.expect_silence(f"code {code}", code)
    side.expect_silence("code 9999 in binary", 9999, binary=True)
    side.expect_silence("a response nobody asked for", 0, flag=1)


def broken_frames(side: Side) -> None:
    """The connection is closed without a byte, and the broker goes on."""
    def closed(step: str, data: bytes) -> None:
        peer = side.connect()
        peer.send_raw(data)
        side.note(step, closed=peer.is_closed_by_peer())

    closed("header is no JSON", struct.pack(">ii", 4 + 5, 5) + b"{code")
    closed("header longer than the frame", struct.pack(">ii", 8, 400) + b"{}..")
    closed("unknown header type", struct.pack(">ii", 4 + 2, 9 << 24 | 2) + b"{}")
    closed("length below 0", struct.pack(">ii", -3, 2) + b"{}")
    closed("length over the limit", struct.pack(">ii", 16 * 1024 * 1024, 2) + b"{}")
    closed("binary header cut short", struct.pack(">ii", 4 + 6, 1 << 24 | 6) + b"\x00\x0a\x00\x01\x3d\x00")
    closed("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    side.ask("it goes on", GET_MAX_OFFSET, {"topic": "oracle_frames", "queueId": 0})


def names_as_paths(side: Side) -> None:
    """Comes last: upstream stores these, so everything behind them lies at other offsets."""
    hide = ("msgId", "queueOffset")
    for name in PATHS:
        side.ask(f"topic {name!r}", SEND_MESSAGE, send_ext(name), "x", hide=hide)
    side.ask("pull of a path", PULL_MESSAGE, pull_ext("../oracle_path2"))
    side.ask("group that is a path", HEART_BEAT, body=beat("p1", "../oracle_group", {}))


SCENARIOS = [send, send_refused, batches, one_way, pulls, pulls_refused, held_pulls, committing_pulls, offsets, queries,
             members, client_checks, locks, send_backs, delayed, unknown_codes, broken_frames, names_as_paths]
