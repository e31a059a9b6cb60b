"""Pull consumers, offsets and queries: what a client can ask about messages that are stored."""

from __future__ import annotations

import time

from kit.clients import GoClient
from kit.cluster import unique
from kit.handover import wait_consumed
from kit.topics import make_topic


def test_a_pull_consumer_reads_every_queue_and_goes_on_where_it_stopped(run, java, cluster):
    topic, group = unique("Pull"), unique("CG")
    run(java, cluster, "produce", topic=topic, count=100)
    first = run(java, cluster, "pull", topic=topic, group=group, max=16)
    assert sorted(first.indexes("found")) == list(range(100))
    assert {event["committed"] for event in first.of("queue")} <= {-1, 0}
    ends = {key(event): event["max"] for event in first.of("queue")}
    assert sum(ends.values()) == 100
    wait_consumed(cluster, group, topic, queues=4)  # offsets are stored one-way
    run(java, cluster, "produce", topic=topic, first=100, count=20)
    second = run(java, cluster, "pull", topic=topic, group=group)
    assert {key(event): event["committed"] for event in second.of("queue")} == ends
    assert sorted(second.indexes("found")) == list(range(100, 120))


def key(event: dict) -> tuple[str, int]:
    return event["queue"]["broker"], event["queue"]["queue_id"]


def test_a_pull_at_the_end_finds_nothing_new_and_one_beyond_is_corrected(run, java, cluster):
    topic, group = unique("PullEnd"), unique("CG")
    run(java, cluster, "produce", topic=topic, count=40)
    statuses = {event["status"] for event in run(java, cluster, "pull", topic=topic, group=group).of("pulled")}
    assert statuses == {"FOUND", "NO_NEW_MSG"}
    beyond = [event for event in run(java, cluster, "pull", topic=topic, group=unique("CG"), offset=1000).of("pulled")
              if event["offset"] == 1000]
    assert {event["status"] for event in beyond} == {"OFFSET_ILLEGAL"}
    # A queue that was never cleaned sends the reader back to its start, not to its end.
    assert all(event["next"] == event["min"] == 0 for event in beyond)


def test_a_pull_with_tags_skips_the_others(run, java, cluster):
    topic = unique("PullTags")
    run(java, cluster, "produce", topic=topic, count=40, tags="A,B,C,D")
    found = run(java, cluster, "pull", topic=topic, group=unique("CG"), tags="A || D").of("found")
    assert sorted(event["index"] for event in found) == [i for i in range(40) if i % 4 in (0, 3)]


def test_the_go_pull_consumer_reads_a_queue(run, java, cluster):
    topic = unique("PullGo")
    make_topic(cluster, topic)  # else all of it can go to the master that made the topic first
    sent = run(java, cluster, "produce", topic=topic, count=64).of("sent")
    mine = [event["index"] for event in sent if (event["broker"], event["queue_id"]) == ("broker-b", 1)]
    found = run(GoClient(), cluster, "pull", topic=topic, group=unique("CG"), broker="broker-b", queue=1)
    assert found.indexes("found") == mine


def test_offsets_by_timestamp_are_those_of_the_nearest_message(run, java, cluster):
    topic = unique("Time")
    make_topic(cluster, topic)  # so that every queue gets the same number
    run(java, cluster, "produce", topic=topic, count=32)
    before = run(java, cluster, "offsets", topic=topic).of("offsets")
    run(java, cluster, "produce", topic=topic, first=32, count=32)
    stored = run(java, cluster, "pull", topic=topic, group=unique("CG")).of("found")
    last_of_first = max(event["store_timestamp"] for event in stored if event["index"] < 32)
    first_of_second = min(event["store_timestamp"] for event in stored if event["index"] >= 32)
    assert by_time(run, java, cluster, topic, last_of_first + 1) == {key(e): e["max"] - 1 for e in before}
    assert by_time(run, java, cluster, topic, first_of_second - 1) == {key(e): e["max"] for e in before}
    assert by_time(run, java, cluster, topic, 1) == {key(e): 0 for e in before}
    assert by_time(run, java, cluster, topic, first_of_second + 3_600_000) == {key(e): 2 * e["max"] - 1 for e in before}
    assert {e["earliest"] for e in before} <= {e["store_timestamp"] for e in stored if e["queue_offset"] == 0}


def by_time(run, java, cluster, topic: str, timestamp: int) -> dict[tuple[str, int], int]:
    events = run(java, cluster, "offsets", topic=topic, timestamp=timestamp).of("offsets")
    return {key(event): event["by_time"] for event in events}


def test_messages_are_found_by_key(run, java, cluster):
    topic = unique("Keys")
    run(java, cluster, "produce", topic=topic, count=20, keys="order-")
    for index in (0, 7, 19):
        found = run(java, cluster, "query", topic=topic, key=f"order-{index}").of("found")
        assert [(event["index"], event["keys"]) for event in found] == [(index, f"order-{index}")]


def test_a_key_of_many_messages_gives_each_broker_s_newest_and_64_at_most(run, java, cluster):
    topic = unique("Many")
    stored = run(java, cluster, "produce", topic=topic, count=160, oneKey="same").of("sent")
    for asked, given in ((5, 5), (100, 64)):
        found = run(java, cluster, "query", topic=topic, key="same", max=asked).of("found")
        for broker in cluster.brokers.values():
            there = [event["index"] for event in found if event["store_host"].endswith(broker.address)]
            newest = [event["index"] for event in stored if event["broker"] == broker.name][-given:]
            assert sorted(there) == newest, (broker.name, asked)


def test_a_key_is_looked_for_in_a_window_of_time(run, java, cluster):
    topic = unique("Window")
    for first in (0, 10):
        run(java, cluster, "produce", topic=topic, first=first, count=10, oneKey="same")
        time.sleep(1.1)  # the index knows whole seconds
    events = run(java, cluster, "pull", topic=topic, group=unique("CG")).of("found")
    between = max(event["store_timestamp"] for event in events if event["index"] < 10) + 1

    def found(**window: int) -> list[int]:
        return sorted(run(java, cluster, "query", topic=topic, key="same", **window).indexes("found"))

    assert found(end=between) == list(range(10))
    assert found(begin=between) == list(range(10, 20))
    assert run(java, cluster, "query", topic=topic, key="same", end=between - 3_600_000).of("nothing")


def test_a_message_is_found_by_the_broker_s_id_and_by_the_client_s(run, java, cluster):
    topic = unique("Id")
    sent = run(java, cluster, "produce", topic=topic, count=6).of("sent")
    for event in (sent[0], sent[5]):
        by_offset = run(java, cluster, "view", id=event["offset_msg_id"]).of("found")
        by_client = run(java, cluster, "view", id=event["msg_id"], topic=topic).of("found")
        place = (event["index"], event["queue_offset"])
        for found in (by_offset, by_client):
            assert [(each["index"], each["queue_offset"]) for each in found] == [place]
