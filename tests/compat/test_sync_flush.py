"""SYNC_FLUSH: a send is answered after the disk has it, and killing the broker right then loses nothing."""

from __future__ import annotations

import pytest
from kit.cluster import unique

pytestmark = pytest.mark.slow


def test_every_way_of_sending_is_acknowledged_and_kept_over_a_kill(run, client, java, new_cluster):
    cluster, topic = new_cluster(flushDiskType="SYNC_FLUSH"), unique("Sync")
    run(java, cluster, "create-topic", topic=topic, queues=4)
    acknowledged: list[int] = []
    for first, mode in enumerate(["sync", "async", "orderly"]):
        sent = run(client, cluster, "produce", topic=topic, mode=mode, first=first * 40, count=40).of("sent")
        assert [event["status"] for event in sent] == ["SEND_OK"] * 40
        acknowledged += [event["index"] for event in sent]
    batches = run(client, cluster, "produce", topic=topic, mode="batch", first=120, count=40, batch=10).of("sent")
    assert [event["status"] for event in batches] == ["SEND_OK"] * 4
    acknowledged += range(120, 160)
    for broker in cluster.brokers.values():
        broker.kill()
        broker.start()
    cluster.wait_registered("broker-a", "broker-b")
    found = run(java, cluster, "pull", topic=topic, group=unique("CG")).indexes("found")
    assert sorted(found) == sorted(acknowledged)
