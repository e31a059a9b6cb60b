"""The loads that go on until a consumer has the message, driven at a real broker."""

import os
import time
from collections.abc import Iterator
from functools import partial

import pytest

import rocketpy.testing
from benchmarks import delayed
from benchmarks.delayed import run_delayed
from benchmarks.load import Load, run_load
from benchmarks.processes import Failed
from rocketpy.testing import Cluster
from tests.unit.benchmarks.test_loadgen import pytestmark as needs_compiler

pytestmark = needs_compiler


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rocketpy.testing.cluster(message_delay_level="1s 1h") as running:
        for topic in ("Followed", "Delayed"):
            running.create_topic(topic)
        yield running


def port_of(cluster: Cluster) -> int:
    return int(cluster.broker_addr.partition(":")[2])


def test_each_message_is_timed_until_a_waiting_pull_brings_it(cluster: Cluster) -> None:
    load = Load("follow", 128, count=300, warm=50, rate=1000, topic="Followed")
    for _ in range(2):  # the second begins behind what the first left
        begin = time.monotonic()
        sample = run_load(load, port_of(cluster), os.getpid())
        took_us = (time.monotonic() - begin) * 1e6
        assert 300 <= sample["messages"] < 300 + 32  # the last pull may bring more than one
        assert 0 < sample["p50_us"] <= sample["p99_us"]
        assert sample["max_us"] < took_us  # none is older than the load
        assert sample["refused"] == 0


def test_delayed_messages_are_waited_for(cluster: Cluster) -> None:
    load = Load("send", 128, 1, 4, 200, warm=0, topic="Delayed", delay=1)
    sample = run_delayed(partial(run_load, load, port_of(cluster), 0), load, port_of(cluster), os.getpid())
    assert sample["total"] >= 200
    assert sample["total"] / sample["rate"] > 0.99  # a second went by before the first of them
    assert sum(cluster.broker.store.max_offset("Delayed", queue) for queue in range(4)) == sample["total"]


def test_what_is_not_delivered_fails_the_case(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delayed, "LATE_S", 0.1)
    load = Load("send", 128, 1, 4, 10, warm=0, topic="Delayed", delay=2)
    with pytest.raises(Failed, match="of the delayed messages were not delivered"):
        run_delayed(partial(run_load, load, port_of(cluster), 0), load, port_of(cluster), os.getpid())
