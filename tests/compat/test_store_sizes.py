"""A folder with upstream's default file sizes goes on under the guide's properties file, and goes back, as it is.

The file says `mapedFileSize…`, the spelling of releases up to 4.4: upstream passes over it and uses its defaults, and
refuses a folder with files of another size. What exists decides, here too.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from kit import wire
from kit.cluster import Cluster
from kit.handover import Handover, by_what
from oracle.history import Asker, history

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
GUIDE = Path(__file__).parent.parent / "fixtures" / "guide" / "broker-a.properties"
TOPICS, GROUP, HOURS_AWAY = ("sizes", "sizes-two"), "CG_sizes", 18
LOG_FILE, QUEUE_FILE = 1 << 30, 6_000_000


def write(cluster: Cluster, seed: int) -> None:
    with wire.Peer(cluster.a.address) as peer:
        history(Asker(peer, random.Random(seed), TOPICS, GROUP, (HOURS_AWAY,), seed * 1000), 60)


def sizes(store: Path, folder: str) -> set[int]:
    return {path.stat().st_size for path in (store / folder).rglob("*") if path.is_file()}


def test_javas_default_sizes_go_on_under_the_guides_file(launcher, compared, java, open_session, tmp_path: Path):
    # Upstream reads a value with a blank behind it as false.
    settings: dict[str, object] = {"autoCreateTopicEnable": "true", "autoCreateSubscriptionGroup": "true"}
    handover = Handover(tmp_path, launcher, settings, base=GUIDE.read_text())

    def seen(cluster: Cluster) -> dict[str, object]:
        keys = ",".join(f"k{turn * 1000 + 7}@{topic}" for turn in (1, 2) for topic in TOPICS)
        session = open_session(java, cluster, "snapshot", topics=",".join(TOPICS), keys=keys, group=GROUP)
        return by_what(session.finish())

    try:
        before: dict[str, object] = {}
        for turn, kind in enumerate((compared[0], compared[1], compared[0])):
            cluster = handover.start(kind)
            if turn:
                assert seen(cluster) == before
            write(cluster, turn + 1)
            before = seen(cluster)
            handover.leave("stop")
            assert sizes(handover.store, "commitlog") == {LOG_FILE}
            assert sizes(handover.store, "consumequeue") == {QUEUE_FILE}
    finally:
        handover.close()
