"""Reports of running consumers, and what is found wrong in them."""

import pytest

from rocketpy.admin.running_info import blocked_queues, has_same_subscriptions, report
from rocketpy.protocol.admin_bodies import ConsumerRunningInfo, ConsumeStatus, ProcessQueueInfo
from rocketpy.protocol.bodies import MessageQueue, SubscriptionData

NOW_MS = 1_000_000
PUSH = {"PROP_CONSUME_TYPE": "CONSUME_PASSIVELY", "PROP_CONSUMER_START_TIMESTAMP": "0"}
ORDERLY = {**PUSH, "PROP_CONSUMEORDERLY": "true"}
QUEUE = MessageQueue("T", "b", 0)
QUEUE_TEXT = "MessageQueue [topic=T, brokerName=b, queueId=0]"


def info(expression="*", properties=PUSH, topic="T", **held):
    return ConsumerRunningInfo(
        properties=dict(properties),
        subscription_set=[SubscriptionData(topic=topic, sub_string=expression, sub_version=len(expression))],
        mq_table={QUEUE: ProcessQueueInfo(**held)} if held else {},
    )


def test_the_report_is_upstreams(monkeypatch):
    import time

    shown = info(commit_offset=4, cached_msg_count=2, last_pull_timestamp=1, locked=True)
    shown.status_table["T"] = ConsumeStatus(1.0, 2.5, 0.125, 3, 0, 9)
    shown.jstack = "stacks"
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        text = report(shown)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert text == (
        "#Consumer Properties#\n"
        "PROP_CONSUME_TYPE                       : CONSUME_PASSIVELY\n"
        "PROP_CONSUMER_START_TIMESTAMP           : 0\n"
        "\n\n#Consumer Subscription#\n"
        "001 Topic: T                                        ClassFilter: false    SubExpression: *\n"
        "\n\n#Consumer Offset#\n"
        "#Topic                            #Broker Name                      #QID  #Consumer Offset    \n"
        "T                                 b                                 0     4                   \n"
        "\n\n#Consumer MQ Detail#\n"
        "#Topic                            #Broker Name                      #QID  #ProcessQueueInfo   \n"
        "T                                 b                                 0     "
        "ProcessQueueInfo [commitOffset=4, cachedMsgMinOffset=0, cachedMsgMaxOffset=0, cachedMsgCount=2, "
        "cachedMsgSizeInMiB=0, transactionMsgMinOffset=0, transactionMsgMaxOffset=0, transactionMsgCount=0, "
        "locked=true, tryUnlockTimes=0, lastLockTimestamp=19700101000000000, droped=false, "
        "lastPullTimestamp=19700101000000001, lastConsumeTimestamp=19700101000000000]\n"
        "\n\n#Consumer RT&TPS#\n"
        "#Topic                                  #Pull RT      #Pull TPS    #Consume RT #ConsumeOK TPS "
        "#ConsumeFailed TPS  #ConsumeFailedMsgsInHour\n"
        "T                                           1.00           2.50           0.13           3.00 "
        "              0.00                         9\n"
        "\n\n#Consumer jstack#\nstacks"
    )


@pytest.mark.parametrize(
    ("infos", "same"),
    [
        ({"a": info(), "b": info()}, True),
        ({"a": info("x"), "b": info("xx")}, False),
        ({"a": info(topic="T"), "b": info(topic="U")}, False),
        ({"a": info("x", {**PUSH, "PROP_CONSUMER_START_TIMESTAMP": "900000"}), "b": info()}, True),  # it may still come
        ({"a": info("x", {**PUSH, "PROP_CONSUME_TYPE": "CONSUME_ACTIVELY"}), "b": info()}, True),
        ({"a": ConsumerRunningInfo(properties=dict(PUSH))}, False),
    ],
)
def test_clients_of_a_group_want_the_same(infos, same):
    assert has_same_subscriptions(infos, NOW_MS) is same


@pytest.mark.parametrize(
    ("shown", "fault"),
    [
        (info(cached_msg_count=1, last_consume_timestamp=939_999), "can't consume for a while, maybe blocked, 60001ms"),
        (info(cached_msg_count=1, last_consume_timestamp=940_000), None),
        (info(cached_msg_count=0, last_consume_timestamp=1), None),
        (info(properties=ORDERLY, last_lock_timestamp=999_000), "can't lock for a while, 1000ms"),
        (info(properties=ORDERLY, locked=True, droped=True, try_unlock_times=3), "unlock 3 times, still failed"),
        (info(properties=ORDERLY, locked=True, droped=True), None),
        (info(properties={"PROP_CONSUME_TYPE": "CONSUME_ACTIVELY"}, cached_msg_count=1), None),
    ],
)
def test_queues_that_do_not_go_on(shown, fault):
    assert blocked_queues("c@1", shown, NOW_MS) == ([f"c@1 {QUEUE_TEXT} {fault}"] if fault else [])
