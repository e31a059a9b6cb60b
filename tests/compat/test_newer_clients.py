"""The Java clients of later releases see a broker of 4.5.2: what they ask for beyond it is refused as upstream does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from kit.cluster import Cluster, unique
from test_consume import dead_letters, in_lanes, introduce
from test_lookups import key as queue_of
from test_send import stored

# Quick checks of transactions, and SQL92.
WILLING = {"transactionCheckInterval": 1500, "transactionTimeOut": 1000, "enablePropertyFilter": "true"}
MODES = ["sync", "async", "oneway", "batch", "orderly"]


@pytest.fixture(scope="module")
def willing(server_kind: str, launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two masters that filter by properties, and ask about transactions soon."""
    cluster = Cluster(launcher(server_kind), tmp_path_factory.mktemp(f"willing-{server_kind}"), **WILLING)
    try:
        yield cluster.start()
    finally:
        cluster.kill()


def test_every_way_of_sending_and_every_lookup(run, newer_java, cluster):
    topic = unique("Newer")
    run(newer_java, cluster, "create-topic", topic=topic, queues=2)
    options = {"mode": ",".join(MODES), "count": 8, "batch": 8, "lanes": 2, "tags": "A,B", "keys": f"{topic}-"}
    sent = run(newer_java, cluster, "produce", topic=topic, **options).of("sent")
    assert [event["status"] for event in sent] == ["SEND_OK"] * (8 + 8 + 1 + 8)
    found = stored(run, newer_java, cluster, topic, 8 * len(MODES))
    assert sorted((e["index"], e["tags"], e["keys"]) for e in found) == [
        (i, "AB"[i % 2], f"{topic}-{i}") for i in range(8 * len(MODES))
    ]
    places = {(e["index"], e["broker"], e["queue_id"], e["queue_offset"]) for e in found}
    assert places >= {(e["index"], e["broker"], e["queue_id"], e["queue_offset"]) for e in sent}
    one = sent[0]
    for lookup in ({"id": one["offset_msg_id"]}, {"id": one["msg_id"]}):
        [message] = run(newer_java, cluster, "view", topic=topic, **lookup).of("found")
        assert (message["index"], message["queue_offset"]) == (one["index"], one["queue_offset"])
    [by_key] = run(newer_java, cluster, "query", topic=topic, key=f"{topic}-17").of("found")
    assert by_key["index"] == 17
    ends = {queue_of(e): (e["min"], e["max"], e["by_time"])
            for e in run(newer_java, cluster, "offsets", topic=topic, timestamp=1).of("offsets")}
    assert len(ends) == 4
    assert all(minimum == by_time == 0 for minimum, _, by_time in ends.values())
    assert sum(maximum for _, maximum, _ in ends.values()) == 8 * len(MODES)


@pytest.mark.slow
def test_every_way_of_consuming(run, open_session, newer_java, cluster):
    topic = unique("Newer")
    never = unique("CG_never")
    introduce(cluster, never)
    run(newer_java, cluster, "create-topic", topic=topic, queues=4)
    sent = run(newer_java, cluster, "produce", topic=topic, mode="orderly", count=24, lanes=4, tags="A,B,C").of("sent")

    def consumer(group: str, **options: object):
        return open_session(newer_java, cluster, "consume", topic=topic, group=group, **options)

    some = consumer(unique("CG_tags"), tags="A || C")
    order = consumer(unique("CG_order"), order="true")
    wide = [consumer("CG_wide", model="BROADCASTING", instance=f"wide{i}") for i in range(2)]
    failing = consumer(never, tags="B", failFirst=99, maxReconsume=1)
    some.wait_for("consumed", 16, 60)
    order.wait_for("consumed", 24, 60)
    for member in wide:
        member.wait_for("consumed", 24, 60)
    failing.wait(lambda: dead_letters(cluster, f"%DLQ%{never}") >= 8, "8 dead letters", 60)
    for session in (some, order, *wide, failing):
        session.stop()
    assert sorted(some.indexes("consumed")) == [i for i in range(24) if i % 3 != 1]
    assert in_lanes(order.of("consumed"), 4) == in_lanes(sent, 4)
    assert [sorted(member.indexes("consumed")) for member in wide] == [list(range(24))] * 2
    assert Counter(failing.indexes("consumed")) == {i: 2 for i in range(24) if i % 3 == 1}


@pytest.mark.slow
def test_delayed_messages_come_when_they_are_due(run, open_session, newer_java, cluster):
    topic = unique("Later")
    run(newer_java, cluster, "produce", topic=topic, count=4, delay=6)
    consumer = open_session(newer_java, cluster, "consume", topic=topic, group=unique("CG"))
    delivered = consumer.wait_for("consumed", 4)
    consumer.stop()
    assert sorted(event["index"] for event in delivered) == [0, 1, 2, 3]
    assert all(event["store_timestamp"] - event["born_timestamp"] >= 2000 for event in delivered)


@pytest.mark.slow
def test_transactions_end_as_the_producer_or_a_check_says(run, open_session, newer_java, willing):
    topic, group = unique("Tx"), unique("CG")
    run(newer_java, willing, "create-topic", topic=topic, queues=2)
    consumer = open_session(newer_java, willing, "consume", topic=topic, group=group)
    producer = open_session(newer_java, willing, "transact", topic=topic, group=unique("PG"), count=12,
                            local="commit,rollback,unknown", check="commit,rollback", stay="true")
    producer.wait(lambda: set(producer.indexes("checked")) == {2, 5, 8, 11}, "the open ones are asked about", 40)
    wanted = {0, 3, 6, 9, 2, 8}
    consumer.wait(lambda: set(consumer.indexes("consumed")) == wanted, "what is committed arrives", 40)
    producer.stop()
    consumer.stop()
    assert Counter(consumer.indexes("consumed")) == Counter(wanted)


@pytest.mark.slow
def test_an_expression_selects(run, open_session, newer_java, willing):
    topic = unique("Sql")
    run(newer_java, willing, "produce", topic=topic, count=40, tags="A,B,C", numbered="true")
    sql = "TAGS IN ('A', 'B') AND number BETWEEN 10 AND 30 AND owner = 'compat'"
    consumer = open_session(newer_java, willing, "consume", topic=topic, group=unique("CG"), sql=sql)
    wanted = [number for number in range(10, 31) if number % 3 != 2]
    consumer.wait(lambda: sorted(consumer.indexes("consumed")) == wanted, "what is selected", 60)
    consumer.stop()
    assert sorted(consumer.indexes("consumed")) == wanted
