"""What operators ask a broker about consumers, and what the broker then asks or tells the consumers themselves."""

from __future__ import annotations

import json
from typing import Any

from kit import wire

from oracle.broker_scenarios import PULL_MESSAGE, SEND_MESSAGE, beat, pull_ext, put, send_ext
from oracle.tool_scenarios import made
from oracle.transcript import Side

HEART_BEAT, QUERY_CONSUMER_OFFSET, UPDATE_CONSUMER_OFFSET, CONSUMER_SEND_MSG_BACK = 34, 14, 15, 36
UPDATE_AND_CREATE_SUBSCRIPTIONGROUP = 200
RESET_CONSUMER_CLIENT_OFFSET, GET_CONSUMER_STATUS_FROM_CLIENT = 220, 221
INVOKE_BROKER_TO_RESET_OFFSET, INVOKE_BROKER_TO_GET_CONSUMER_STATUS = 222, 223
GET_CONSUMER_RUNNING_INFO, CONSUME_MESSAGE_DIRECTLY = 307, 309
GET_CONSUME_STATS, QUERY_CONSUME_TIME_SPAN, QUERY_CORRECTION_OFFSET = 208, 303, 308
CLONE_GROUP_OFFSET, GET_BROKER_CONSUME_STATS, QUERY_CONSUME_QUEUE = 314, 317, 321
RESPONSE, SUBSCRIPTION = 1, 4


def join(side: Side, name: str, group: str, topic: str, version: int = 317, language: str = "JAVA",
         **more: Any) -> wire.Peer:
    """A consumer with a connection of its own, past the notes about its coming."""
    peer = side.connect(name=name)
    assert peer.ask(HEART_BEAT, body=beat(name, group, {topic: ("*", 1)}, **more), version=version,
                    language=language).code == 0
    peer.unasked.clear()
    return peer


def pushed(peer: wire.Peer, code: int) -> wire.Answer:
    """The next request of that code which the broker sends of its own accord."""
    while True:
        got = peer.unasked.pop(0) if peer.unasked else peer.receive()
        if got.code == code and not got.flag & RESPONSE:
            return got


def relay(side: Side, step: str, consumer: wire.Peer, asked_code: int, code: int, ext: dict[str, Any],
          answer: tuple[int, str | None, dict[str, str] | None, bytes], **more: Any) -> None:
    """Asks; the consumer answers what reaches it; both are written down."""
    asker = side.peer("broker", "asker")
    opaque = asker.tell(code, ext, **more)
    asked = pushed(consumer, asked_code)
    side.note(f"{step}: asked", **side.plain(asked, ()))
    header = {"code": answer[0], "flag": RESPONSE, "language": "GO", "opaque": asked.opaque, "version": 99,
              "serializeTypeCurrentRPC": "JSON", "remark": answer[1], "extFields": answer[2]}
    consumer.send_raw(wire.frame({key: value for key, value in header.items() if value is not None}, answer[3]))
    while True:
        got = asker.receive()
        if got.opaque == opaque:
            break
    side.note(step, **side.plain(got, ()))


def consumer_calls(side: Side) -> None:
    topic, group = "oracle_calls", "CG_oracle_calls"
    sent = side.peer("broker").ask(SEND_MESSAGE, send_ext(topic), "directly")
    ext = {"consumerGroup": group, "clientId": "c1", "jstackEnable": True}
    side.ask("nobody is there", GET_CONSUMER_RUNNING_INFO, ext)
    consumer, old = join(side, "c1", group, topic), join(side, "old", group, topic, version=61)
    relay(side, "running info", consumer, GET_CONSUMER_RUNNING_INFO, GET_CONSUMER_RUNNING_INFO, ext,
          (0, None, {"a": "b"}, b'{"jstack":"stack"}'))
    relay(side, "the consumer refuses", consumer, GET_CONSUMER_RUNNING_INFO, GET_CONSUMER_RUNNING_INFO,
          {**ext, "further": "field"}, (1, "I am not in the mood", None, b""))
    side.ask("an old consumer", GET_CONSUMER_RUNNING_INFO, {**ext, "clientId": "old"})
    side.ask("another consumer", GET_CONSUMER_RUNNING_INFO, {**ext, "clientId": "c2"})
    side.ask("client id missing", GET_CONSUMER_RUNNING_INFO, {"consumerGroup": group})
    direct = {"consumerGroup": group, "clientId": "c1", "msgId": (sent.ext or {})["msgId"]}
    relay(side, "consume directly", consumer, CONSUME_MESSAGE_DIRECTLY, CONSUME_MESSAGE_DIRECTLY, direct,
          (0, None, None, b'{"consumeResult":"CR_SUCCESS"}'))
    side.ask("consume directly by nobody", CONSUME_MESSAGE_DIRECTLY, {**direct, "clientId": "c2"})
    nowhere = direct["msgId"][:16] + "0000000000FFFFFF"
    side.ask("consume nothing directly", CONSUME_MESSAGE_DIRECTLY, {**direct, "msgId": nowhere})
    side.ask("no id", CONSUME_MESSAGE_DIRECTLY, {**direct, "msgId": "nothing"})
    old.close()


def commit(side: Side, group: str, topic: str, queue: int, offset: int) -> None:
    ext = {"consumerGroup": group, "topic": topic, "queueId": queue, "commitOffset": offset}
    assert side.peer("broker").ask(UPDATE_CONSUMER_OFFSET, ext).code == 0


def three_messages(side: Side, topic: str, group: str) -> None:
    """Three messages in queue 0 of which the group consumed one; of the other queues it knows where they begin."""
    made(side, topic, "create", readQueueNums=2, writeQueueNums=2)
    put(side, topic, 0, 3)
    for queue in range(2):
        commit(side, group, topic, queue, 1 if queue == 0 else 0)


def resets(side: Side) -> None:
    topic, group = "oracle_resets", "CG_oracle_resets"
    three_messages(side, topic, group)
    ext = {"topic": topic, "group": group, "timestamp": -1, "isForce": True}
    side.ask("nobody to tell", INVOKE_BROKER_TO_RESET_OFFSET, ext)
    side.ask("no such topic", INVOKE_BROKER_TO_RESET_OFFSET, {**ext, "topic": "oracle_nowhere"})
    side.ask("no such group", INVOKE_BROKER_TO_RESET_OFFSET, {**ext, "group": "CG_oracle_nobody"})
    consumer = join(side, "c1", group, topic)
    for step, change in {
        "to the end": {}, "to the end unless it is ahead": {"isForce": False}, "to the beginning": {"timestamp": 1},
        "to the beginning without force": {"timestamp": 1, "isForce": False}, "beyond all times": {"timestamp": 2**62},
        "to a time that is none": {"timestamp": -2},
    }.items():
        side.ask(step, INVOKE_BROKER_TO_RESET_OFFSET, {**ext, **change})
        side.note(f"{step}: pushed", **side.plain(pushed(consumer, RESET_CONSUMER_CLIENT_OFFSET), ("timestamp",)))
    side.ask("the broker's own", QUERY_CONSUMER_OFFSET, {"consumerGroup": group, "topic": topic, "queueId": 0})
    side.ask("timestamp missing", INVOKE_BROKER_TO_RESET_OFFSET, {"topic": topic, "group": group, "isForce": True})


def resets_of_cpp(side: Side) -> None:
    topic, group = "oracle_resets_cpp", "CG_oracle_resets_cpp"
    three_messages(side, topic, group)
    consumer = join(side, "c1", group, topic, language="CPP")
    ext = {"topic": topic, "group": group, "timestamp": -1, "isForce": True}
    side.ask("asked in C++", INVOKE_BROKER_TO_RESET_OFFSET, ext, language="CPP")
    plain = side.plain(pushed(consumer, RESET_CONSUMER_CLIENT_OFFSET), ())
    plain["body"]["offsetTable"].sort(key=lambda row: row["queueId"])
    side.note("pushed as a list", **plain)
    side.ask("asked in Java", INVOKE_BROKER_TO_RESET_OFFSET, ext)
    side.note("pushed", **side.plain(pushed(consumer, RESET_CONSUMER_CLIENT_OFFSET), ()))


def statuses(side: Side) -> None:
    topic, group = "oracle_statuses", "CG_oracle_statuses"
    put(side, topic, 0, 1)
    ext = {"topic": topic, "group": group}
    side.ask("nobody to ask", INVOKE_BROKER_TO_GET_CONSUMER_STATUS, ext)
    consumer = join(side, "c1", group, topic)
    body = b'{"messageQueueTable":{{"brokerName":"broker-a","queueId":0,"topic":"oracle_statuses"}:7}}'
    for step, more in {"all": {}, "one": {"clientAddr": "c1"}, "a blank one": {"clientAddr": " "}}.items():
        relay(side, step, consumer, GET_CONSUMER_STATUS_FROM_CLIENT, INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
              {**ext, **more}, (0, None, None, body))
    side.ask("another", INVOKE_BROKER_TO_GET_CONSUMER_STATUS, {**ext, "clientAddr": "c2"})
    relay(side, "it has none", consumer, GET_CONSUMER_STATUS_FROM_CLIENT, INVOKE_BROKER_TO_GET_CONSUMER_STATUS, ext,
          (1, "none", None, b""))


def progress(side: Side) -> None:
    topic, group = "oracle_progress", "CG_oracle_progress"
    three_messages(side, topic, group)
    side.peer("broker").ask(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=json.dumps({"groupName": group}))
    times = ("minTimeStamp", "maxTimeStamp", "consumeTimeStamp", "delayTime", "minTimeStampStr", "maxTimeStampStr",
             "consumeTimeStampStr")
    side.ask("time spans", QUERY_CONSUME_TIME_SPAN, {"topic": topic, "group": group}, hide=times)
    spans = side.peer("broker").ask(QUERY_CONSUME_TIME_SPAN, {"topic": topic, "group": group}).json()
    side.note("times of an empty queue", span=spans["consumeTimeSpanSet"][1])
    full = spans["consumeTimeSpanSet"][0]
    side.note("times of a queue", consumed_first=full["consumeTimeStamp"] == full["minTimeStamp"], ordered=(
        full["minTimeStamp"] <= full["maxTimeStamp"]), waits=0 <= full["delayTime"] < 60_000,
        text=full["minTimeStampStr"][10::2].count("#") == 1, length=len(full["maxTimeStampStr"]))
    unknown = side.peer("broker").ask(QUERY_CONSUME_TIME_SPAN, {"topic": topic, "group": "CG_oracle_nobody"}).json()
    side.note("nobody waits since 1970", since=[span["delayTime"] // 10**12 for span in unknown["consumeTimeSpanSet"]])
    side.ask("time spans of no topic", QUERY_CONSUME_TIME_SPAN, {"topic": "oracle_nowhere", "group": group})
    for ordered in (False, True):
        answer = side.peer("broker").ask(GET_BROKER_CONSUME_STATS, {"isOrder": ordered})
        rows = [row for row in answer.json()["consumeStatsList"] if group in row]
        side.note(f"of all groups, ordered {ordered}", code=answer.code, members=sorted(answer.json()),
                  rows=side._value("", rows, ("lastTimestamp",)))
    side.ask("of one group", GET_CONSUME_STATS, {"consumerGroup": group}, hide=("lastTimestamp",))


def corrections(side: Side) -> None:
    topic, groups = "oracle_corrections", [f"CG_oracle_corrections_{name}" for name in "abc"]
    put(side, topic, 0, 9)
    for number, group in enumerate(groups):
        commit(side, group, topic, 0, 3 * number + 1)
    ext = {"topic": topic, "compareGroup": groups[1]}
    side.ask("of all", QUERY_CORRECTION_OFFSET, ext)
    side.ask("compared with nobody", QUERY_CORRECTION_OFFSET, {**ext, "compareGroup": "CG_oracle_nobody"})
    side.ask("of a topic nobody consumes", QUERY_CORRECTION_OFFSET, {**ext, "topic": "oracle_nowhere"})
    side.ask("without the least", QUERY_CORRECTION_OFFSET, {**ext, "filterGroups": groups[0]})
    query = {"topic": topic, "queueId": 0}
    side.ask("offset of who was filtered", QUERY_CONSUMER_OFFSET, {**query, "consumerGroup": groups[0]})
    clone = {"srcGroup": groups[2], "destGroup": "CG_oracle_cloned", "topic": topic, "offline": True}
    side.ask("clone", CLONE_GROUP_OFFSET, clone)
    side.ask("offset of the clone", QUERY_CONSUMER_OFFSET, {**query, "consumerGroup": "CG_oracle_cloned"})
    side.ask("clone of nobody", CLONE_GROUP_OFFSET, {**clone, "srcGroup": "CG_oracle_nobody", "destGroup": "CG_x"})
    side.ask("clone in no topic", CLONE_GROUP_OFFSET, {**clone, "topic": "oracle_nowhere", "destGroup": "CG_x"})
    join(side, "c1", groups[2], "oracle_elsewhere")
    side.ask("clone of what is not consumed", CLONE_GROUP_OFFSET, {**clone, "offline": False, "destGroup": "CG_on"})
    commit(side, "CG_on", topic, 0, 0)
    side.ask("offset of that clone", QUERY_CONSUMER_OFFSET, {**query, "consumerGroup": "CG_on"})


def queue_entries(side: Side) -> None:
    topic = "oracle_entries"
    put(side, topic, 0, 2)
    ext = {"topic": topic, "queueId": 0, "index": 0, "count": 2, "consumerGroup": "CG_oracle_entries"}
    side.ask("entries", QUERY_CONSUME_QUEUE, ext, hide=("physicOffset",))
    side.ask("no such entry", QUERY_CONSUME_QUEUE, {**ext, "index": 5})
    side.ask("no such queue", QUERY_CONSUME_QUEUE, {**ext, "queueId": 99})


def group_flags(side: Side) -> None:
    topic = "oracle_flags"
    put(side, topic, 0, 1)
    for group, flags in {
        "CG_oracle_off": {"consumeEnable": False}, "CG_oracle_own": {"consumeBroadcastEnable": False},
        "CG_oracle_quiet": {"notifyConsumerIdsChangedEnable": False, "retryQueueNums": 3},
    }.items():
        side.ask(f"make {group}", UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=json.dumps({"groupName": group, **flags}))
        join(side, f"{group}-1", group, topic, messageModel="BROADCASTING")
        ext = pull_ext(topic, consumerGroup=group, sysFlag=0)
        side.ask(f"pull of {group}", PULL_MESSAGE, ext, hide=("physical_offset", "store_host"))
        side.ask(f"pull of {group} by its own subscription", PULL_MESSAGE, {**ext, "sysFlag": SUBSCRIPTION},
                 hide=("physical_offset", "store_host"))
        for queue in (0, 2, 3):
            side.ask(f"retries of {group} in queue {queue}", PULL_MESSAGE,
                     pull_ext(f"%RETRY%{group}", queue, consumerGroup=group))
    second = side.connect(name="quiet")
    side.ask("another member", HEART_BEAT, body=beat("quiet", "CG_oracle_quiet", {topic: ("*", 1)}), via=second)
    side.note("nobody is told", frames=len(second.unasked) + len(side.peer("broker", "CG_oracle_quiet-1").unasked))


def tries(side: Side) -> None:
    """How often a message comes again is the group's to say for old clients, and newer clients' own."""
    topic, group = "oracle_tries", "CG_oracle_tries"
    sent = [side.peer("broker").ask(SEND_MESSAGE, send_ext(topic), f"try {index}") for index in range(3)]
    places = [int((answer.ext or {})["msgId"][16:], 16) for answer in sent]
    side.settle(topic, 0, 3)
    side.ask("one try", UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=json.dumps({"groupName": group, "retryMaxTimes": 0}))
    ext = {"group": group, "delayLevel": 0, "maxReconsumeTimes": 5}
    side.ask("an old client", CONSUMER_SEND_MSG_BACK, {**ext, "offset": places[0]}, version=120)
    side.settle(f"%DLQ%{group}", 0, 1)
    side.ask("a newer client", CONSUMER_SEND_MSG_BACK, {**ext, "offset": places[1]}, version=121)
    side.settle(f"%RETRY%{group}", 0, 1)
    side.ask("a delay of its own", CONSUMER_SEND_MSG_BACK, {**ext, "offset": places[2], "delayLevel": 2}, version=121)
    side.settle(f"%RETRY%{group}", 0, 2)
    side.ask("what comes again", PULL_MESSAGE, pull_ext(f"%RETRY%{group}", consumerGroup=group),
             hide=("physical_offset", "store_host", "ORIGIN_MESSAGE_ID", "queue_id"))


SCENARIOS = [consumer_calls, resets, resets_of_cpp, statuses, progress, corrections, queue_entries, group_flags, tries]
