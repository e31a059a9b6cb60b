"""startMonitoring on a running cluster, two rounds of it."""

import asyncio
from dataclasses import replace

import pytest

from rocketpy.admin.monitoring import FIRST_ROUND_S, ROUND_S, notified, undone
from rocketpy.admin.session import Session
from rocketpy.client import Producer, PullConsumer, new_message
from rocketpy.protocol.admin_bodies import OffsetWrapper, ProcessQueueInfo
from rocketpy.protocol.bodies import MessageQueue, OffsetMovedEvent
from tests.unit.admin.members import SHOWN, Member

EVENT = OffsetMovedEvent("slow", MessageQueue("Orders", "quickstart", 0), 5, 9)


@pytest.fixture
def waited(cluster, monkeypatch):
    """Between the first round and the second an event comes; after the second the tool is stopped."""
    found = []

    async def wait(_, seconds):
        found.append(seconds)
        if len(found) == 2:
            async with Producer(cluster.namesrv_addr) as producer:
                await producer.send(new_message("OFFSET_MOVED_EVENT", EVENT.encode()))
        if len(found) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Session, "wait", wait)
    return found


def test_two_rounds(mqadmin, cluster, waited):
    cluster.create_topic("Orders", queue_nums=1)

    async def fall_behind():
        async with Producer(cluster.namesrv_addr) as producer, PullConsumer(cluster.namesrv_addr, "slow") as consumer:
            for _ in range(3):
                sent = await producer.send(new_message("Orders", b"x"))
            await consumer.commit(sent.queue, 1)

    with Member(cluster, group="slow") as member:
        asyncio.run(fall_behind())
        blocked = ProcessQueueInfo(cached_msg_count=1, last_consume_timestamp=1)
        member.running = replace(SHOWN, mq_table={MessageQueue("Orders", "quickstart", 0): blocked})
        found = mqadmin("startMonitoring")
    assert waited == [FIRST_ROUND_S, ROUND_S, ROUND_S]
    assert found.code == 130
    rule = "[MONITOR] ========================================="
    begin, end = f"{rule}beginRound", f"{rule}endRound"
    first, second = found.lines[: len(found.lines) // 2], found.lines[len(found.lines) // 2 :]
    assert (first[0], first[-1], second[-1]) == (begin, end, end)
    orders = "UndoneMsgs [consumerGroup=slow, topic=Orders, undoneMsgsTotal=2, undoneMsgsSingleMQ=2, "
    assert any(line.startswith(f"[MONITOR] reportUndoneMsgs: {orders}") for line in first)
    assert any(
        line.startswith("[MONITOR]  [NOTIFY] reportConsumerRunningInfo: ConsumerGroup: slow, ClientId: 10.0.0.9@1, ")
        for line in first
    )
    event = (
        "[MONITOR] reportDeleteMsgsEvent: DeleteMsgsEvent [offsetMovedEvent=OffsetMovedEvent [consumerGroup=slow, "
        "messageQueue=MessageQueue [topic=Orders, brokerName=quickstart, queueId=0], offsetRequest=5, offsetNew=9], "
    )
    assert sum(line.startswith(event) for line in found.lines) == 1


def test_only_what_lies_before_a_group_is_counted():
    queues = {MessageQueue("T", "b", n): OffsetWrapper(10, at) for n, at in enumerate((10, 7, 12, 6))}
    assert undone("g", "T", queues, 5).data == {
        "consumerGroup": "g",
        "topic": "T",
        "undoneMsgsTotal": 7,
        "undoneMsgsSingleMQ": 4,
        "undoneMsgsDelayTimeMills": 5,
    }


def test_clients_that_disagree_are_told():
    from rocketpy.protocol.bodies import SubscriptionData

    a, b = (replace(SHOWN, mq_table={}, subscription_set=[SubscriptionData("T", name)]) for name in "ab")
    (told,) = notified("g", {"1": a, "2": b}, 10**12)
    assert told.text == ("[MONITOR]  [NOTIFY] reportConsumerRunningInfo: ConsumerGroup: g, Subscription different\n")
    assert notified("g", {"1": a}, 10**12) == notified("g", {}, 10**12) == []
