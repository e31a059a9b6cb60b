"""What is too long, too large or marked as of a unit: the last value that is taken, and the first that is refused."""

import json

import pytest

from rocketpy._core.message import Message, encode_batch
from rocketpy.protocol.bodies import SubscriptionGroupConfig, TopicConfig

ILLEGAL = (
    "the message is illegal, maybe msg body or properties length not matched. "
    "msg body length limit 128k, msg properties length limit 32k."
)
NOTHING = 91  # bytes of a record without topic, body and properties


def properties_of(size: int) -> str:
    """One property of `size` bytes in all."""
    return "k\x01" + "v" * (size - 3) + "\x02"


@pytest.mark.parametrize(("size", "code"), [(32_767, 0), (32_768, 13)])
def test_properties_end_at_32_kib(send, size, code):
    answer = send("TopicTest", properties=properties_of(size))
    assert answer.code == code
    assert answer.remark == (None if code == 0 else ILLEGAL)


@pytest.mark.parametrize(("length", "code"), [(127, 0), (128, 13)])
def test_a_topic_has_127_characters(send, length, code):
    assert send("t" * length).code == code


def test_the_whole_record_counts_for_max_message_size(make_broker, ask_of, connection):
    ask = ask_of(make_broker(store={"max_message_size": 1000}), connection)
    header = {"a": "PG", "b": "T", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1, "h": 0}
    most = 1000 - NOTHING - len("T")
    assert ask(310, header, bytes(most)).code == 0
    answer = ask(310, header, bytes(most + 1))
    assert (answer.code, answer.remark) == (13, ILLEGAL)


def test_a_batch_is_as_large_as_a_message_at_most(make_broker, ask_of, connection):
    ask = ask_of(make_broker(store={"max_message_size": 1000}), connection)
    header = {"a": "PG", "b": "T", "c": "TBW102", "d": 4, "e": 0, "f": 0, "g": 1, "h": 0, "m": "true"}
    assert ask(320, header, encode_batch([Message("T", body=bytes(300))] * 2)).code == 0
    answer = ask(320, header, encode_batch([Message("T", body=bytes(300))] * 4))
    assert (answer.code, answer.remark) == (13, ILLEGAL)


@pytest.mark.parametrize(("queue_id", "code"), [(0, 0), (5, 0), (6, 1), (2**31 - 1, 1)])
def test_a_queue_of_either_number_may_be_sent_to(broker, send, queue_id, code):
    broker.topics.put(TopicConfig("Uneven", read_queue_nums=6, write_queue_nums=2))
    assert send("Uneven", queue_id=queue_id).code == code


@pytest.mark.parametrize("perm", [0, 2, 4, 6])
def test_the_permission_of_a_topic_does_not_stop_sends(broker, send, perm):
    """Upstream looks at the broker's permission only, and clients keep away from topics that forbid it."""
    broker.topics.put(TopicConfig("Some", perm=perm))
    assert send("Some").code == 0


@pytest.mark.parametrize(("perm", "code"), [(0, 16), (2, 16), (4, 19), (6, 19)])
def test_the_permission_of_a_topic_stops_pulls(broker, pull, perm, code):
    broker.topics.put(TopicConfig("Some", perm=perm))
    answer = pull("Some")
    assert answer.code == code
    if code == 16:
        assert answer.remark == "the topic[Some] pulling message is forbidden"


# -- units: the flags that 311 to 313 of the name server tell topics by


@pytest.mark.parametrize(("unit_mode", "flag"), [("true", 1), ("false", 0)])
def test_a_topic_that_a_unit_makes_is_the_units(broker, send, unit_mode, flag):
    send("Made", k=unit_mode)
    assert broker.topics.get("Made").topic_sys_flag == flag


def test_a_retry_topic_that_a_unit_makes_is_one_of_its_subscription(broker, send):
    broker.groups.put(SubscriptionGroupConfig("CG"))
    send("%RETRY%CG", k="true", l=3)
    assert broker.topics.get("%RETRY%CG").topic_sys_flag == 2


@pytest.mark.parametrize(("unit_mode", "flag"), [("true", 2), ("false", 0)])
def test_so_is_one_that_a_send_back_makes(broker, ask, send, unit_mode, flag):
    send("TopicTest")
    ask(36, {"group": "CG", "offset": 0, "delayLevel": 3, "unitMode": unit_mode, "maxReconsumeTimes": 16})
    assert broker.topics.get("%RETRY%CG").topic_sys_flag == flag


def test_the_flag_reaches_the_name_server(broker, send):
    send("Made", k="true")
    assert json.loads(broker.topics.encode())["topicConfigTable"]["Made"]["topicSysFlag"] == 1
