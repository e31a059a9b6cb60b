"""Brokers that stop and come back: offsets are kept, sends go on, nothing acknowledged is lost."""

from __future__ import annotations

import time

import pytest
from kit.cluster import unique
from kit.handover import wait_consumed
from kit.process import wait_until

pytestmark = pytest.mark.slow
ENOUGH = 100_000  # more than is ever sent: the producer is ended when it has seen all of it, however long a stop takes
IN_A_ROW = 20     # more than a producer sends to one master as long as it has both


def test_consumer_offsets_and_messages_are_kept_over_a_restart(run, open_session, java, new_cluster):
    cluster = new_cluster()
    topic, group = unique("Kept"), unique("CG")
    run(java, cluster, "produce", topic=topic, count=50, keys="k")
    consumer = open_session(java, cluster, "consume", topic=topic, group=group)
    consumer.wait_for("consumed", 50)
    wait_consumed(cluster, group, topic, queues=4)
    consumer.stop()
    ends = committed(run(java, cluster, "pull", topic=topic, group=group))
    assert sum(ends.values()) == 50
    for broker in cluster.brokers.values():
        assert broker.stop() is not None
        assert not (broker.store / "abort").exists()
        broker.start()
    cluster.wait_registered("broker-a", "broker-b")
    assert committed(run(java, cluster, "pull", topic=topic, group=group)) == ends
    run(java, cluster, "produce", topic=topic, first=50, count=30)
    again = open_session(java, cluster, "consume", topic=topic, group=group)
    again.wait_for("consumed", 30)
    again.stop()
    assert sorted(again.indexes("consumed")) == list(range(50, 80))
    everything = run(java, cluster, "pull", topic=topic, group=unique("CG"))
    assert sorted(everything.indexes("found")) == list(range(80))
    found = run(java, cluster, "query", topic=topic, key="k7").of("found")
    assert [event["index"] for event in found] == [7]


def committed(session) -> dict[tuple[str, int], int]:
    return {(event["queue"]["broker"], event["queue"]["queue_id"]): event["committed"] for event in session.of("queue")}


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_one_master_gone_and_back_loses_nothing_acknowledged(run, open_session, client, java, new_cluster, how):
    cluster = new_cluster()
    topic, group = unique("Gone"), unique("CG")
    run(java, cluster, "create-topic", topic=topic, queues=4)
    consumer = open_session(client, cluster, "consume", topic=topic, group=group)
    consumer.wait_for("started")
    producer = open_session(client, cluster, "produce", topic=topic, count=ENOUGH, pauseMs=10)
    producer.wait_for("sent", 150)
    getattr(cluster.a, how)()
    producer.wait(lambda: brokers_of(producer.of("sent")[-IN_A_ROW:]) == {"broker-b"}, "broker-a is out of it", 60)
    at = len(producer.of("sent"))
    producer.wait(lambda: len(producer.of("sent")) > at + 200, "sends go on over broker-b", 60)
    while_away = producer.of("sent")[at:at + 200]
    cluster.a.start()
    cluster.wait_registered("broker-a", "broker-b")
    at = len(producer.of("sent"))
    producer.wait(lambda: len(producer.of("sent")) > at + 100, "and when it is back", 60)
    producer.kill()
    assert brokers_of(while_away) == {"broker-b"}
    acknowledged = {event["index"] for event in producer.of("sent")}
    # What was not acknowledged may be there or not; a retry may have stored it twice.
    wait_until(lambda: acknowledged <= set(consumer.indexes("consumed")), "all acknowledged messages consumed", 90)
    consumer.stop()
    late = run(client, cluster, "produce", topic=topic, first=ENOUGH, count=32).of("sent")
    assert brokers_of(late) == {"broker-a", "broker-b"}


def brokers_of(sent: list[dict]) -> set[str]:
    return {event["broker"] for event in sent}


def test_a_restarted_name_server_knows_the_brokers_again(run, java, new_cluster):
    cluster = new_cluster()
    topic = unique("Names")
    run(java, cluster, "create-topic", topic=topic, queues=4)
    cluster.namesrv.stop()
    time.sleep(0.5)
    cluster.namesrv.start()
    cluster.wait_registered("broker-a", "broker-b")  # upstream's brokers come by every 30 s
    sent = run(java, cluster, "produce", topic=topic, count=16).of("sent")
    assert brokers_of(sent) == {"broker-a", "broker-b"}
