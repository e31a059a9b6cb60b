"""A Java cluster becomes a RocketPy one, server by server, and a Java one again, while clients send and consume.

The steps are those of docs/operating/takeover.md: drain, stop, start the other program on the same file. Nothing that
was acknowledged is lost, no send fails, and the times without the master are told at the end (`pytest -s` shows them).
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import wire
from kit.clients import Session
from kit.cluster import Broker, Cluster, NameServer, unique
from kit.handover import check
from kit.process import wait_until
from kit.topics import make_topic

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
WIPE_WRITE_PERM_OF_BROKER = 205
ENOUGH = 100_000  # more than is ever sent; the producer is ended when the last server has changed
PAUSE_MS = 5
ELSEWHERE = 20    # sends in a row that say that a master is drained


class Timed(Session):
    """A producer whose answers are known with the time they came."""

    def _collect(self) -> None:
        self.came: list[float] = []
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("{"):
                self.came.append(time.monotonic())
                self.events.append(json.loads(line))

    @property
    def longest_gap_s(self) -> float:
        return max(after - before for before, after in zip(self.came, self.came[1:], strict=False))


@pytest.fixture
def cluster(launcher, tmp_path: Path) -> Iterator[Cluster]:
    """A Java one, to begin with."""
    cluster = Cluster(launcher("upstream"), tmp_path / "cluster")
    yield cluster.start()
    cluster.kill()


class Change:
    """Puts one kind of server in the place of another."""

    def __init__(self, cluster: Cluster, launcher, producer: Timed) -> None:
        self.cluster, self.launcher, self.producer = cluster, launcher, producer
        self.told: dict[str, str] = {}

    def broker(self, broker: Broker, kind: str) -> None:
        self.drain(broker)
        begin = time.monotonic()
        broker.stop()
        stopped = time.monotonic()
        check(broker.store, broker.properties)
        begin_start = time.monotonic()
        broker._servers = self.launcher(kind)
        broker.start()
        self.cluster.wait_registered("broker-a", "broker-b")
        start_s = time.monotonic() - begin_start
        self.told[f"{broker.name} to {kind}: stop, start until registered, s"] = (
            f"{stopped - begin:.1f}, {start_s:.1f}"
        )
        self.wait_sent_to(broker)

    def drain(self, broker: Broker) -> None:
        """Name servers tell producers of no writable queue there; a client learns it with its next poll."""
        with wire.Peer(self.cluster.namesrv_addr) as peer:
            assert peer.ask(WIPE_WRITE_PERM_OF_BROKER, {"brokerName": broker.name}).code == 0
        self.producer.wait(
            lambda: {each["broker"] for each in self.producer.of("sent")[-ELSEWHERE:]} == {self.other(broker).name},
            f"{broker.name} is drained",
        )

    def wait_sent_to(self, broker: Broker) -> None:
        at = len(self.producer.of("sent"))
        self.producer.wait(
            lambda: any(each["broker"] == broker.name for each in self.producer.of("sent")[at:]),
            f"sends to {broker.name} again", 60,
        )

    def name_server(self, server: NameServer, kind: str) -> None:
        server.stop()
        begin = time.monotonic()
        server._servers = self.launcher(kind)
        server.start()
        self.cluster.wait_registered("broker-a", "broker-b")
        self.told[f"name server to {kind}: start until it knows all brokers, s"] = f"{time.monotonic() - begin:.1f}"

    def other(self, broker: Broker) -> Broker:
        return self.cluster.b if broker is self.cluster.a else self.cluster.a


def test_a_java_cluster_is_taken_over_server_by_server_and_given_back(cluster, launcher, open_session, java, tmp_path):
    topic, group = unique("Takeover"), unique("CG")
    make_topic(cluster, topic)
    consumer = open_session(java, cluster, "consume", topic=topic, group=group)
    consumer.wait_for("started")
    producer = Timed(java, tmp_path / "producer", cluster.namesrv_addr, "produce", topic=topic, count=ENOUGH,
                     pauseMs=PAUSE_MS)
    try:
        producer.wait_for("sent", 100)
        change = Change(cluster, launcher, producer)
        for kind in ("rocketpy", "upstream"):
            change.broker(cluster.a, kind)
            change.broker(cluster.b, kind)
            if kind == "rocketpy":
                change.name_server(cluster.namesrv, kind)
        wait_until(lambda: len(producer.of("sent")) > 500, "some sends", 30)
    finally:
        producer.kill()
    assert producer.of("failed") == []
    acknowledged = set(producer.indexes("sent"))
    wait_until(lambda: acknowledged <= set(consumer.indexes("consumed")), "all acknowledged messages consumed", 60)
    consumer.stop()
    twice = sum(count > 1 for count in Counter(consumer.indexes("consumed")).values())
    told = {"acknowledged": len(acknowledged), "delivered twice": twice, "longest gap between answers, s":
            round(producer.longest_gap_s, 2), **change.told}
    print("\n".join(f"{what}: {value}" for what, value in told.items()))
