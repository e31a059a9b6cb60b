"""Send-back: delay levels, retry topic, dead letters, and what the new record keeps of the old one."""

import pytest

from rocketpy.protocol.bodies import SubscriptionGroupConfig, TopicConfig

FAQ = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."


@pytest.fixture
def send_back(ask):
    def send_back(offset=0, delay_level=0, **more):
        header = {
            "group": "CG", "offset": offset, "delayLevel": delay_level, "originTopic": "TopicTest",
            "unitMode": "false", "maxReconsumeTimes": 16,
        }  # fmt: skip
        return ask(36, {**header, **more})

    return send_back


def stored_behind(broker, offset=0):
    """The message after the one at `offset`."""
    return broker.store.message_at(offset + broker.store.message_at(offset).size)


def test_a_message_comes_again_through_the_delay_levels(broker, send, send_back):
    sent = send("TopicTest", b"body", properties="TAGS\x01TagA\x02WAIT\x01true\x02", h=3)
    answer = send_back()
    assert (answer.code, answer.ext, answer.body) == (0, None, None)
    again = stored_behind(broker)
    assert (again.topic, again.queue_id) == ("SCHEDULE_TOPIC_XXXX", 2)  # level 3 + no tries so far
    assert (again.body, again.flag, again.reconsume_times) == (b"body", 3, 1)
    assert again.born_host == ("10.0.0.9", 50000)
    assert dict(again.properties) == {
        "TAGS": "TagA", "WAIT": "false", "DELAY": "3", "RETRY_TOPIC": "TopicTest", "REAL_TOPIC": "%RETRY%CG",
        "REAL_QID": "0", "ORIGIN_MESSAGE_ID": sent.ext["msgId"],
    }  # fmt: skip
    retry = broker.topics.get("%RETRY%CG")
    assert (retry.read_queue_nums, retry.write_queue_nums, retry.perm) == (1, 1, 6)


def test_the_consumer_may_choose_the_level(broker, send, send_back):
    send("TopicTest")
    send_back(delay_level=5)
    assert stored_behind(broker).queue_id == 4


def test_a_dead_letter(broker, send, send_back):
    send("TopicTest", b"body")
    assert send_back(delay_level=-1).code == 0
    dead = stored_behind(broker)
    assert (dead.topic, dead.queue_id, dead.reconsume_times) == ("%DLQ%CG", 0, 1)
    assert dict(dead.properties) == {"RETRY_TOPIC": "TopicTest", "WAIT": "false"}
    assert broker.topics.get("%DLQ%CG").perm == 2


def test_a_dead_letter_with_a_delay_below_0_is_not_delayed(broker, send, send_back):
    send("TopicTest", b"body", properties="DELAY\x01-3\x02")
    assert send_back(delay_level=-1).code == 0
    assert dict(stored_behind(broker).properties) == {"DELAY": "-3", "RETRY_TOPIC": "TopicTest", "WAIT": "false"}


def test_a_message_comes_again_in_a_queue_that_the_group_has(broker, send, send_back):
    broker.topics.put(TopicConfig("%RETRY%CG", 8, 8))
    send("TopicTest")
    for _ in range(20):  # the group has one queue: with eight to choose from this fails nearly always
        send_back()
    at = 0
    while (stored := broker.store.message_at(at)) is not None:
        assert stored.properties.get("REAL_QID", "0") == "0"
        at += stored.size


def test_after_the_last_try_it_is_a_dead_letter(broker, send, send_back):
    send("TopicTest", j=3)
    assert send_back(maxReconsumeTimes=3).code == 0
    assert stored_behind(broker).topic == "%DLQ%CG"


def test_old_clients_leave_the_tries_to_the_group(broker, send, ask):
    broker.groups.put(SubscriptionGroupConfig("CG", retry_max_times=2))
    send("TopicTest", j=2)
    assert ask(36, {"group": "CG", "offset": 0, "delayLevel": 0}, version=100).code == 0
    assert stored_behind(broker).topic == "%DLQ%CG"


def test_a_group_without_retry_queues_gives_the_message_up(broker, send, send_back):
    broker.groups.put(SubscriptionGroupConfig("CG", retry_queue_nums=0))
    send("TopicTest")
    assert send_back().code == 0
    assert broker.topics.get("%RETRY%CG") is None


def test_refusals(broker, send, send_back, ask):
    answer = send_back(offset=77)
    assert (answer.code, answer.remark) == (1, "look message by offset failed, 77")
    assert send_back(group="../x").code == 1
    broker.topics.put(TopicConfig("%RETRY%RO", perm=4))
    answer = send_back(group="RO")
    assert (answer.code, answer.remark) == (16, "the topic[%RETRY%RO] sending message is forbidden")
    send("TopicTest")
    answer = ask(36, {"group": "CG", "offset": 0, "delayLevel": 0})
    assert answer.code == 1 and "maxReconsumeTimes" in answer.remark


def test_an_unknown_group(make_broker, ask_of, connection):
    ask = ask_of(make_broker(auto_create_subscription_group=False), connection)
    answer = ask(36, {"group": "CG", "offset": 0, "delayLevel": 0})
    assert (answer.code, answer.remark) == (26, "subscription group not exist, CG " + FAQ)


def test_a_broker_that_may_not_write(make_broker, ask_of, connection):
    ask = ask_of(make_broker(broker_permission=4), connection)
    answer = ask(36, {"group": "CG", "offset": 0, "delayLevel": 0})
    assert (answer.code, answer.remark) == (16, "the broker[10.1.2.3] sending message is forbidden")
