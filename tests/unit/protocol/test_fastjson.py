"""fastjson's dialect; the printed forms are what fastjson 1.2.51 printed."""

import math

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.bodies import MessageModel, MessageQueue, TopicConfig
from rocketpy.protocol.fastjson import dumps, java_double, loads

QUEUE = MessageQueue("T", "broker-a", 3)
QUEUE_TEXT = b'{"brokerName":"broker-a","queueId":3,"topic":"T"}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.5, "1.5"),
        (6.02e23, "6.02E23"),
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (12345678.9, "1.23456789E7"),
        (1e-3, "0.001"),
        (9.99e-4, "9.99E-4"),
        (-1e-5, "-1.0E-5"),
        (123456789012345680.0, "1.2345678901234568E17"),
        (100.0 / 3, "33.333333333333336"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (math.nan, "null"),
        (math.inf, "null"),
        (-math.inf, "null"),
    ],
)
def test_doubles_print_as_javas(value, text):
    assert java_double(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({0: "a", -1: "b"}, b'{0:"a",-1:"b"}'),
        ({QUEUE: 5}, b"{" + QUEUE_TEXT + b":5}"),
        ({"a": None, "b": [None, 1]}, b'{"b":[null,1]}'),
        ([True, False, 2**63 - 1], b"[true,false,9223372036854775807]"),
        ({"m": MessageModel.CLUSTERING}, b'{"m":"CLUSTERING"}'),
        ({"s": {"b", "a"}}, b'{"s":["a","b"]}'),
        ("é/中\x00", '"é/中\\u0000"'.encode()),
        ({"x": math.nan}, b'{"x":null}'),
    ],
)
def test_values_print_as_fastjsons(value, text):
    assert dumps(value) == text


def test_members_of_a_dataclass_are_sorted_by_their_names():
    assert dumps(TopicConfig("T")) == (
        b'{"order":false,"perm":6,"readQueueNums":16,"topicFilterType":"SINGLE_TAG","topicName":"T","topicSysFlag":0,'
        b'"writeQueueNums":16}'
    )


def test_integer_keys_stay_what_they_were():
    assert loads(b'{0:1,"0":2}') == {0: 1, "0": 2}


def test_objects_as_keys_are_message_queues():
    assert loads(b"{" + QUEUE_TEXT + b":{}}") == {QUEUE: {}}
    with pytest.raises(ProtocolError):
        loads(b'{{"queueId":[]}:1}')


def test_references_are_resolved():
    assert loads(b'{"a":{"k":[1,{"x":2}]},"b":{"$ref":"$.a.k[1]"},"c":{"$ref":"$.no"}}') == {
        "a": {"k": [1, {"x": 2}]},
        "b": {"x": 2},
        "c": None,
    }


def test_a_cycle_of_references_ends():
    assert loads(b'{"a":{"$ref":"$"}}') == {"a": None}
    assert loads(b'{"a":{"$ref":".."},"b":{"$ref":"$.b"}}')["a"] is None


def test_references_that_would_grow_without_end_are_refused():
    """A frame of them could stand for terabytes: fastjson's objects are shared, bodies are not."""
    references = ",".join(['{"$ref":"$.a"}'] * 200)
    text = f'{{"a":["{"x" * 100_000}"],"b":[{references}]}}'
    with pytest.raises(ProtocolError, match="references stand for too much"):
        loads(text)
    assert loads(text.replace("x" * 1000, ""))["b"][199] == [""]
