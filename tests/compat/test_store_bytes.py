"""Given the same requests at the same times, RocketPy and upstream write the same files, byte for byte.

Upstream's broker is asked in real time. The store times in its log are the times at which RocketPy is then asked, with
a clock that stands still in between; what is not compared, and why, stands in tests/store_files.py. A store and its
recording.json in tests/golden/data/store/java_folder come from such a run: there it is repeated without a JVM.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from kit import wire
from kit.cluster import Cluster
from kit.process import wait_until
from oracle.history import Asker, history

from tests.ports import free_port
from tests.replay import HOST, Recording, of_records, replay
from tests.store_files import config, differences, log_records

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
TOPICS = ("bytes", "bytes-two", "bytes_%3")
GROUP = "CG_bytes"
LOG_FILE, QUEUE_FILE = 16 * 1024, 400
LEVELS, LAST_LEVEL = "1s 1s 2s 2s 1h", 5
STORE = {
    "mapped_file_size_commit_log": LOG_FILE, "mapped_file_size_consume_queue": QUEUE_FILE, "max_hash_slot_num": 50,
    "max_index_num": 60, "message_delay_level": LEVELS,
}
SETTINGS = {
    "mappedFileSizeCommitLog": LOG_FILE, "mappedFileSizeConsumeQueue": QUEUE_FILE, "maxHashSlotNum": 50,
    "maxIndexNum": 60, "messageDelayLevel": LEVELS, "flushDelayOffsetInterval": 1000,
}


@pytest.fixture
def upstream(launcher, tmp_path: Path):
    cluster = Cluster(launcher("upstream"), tmp_path / "upstream", ("broker-a",), **SETTINGS)
    yield cluster.start()
    cluster.kill()


def record(cluster: Cluster, seed: int, count: int) -> Recording:
    """Asks upstream, waits for what comes due within seconds, sends some of that back, and stops the broker."""
    client_port = free_port()
    with wire.Peer(cluster.a.address, source=(HOST, client_port)) as peer:
        asker = Asker(peer, random.Random(seed), TOPICS, GROUP, (1, 2, 3, 5, 9))
        history(asker, count)
        arrived = undelivered_are_hours_away(cluster.a.store)
        for each in [each for each in arrived if each.topic.startswith("%RETRY%")][:6]:
            asker.back(each.physical_offset, tries=each.reconsume_times + asker.chance.randrange(2))
        undelivered_are_hours_away(cluster.a.store)
        asker.single()
        progress_is_on_disk(cluster.a.store)
    assert cluster.a.stop() in (0, 143)
    steps = of_records(asker.asked, map(wire.record, log_records(cluster.a.store)))
    broker = {"broker_name": "broker-a", "broker_cluster_name": "CompatCluster", "default_topic_queue_nums": 4}
    return Recording(cluster.a.port, client_port, broker, STORE, steps)


def undelivered_are_hours_away(store: Path) -> list[wire.Record]:
    """Waits until every delayed message of a short level is in the log a second time; gives those."""
    arrived: list[wire.Record] = []

    def all_there() -> bool:
        found = [wire.record(each) for each in log_records(store)]
        short = [each for each in found if each.topic == "SCHEDULE_TOPIC_XXXX" and each.queue_id + 1 < LAST_LEVEL]
        arrived[:] = [each for each in found if each.topic == dict(each.properties).get("REAL_TOPIC")]
        return len(arrived) >= len(short)

    wait_until(all_there, "delayed messages delivered", 20, every_s=0.2)
    return list(arrived)


def progress_is_on_disk(store: Path) -> None:
    """Upstream writes delayOffset.json by the clock only, first after 10 s, and not when it stops."""
    delayed = Counter(each.queue_id + 1 for each in map(wire.record, log_records(store))
                      if each.topic == "SCHEDULE_TOPIC_XXXX")
    expected = {str(level): count if level < LAST_LEVEL else 0 for level, count in delayed.items()}
    wait_until(lambda: config(store).get("delayOffset", {}).get("offsetTable") == expected, f"progress {expected}", 25)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_file_is_the_same(upstream: Cluster, tmp_path: Path, seed: int):
    recording = record(upstream, seed, 140)
    recording.save(tmp_path / "recording.json")
    assert len(list((upstream.a.store / "commitlog").iterdir())) > 3
    assert len(list((upstream.a.store / "index").iterdir())) > 3
    for over_the_wire in (True, False):
        ours = tmp_path / f"ours-{over_the_wire}"
        replay(recording, ours, over_the_wire)
        assert not differences(upstream.a.store, ours), f"seed {seed}, over the wire: {over_the_wire}"
