"""What a producer sees: every way of sending is acknowledged, stored once, and comes back as it was."""

from __future__ import annotations

import zlib

import pytest
from kit import wire
from kit.cluster import Cluster, unique
from kit.handover import end_of
from kit.process import wait_until
from kit.topics import QUEUES

KIB_64 = 64 * 1024


def stored(run, java, cluster: Cluster, topic: str, count: int = 0) -> list[dict]:
    """Everything the topic holds, read with the pull consumer once it is so much: nobody waits for a one-way send."""
    if count:
        wait_until(lambda: entries(cluster, topic) >= count, f"{count} messages in {topic}", 20)
    return run(java, cluster, "pull", topic=topic, group=unique("CG_read")).of("found")


def entries(cluster: Cluster, topic: str) -> int:
    """How many messages the queues of all masters hold."""
    total = 0
    for broker in cluster.brokers.values():
        with wire.Peer(broker.address) as peer:
            total += sum(end_of(peer, topic, queue) for queue in range(QUEUES))
    return total


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_acknowledged_messages_are_stored_once(run, java, client, cluster, mode):
    topic = unique("Send")
    sent = run(client, cluster, "produce", topic=topic, mode=mode, count=60, tags="A,B", keys="k").of("sent")
    assert [event["status"] for event in sent] == ["SEND_OK"] * 60
    found = stored(run, java, cluster, topic)
    assert sorted(event["index"] for event in found) == list(range(60))
    places = {(e["broker"], e["queue_id"], e["queue_offset"], e["index"]) for e in found}
    assert places == {(e["broker"], e["queue_id"], e["queue_offset"], e["index"]) for e in sent}
    assert {(e["tags"], e["keys"], e["owner"]) for e in found} == {("AB"[i % 2], f"k{i}", "compat") for i in range(60)}


def test_an_unknown_topic_is_created_by_the_first_send(run, client, cluster):
    topic = unique("Auto")
    sent = run(client, cluster, "produce", topic=topic, count=32).of("sent")
    assert {event["queue_id"] for event in sent} == {0, 1, 2, 3}
    assert {event["region"] for event in sent} == {"DefaultRegion"}
    # Made on the master that the first message met; whether others get it depends on when the client asks again.
    assert {event["broker"] for event in sent} <= {"broker-a", "broker-b"}


def test_one_way_messages_arrive(run, java, client, cluster):
    topic = unique("OneWay")
    run(client, cluster, "produce", topic=topic, count=1)
    run(client, cluster, "produce", topic=topic, mode="oneway", first=1, count=40)
    assert sorted(event["index"] for event in stored(run, java, cluster, topic, 41)) == list(range(41))


def test_a_batch_is_stored_in_one_queue_in_order(run, java, client, cluster):
    topic = unique("Batch")
    options = {"mode": "batch", "count": 24, "batch": 8, "tags": "A,B", "keys": "b"}
    sent = run(client, cluster, "produce", topic=topic, **options).of("sent")
    assert [event["status"] for event in sent] == ["SEND_OK"] * 3
    assert all(len(event["offset_msg_id"].split(",")) == 8 for event in sent)
    found = stored(run, java, cluster, topic)
    for event in sent:
        there = [e for e in found if event["index"] <= e["index"] < event["index"] + 8]
        assert {(e["broker"], e["queue_id"]) for e in there} == {(event["broker"], event["queue_id"])}
        offsets = {e["index"]: e["queue_offset"] for e in there}
        assert offsets == {event["index"] + i: event["queue_offset"] + i for i in range(8)}
        assert {e["keys"] for e in there} == {f"b{event['index'] + i}" for i in range(8)}


def test_bodies_of_64_kib_come_back_whole(run, java, client, cluster):
    topic = unique("Big")
    sent = run(client, cluster, "produce", topic=topic, count=16, size=KIB_64).of("sent")
    assert [event["status"] for event in sent] == ["SEND_OK"] * 16
    found = stored(run, java, cluster, topic)
    assert sorted((e["index"], e["size"]) for e in found) == [(i, KIB_64) for i in range(16)]
    assert {e["index"]: e["crc"] for e in found} == crcs(16, KIB_64)


def crcs(count: int, size: int) -> dict[int, int]:
    """The CRC of each body the scenario programs make (Bodies.make, makeBody)."""
    result = {}
    for index in range(count):
        head = f"{index}:".encode()
        filler = bytes(((i * 2654435761 + index * 40503) >> 13) & 0xFF for i in range(len(head), size))
        result[index] = zlib.crc32(head + filler)
    return result


def test_a_topic_can_be_made_by_hand(run, java, cluster):
    topic = unique("Hand")
    run(java, cluster, "create-topic", topic=topic, queues=6)
    sent = run(java, cluster, "produce", topic=topic, count=48).of("sent")
    assert {(e["broker"], e["queue_id"]) for e in sent} == {(b, q) for b in ("broker-a", "broker-b") for q in range(6)}
