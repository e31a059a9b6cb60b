"""Members of a group that ask for different things are named."""

import logging
import time
from dataclasses import replace

import pytest

from rocketpy.broker.agreement import QUIET_MS, TOPICS_SHOWN, Agreement
from rocketpy.broker.clients import Client
from rocketpy.protocol.bodies import ConsumerData, ConsumeType, MessageModel, SubscriptionData


def said(*asked: tuple[str, str], kind: str = "TAG", **more: object) -> ConsumerData:
    """A heartbeat's entry that subscribes to (topic, expression) pairs."""
    subscriptions = [SubscriptionData(topic=topic, sub_string=text, expression_type=kind) for topic, text in asked]
    push = ConsumerData("G", ConsumeType.CONSUME_PASSIVELY, MessageModel.CLUSTERING, None, subscriptions)
    return replace(push, **more)


def member(name: str) -> Client:
    return Client(connection=object(), client_id=name)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture):
    """What a group's members ask for, in turn and far apart: the words about each."""
    caplog.set_level(logging.INFO)
    agreement, now_ms = Agreement("G"), 0

    def hear(client: Client, entry: ConsumerData) -> str:
        nonlocal now_ms
        now_ms += QUIET_MS
        caplog.clear()
        agreement.hear(client, entry, now_ms)
        return "\n".join(record.getMessage() for record in caplog.records)

    hear.agreement = agreement
    return hear


BOTH = "the subscriptions of group G contradict each other, messages of it get lost: "


@pytest.mark.parametrize(("one", "two", "words"), [
    (said(("T", "*")), said(("U", "*")), "two subscribes to {'U': '*'}, one to {'T': '*'}; "),
    (said(("T", "A"), ("U", "*")), said(("T", "B || A"), ("U", "*")),
     "two subscribes to {'T': 'A || B'}, one to {'T': 'A'}; "),
    (said(("T", "*"), ("U", "*")), said(("T", "*")), "two subscribes to {}, one to {'U': '*'}; "),
    (said(("T", "a > 1"), kind="SQL92"), said(("T", "*")),
     "two subscribes to {'T': '*'}, one to {'T': 'SQL92: a > 1'}; "),
    (said(("T", "*")), said(("T", "*"), message_model=MessageModel.BROADCASTING),
     "two subscribes to BROADCASTING, one to CLUSTERING; "),
    (said(("T", "*")), said(("T", "*"), consume_type=ConsumeType.CONSUME_ACTIVELY),
     "two subscribes to CONSUME_ACTIVELY, one to {'T': '*'} CONSUME_PASSIVELY; "),
])  # fmt: skip
def test_both_clients_and_what_is_different_are_named(heard, one, two, words):
    assert heard(member("one"), one) == ""
    assert heard(member("two"), two).startswith(BOTH + words)


@pytest.mark.parametrize(("one", "two"), [
    (said(("T", "*")), said(("T", ""))),
    (said(("T", "A || B")), said(("T", "B||A"))),
    (said(("T", "*"), ("U", "*")), said(("U", "*"), ("T", "*"))),
    (said(("T", "*")), said()),
    (said(("T", "*"), consume_type=ConsumeType.CONSUME_ACTIVELY),
     said(("U", "*"), consume_type=ConsumeType.CONSUME_ACTIVELY)),
])  # fmt: skip
def test_what_means_the_same_or_harms_nobody_is_not_told(heard, one, two):
    assert heard(member("one"), one) == heard(member("two"), two) == ""


def test_a_change_is_told_once(heard):
    one, two, three = map(member, ("one", "two", "three"))
    heard(one, said(("T", "*")))
    assert "two" in heard(two, said(("U", "*")))
    assert heard(one, said(("T", "*"))) == heard(two, said(("U", "*"))) == ""
    assert heard(three, said(("U", "*"))) == "", "its wish has been told already"
    assert "three subscribes to {'T': 'A'}" in heard(three, said(("T", "A")))
    heard(two, said(("T", "*")))
    assert heard(three, said(("T", "*"))) == "the members of group G ask for the same again"
    assert "two subscribes to {'U': '*'}" in heard(two, said(("U", "*")))
    heard.agreement.leave(two.connection)
    heard.agreement.leave(two.connection)
    assert heard(one, said(("T", "*"))) == ""


def test_a_client_on_two_connections_does_not_contradict_itself(heard):
    heard(member("one"), said(("T", "*")))
    assert heard(member("one"), said(("U", "*"))) == ""


def test_a_long_wish_is_cut(heard):
    heard(member("one"), said(("T", "*")))
    line = heard(member("two"), said(*((f"T{number}", "*") for number in range(50))))
    assert f"and {50 - TOPICS_SHOWN} more" in line
    assert len(line) < 500


def test_ten_thousand_members_cost_no_more_each(heard):
    """Each is compared with the wishes, not with the others: a hundred million comparisons would take minutes."""
    wishes = [said(("T", "*")), said(("T", "A"))]
    members = [member(str(number)) for number in range(10_000)]
    agreement = heard.agreement
    begin = time.process_time()
    for now_ms in range(3):
        for number, client in enumerate(members):
            agreement.hear(client, wishes[(number + now_ms) % 2], now_ms)
    assert time.process_time() - begin < 10
