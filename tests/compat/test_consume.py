"""What a push consumer sees: once per group, to each member when broadcasting, in order, again, or set aside."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import pytest
from kit import wire
from kit.cluster import Cluster, unique
from kit.process import wait_until

HEART_BEAT, UNREGISTER_CLIENT, GET_MAX_OFFSET, GET_ROUTE = 34, 35, 30, 105


def introduce(cluster: Cluster, group: str) -> None:
    """Makes the group's retry topic known before a client starts: its next look at the route may be 30 s away."""
    entry = {"groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING", "unitMode": False,
             "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "subscriptionDataSet": []}
    beat = json.dumps({"clientID": "introduction", "producerDataSet": [], "consumerDataSet": [entry]})
    for broker in cluster.brokers.values():
        with wire.Peer(broker.address) as peer:
            assert peer.ask(HEART_BEAT, body=beat).code == 0
            assert peer.ask(UNREGISTER_CLIENT, {"clientID": "introduction", "consumerGroup": group}).code == 0
    with wire.Peer(cluster.namesrv_addr) as peer:
        def on_both() -> bool:
            answer = peer.ask(GET_ROUTE, {"topic": f"%RETRY%{group}"})
            return answer.code == 0 and len(answer.json()["brokerDatas"]) == 2

        wait_until(on_both, f"retry topic of {group} on both masters", 10)


def in_lanes(events: list[dict], lanes: int) -> dict[int, list[int]]:
    """Indexes by lane in order of delivery."""
    order = defaultdict(list)
    for event in events:
        order[event["index"] % lanes].append(event["index"])
    return dict(order)


def test_a_group_consumes_what_was_sent_before_and_after_its_start(run, open_session, client, cluster):
    topic, group = unique("Push"), unique("CG")
    run(client, cluster, "produce", topic=topic, count=40, size=300)
    consumer = open_session(client, cluster, "consume", topic=topic, group=group)
    consumer.wait_for("consumed", 40)
    run(client, cluster, "produce", topic=topic, first=40, count=40, mode="async")
    consumer.wait_for("consumed", 80)
    consumer.stop()
    assert sorted(consumer.indexes("consumed")) == list(range(80))


def test_only_the_tags_asked_for_are_delivered(run, open_session, client, cluster):
    topic, group = unique("Tags"), unique("CG")
    # Aa and BB have the same Java hash code: the broker passes both, the client keeps one.
    run(client, cluster, "produce", topic=topic, count=60, tags="Aa,BB,C,D,E")
    consumer = open_session(client, cluster, "consume", topic=topic, group=group, tags="Aa || C")
    consumer.wait_for("consumed", 24)
    consumer.stop()
    assert sorted(consumer.indexes("consumed")) == [i for i in range(60) if i % 5 in (0, 2)]
    assert {event["tags"] for event in consumer.of("consumed")} == {"Aa", "C"}


def test_broadcasting_gives_every_message_to_every_member(run, open_session, client, cluster):
    topic, group = unique("Broad"), unique("CG")
    run(client, cluster, "produce", topic=topic, count=1)
    options = {"topic": topic, "group": group, "model": "BROADCASTING"}
    members = [open_session(client, cluster, "consume", instance=f"b{i}", **options) for i in range(2)]
    for member in members:
        member.wait_for("consumed", 1)
    run(client, cluster, "produce", topic=topic, first=1, count=30)
    for member in members:
        member.wait_for("consumed", 31)
        member.stop()
        assert sorted(member.indexes("consumed")) == list(range(31))


def test_orderly_consumption_keeps_the_order_of_each_queue(run, open_session, client, java, cluster):
    topic, group = unique("Order"), unique("CG")
    run(java, cluster, "create-topic", topic=topic, queues=4)  # lanes must not move when a second master gets the topic
    sent = run(client, cluster, "produce", topic=topic, count=80, mode="orderly", lanes=4).of("sent")
    consumer = open_session(client, cluster, "consume", topic=topic, group=group, order="true")
    consumer.wait_for("consumed", 80, 60)
    consumer.stop()
    assert in_lanes(consumer.of("consumed"), 4) == in_lanes(sent, 4)


def test_an_orderly_consumer_that_fails_gets_the_same_message_again_first(run, open_session, java, cluster):
    topic, group = unique("OrderRetry"), unique("CG")
    run(java, cluster, "create-topic", topic=topic, queues=4)
    run(java, cluster, "produce", topic=topic, count=8, mode="orderly", lanes=1)
    consumer = open_session(java, cluster, "consume", topic=topic, group=group, order="true", failFirst=1)
    consumer.wait(lambda: sum(event["accepted"] for event in consumer.of("consumed")) >= 8, "8 accepted", 60)
    consumer.stop()
    deliveries = [(event["index"], event["accepted"]) for event in consumer.of("consumed")]
    assert deliveries == [pair for i in range(8) for pair in ((i, False), (i, True))]


@pytest.mark.slow
def test_what_is_to_be_consumed_later_comes_again_until_it_succeeds(run, open_session, client, cluster):
    topic, group = unique("Retry"), unique("CG")
    introduce(cluster, group)
    run(client, cluster, "produce", topic=topic, count=6, tags="T", keys="r")
    consumer = open_session(client, cluster, "consume", topic=topic, group=group, failFirst=2)
    consumer.wait(lambda: sum(event["accepted"] for event in consumer.of("consumed")) >= 6, "6 accepted", 60)
    consumer.stop()
    deliveries = Counter((event["index"], event["reconsume_times"]) for event in consumer.of("consumed"))
    assert deliveries == {(index, times): 1 for index in range(6) for times in range(3)}
    again = [event for event in consumer.of("consumed") if event["reconsume_times"] > 0]
    assert {(event["topic"], event["tags"]) for event in again} == {(topic, "T")}
    assert {event["keys"] for event in again} == {f"r{i}" for i in range(6)}


@pytest.mark.slow
def test_what_never_succeeds_ends_in_the_dead_letter_queue(run, open_session, client, cluster):
    topic, group = unique("Dead"), unique("CG")
    introduce(cluster, group)
    run(client, cluster, "produce", topic=topic, count=4)
    consumer = open_session(client, cluster, "consume", topic=topic, group=group, failFirst=99, maxReconsume=1)
    consumer.wait_for("consumed", 8, 60)
    dead = f"%DLQ%{group}"
    consumer.wait(lambda: dead_letters(cluster, dead) >= 4, "4 dead letters", 30)
    consumer.stop()
    assert Counter(consumer.indexes("consumed")) == dict.fromkeys(range(4), 2)
    assert dead_letters(cluster, dead) == 4


def dead_letters(cluster: Cluster, topic: str) -> int:
    """Messages in a dead letter queue: it may only be written, so its end is asked for instead of pulling it."""
    total = 0
    for broker in cluster.brokers.values():
        with wire.Peer(broker.address) as peer:
            total += int(peer.ask(GET_MAX_OFFSET, {"topic": topic, "queueId": 0}).ext["offset"])
    return total
