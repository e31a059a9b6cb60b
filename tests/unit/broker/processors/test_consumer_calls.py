"""What an operator asks of consumers through their broker."""

import json

import pytest

from rocketpy._core.command import Command
from rocketpy.errors import RemotingSendError, RemotingTimeout
from rocketpy.protocol import fastjson
from rocketpy.protocol.bodies import MessageQueue

Q0 = MessageQueue("TopicTest", "broker-a", 0)


@pytest.fixture
def join(broker, ask_of, make_connection):
    """A consumer that is connected: its connection."""

    def join(client_id="c1", group="CG", version=317):
        consumer = make_connection("10.0.0.7", 40000)
        entry = {"groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING",
                 "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET", "unitMode": False,
                 "subscriptionDataSet": [{"topic": "TopicTest", "subString": "*", "subVersion": 1}]}  # fmt: skip
        beat = {"clientID": client_id, "producerDataSet": [], "consumerDataSet": [entry]}
        assert ask_of(broker, consumer)(34, body=json.dumps(beat).encode(), version=version).code == 0
        consumer.sent.clear()
        return consumer

    return join


def running_info(**more):
    return {"consumerGroup": "CG", "clientId": "c1", "jstackEnable": "true", **more}


def test_running_info_is_asked_of_the_client_and_handed_on_as_it_came(join, ask):
    consumer = join()
    consumer.answers = [Command(0, None, b'{"jstack":"..."}', flag=1, language="GO", version=111, remark="here")]
    answer = ask(307, running_info())
    assert (answer.code, answer.remark, answer.body) == (0, "here", b'{"jstack":"..."}')
    assert (answer.language, answer.version) == ("GO", 111)
    assert (consumer.asked[0].code, consumer.asked[0].ext, consumer.asked[0].body) == (307, running_info(), None)


def test_a_client_that_is_not_there(join, ask):
    join("other")
    for group in ("CG", "Nobody"):
        answer = ask(307, running_info(consumerGroup=group))
        assert (answer.code, answer.remark) == (1, f"The Consumer <{group}> <c1> not online")


def test_a_client_of_a_release_without_such_calls(join, ask):
    consumer = join(version=61)
    answer = ask(307, running_info())
    what = "The Consumer <c1> Version <V3_1_7> too low to finish, please upgrade it to V3_1_8_SNAPSHOT"
    assert (answer.code, answer.remark, consumer.asked) == (1, what, [])


def test_a_client_that_does_not_answer_and_one_that_goes(join, ask):
    consumer = join()
    consumer.answers = [RemotingTimeout("late"), RemotingSendError("closed")]
    late = ask(307, running_info())
    errors = "org.apache.rocketmq.remoting.exception."
    assert (late.code, late.remark) == (
        207, f"consumer <CG> <c1> Timeout: {errors}RemotingTimeoutException: wait response on the channel "
             "<10.0.0.7:40000> timeout, 10000(ms)",
    )  # fmt: skip
    gone = ask(307, running_info())
    assert (gone.code, gone.remark) == (
        1, f"invoke consumer <CG> <c1> Exception: {errors}RemotingSendRequestException: send request to "
           "<10.0.0.7:40000> failed",
    )  # fmt: skip


def test_a_message_is_handed_to_the_client_whole(broker, join, ask, send):
    msg_id = send("TopicTest", b"now").ext["msgId"]
    consumer = join()
    consumer.answers = [Command(0, None, b'{"consumeResult":"CR_SUCCESS"}', flag=1)]
    header = {"consumerGroup": "CG", "clientId": "c1", "msgId": msg_id}
    assert ask(309, header).body == b'{"consumeResult":"CR_SUCCESS"}'
    asked = consumer.asked[0]
    assert (asked.code, asked.ext) == (309, {**header, "brokerName": "broker-a"})
    assert asked.body == broker.store.record_at(int(msg_id[16:], 16))


@pytest.mark.parametrize(("msg_id", "remark"), [
    ("0A01020300002A9F0000000000099999", "can not find message by the offset, 629145"),
    ("0A01020300002A9FFFFFFFFFFFFFFFFF", "can not find message by the offset, -1"),
    ("nonsense", "the custom field <msgId> is not the id of a message: 'nonsense'"),
    ("Z" * 32, f"the custom field <msgId> is not the id of a message: '{'Z' * 32}'"),
    (None, "the custom field <msgId> is not the id of a message: None"),
])  # fmt: skip
def test_a_message_that_is_not_there(join, ask, msg_id, remark):
    consumer = join()
    header = {"consumerGroup": "CG", "clientId": "c1", **({"msgId": msg_id} if msg_id else {})}
    answer = ask(309, header)
    assert (answer.code, answer.remark, consumer.asked) == (1, remark, [])


def status(offsets):
    return Command(0, None, fastjson.dumps({"messageQueueTable": offsets}), flag=1)


def test_the_offsets_of_clients(join, ask):
    one, two, silent, broken = join("c1"), join("c2"), join("c3"), join("c4")
    one.answers = [status({Q0: 5})] * 2
    two.answers = [status({Q0: 6})]
    silent.answers = [RemotingTimeout("late")]
    broken.answers = [Command(0, None, b"no JSON", flag=1)]
    answer = ask(223, {"topic": "TopicTest", "group": "CG"})
    assert fastjson.loads(answer.body) == {"consumerTable": {"c1": {Q0: 5}, "c2": {Q0: 6}}, "messageQueueTable": {}}
    assert (one.asked[0].code, one.asked[0].ext) == (221, {"topic": "TopicTest", "group": "CG"})
    answer = ask(223, {"topic": "TopicTest", "group": "CG", "clientAddr": "c1"})
    assert set(fastjson.loads(answer.body)["consumerTable"]) == {"c1"}


def test_no_offsets_without_clients_or_of_old_ones(join, ask):
    answer = ask(223, {"topic": "TopicTest", "group": "CG"})
    assert (answer.code, answer.remark) == (1, "No Any Consumer online in the consumer group: [CG]")
    join("old", version=27)
    answer = ask(223, {"topic": "TopicTest", "group": "CG"})
    assert (answer.code, answer.remark) == (1, "the client does not support this feature. version=V3_0_6")


def reset(timestamp=-1, force="true", **more):
    return {"topic": "TopicTest", "group": "CG", "timestamp": timestamp, "isForce": force, **more}


def pushes_to(consumer):
    return [command for command in consumer.sent if command.code == 220]


@pytest.fixture
def three_messages(ask, send, clock):
    """Three messages in queue 0 a second apart, of which the group consumed one; of the other queues it knows 0."""
    begin_ms = clock.now_ms()
    for _ in range(3):
        send("TopicTest")
        clock.advance(1000)
    for queue_id in range(4):
        ask(15, {"consumerGroup": "CG", "topic": "TopicTest", "queueId": queue_id, "commitOffset": int(queue_id == 0)})
    return begin_ms


@pytest.mark.parametrize(("after_ms", "force", "offset"), [
    (None, "true", 3), (None, "false", 1), (2000, "true", 2), (2000, "false", 1), (-99999, "true", 0),
    (-99999, "false", 0), (99999, "true", 2),
])  # fmt: skip
def test_a_reset_is_pushed_and_answered(broker, join, ask, three_messages, after_ms, force, offset):
    consumers = [join("c1"), join("c2")]
    timestamp = -1 if after_ms is None else three_messages + after_ms
    answer = ask(222, reset(timestamp, force))
    table = {MessageQueue("TopicTest", "broker-a", queue_id): 0 for queue_id in range(4)} | {Q0: offset}
    assert (answer.code, fastjson.loads(answer.body)) == (0, {"offsetTable": table})
    for consumer in consumers:
        (push,) = pushes_to(consumer)
        assert (push.code, push.ext) == (220, {
            "topic": "TopicTest", "group": "CG", "timestamp": str(timestamp), "isForce": "false",
        })  # fmt: skip
        assert fastjson.loads(push.body) == {"offsetTable": table}
    assert broker.offsets.query("CG", "TopicTest", 0) == 1, "it is the consumers who commit what they were told"


def test_a_reset_reaches_cpp_clients_as_a_list(broker, make_connection, ask_of, join, three_messages):
    entry = {"groupName": "CG", "subscriptionDataSet": [{"topic": "TopicTest", "subString": "*"}]}
    pushes = {}
    for asker in ("JAVA", "CPP"):
        for language in ("JAVA", "CPP", "PYTHON"):
            peer = make_connection()
            beat = {"clientID": language, "consumerDataSet": [entry]}
            ask_of(broker, peer)(34, body=json.dumps(beat).encode(), language=language)
            peer.sent.clear()
            answer = ask_of(broker, make_connection())(222, reset(), language=asker)
            assert Q0 in fastjson.loads(answer.body)["offsetTable"], "who asked is answered with the map"
            pushes[asker, language] = fastjson.loads(pushes_to(peer)[0].body)["offsetTable"]
            broker.consumers.connection_closed(peer)
    queue = {"brokerName": "broker-a", "topic": "TopicTest"}
    as_list = [{**queue, "queueId": queue_id, "offset": 3 if queue_id == 0 else 0} for queue_id in range(4)]
    in_list_form = {who for who, table in pushes.items() if table == as_list}
    assert in_list_form == {("JAVA", "CPP"), ("CPP", "CPP"), ("CPP", "PYTHON")}
    assert all(Q0 in table for who, table in pushes.items() if who not in in_list_form)


def test_resets_that_are_refused(join, ask, three_messages):
    answer = ask(222, reset())
    assert (answer.code, answer.remark) == (
        206, "Consumer not online, so can not reset offset, Group: CG Topic: TopicTest Timestamp: -1"
    )
    answer = ask(222, reset(topic="Nobody"))
    assert (answer.code, answer.remark) == (
        1, "[reset-offset] reset offset failed, no topic in this broker. topic=Nobody"
    )
    assert ask(222, reset(group="New")).remark == "THe consumer group <New> not exist"
    young = join("young")
    join("old", version=27)
    answer = ask(222, reset())
    assert (answer.code, answer.remark) == (1, "the client does not support this feature. version=V3_0_6")
    assert pushes_to(young) == [], "all or none"
