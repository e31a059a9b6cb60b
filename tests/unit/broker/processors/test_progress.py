"""How far groups are, as tools ask for it."""

import json
from datetime import datetime

import pytest

from rocketpy.protocol import fastjson
from rocketpy.protocol.bodies import MessageQueue

BEHIND = 2**63 - 1


def queue(queue_id=0, topic="TopicTest"):
    return MessageQueue(topic, "broker-a", queue_id)


def commit(ask, offset, group="CG", topic="TopicTest", queue_id=0):
    ask(15, {"consumerGroup": group, "topic": topic, "queueId": queue_id, "commitOffset": offset})


@pytest.fixture
def two_messages(send, clock):
    """Two messages a second apart, the last one a second ago; when the first was stored."""
    begin_ms = clock.now_ms()
    for _ in range(2):
        send("TopicTest")
        clock.advance(1000)
    return begin_ms


def in_words(timestamp_ms):
    return datetime.fromtimestamp(timestamp_ms / 1000).strftime("%Y-%m-%d#%H:%M:%S:000")


def test_the_times_of_what_is_consumed_and_what_waits(ask, two_messages):
    commit(ask, 1)
    spans = fastjson.loads(ask(303, {"topic": "TopicTest", "group": "CG"}).body)["consumeTimeSpanSet"]
    assert len(spans) == 4
    first, last = two_messages, two_messages + 1000
    assert spans[0] == {
        "messageQueue": {"brokerName": "broker-a", "queueId": 0, "topic": "TopicTest"},
        "minTimeStamp": first, "maxTimeStamp": last, "consumeTimeStamp": first, "delayTime": 1000,
        "minTimeStampStr": in_words(first), "maxTimeStampStr": in_words(last), "consumeTimeStampStr": in_words(first),
    }  # fmt: skip
    assert [spans[1][name] for name in ("minTimeStamp", "maxTimeStamp", "consumeTimeStamp")] == [-1, -1, -1]


def test_a_queue_that_is_consumed_to_its_end_delays_nothing(ask, two_messages):
    commit(ask, 2)
    (span, *_) = fastjson.loads(ask(303, {"topic": "TopicTest", "group": "CG"}).body)["consumeTimeSpanSet"]
    assert (span["delayTime"], span["consumeTimeStamp"]) == (0, two_messages + 1000)


def test_the_times_of_no_topic(ask):
    answer = ask(303, {"topic": "Nobody", "group": "CG"})
    assert (answer.code, answer.remark) == (17, "topic[Nobody] not exist")


def test_the_progress_of_every_group(broker, ask, send, two_messages):
    send("Other")
    commit(ask, 1)
    commit(ask, 0, topic="Other")
    commit(ask, 7, topic="Gone")
    commit(ask, 2, group="Unlisted")
    for group in ("CG", "Idle"):
        assert ask(200, body=json.dumps({"groupName": group}).encode()).code == 0
    body = fastjson.loads(ask(317, {"isOrder": "false"}).body)
    assert (body["brokerAddr"], body["totalDiff"]) == ("10.1.2.3:10911", 2)
    by_group = {name: stats for row in body["consumeStatsList"] for name, stats in row.items()}
    assert set(by_group) == set(broker.groups.table), "groups that are behind nowhere have a row too"
    assert by_group["Idle"] == []
    tables = [stats["offsetTable"] for stats in by_group["CG"]]
    assert [len(table) for table in tables] == [4, 4]
    rows = {key: row for table in tables for key, row in table.items()}
    assert rows[queue()] == {"brokerOffset": 2, "consumerOffset": 1, "lastTimestamp": two_messages}
    assert rows[queue(topic="Other")] == {"brokerOffset": 1, "consumerOffset": 0, "lastTimestamp": 0}


def test_the_progress_in_ordered_topics_only(broker, ask, two_messages):
    commit(ask, 1)
    ask(200, body=b'{"groupName":"CG"}')
    body = fastjson.loads(ask(317, {"isOrder": "true"}).body)
    assert body["totalDiff"] == 0
    broker.topics.table["TopicTest"].order = True
    assert fastjson.loads(ask(317, {"isOrder": "true"}).body)["totalDiff"] == 1


def test_topics_that_live_consumers_have_left_are_not_counted(ask, send, two_messages):
    commit(ask, 1)
    ask(200, body=b'{"groupName":"CG"}')
    entry = {"groupName": "CG", "subscriptionDataSet": [{"topic": "Other", "subString": "*"}]}
    ask(34, body=json.dumps({"clientID": "c1", "consumerDataSet": [entry]}).encode())
    assert fastjson.loads(ask(208, {"consumerGroup": "CG"}).body)["offsetTable"] == {}
    assert fastjson.loads(ask(317, {"isOrder": "false"}).body)["totalDiff"] == 0


def correction(ask, filter_groups="", compare="CG"):
    header = {"topic": "TopicTest", "compareGroup": compare, "filterGroups": filter_groups}
    answer = ask(308, header)
    assert answer.code == 0
    return fastjson.loads(answer.body)["correctionOffsets"]


def test_the_least_offset_of_all_groups(broker, ask):
    for group, offset in [("CG", 5), ("Slow", 2), ("Fast", 9)]:
        commit(ask, offset, group)
    commit(ask, 4, "Slow", queue_id=1)
    assert correction(ask) == {0: 2, 1: 4}
    assert correction(ask, "Slow,Nobody") == {0: 5}
    assert correction(ask, "Slow,CG") == {0: BEHIND}, "the group is before all that are asked about"
    assert correction(ask, "Slow,CG", "Fast") == {0: 9}
    assert broker.offsets.query("Slow", "TopicTest", 0) == 2, "asking costs nobody its offsets"


def test_a_group_that_is_behind_the_queues_beginning(broker, ask, monkeypatch):
    commit(ask, 2)
    monkeypatch.setattr(broker.store, "min_offset", lambda topic, queue_id: 3)
    assert correction(ask) == {}


def test_offsets_are_cloned(broker, ask, send):
    for topic in ("TopicTest", "Other"):
        send(topic)
        commit(ask, 1, topic=topic)
    commit(ask, 3, topic="Gone")
    clone = {"srcGroup": "CG", "offline": "true"}
    assert ask(314, {**clone, "destGroup": "One", "topic": "TopicTest"}).code == 0
    assert broker.offsets.topics_of("One") == ["TopicTest"]
    assert broker.offsets.query("One", "TopicTest", 0) == 1
    ask(314, {**clone, "destGroup": "All"})
    assert sorted(broker.offsets.topics_of("All")) == ["Other", "TopicTest"]
    commit(ask, 9, "One")
    assert broker.offsets.query("CG", "TopicTest", 0) == 1, "they are copies"


def test_what_is_not_subscribed_to_is_cloned_offline_only(broker, ask, send):
    send("TopicTest")
    commit(ask, 1)
    entry = {"groupName": "CG", "subscriptionDataSet": [{"topic": "Other", "subString": "*"}]}
    ask(34, body=json.dumps({"clientID": "c1", "consumerDataSet": [entry]}).encode())
    clone = {"srcGroup": "CG", "destGroup": "New", "topic": "TopicTest"}
    ask(314, {**clone, "offline": "false"})
    assert broker.offsets.topics_of("New") == []
    ask(314, {**clone, "offline": "true"})
    assert broker.offsets.topics_of("New") == ["TopicTest"]
