"""Bodies: what is absent stays at its default, what is wrong is named."""

import pytest

from rocketpy.errors import RequestRefused
from rocketpy.protocol.admin_bodies import ResetOffsetBody
from rocketpy.protocol.bodies import (
    BrokerData,
    ClusterInfo,
    ConsumeFromWhere,
    ConsumerData,
    ConsumeType,
    HeartbeatData,
    LockBatchRequestBody,
    MessageModel,
    MessageQueue,
    QueueData,
    SubscriptionData,
    TopicConfig,
)


def refusal(body_class, data):
    with pytest.raises(RequestRefused) as refused:
        body_class.decode(data)
    return refused.value.remark


def test_absent_null_and_unknown_members():
    assert TopicConfig.decode(b'{"topicName":"T","perm":null,"later":{"x":1}}') == TopicConfig("T")


def test_a_subscription_without_type_is_by_tag():
    assert SubscriptionData.decode(b'{"topic":"T","tagsSet":["a"],"codeSet":["97"]}').code_set == frozenset({97})
    assert SubscriptionData.decode(b"{}").expression_type == "TAG"


def test_integer_keys_come_quoted_or_not():
    for data in (b'{"brokerAddrs":{0:"a"}}', b'{"brokerAddrs":{"0":"a"}}'):
        assert BrokerData.decode(data).broker_addrs == {0: "a"}


def test_a_go_heartbeat_is_read():
    data = (
        b'{"clientID":"1@2","producerDataSet":[],"consumerDataSet":[{"groupName":"G","consumeType":"CONSUME_PASSIVELY",'
        b'"messageModel":"CLUSTERING","consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","subscriptionDataSet":'
        b'[{"ClassFilterMode":false,"Topic":"x","topic":"T","subString":"*"}],"unitMode":false}]}'
    )
    consumer = HeartbeatData.decode(data).consumer_data_set[0]
    assert consumer.message_model is MessageModel.CLUSTERING
    assert consumer.subscription_data_set[0].topic == "T"


def test_a_cpp_heartbeat_is_read():
    data = (
        b'{"clientID":"1@2","consumerDataSet":[{"consumeFromWhere":4,"consumeType":1,"groupName":"G","messageModel":0,'
        b'"subscriptionDataSet":[{"codeSet":[0,0],"subString":"A || B","subVersion":"1795718360307",'
        b'"tagsSet":["A","B"],"topic":"T"}]}]}'
    )
    [consumer] = HeartbeatData.decode(data).consumer_data_set
    assert consumer.consume_type is ConsumeType.CONSUME_PASSIVELY
    assert consumer.message_model is MessageModel.BROADCASTING
    assert consumer.consume_from_where is ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
    assert consumer.subscription_data_set[0].sub_version == 1795718360307


def test_queues_are_read_in_lists_and_as_keys():
    queue = MessageQueue("T", "b", 1)
    assert LockBatchRequestBody.decode(LockBatchRequestBody("G", "c", {queue}).encode()).mq_set == {queue}
    assert ResetOffsetBody.decode(ResetOffsetBody({queue: 7}).encode()).offset_table == {queue: 7}


def test_a_missing_body_is_said():
    assert refusal(HeartbeatData, None) == "the request has no body, a HeartbeatData was expected"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"7",
        b'{"producerDataSet":{}}',
        b'{"producerDataSet":[7]}',
        b'{"consumerDataSet":[{"consumeType":"SOMEHOW"}]}',
        b'{"consumerDataSet":[{"consumeType":2}]}',
        b'{"consumerDataSet":[{"consumeType":-1}]}',
        b'{"consumerDataSet":[{"consumeType":true}]}',
        b'{"consumerDataSet":[{"subscriptionDataSet":[{"subVersion":"x"}]}]}',
        b'{"consumerDataSet":[{"subscriptionDataSet":[{"subVersion":[]}]}]}',
        b"\xff\xfe",
    ],
)
def test_a_wrong_body_is_named(data):
    assert refusal(HeartbeatData, data).startswith("the body is no HeartbeatData: ")


def test_keys_must_be_of_their_type():
    assert refusal(ResetOffsetBody, b'{"offsetTable":{"x":1}}').startswith("the body is no ResetOffsetBody")
    assert refusal(ClusterInfo, b'{"brokerAddrTable":{"b":{"brokerAddrs":{"x":"y"}}}}')


def test_bodies_read_as_in_upstreams_logs():
    assert str(QueueData("broker-a", 4, 8, 6, 0)) == (
        "QueueData [brokerName=broker-a, readQueueNums=4, writeQueueNums=8, perm=6, topicSynFlag=0]"
    )
    assert str(TopicConfig("T", 4, 4, 6, order=True)) == (
        "TopicConfig [topicName=T, readQueueNums=4, writeQueueNums=4, perm=RW-, topicFilterType=SINGLE_TAG, "
        "topicSysFlag=0, order=true]"
    )
    assert str(SubscriptionData(topic="T", sub_string=None, tags_set=frozenset({"b", "a"}))) == (
        "SubscriptionData [classFilterMode=false, topic=T, subString=null, tagsSet=[a, b], codeSet=[], subVersion=0, "
        "expressionType=TAG]"
    )
    assert "consumeType=CONSUME_PASSIVELY" in str(ConsumerData("G", ConsumeType.CONSUME_PASSIVELY))
