"""Heartbeats, unregistration, member lists and subscription checks."""

import json

from rocketpy.protocol.bodies import SubscriptionGroupConfig


def heartbeat(client_id="10.0.0.9@1", group="CG", producers=("PG",), **more):
    subscription = {
        "topic": "TopicTest", "subString": "*", "tagsSet": [], "codeSet": [], "subVersion": 1, "expressionType": "TAG",
    }  # fmt: skip
    consumer = {
        "groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING",
        "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET", "subscriptionDataSet": [subscription], **more,
    }  # fmt: skip
    producer_set = [{"groupName": name} for name in producers]
    body = {"clientID": client_id, "consumerDataSet": [consumer] if group else [], "producerDataSet": producer_set}
    return json.dumps(body).encode()


def test_a_heartbeat_makes_the_groups_known(broker, connection, ask):
    answer = ask(34, body=heartbeat())
    assert (answer.code, answer.remark, answer.ext, answer.body) == (0, None, None, None)
    [notice] = connection.sent  # the sender hears of itself before its answer
    assert (notice.code, notice.ext, notice.is_oneway) == (40, {"consumerGroup": "CG"}, True)
    assert broker.topics.get("%RETRY%CG").read_queue_nums == 1
    assert json.loads(ask(38, {"consumerGroup": "CG"}).body) == {"consumerIdList": ["10.0.0.9@1"]}
    assert [client.client_id for client in broker.producers.clients("PG")] == ["10.0.0.9@1"]
    ask(34, body=heartbeat())
    assert len(connection.sent) == 1  # nothing changed


def test_the_groups_retry_queues_and_silence_count(broker, connection, ask):
    group = SubscriptionGroupConfig("CG", retry_queue_nums=3, notify_consumer_ids_changed_enable=False)
    broker.groups.put(group)
    ask(34, body=heartbeat(unitMode=True))
    topic = broker.topics.get("%RETRY%CG")
    assert (topic.write_queue_nums, topic.topic_sys_flag) == (3, 2)
    assert not connection.sent


def test_a_group_name_that_could_be_a_path(broker, ask):
    answer = ask(34, body=heartbeat(group="../../x"))
    assert answer.code == 1 and "group" in answer.remark
    assert not [name for name in broker.topics.table if "/" in name]


def test_no_body(ask):
    for code in (34, 41, 42, 46, 200):
        assert ask(code).code == 1


def test_members_of_an_empty_group(ask):
    answer = ask(38, {"consumerGroup": "CG"})
    assert (answer.code, answer.remark, answer.ext) == (1, "no consumer for this group, CG", {})


def test_unregister(broker, connection, make_connection, ask, ask_of):
    other = make_connection(port=50001)
    ask(34, body=heartbeat())
    ask_of(broker, other)(34, body=heartbeat("10.0.0.9@2"))
    connection.sent.clear()
    answer = ask_of(broker, other)(35, {"clientID": "10.0.0.9@2", "producerGroup": "PG", "consumerGroup": "CG"})
    assert (answer.code, answer.ext) == (0, {})
    assert [notice.code for notice in connection.sent] == [40]
    assert len(broker.producers.clients("PG")) == 1
    assert broker.consumers.group("CG").client_ids == ["10.0.0.9@1"]


def test_only_tag_subscriptions_are_served(ask):
    def check(expression_type, expression="*"):
        subscription = {"topic": "T", "subString": expression, "expressionType": expression_type}
        return ask(46, body=json.dumps({"clientId": "c", "group": "CG", "subscriptionData": subscription}).encode())

    assert check("TAG").code == 0
    answer = check("SQL92", "a > 1")
    assert (answer.code, answer.remark) == (1, "The broker does not support consumer to filter message by SQL92")
