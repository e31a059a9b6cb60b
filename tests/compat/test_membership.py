"""Consumers that come and go: every queue has one owner, and nothing is lost or needlessly delivered twice."""

from __future__ import annotations

from collections import Counter

import pytest
from kit.cluster import unique
from kit.handover import wait_consumed
from kit.process import wait_until

ALL = sorted((broker, queue) for broker in ("broker-a", "broker-b") for queue in range(4))


def owned(*consumers) -> list[list[tuple[str, int]]]:
    return [consumer.queues() for consumer in consumers]


def shared_evenly(*consumers) -> bool:
    """Every queue has exactly one owner, and no owner has more than its share."""
    shares = owned(*consumers)
    even = max(map(len, shares)) - min(map(len, shares)) <= 1
    return even and sorted(queue for share in shares for queue in share) == ALL


@pytest.mark.slow
def test_queues_are_shared_again_whenever_a_consumer_joins_or_leaves(run, open_session, client, java, cluster):
    topic, group = unique("Rebalance"), unique("CG")
    run(java, cluster, "create-topic", topic=topic, queues=4)
    consumers = [open_session(client, cluster, "consume", topic=topic, group=group, instance="r0")]
    wait_until(lambda: shared_evenly(*consumers), "one consumer has all queues", 40, every_s=0.5)
    for member in (1, 2):
        consumers.append(open_session(client, cluster, "consume", topic=topic, group=group, instance=f"r{member}"))
        wait_until(lambda: shared_evenly(*consumers), f"{member + 1} consumers share", 40, every_s=0.5)
    run(client, cluster, "produce", topic=topic, count=60)
    wait_until(lambda: sum(len(c.of("consumed")) for c in consumers) >= 60, "60 consumed", 30)
    wait_consumed(cluster, group, topic, queues=4)
    consumers[1].stop()
    wait_until(lambda: shared_evenly(consumers[0], consumers[2]), "two share after one left", 40, every_s=0.5)
    consumers[2].kill()
    wait_until(lambda: shared_evenly(consumers[0]), "one has all after the other was killed", 40, every_s=0.5)
    run(client, cluster, "produce", topic=topic, first=60, count=40)
    wait_until(lambda: len(indexes(consumers)) >= 100, "100 consumed", 40)
    consumers[0].stop()
    counts = indexes(consumers)
    assert sorted(counts) == list(range(100))
    # Only what the killed consumer had not committed yet may come a second time.
    again = [index for index, times in counts.items() if times > 1]
    assert set(again) <= set(consumers[2].indexes("consumed"))


def indexes(consumers) -> Counter[int]:
    return Counter(index for consumer in consumers for index in consumer.indexes("consumed"))
