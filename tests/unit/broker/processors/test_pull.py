"""Pulls: checks in upstream's order, tags, corrected offsets, holding and waking."""

import asyncio
import functools
import json

from rocketpy._core.message import Message, decode_messages
from rocketpy.protocol.bodies import SubscriptionGroupConfig, TopicConfig

FAQ = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."
HOLD = 6  # subscription in the header, may be held


def test_found(send, pull):
    for body in (b"one", b"two", b"three"):
        send("TopicTest", body)
    answer = pull("TopicTest", 1)
    assert (answer.code, answer.remark) == (0, "FOUND")
    assert answer.ext == {"suggestWhichBrokerId": "0", "nextBeginOffset": "3", "maxOffset": "3", "minOffset": "0"}
    assert list(answer.ext) == ["suggestWhichBrokerId", "nextBeginOffset", "maxOffset", "minOffset"]
    assert [message.body for message in decode_messages(answer.body)] == [b"two", b"three"]


def test_only_the_tags_asked_for(send, pull):
    for tag in ("TagA", "TagB", "TagC"):
        send("TopicTest", tag.encode(), properties=f"TAGS\x01{tag}\x02")
    answer = pull("TopicTest", subscription="TagA || TagC")
    assert [message.body for message in decode_messages(answer.body)] == [b"TagA", b"TagC"]
    assert answer.ext["nextBeginOffset"] == "3"
    answer = pull("TopicTest", subscription="TagX")
    assert (answer.code, answer.remark, answer.ext["nextBeginOffset"]) == (20, "NO_MATCHED_MESSAGE", "3")
    assert answer.body is None


def test_offsets_that_are_not_there_are_corrected_and_reported(broker, send, pull):
    send("TopicTest")
    answer = pull("TopicTest", 100)
    assert (answer.code, answer.remark, answer.ext["nextBeginOffset"]) == (21, "OFFSET_OVERFLOW_BADLY", "0")
    [event] = decode_messages(broker.store.get("OFFSET_MOVED_EVENT", 0, 0, 32).body)
    assert dict(event.properties) == {"KEYS": "CG", "TAGS": "CG", "DELAY": "0"}
    assert event.born_host == event.store_host == ("10.1.2.3", 10911)
    assert json.loads(event.body) == {
        "consumerGroup": "CG",
        "messageQueue": {"brokerName": "broker-a", "queueId": 0, "topic": "TopicTest"},
        "offsetNew": 0,
        "offsetRequest": 100,
    }


def test_the_end_of_a_queue(send, pull):
    send("TopicTest")
    answer = pull("TopicTest", 1)
    assert (answer.code, answer.remark, answer.ext["nextBeginOffset"]) == (19, "OFFSET_OVERFLOW_ONE", "1")


def test_an_empty_queue(broker, pull):
    broker.topics.put(TopicConfig("Empty"))
    answer = pull("Empty", 0)
    assert (answer.code, answer.remark) == (19, "NO_MESSAGE_IN_QUEUE")
    answer = pull("Empty", 5)
    assert (answer.code, answer.remark, answer.ext["nextBeginOffset"]) == (21, "NO_MESSAGE_IN_QUEUE", "0")


# -- refusals


def test_refusals_in_their_order(broker, pull, send):
    broker.topics.put(TopicConfig("Unreadable", perm=2))
    broker.topics.put(TopicConfig("TopicTest", 4, 4))
    answer = pull("Unknown")
    assert (answer.code, answer.remark) == (17, "topic[Unknown] not exist, apply first please! " + FAQ)
    answer = pull("Unreadable")
    assert (answer.code, answer.remark) == (16, "the topic[Unreadable] pulling message is forbidden")
    for queue_id in (-1, 4):
        answer = pull("TopicTest", queue_id=queue_id)
        assert answer.code == 1
        assert answer.remark == (
            f"queueId[{queue_id}] is illegal, topic:[TopicTest] topicConfig.readQueueNums:[4] "
            "consumer:[/10.0.0.9:50000]"
        )
    answer = pull("TopicTest", subscription="||")
    assert (answer.code, answer.remark) == (23, "parse the consumer's subscription failed")
    answer = pull("TopicTest", expressionType="SQL92", subscription="a > 1")
    assert (answer.code, answer.remark) == (1, "The broker does not support consumer to filter message by SQL92")
    assert answer.ext == {}
    broker.groups.put(SubscriptionGroupConfig("CG", consume_enable=False))
    answer = pull("Unknown")
    assert (answer.code, answer.remark) == (16, "subscription group no permission, CG")


def test_an_unknown_group(make_broker, ask_of, connection):
    ask = ask_of(make_broker(auto_create_subscription_group=False), connection)
    header = {
        "consumerGroup": "CG", "topic": "T", "queueId": 0, "queueOffset": 0, "maxMsgNums": 32, "sysFlag": 4,
        "commitOffset": 0, "suspendTimeoutMillis": 0, "subVersion": 0,
    }  # fmt: skip
    answer = ask(11, header)
    assert (answer.code, answer.remark) == (26, "subscription group [CG] does not exist, " + FAQ)


def test_a_broker_without_read_permission(make_broker, ask_of, connection):
    ask = ask_of(make_broker(broker_permission=2), connection)
    header = {
        "consumerGroup": "CG", "topic": "T", "queueId": 0, "queueOffset": 0, "maxMsgNums": 32, "sysFlag": 4,
        "commitOffset": 0, "suspendTimeoutMillis": 0, "subVersion": 0,
    }  # fmt: skip
    answer = ask(11, header)
    assert (answer.code, answer.remark) == (16, "the broker[10.1.2.3] pulling message is forbidden")


# -- without a subscription in the request, the heartbeat's counts


def heartbeat(topic="TopicTest", version=5, model="CLUSTERING", tags=("TagA",)):
    from rocketpy._core.hashing import java_hash_of

    subscription = {
        "topic": topic, "subString": "||".join(tags) or "*", "tagsSet": list(tags),
        "codeSet": [java_hash_of(tag) for tag in tags], "subVersion": version, "expressionType": "TAG",
    }  # fmt: skip
    consumer = {
        "groupName": "CG", "consumeType": "CONSUME_PASSIVELY", "messageModel": model,
        "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET", "subscriptionDataSet": [subscription],
    }  # fmt: skip
    body = {"clientID": "c@1", "consumerDataSet": [consumer], "producerDataSet": []}
    return json.dumps(body).encode()


def test_the_heartbeats_subscription(broker, send, pull, ask):
    send("TopicTest", b"a", properties="TAGS\x01TagA\x02")
    send("TopicTest", b"b", properties="TAGS\x01TagB\x02")
    send("Other")
    answer = pull("TopicTest", flag=0)
    assert (answer.code, answer.remark) == (24, "the consumer's group info not exist" + FAQ)
    assert ask(34, body=heartbeat()).code == 0
    assert [message.body for message in decode_messages(pull("TopicTest", flag=0, subVersion=5).body)] == [b"a"]
    answer = pull("Other", flag=0)
    assert (answer.code, answer.remark) == (24, "the consumer's subscription not exist" + FAQ)
    answer = pull("TopicTest", flag=0, subVersion=6)
    assert (answer.code, answer.remark) == (25, "the consumer's subscription not latest")


def test_broadcasting_where_it_is_not_allowed(broker, send, pull, ask):
    send("TopicTest")
    broker.groups.put(SubscriptionGroupConfig("CG", consume_broadcast_enable=False))
    ask(34, body=heartbeat(model="BROADCASTING"))
    answer = pull("TopicTest", flag=0)
    assert (answer.code, answer.remark) == (16, "the consumer group[CG] can not consume by broadcast way")


# -- offsets that come along, and the suggested broker


def test_an_offset_committed_on_the_way(broker, send, pull):
    send("TopicTest")
    pull("TopicTest", 0, flag=5, commitOffset=7)
    assert broker.offsets.query("CG", "TopicTest", 0) == 7
    pull("TopicTest", 0, flag=4, commitOffset=9)
    assert broker.offsets.query("CG", "TopicTest", 0) == 7


def test_a_group_that_prefers_another_broker(make_broker, ask_of, connection):
    broker = make_broker(slave_read_enable=True)
    broker.topics.put(TopicConfig("TopicTest"))
    broker.groups.put(SubscriptionGroupConfig("CG", broker_id=3))
    header = {
        "consumerGroup": "CG", "topic": "TopicTest", "queueId": 0, "queueOffset": 0, "maxMsgNums": 32, "sysFlag": 4,
        "commitOffset": 0, "suspendTimeoutMillis": 0, "subVersion": 0,
    }  # fmt: skip
    assert ask_of(broker, connection)(11, header).ext["suggestWhichBrokerId"] == "3"


# -- holding


def on_a_loop(test):
    """Held pulls have a timer, so somebody has to keep the time."""

    @functools.wraps(test)
    def run(**fixtures):
        async def scenario():
            test(**fixtures)
            fixtures["broker"].holds.shutdown()

        asyncio.run(scenario())

    return run


@on_a_loop
def test_a_held_pull_is_answered_by_the_message_it_waits_for(broker, connection, send, pull):
    broker.topics.put(TopicConfig("TopicTest", 4, 4))
    assert pull("TopicTest", 0, flag=HOLD, subscription="TagA") is None
    send("TopicTest", b"b", properties="TAGS\x01TagB\x02")
    assert not connection.replies
    send("TopicTest", b"a", properties="TAGS\x01TagA\x02")
    [(request, answer)] = connection.replies
    assert (request.opaque, answer.code, answer.ext["nextBeginOffset"]) == (7, 0, "2")
    assert [message.body for message in decode_messages(answer.body)] == [b"a"]


@on_a_loop
def test_a_held_pull_whose_topic_goes_is_refused_when_it_wakes(broker, connection, send, pull):
    broker.topics.put(TopicConfig("TopicTest", 4, 4))
    assert pull("TopicTest", 0, flag=HOLD) is None
    broker.topics.delete("TopicTest")
    broker.store.put(Message("TopicTest", b"late"))
    [(_, answer)] = connection.replies
    assert (answer.code, answer.ext) == (17, {})


@on_a_loop
def test_a_closed_connection_holds_nothing(broker, connection, send, pull):
    broker.topics.put(TopicConfig("TopicTest", 4, 4))
    assert pull("TopicTest", 0, flag=HOLD) is None
    assert len(broker.holds) == 1
    broker.connection_closed(connection)
    assert len(broker.holds) == 0
    send("TopicTest")
    assert not connection.replies


@on_a_loop
def test_a_held_pull_is_refused_at_once_when_its_topic_is_deleted(broker, connection, ask, pull):
    broker.topics.put(TopicConfig("TopicTest", 4, 4))
    broker.topics.put(TopicConfig("Other", 4, 4))
    assert pull("TopicTest", 0, flag=HOLD) is None
    assert pull("Other", 0, flag=HOLD) is None
    ask(215, {"topic": "TopicTest"})
    [(_, answer)] = connection.replies
    assert answer.code == 17
    assert len(broker.holds) == 1


@on_a_loop
def test_a_pull_may_be_held_for_ever(broker, connection, send, pull):
    broker.topics.put(TopicConfig("TopicTest", 4, 4))
    assert pull("TopicTest", 0, flag=HOLD, suspendTimeoutMillis=2**63 - 1) is None
    send("TopicTest")
    [(_, answer)] = connection.replies
    assert answer.code == 0


def test_a_group_that_reads_far_behind_is_stopped(make_broker, ask_of, connection):
    broker = make_broker(disable_consume_if_consumer_read_slowly=True, consumer_fallbehind_threshold=250)
    ask = ask_of(broker, connection)
    send = {"a": "PG", "b": "T", "c": "TBW102", "d": 1, "e": 0, "f": 0, "g": 1, "h": 0, "i": ""}
    for _ in range(4):
        assert ask(310, send, b"x").code == 0
    header = {"topic": "T", "queueId": 0, "maxMsgNums": 1, "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 0,
              "subscription": "*", "subVersion": 0}  # fmt: skip
    ends = {"slow": 0, "quick": 3, "waits": 4}
    for group, offset in ends.items():
        ask(11, {**header, "consumerGroup": group, "queueOffset": offset})
    ask(11, {**header, "consumerGroup": "slow", "queueOffset": 4})  # it looks at no message, which says nothing
    broker.slow_readers.protect()
    codes = {group: ask(11, {**header, "consumerGroup": group, "queueOffset": at}).code for group, at in ends.items()}
    assert codes == {"slow": 16, "quick": 0, "waits": 19}
    assert ask(200, body=b'{"groupName":"slow"}').code == 0
    broker.slow_readers.protect()
    assert ask(11, {**header, "consumerGroup": "slow", "queueOffset": 3}).code == 0


@on_a_loop
def test_pulls_are_timed_but_for_those_that_are_held(broker, send, pull):
    send("TopicTest")
    pull("TopicTest")
    assert pull("TopicTest", 1, flag=HOLD) is None
    assert (broker.latencies()["send"].count, broker.latencies()["pull"].count) == (1, 1)
