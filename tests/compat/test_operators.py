"""What an operator does to live consumers and their offsets with the official Java library (DefaultMQAdminExt)."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from kit import wire
from kit.admin import AdminClient, call
from kit.clients import Session
from kit.cluster import Cluster, unique
from kit.topics import make_topic, send, wait_known

QUEUES = 8  # 4 on each of two masters
QUERY_CONSUMER_OFFSET = 14
CONSUMER_NOT_ONLINE = 206


@pytest.fixture(scope="module")
def operator(cluster, tmp_path_factory):
    """Calls one after the other; `failed` gives the code and words of a call that is refused."""
    session = Session(AdminClient(), tmp_path_factory.mktemp("operator"), cluster.namesrv_addr, "admin")
    session.wait_for("started")

    def do(command: str, **options: object):
        outcome = call(session, command, **options)
        assert outcome["code"] == 0, outcome
        return outcome.get("result")

    do.failed = lambda command, **options: call(session, command, **options)
    yield do
    session.close()


def committed(operator, group: str, topic: str) -> int:
    return sum(row["offset"] for row in operator("stats", group=group, topic=topic))


def produce(cluster: Cluster, topic: str) -> list[str]:
    """40 messages, 5 in each queue; their ids."""
    make_topic(cluster, topic)
    return [*send(cluster.a, topic, 0, 20), *send(cluster.b, topic, 20, 20)]


def stored(cluster: Cluster, group: str, topic: str) -> list[str]:
    """The offsets as clients ask for them; an operator's library wants a retry topic of each group."""
    offsets = []
    for broker in cluster.brokers.values():
        with wire.Peer(broker.address) as peer:
            queues = [{"consumerGroup": group, "topic": topic, "queueId": queue} for queue in range(QUEUES // 2)]
            offsets += [peer.ask(QUERY_CONSUMER_OFFSET, queue).ext["offset"] for queue in queues]
    return offsets


def wait_consumed(cluster: Cluster, consumer: Session, group: str, count: int) -> None:
    """Until so many are consumed, and the retry topic has a route, by which the operator's library finds the group."""
    consumer.wait_for("consumed", count)
    wait_known(cluster, f"%RETRY%{group}", set(cluster.brokers))


def wait_committed(operator, consumer, group: str, topic: str, count: int) -> None:
    consumer.wait(lambda: committed(operator, group, topic) == count, f"{count} committed", 20)


def test_live_consumers_are_asked_and_consume_on_request(open_session, java, cluster, operator):
    topic, group = unique("Asked"), unique("CG")
    ids = produce(cluster, topic)
    consumer = open_session(java, cluster, "consume", topic=topic, group=group)
    client = consumer.wait_for("started")[0]["client_id"]
    wait_consumed(cluster, consumer, group, 40)
    info = operator("running-info", group=group, client=client, jstack="true")
    assert sorted(info["topics"]) == sorted([topic, f"%RETRY%{group}"])
    assert info["queues"] >= QUEUES
    assert info["type"] == "CONSUME_PASSIVELY"
    assert "ConsumeMessageThread_" in info["jstack"], "every thread's stack"
    assert operator("running-info", group=group, client=client, jstack="false").get("jstack") is None
    assert operator("consume-directly", group=group, client=client, id=ids[7]) == {
        "result": "CR_SUCCESS", "order": False,
    }
    consumer.wait_for("consumed", 41)
    assert Counter(consumer.indexes("consumed"))[7] == 2
    refused = operator.failed("running-info", group=group, client="nobody", jstack="false")
    assert (refused["code"], refused["error"]) == (1, f"The Consumer <{group}> <nobody> not online")
    wait_committed(operator, consumer, group, topic, 40)
    for asked in (client, ""):
        ((who, offsets),) = operator("status", topic=topic, group=group, client=asked).items()
        assert (who, sum(row["offset"] for row in offsets)) == (client, 40)
    assert sum(row["end"] for row in operator("stats", group=group, topic=topic)) == 40
    addresses = [broker.address for broker in cluster.brokers.values()]
    every = [row for address in addresses for row in operator("all-stats", address=address, group=group)]
    assert sum(row["offset"] for row in every) == 40
    spans = operator("spans", topic=topic, group=group)
    assert len(spans) == QUEUES
    assert all(0 < span["min"] <= span["consumed"] <= span["max"] and span["delay"] == 0 for span in spans)


def test_offsets_are_reset_while_consumers_live(open_session, java, cluster, operator):
    topic, group = unique("ResetLive"), unique("CG")
    produce(cluster, topic)
    consumer = open_session(java, cluster, "consume", topic=topic, group=group)
    wait_consumed(cluster, consumer, group, 40)
    wait_committed(operator, consumer, group, topic, 40)
    table = operator("reset", topic=topic, group=group, timestamp=1, force="true")
    assert [row["offset"] for row in table] == [0] * QUEUES
    consumer.wait_for("consumed", 80, 40)
    wait_committed(operator, consumer, group, topic, 40)
    consumer.stop()
    assert Counter(consumer.indexes("consumed")) == dict.fromkeys(range(40), 2)


def test_offsets_are_cloned_and_reset_without_consumers(open_session, java, cluster, operator):
    topic, group = unique("ResetOld"), unique("CG")
    produce(cluster, topic)
    first = open_session(java, cluster, "consume", topic=topic, group=group)
    wait_consumed(cluster, first, group, 40)
    wait_committed(operator, first, group, topic, 40)
    first.stop()
    assert committed(operator, group, topic) == 40
    operator("clone", group=group, to=f"{group}_heir", topic=topic)
    assert stored(cluster, f"{group}_heir", topic) == stored(cluster, group, topic)
    refused = operator.failed("reset", topic=topic, group=group, timestamp=1, force="true")
    assert (refused["code"], refused["error"]) == (
        CONSUMER_NOT_ONLINE,
        f"Consumer not online, so can not reset offset, Group: {group} Topic: {topic} Timestamp: 1",
    )
    operator("reset-new", topic=topic, group=group, timestamp=1)  # nobody is there: the old way, in the broker itself
    assert committed(operator, group, topic) == 0
    second = open_session(java, cluster, "consume", topic=topic, group=group)
    second.wait_for("consumed", 40)
    wait_committed(operator, second, group, topic, 40)
    second.stop()
    rows = operator("reset-old", topic=topic, group=group, timestamp=1, force="false")
    assert [row["offset"] for row in rows] == [0] * QUEUES
    assert committed(operator, group, topic) == 0


def test_offsets_by_time_at_the_edges(run, java, cluster, operator):
    topic = unique("Edges")
    make_topic(cluster, topic)

    def at(timestamp: int, queue: int = 0) -> int:
        return operator("search", topic=topic, broker="broker-a", queue=queue, timestamp=timestamp)

    assert {at(timestamp) for timestamp in (0, -1, 2**62)} == {0}, "an empty queue"
    assert at(1, queue=99) == 0, "a queue that is not there"
    for first in range(0, 40, 4):
        send(cluster.a, topic, first, 4)
        time.sleep(0.01)  # else all of a queue could have one time
    found = run(java, cluster, "pull", topic=topic, group=unique("CG")).of("found")
    mine = sorted((event["queue_offset"], event["store_timestamp"]) for event in found
                  if event["queue_id"] == 0 and event["store_host"].endswith(str(cluster.a.port)))
    first, last = mine[0][1], mine[-1][1]
    assert at(first - 1000) == at(-1) == 0
    assert at(last + 1) == at(2**62) == len(mine) - 1, "the last message, not the place behind it"
    for _, timestamp in mine:
        assert dict(mine)[at(timestamp)] == timestamp


@pytest.mark.slow
def test_what_a_group_may_not_do(open_session, java, cluster, operator):
    topic, off, own, giving_up = unique("Flags"), unique("Off"), unique("Own"), unique("GivesUp")
    for broker in cluster.brokers.values():
        operator("group", address=broker.address, group=off, consume="false")
        operator("group", address=broker.address, group=own, broadcast="false")
        operator("group", address=broker.address, group=giving_up, retryQueues=0)
    produce(cluster, topic)
    idle = open_session(java, cluster, "consume", topic=topic, group=off)
    shouting = open_session(java, cluster, "consume", topic=topic, group=own, model="BROADCASTING")
    failing = open_session(java, cluster, "consume", topic=topic, group=giving_up, failFirst=99)
    failing.wait_for("consumed", 40, 60)
    time.sleep(2)  # the delay levels of the test's brokers are a second
    assert len(failing.of("consumed")) == 40, "what fails is given up, not tried again"
    assert idle.of("consumed") == shouting.of("consumed") == []
    for broker in cluster.brokers.values():
        operator("group", address=broker.address, group=off)
    idle.wait_for("consumed", 40, 60)
