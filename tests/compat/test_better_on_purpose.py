"""What RocketPy does better than upstream on purpose and a raw connection can see (docs/compat.md lists all of it)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import wire
from kit.cluster import Cluster
from oracle import broker_scenarios as wire_of
from oracle.broker_scenarios import pull_ext, send_ext

TOPIC = "better"
# Of a broker that has just come to: the one that it found waiting with the time of the pull, and one more.
AT_MOST_BEFORE = 2


@pytest.fixture(scope="module")
def broker(launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(launcher("rocketpy"), tmp_path_factory.mktemp("better"), ("broker-a",))
    try:
        cluster.start()
        with wire.Peer(cluster.a.address) as peer:
            assert peer.ask(wire_of.SEND_MESSAGE, send_ext(TOPIC), "first").code == 0
        yield cluster
    finally:
        cluster.kill()


def held(ms: int) -> dict[str, object]:
    flags = wire_of.SUSPEND | wire_of.SUBSCRIPTION
    return pull_ext(TOPIC, offset=1, sysFlag=flags, suspendTimeoutMillis=ms, subscription="none")


@pytest.mark.parametrize("asked_ms", [300, 1000, 2300])
def test_a_held_pull_ends_at_its_time(broker: Cluster, asked_ms: int):
    """Upstream looks every 5 s only. 50 ms are promised, but the machine may let the broker stand still for longer: so
    what is counted are questions that it answers, from then on, before it answers the pull.
    """
    with wire.Peer(broker.a.address) as peer, wire.Peer(broker.a.address) as other:
        started = time.monotonic()
        opaque = peer.tell(wire_of.PULL_MESSAGE, held(asked_ms))
        served_before = 0
        while not peer.has_something(0 if served_before else (asked_ms + 50) / 1000):
            other.ask(wire_of.GET_MAX_OFFSET, {"topic": TOPIC, "queueId": 0})
            served_before += 1
        took_ms = (time.monotonic() - started) * 1000
        answer = peer.answer(opaque)
    assert answer.code == 19
    assert took_ms >= asked_ms - 1
    assert served_before <= AT_MOST_BEFORE


def test_a_held_pull_goes_with_its_connection(broker: Cluster):
    for _ in range(50):
        with wire.Peer(broker.a.address) as peer:
            peer.tell(wire_of.PULL_MESSAGE, held(600_000))
            peer.ask(wire_of.GET_MAX_OFFSET, {"topic": TOPIC, "queueId": 0})
    with wire.Peer(broker.a.address) as peer:
        assert peer.ask(wire_of.SEND_MESSAGE, send_ext(TOPIC, 1), "goes on").code == 0
    assert broker.a.is_running


def test_a_route_is_gone_the_moment_a_master_is_killed(launcher, tmp_path: Path):
    cluster = Cluster(launcher("rocketpy"), tmp_path)
    try:
        cluster.start()
        cluster.a.kill()
        cluster.wait_registered("broker-b", timeout_s=20)  # by heartbeats that stay away it would take two minutes
    finally:
        cluster.kill()
