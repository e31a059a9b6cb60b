"""Where a group without offsets begins, and who gets the queues of an orderly consumer that was killed.

On a cluster of its own: no message counts as being in memory, so that a broker does not say of a new group that it
begins at 0; and locks of queues expire after seconds.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from datetime import datetime

import pytest
from kit import wire
from kit.clients import JavaClient
from kit.cluster import Cluster, unique
from kit.handover import end_of
from kit.process import wait_until
from kit.servers import with_options
from kit.topics import make_topic, send
from oracle.broker_scenarios import PULL_MESSAGE, pull_ext

LOCK_MS = 8_000
CONSUMER_OFFSET, LOCK_BATCH_MQ = 14, 41


@pytest.fixture(scope="module")
def cluster(server_kind, launcher, tmp_path_factory):
    servers = with_options(launcher(server_kind), f"-Drocketmq.broker.rebalance.lockMaxLiveTime={LOCK_MS}")
    cluster = Cluster(servers, tmp_path_factory.mktemp(f"begin-{server_kind}"), ("broker-a",),
                      accessMessageInMemoryMaxRatio=0)
    try:
        yield cluster.start()
    finally:
        cluster.kill()


@pytest.fixture(scope="module")
def java() -> JavaClient:
    """It asks for the locks of its queues each second, so that a test need not wait for its usual 20."""
    return JavaClient(options=("-Drocketmq.client.rebalance.lockInterval=1000",))


def stored_at(cluster: Cluster, topic: str, offset: int) -> int:
    """When the first queue's message of this offset was stored, ms."""
    with wire.Peer(cluster.a.address) as peer:
        wait_until(lambda: end_of(peer, topic, 0) > offset, "the message is in its queue", 20)
        answer = peer.ask(PULL_MESSAGE, pull_ext(topic, 0, offset, maxMsgNums=1))
    return wire.records(answer.body)[0].store_timestamp


def holds_all(consumer) -> bool:
    return len(consumer.queues()) == 4


@pytest.mark.slow
def test_a_new_group_begins_where_it_is_told(open_session, java, cluster):
    topic = unique("From")
    make_topic(cluster, topic)
    send(cluster.a, topic, 0, 16)
    with wire.Peer(cluster.a.address) as peer:
        new = {"consumerGroup": unique("CG"), "topic": topic, "queueId": 0}
        assert peer.ask(CONSUMER_OFFSET, new).code == 22, "the broker does not know where it begins"
    time.sleep(4)
    send(cluster.a, topic, 16, 16)
    # In whole seconds, and nearer to these messages than to those before, however long the sends took.
    between = datetime.fromtimestamp(stored_at(cluster, topic, 4) // 1000)
    consumers = {
        rule: open_session(java, cluster, "consume", topic=topic, group=unique("CG"), **options)
        for rule, options in {
            "first": {"from": "CONSUME_FROM_FIRST_OFFSET"},
            "last": {"from": "CONSUME_FROM_LAST_OFFSET"},
            "time": {"from": "CONSUME_FROM_TIMESTAMP", "fromTime": f"{between:%Y%m%d%H%M%S}"},
        }.items()
    }
    consumers["first"].wait_for("consumed", 32)
    consumers["time"].wait_for("consumed", 16)
    wait_until(lambda: holds_all(consumers["last"]), "the last one has its queues, and knows where they end", 20,
               every_s=0.2)
    send(cluster.a, topic, 32, 8)
    for consumer, count in zip(consumers.values(), (40, 8, 24), strict=True):
        consumer.wait_for("consumed", count)
        consumer.stop()
    begins = {rule: sorted(consumer.indexes("consumed")) for rule, consumer in consumers.items()}
    assert begins == {"first": list(range(40)), "last": list(range(32, 40)), "time": list(range(16, 40))}


@pytest.mark.slow
def test_queues_of_a_killed_orderly_consumer_are_free_when_its_locks_expire(open_session, java, cluster):
    topic, group = unique("Locked"), unique("CG")
    make_topic(cluster, topic)
    send(cluster.a, topic, 0, 16)
    options = {"topic": topic, "group": group, "order": "true"}
    killed = open_session(java, cluster, "consume", instance="o1", **options)
    killed.wait_for("consumed", 16)
    client = killed.of("started")[0]["client_id"]
    killed.kill()
    begin = time.monotonic()
    heir = open_session(java, cluster, "consume", instance="o2", **options)
    wait_until(lambda: holders(cluster, group, topic, client), "the dead one's locks", 1)
    send(cluster.a, topic, 16, 16)
    # The first ones may come again: the dead one had no time to store their offsets.
    heir.wait(lambda: set(range(16, 32)) <= set(heir.indexes("consumed")), "the new ones consumed", 40)
    assert time.monotonic() - begin > LOCK_MS / 1000 - 5, "its last lock was set a moment before"
    heir.stop()
    order = defaultdict(list)
    for event in heir.of("consumed"):
        order[event["queue_id"]].append(event["index"])
    assert {queue: [index for index in indexes if index >= 16] for queue, indexes in order.items()} == {
        queue: list(range(16 + queue, 32, 4)) for queue in range(4)
    }


def holders(cluster: Cluster, group: str, topic: str, client: str) -> bool:
    """Whether all queues are still locked for another than this test."""
    queues = [{"topic": topic, "brokerName": "broker-a", "queueId": queue} for queue in range(4)]
    body = json.dumps({"consumerGroup": group, "clientId": "test", "mqSet": queues})
    with wire.Peer(cluster.a.address) as peer:
        return peer.ask(LOCK_BATCH_MQ, body=body).json() == {"lockOKMQSet": []}
