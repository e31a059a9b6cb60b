"""Topics, groups and figures as tools ask for them."""

import json

import pytest

from rocketpy.protocol import fastjson
from rocketpy.protocol.bodies import MessageQueue, SubscriptionGroupConfig


def topic_header(topic="Made", **more):
    header = {
        "topic": topic, "defaultTopic": "TBW102", "readQueueNums": 2, "writeQueueNums": 3, "perm": 6,
        "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false",
    }  # fmt: skip
    return {**header, **more}


def test_create_topic(broker, ask):
    answer = ask(17, topic_header(order="true"))
    assert (answer.code, answer.ext, answer.body) == (0, None, None)
    made = broker.topics.get("Made")
    assert (made.read_queue_nums, made.write_queue_nums, made.perm, made.order) == (2, 3, 6, False)
    ask(17, topic_header(perm=4, writeQueueNums=8))
    assert broker.topics.get("Made").write_queue_nums == 8


@pytest.mark.parametrize("topic", ["../x", "a b", "", "a" * 256, "a.b"])
def test_topic_names_that_are_none(broker, ask, topic):
    assert ask(17, topic_header(topic)).code == 1
    assert broker.topics.get(topic) is None


def test_the_clusters_name_is_no_topic_to_change(ask):
    answer = ask(17, topic_header("DefaultCluster"))
    assert (answer.code, answer.remark) == (1, "the topic[DefaultCluster] is conflict with system reserved words.")


def test_topic_filter_type_is_checked(ask):
    assert "topicFilterType" in ask(17, topic_header(topicFilterType="NO_TAG")).remark


@pytest.mark.parametrize("nums", [-1, 65537, 2**31 - 1])
def test_queue_numbers_nobody_means(ask, nums):
    for name in ("readQueueNums", "writeQueueNums"):
        answer = ask(17, topic_header(**{name: nums}))
        assert (answer.code, answer.remark) == (1, f"{name}={nums} is out of range 0..65536")
    assert ask(17, topic_header(writeQueueNums=0)).code == 0  # a topic to be drained
    body = SubscriptionGroupConfig("G", retry_queue_nums=nums).encode()
    assert ask(200, body=body).code == (0 if nums < 0 else 1)


def test_delete_topic(broker, ask, send, tmp_path):
    send("Made")
    assert ask(215, {"topic": "Made"}).code == 0
    assert broker.topics.get("Made") is None
    assert broker.store.max_offset("Made", 0) == 0
    assert ask(215, {"topic": "Nobody"}).code == 0


def test_all_topics(broker, ask):
    answer = ask(21)
    body = json.loads(answer.body)
    assert (answer.code, answer.ext) == (0, {})
    assert set(body) == {"dataVersion", "topicConfigTable"} and "TBW102" in body["topicConfigTable"]


def test_system_topics(ask):
    names = json.loads(ask(305).body)["topicList"]
    assert {"TBW102", "BenchmarkTest", "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT", "DefaultCluster"} <= set(names)


def test_topic_stats(ask, send, clock):
    send("Made", queue_id=1)
    table = fastjson.loads(ask(202, {"topic": "Made"}).body)["offsetTable"]
    assert len(table) == 4
    assert table[MessageQueue("Made", "broker-a", 1)] == {
        "lastUpdateTimestamp": clock.now_ms(), "maxOffset": 1, "minOffset": 0,
    }  # fmt: skip
    answer = ask(202, {"topic": "Nobody"})
    assert (answer.code, answer.remark) == (17, "topic[Nobody] not exist")


def test_groups(broker, ask):
    group = SubscriptionGroupConfig("Made", retry_max_times=3)
    assert ask(200, body=group.encode()).code == 0
    assert broker.groups.find("Made").retry_max_times == 3
    assert "Made" in json.loads(ask(201).body)["subscriptionGroupTable"]
    assert ask(207, {"groupName": "Made"}).code == 0
    assert "Made" not in broker.groups.table
    assert ask(200, body=b'{"groupName":"../x"}').code == 1


def consumer(group="CG"):
    subscription = {"topic": "TopicTest", "subString": "*", "subVersion": 1, "expressionType": "TAG"}
    data = {
        "groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING",
        "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET", "subscriptionDataSet": [subscription],
    }  # fmt: skip
    body = {"clientID": "c@1", "consumerDataSet": [data], "producerDataSet": [{"groupName": "PG"}]}
    return json.dumps(body).encode()


def test_connections(ask):
    answer = ask(203, {"consumerGroup": "CG"})
    assert (answer.code, answer.remark) == (206, "the consumer group[CG] not online")
    answer = ask(204, {"producerGroup": "PG"})
    assert (answer.code, answer.remark) == (1, "the producer group[PG] not exist")
    ask(34, body=consumer())
    me = {"clientAddr": "10.0.0.9:50000", "clientId": "c@1", "language": "JAVA", "version": 317}
    body = json.loads(ask(203, {"consumerGroup": "CG"}).body)
    assert body["connectionSet"] == [me] and body["consumeType"] == "CONSUME_PASSIVELY"
    assert list(body["subscriptionTable"]) == ["TopicTest"]
    assert json.loads(ask(204, {"producerGroup": "PG"}).body) == {"connectionSet": [me]}


def test_who_consumes_a_topic(broker, ask):
    ask(34, body=consumer())
    broker.offsets.commit("Other", "TopicTest", 0, 1)
    assert json.loads(ask(300, {"topic": "TopicTest"}).body) == {"groupList": ["CG", "Other"]}


def test_consume_stats(broker, ask, send, clock):
    for _ in range(3):
        send("TopicTest")
    broker.offsets.commit("CG", "TopicTest", 0, 2)
    for header in ({"consumerGroup": "CG"}, {"consumerGroup": "CG", "topic": "TopicTest"}):
        body = fastjson.loads(ask(208, header).body)
        assert body["consumeTps"] == 0.0 and len(body["offsetTable"]) == 4
        assert body["offsetTable"][MessageQueue("TopicTest", "broker-a", 0)] == {
            "brokerOffset": 3, "consumerOffset": 2, "lastTimestamp": clock.now_ms(),
        }  # fmt: skip


def test_offsets_and_settings_as_slaves_and_tools_read_them(broker, ask):
    broker.offsets.commit("CG", "TopicTest", 0, 2)
    assert ask(43).body == b'{"offsetTable":{"TopicTest@CG":{0:2}}}'
    assert fastjson.loads(ask(45).body) == {"offsetTable": {}}
    answer = ask(26)
    assert b"brokerName=broker-a\n" in answer.body and b"listenPort=10911\n" in answer.body
    assert set(json.loads(answer.ext["version"])) == {"counter", "timestamp"}
