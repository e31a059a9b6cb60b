"""Pulls by SQL92: refusals in upstream's order, the group's and the request's own expression, retry topics, holding."""

import json

import pytest

from rocketpy._core.message import Message, decode_messages
from rocketpy.broker.processors import pull_filter
from rocketpy.protocol.bodies import SubscriptionGroupConfig, TopicConfig

NOT_SUPPORTED = "The broker does not support consumer to filter message by SQL92"
NOT_EXIST = "The broker's consumer filter data is not exist!Your expression may be wrong!"
RED = "colour\x01red\x02"
BLUE = "colour\x01blue\x02"


@pytest.fixture
def broker(make_broker):
    broker = make_broker(enable_property_filter=True)
    broker.topics.put(TopicConfig("T", 4, 4))
    return broker


def heartbeat(expression="colour = 'red'", version=5, topic="T", kind="SQL92", group="CG", **more):
    subscription = {
        "topic": topic, "subString": expression, "tagsSet": [], "codeSet": [], "subVersion": version,
        "expressionType": kind, **more,
    }  # fmt: skip
    return json.dumps({"clientID": "c@1", "consumerDataSet": [consumer(group, [subscription])]}).encode()


def consumer(group, subscriptions):
    return {
        "groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING",
        "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET", "subscriptionDataSet": subscriptions,
    }  # fmt: skip


@pytest.fixture
def subscribe(ask):
    """A heartbeat with one subscription, by default one of SQL92."""
    return lambda *args, **more: ask(34, body=heartbeat(*args, **more))


@pytest.fixture
def pull_group(pull):
    """Pull what the group subscribes to."""
    return lambda offset=0, version=5, topic="T", flag=0: pull(topic, offset, flag=flag, subVersion=version)


def bodies(answer):
    return [message.body for message in decode_messages(answer.body or b"")]


def refusal(answer):
    return answer.code, answer.remark


def test_messages_of_the_groups_expression(send, subscribe, pull_group):
    subscribe()
    for number, properties in enumerate((RED, BLUE, "", RED)):
        send("T", str(number).encode(), properties=properties)
    answer = pull_group()
    assert (answer.code, answer.remark, answer.ext["nextBeginOffset"]) == (0, "FOUND", "4")
    assert bodies(answer) == [b"0", b"3"]
    answer = pull_group(1)
    assert bodies(answer) == [b"3"]


def test_messages_that_are_not_wanted_are_passed_over(send, subscribe, pull_group):
    subscribe()
    send("T", properties=BLUE)
    answer = pull_group()
    assert (answer.code, answer.remark, answer.ext["nextBeginOffset"]) == (20, "NO_MATCHED_MESSAGE", "1")
    assert answer.body is None


def test_refusals_of_a_groups_filter_in_their_order(broker, subscribe, pull_group):
    subscribe("colour =")
    assert refusal(pull_group()) == (27, NOT_EXIST)
    subscribe(version=6)
    assert refusal(pull_group(version=7)) == (25, "the consumer's subscription not latest")
    broker.filters.get("T", "CG").data.client_version = 5
    assert refusal(pull_group(version=6)) == (28, "the consumer's consumer filter data not latest")
    broker.config.enable_property_filter = False
    assert refusal(pull_group(version=6)) == (28, "the consumer's consumer filter data not latest")
    assert refusal(pull_group(version=5)) == (1, NOT_SUPPORTED)


def test_a_filter_of_a_group_that_left_is_of_no_use_before_it_is_back(connection, broker, subscribe, pull_group):
    subscribe()
    broker.consumers.connection_closed(connection)
    assert broker.filters.get("T", "CG").is_dead
    assert pull_group().code == 24
    subscribe()
    assert pull_group().code == 19
    assert not broker.filters.get("T", "CG").is_dead


def test_two_groups_have_their_own_expressions(send, subscribe, ask, pull):
    subscribe()
    subscribe("colour = 'blue'", group="Other")
    send("T", b"red", properties=RED)
    send("T", b"blue", properties=BLUE)
    assert bodies(pull("T", flag=0, subVersion=5)) == [b"red"]
    assert bodies(pull("T", flag=0, subVersion=5, consumerGroup="Other")) == [b"blue"]


def test_class_filters_get_every_message(broker, send, subscribe, pull_group):
    subscribe("colour = 'red'", kind="TAG", classFilterMode=True)
    send("T", properties=BLUE)
    assert pull_group().code == 0
    subscribe("colour = 'red'", 6, classFilterMode=True)
    assert pull_group(version=6).code == 0
    subscribe("colour =", 7, classFilterMode=True)
    assert pull_group(version=7).code == 27


# -- an expression that the pull brings along


def test_an_expression_of_the_pull_itself(send, pull):
    send("T", b"red", properties=RED)
    send("T", b"blue", properties=BLUE)
    own = {"expressionType": "SQL92", "subscription": "colour = 'blue'"}
    assert bodies(pull("T", **own)) == [b"blue"]


@pytest.mark.parametrize("kind", ["SQL92", "PERL"])
def test_one_that_cannot_be_compiled_is_every_message_as_upstream_has_it(kind, send, pull, caplog):
    send("T", b"red", properties=RED)
    send("T", b"blue", properties=BLUE)
    for _ in range(2):
        assert bodies(pull("T", expressionType=kind, subscription=f"{kind} =")) == [b"red", b"blue"]
    assert caplog.text.count("gets all") == 1


@pytest.mark.parametrize("more", [{"subscription": "x" * 40_000}, {"expressionType": "x" * 40_000}])
def test_expressions_that_are_too_long_are_neither_remembered_nor_logged_whole(send, pull, more, caplog):
    send("T")
    pull_filter.test_of.cache_clear()
    assert pull("T", **{"expressionType": "SQL92", "subscription": "a", **more}).code == 0
    assert pull_filter.test_of.cache_info().currsize == 0
    assert "gets all" in caplog.text and all(len(record.getMessage()) < 600 for record in caplog.records)


@pytest.mark.parametrize("expression", ["", None])
def test_one_that_is_empty_is_refused(broker, expression, pull):
    own = {"expressionType": "SQL92", "subscription": expression}
    own = {name: value for name, value in own.items() if value is not None}
    header = {"subscription": ""} if expression is None else {}
    assert refusal(pull("T", **{**own, **header})) == (23, "parse the consumer's subscription failed")
    broker.config.enable_property_filter = False
    assert refusal(pull("T", **{**own, **header})) == (23, "parse the consumer's subscription failed")


def test_one_where_it_is_not_allowed_is_refused(broker, pull):
    broker.config.enable_property_filter = False
    for expression in ("colour = 'blue'", "colour ="):
        assert refusal(pull("T", expressionType="SQL92", subscription=expression)) == (1, NOT_SUPPORTED)


# -- retry topics


@pytest.fixture
def retried(broker, ask):
    """Two messages in the retry topic, and a group that subscribes to it as clients do."""
    subscriptions = [
        {"topic": "T", "subString": "colour = 'red'", "subVersion": 5, "expressionType": "SQL92"},
        {"topic": "%RETRY%CG", "subString": "*", "subVersion": 5, "expressionType": "TAG"},
    ]
    body = {"clientID": "c@1", "consumerDataSet": [consumer("CG", subscriptions)]}
    ask(34, body=json.dumps(body).encode())
    for colour in ("red", "blue"):
        retry(broker, colour)


def retry(broker, colour):
    """A message of topic T is to be consumed again."""
    properties = f"RETRY_TOPIC\x01T\x02colour\x01{colour}\x02".encode()
    assert broker.store.put(Message("%RETRY%CG", colour.encode(), properties_raw=properties)).is_ok


def test_retried_messages_are_not_filtered_again(retried, pull_group):
    assert bodies(pull_group(topic="%RETRY%CG")) == [b"red", b"blue"]


def test_retried_messages_are_filtered_where_it_is_asked_for(retried, broker, pull, pull_group):
    broker.config.filter_support_retry = True
    assert bodies(pull_group(topic="%RETRY%CG")) == [b"red"]
    assert bodies(pull("%RETRY%CG")) == [b"red"]  # also when the pull brings its subscription
    broker.filters.unregister("CG")
    assert bodies(pull_group(topic="%RETRY%CG")) == [b"red"]


# -- holding


HOLD = 2


@pytest.fixture
def on_a_loop(broker):
    """Run a function where held pulls have a timer."""
    import asyncio

    def run(scenario):
        async def inside():
            scenario()
            broker.holds.shutdown()

        asyncio.run(inside())

    return run


def test_a_held_pull_is_woken_by_a_message_it_wants_alone(on_a_loop, connection, send, subscribe, pull_group):
    def scenario():
        subscribe()
        assert pull_group(flag=HOLD) is None
        send("T", b"blue", properties=BLUE)
        assert not connection.replies
        send("T", b"red", properties=RED)
        [(_, answer)] = connection.replies
        assert bodies(answer) == [b"red"] and answer.ext["nextBeginOffset"] == "2"

    on_a_loop(scenario)


def test_a_held_pull_with_its_own_expression(on_a_loop, connection, send, pull):
    def scenario():
        assert pull("T", flag=6, expressionType="SQL92", subscription="colour = 'red'") is None
        send("T", b"blue", properties=BLUE)
        assert not connection.replies
        send("T", b"red", properties=RED)
        assert bodies(connection.replies[0][1]) == [b"red"]

    on_a_loop(scenario)


def test_a_held_pull_whose_expression_changes_looks_again(on_a_loop, connection, send, subscribe, pull_group):
    def scenario():
        subscribe()
        assert pull_group(flag=HOLD) is None
        send("T", b"blue", properties=BLUE)
        subscribe("colour = 'blue'", 6)
        assert not connection.replies
        send("T", b"green", properties="colour\x01green\x02")
        [(_, answer)] = connection.replies
        assert bodies(answer) == [b"blue"]  # what the old expression passed over

    on_a_loop(scenario)


def test_a_held_pull_of_a_retry_topic(on_a_loop, connection, broker, retried, pull_group):
    def scenario():
        broker.config.filter_support_retry = True
        assert pull_group(2, topic="%RETRY%CG", flag=HOLD) is None
        for colour in ("blue", "red"):
            assert not connection.replies
            retry(broker, colour)
        assert bodies(connection.replies[0][1]) == [b"red"]

    on_a_loop(scenario)


# -- CHECK_CLIENT_CONFIG


def check(ask, kind, expression):
    subscription = {"topic": "T", "subString": expression, "expressionType": kind}
    return ask(46, body=json.dumps({"clientId": "c", "group": "CG", "subscriptionData": subscription}).encode())


def test_expressions_are_checked_before_they_are_used(broker, ask):
    assert check(ask, "TAG", "any || thing").code == 0
    assert check(ask, "SQL92", "colour = 'red'").code == 0
    answer = check(ask, "SQL92", "colour = AND")
    assert answer.code == 23 and "AND" in answer.remark and "column" in answer.remark
    assert check(ask, "PERL", "x").code == 23
    broker.config.enable_property_filter = False
    assert refusal(check(ask, "SQL92", "colour =")) == (1, NOT_SUPPORTED)
    assert check(ask, "TAG", "*").code == 0


def test_a_group_that_may_not_consume_is_refused_before_its_filter_is_looked_at(broker, subscribe, pull_group):
    subscribe("colour =")
    broker.groups.put(SubscriptionGroupConfig("CG", consume_enable=False))
    assert pull_group().code == 16
