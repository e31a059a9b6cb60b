"""Code 315: one counter over a minute, an hour and a day."""

import asyncio
import json

import pytest

from rocketpy.stats import Span


@pytest.fixture
def view(ask):
    return lambda name, key: ask(315, {"statsName": name, "statsKey": key})


def test_a_minute_an_hour_and_a_day(broker, clock, send, pull, view):
    for _ in range(2):
        send("TopicTest", b"x" * 10)
        pull("TopicTest")
        asyncio.run(broker.stats.sample(Span.MINUTE))
        clock.advance(10_000)
    answer = view("TOPIC_PUT_NUMS", "TopicTest")
    assert (answer.code, answer.remark) == (0, None)
    still = {"avgpt": 0.0, "sum": 0, "tps": 0.0}
    minute = {"avgpt": 1.0, "sum": 1, "tps": 0.1}
    assert json.loads(answer.body) == {"statsDay": still, "statsHour": still, "statsMinute": minute}
    assert json.loads(view("GROUP_GET_NUMS", "TopicTest@CG").body)["statsMinute"]["sum"] == 2
    assert json.loads(view("GROUP_GET_LATENCY", "0@TopicTest@CG").body)["statsMinute"] == still
    assert json.loads(view("BROKER_PUT_NUMS", "DefaultCluster").body)["statsMinute"] == {**minute, "avgpt": 0.0}


def test_one_sample_alone_has_no_rate(broker, send, view):
    send("TopicTest")
    asyncio.run(broker.stats.sample(Span.DAY))
    assert b'"statsDay":{"avgpt":0.0,"sum":0,"tps":null}' in view("TOPIC_PUT_SIZE", "TopicTest").body


@pytest.mark.parametrize(
    ("name", "key"), [("TOPIC_PUT_NUMS", "Nothing"), ("NO_SUCH", "T"), ("GROUP_GET_FALL_SIZE", "T")]
)
def test_what_never_counted_is_refused_in_upstreams_words(view, name, key):
    answer = view(name, key)
    assert (answer.code, answer.remark) == (1, f"The stats <{name}> <{key}> not exist")


def test_delayed_messages_count_for_the_topic_they_wait_in(send, view, broker):
    send("TopicTest", properties="DELAY\x013\x02")
    assert view("TOPIC_PUT_NUMS", "SCHEDULE_TOPIC_XXXX").code == 0
    assert view("TOPIC_PUT_NUMS", "TopicTest").code == 1


def test_counters_of_a_deleted_topic_and_group_are_gone(ask, send, pull, view):
    for topic in ("TopicTest", "Other"):
        send(topic)
        pull(topic)
    ask(215, {"topic": "TopicTest"})
    assert view("TOPIC_PUT_NUMS", "TopicTest").code == view("GROUP_GET_NUMS", "TopicTest@CG").code == 1
    assert view("GROUP_GET_NUMS", "Other@CG").code == 0
    ask(207, {"groupName": "CG"})
    assert view("GROUP_GET_NUMS", "Other@CG").code == 1
    assert view("TOPIC_PUT_NUMS", "Other").code == 0
