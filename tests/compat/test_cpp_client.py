"""The C++ client core, which other languages' bindings stand on: it sends, consumes and pulls."""

from __future__ import annotations

from collections import Counter

import pytest
from kit import wire
from kit.cluster import Cluster, unique
from kit.process import wait_until
from kit.topics import QUEUES, make_topic, send
from test_consume import in_lanes, introduce
from test_send import stored

QUERY_CONSUMER_OFFSET, INVOKE_BROKER_TO_RESET_OFFSET = 14, 222


def test_every_way_of_sending_is_stored_once(run, java, cpp, cluster):
    topic = unique("Cpp")
    run(java, cluster, "create-topic", topic=topic, queues=4)
    options = {"topic": topic, "count": 12, "tags": "A,B", "keys": "c"}
    for number, mode in enumerate(("sync", "async", "oneway", "orderly")):
        sent = run(cpp, cluster, "produce", mode=mode, first=12 * number, **options).of("sent")
        assert [event["status"] for event in sent] == ["SEND_OK"] * (0 if mode == "oneway" else 12)
    found = stored(run, java, cluster, topic, 48)
    told = sorted((e["index"], e["tags"], e["keys"], e["owner"]) for e in found)
    assert told == [(i, "AB"[i % 2], f"c{i}", "compat") for i in range(48)]
    lanes = {(e["index"] % 4, e["broker"], e["queue_id"]) for e in found if e["index"] >= 36}
    assert len(lanes) == 4  # each lane in one queue
    again = run(cpp, cluster, "pull", topic=topic, group=unique("CG"), tags="B").indexes("found")
    assert sorted(again) == list(range(1, 48, 2))


@pytest.mark.slow
def test_the_cpp_core_consumes_in_every_way(run, open_session, java, cpp, cluster):
    topic = unique("CppPush")
    retried = unique("CG_retry")
    introduce(cluster, retried)
    run(java, cluster, "create-topic", topic=topic, queues=4)
    sent = run(java, cluster, "produce", topic=topic, mode="orderly", count=24, lanes=4, tags="A,B,C").of("sent")

    def consumer(group: str, **options: object):
        return open_session(cpp, cluster, "consume", topic=topic, group=group, **options)

    some = consumer(unique("CG_tags"), tags="A || C")
    order = consumer(unique("CG_order"), order="true")
    again = consumer(retried, tags="B", failFirst=1)
    some.wait_for("consumed", 16, 60)
    order.wait_for("consumed", 24, 60)
    again.wait(lambda: sum(event["accepted"] for event in again.of("consumed")) >= 8, "8 accepted", 60)
    for session in (some, order, again):
        session.stop()
    assert sorted(some.indexes("consumed")) == [i for i in range(24) if i % 3 != 1]
    assert in_lanes(order.of("consumed"), 4) == in_lanes(sent, 4)
    # Where one message of a batch fails, the core sends the rest of it back unseen.
    accepted = Counter((e["index"], e["reconsume_times"]) for e in again.of("consumed") if e["accepted"])
    assert accepted == {(i, 1): 1 for i in range(24) if i % 3 == 1}


def committed(cluster: Cluster, group: str, topic: str) -> int:
    """Messages that the brokers know to be consumed."""
    queues = [{"consumerGroup": group, "topic": topic, "queueId": queue} for queue in range(QUEUES)]
    total = 0
    for broker in cluster.brokers.values():
        with wire.Peer(broker.address) as peer:
            answers = [peer.ask(QUERY_CONSUMER_OFFSET, queue) for queue in queues]
        total += sum(int((answer.ext or {}).get("offset", 0)) for answer in answers)
    return total


@pytest.mark.slow
def test_an_offset_that_is_reset_is_pushed_to_the_live_cpp_core(open_session, cpp, cluster):
    """It reads another body than Java's; upstream takes who asks for who is told, so a C++ tool asks here."""
    topic, group = unique("CppReset"), unique("CG")
    make_topic(cluster, topic)
    send(cluster.a, topic, 0, 8)
    send(cluster.b, topic, 8, 8)
    consumer = open_session(cpp, cluster, "consume", topic=topic, group=group)
    consumer.wait_for("consumed", 16, 60)
    wait_until(lambda: committed(cluster, group, topic) == 16, "16 committed", 30)
    for count, broker in enumerate(cluster.brokers.values(), 1):
        with wire.Peer(broker.address) as peer:
            ext = {"topic": topic, "group": group, "timestamp": 0, "isForce": True}
            assert peer.ask(INVOKE_BROKER_TO_RESET_OFFSET, ext, language="CPP").code == 0
        consumer.wait_for("consumed", 16 + 8 * count, 60)   # the core loses one that comes while it obeys another
    wait_until(lambda: committed(cluster, group, topic) == 16, "16 committed once more", 30)
    consumer.stop()
    assert set(Counter(consumer.indexes("consumed")).values()) == {2}
