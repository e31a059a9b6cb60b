"""Delayed messages of level 1 (1 s) come on time: at most 100 ms late, also after a restart and with other levels.

Lateness is the store time of the delivered record less the delayed one's and its delay, both by the broker's clock. A
busy machine may let the broker stand still for longer than that, so somebody sends all the while: time in which nothing
at all was stored does not count.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from kit import wire
from kit.cluster import Cluster
from kit.handover import SCHEDULE, end_of
from kit.process import wait_until
from oracle.broker_scenarios import SEND_MESSAGE, properties, send_ext

from tests.store_files import log_records

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
MESSAGES, LATE_MS = 1500, 100
ALIVE_MS = 30   # a broker that is served and asked stores more often


@pytest.fixture
def broker(launcher, tmp_path: Path):
    settings = {"mappedFileSizeCommitLog": 1024 * 1024, "messageDelayLevel": "1s 2s"}
    cluster = Cluster(launcher("rocketpy"), tmp_path / "cluster", ("broker-a",), **settings)
    yield cluster.start()
    cluster.kill()


def send(cluster: Cluster, first: int, level: int) -> None:
    with wire.Peer(cluster.a.address) as peer:
        for number in range(first, first + MESSAGES):
            text = properties(DELAY=str(level), UNIQ_KEY=f"D{number}")
            assert peer.ask(SEND_MESSAGE, send_ext("on-time", number % 4, properties=text), b"late").code == 0


def lateness_ms(store: Path, delays_ms: dict[int, int]) -> list[int]:
    """Of every delivered message, in the order of delivery; each must have been delivered once."""
    stored: dict[str, int] = {}
    late: dict[str, int] = {}
    records = [wire.record(each) for each in log_records(store)]
    gaps = [pair for pair in pairwise(record.store_timestamp for record in records) if pair[1] - pair[0] > ALIVE_MS]
    for record in records:
        pairs = dict(record.properties)
        if record.topic == SCHEDULE:
            stored[pairs["UNIQ_KEY"]] = record.store_timestamp + delays_ms[int(pairs["DELAY"])]
        elif "REAL_TOPIC" in pairs:
            assert pairs["UNIQ_KEY"] not in late
            due, came = stored[pairs["UNIQ_KEY"]], record.store_timestamp
            late[pairs["UNIQ_KEY"]] = came - due - still_ms(gaps, due, came)
    return list(late.values())


def still_ms(gaps: list[tuple[int, int]], begin: int, end: int) -> int:
    """How much of a time lies in gaps between records, less what may lie between two of them anyway."""
    return sum(max(0, min(last, end) - max(first, begin) - ALIVE_MS) for first, last in gaps)


def wait_arrived(cluster: Cluster, count: int) -> None:
    """Until so many delayed messages are in their queues; sends all the while, to show when the broker is awake."""
    with wire.Peer(cluster.a.address) as peer:
        def arrived() -> bool:
            assert peer.ask(SEND_MESSAGE, send_ext("beats"), b"beat").code == 0
            return sum(end_of(peer, "on-time", queue) for queue in range(4)) == count

        wait_until(arrived, f"{count} messages arrive", 30, every_s=0.005)


def on_time(late: list[int], what: str) -> None:
    rows = sorted(late)
    share = {name: rows[int((len(rows) - 1) * part)] for name, part in (("p50", 0.5), ("p99", 0.99), ("max", 1))}
    print(f"{what}: {len(rows)} messages, late by ms: least {rows[0]}, {share}")
    assert 0 <= rows[0] <= rows[-1] <= LATE_MS


def test_level_one_comes_on_time_also_after_restarts_and_with_other_levels(broker: Cluster):
    store = broker.a.store
    send(broker, 0, 1)
    wait_arrived(broker, MESSAGES)
    on_time(lateness_ms(store, {1: 1000}), "level of 1 s")
    broker.a.restart()
    send(broker, MESSAGES, 1)
    wait_arrived(broker, 2 * MESSAGES)
    on_time(lateness_ms(store, {1: 1000})[MESSAGES:], "after a restart")
    broker.a.stop()
    text = broker.a.properties.read_text()
    broker.a.properties.write_text(text.replace("messageDelayLevel=1s 2s", "messageDelayLevel=3s 1s"))
    broker.a.start()
    send(broker, 2 * MESSAGES, 2)
    wait_arrived(broker, 3 * MESSAGES)
    on_time(lateness_ms(store, {1: 1000, 2: 1000})[2 * MESSAGES:], "level 2, which is 1 s now")
