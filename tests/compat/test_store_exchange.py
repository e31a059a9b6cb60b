"""A store folder goes from one kind of broker to the other and back, in the middle of its life; nothing is lost.

A random history is written by the one, read and written on by the other, read again by the first. What an official
client sees of it (every message with all its fields, offsets, times, keys, ids) is the same before and after each
change of hands, `rocketpy-store check` agrees with every folder that was stopped, the log only ever grows, delayed
messages arrive once, and groups go on where they were. A run's seed is told when it fails; ROCKETPY_SEED repeats it.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import wire
from kit.cluster import Cluster
from kit.handover import Handover, by_what, wait_consumed, wait_delivered, wait_offsets_on_disk
from oracle import broker_scenarios as codes
from oracle.broker_scenarios import properties, send_ext
from oracle.history import Asker, history

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TOPICS = ("exchange", "exchange-two", "exchange_%3")
WORK, LATER, GROUP, WORKERS = "exchange-work", "exchange-later", "CG_exchange", "CG_workers"
SHORT_LEVELS, LONG_LEVEL, NEVER = (1, 2, 3), 4, 5
LONG_S = 20
TINY_FILES: dict[str, object] = {
    "mappedFileSizeCommitLog": 16 * 1024, "mappedFileSizeConsumeQueue": 400, "maxHashSlotNum": 50, "maxIndexNum": 60,
    "messageDelayLevel": f"1s 1s 2s {LONG_S}s 1h", "flushDelayOffsetInterval": 1000, "defaultTopicQueueNums": 3,
}
# More settings under which the same must hold, each under its name.
VARIANTS: dict[str, dict[str, object]] = {"plain": {}}
ASKED, WORK_MESSAGES, LATE_MESSAGES = 100, 9, 6


@pytest.fixture(params=list(VARIANTS))
def handover(request: pytest.FixtureRequest, launcher, tmp_path: Path) -> Iterator[Handover]:
    given = Handover(tmp_path, launcher, {**TINY_FILES, **VARIANTS[request.param]})
    yield given
    given.close()


@pytest.fixture
def seed() -> int:
    number = int(os.environ.get("ROCKETPY_SEED") or random.randrange(1_000_000))
    print(f"ROCKETPY_SEED={number}")
    return number


class Life:
    """What is written in a store's life, turn by turn, and what its clients have seen."""

    def __init__(self, handover: Handover, seed: int, java, open_session) -> None:
        self.handover = handover
        self.chance = random.Random(seed)
        self._java, self._open = java, open_session
        self.turn = 0
        self.late_at = 0.0
        self.accepted: Counter[int] = Counter()

    def write(self, cluster: Cluster) -> None:
        """A turn's messages: the short delays are over, the long ones run, and the workers have nothing left to do."""
        self.turn += 1
        with wire.Peer(cluster.a.address) as peer:
            asker = Asker(peer, self.chance, TOPICS, GROUP, (*SHORT_LEVELS, NEVER), self.turn * 1000)
            history(asker, ASKED)
            for number in range(WORK_MESSAGES):
                index = self.turn * 1000 + number
                asker.ask(codes.SEND_MESSAGE, send_ext(WORK, number % 3, properties=properties(KEYS=f"w{index}")),
                          f"{index}:work".encode())
        self.work(cluster)
        with wire.Peer(cluster.a.address) as peer:
            asker = Asker(peer, self.chance, (LATER,), GROUP, (LONG_LEVEL,), self.turn * 1000 + 500)
            asker.ask(codes.SEND_MESSAGE, send_ext(LATER), b"makes the topic")
            for _ in range(LATE_MESSAGES):
                asker.delayed()
        self.late_at = time.monotonic()
        wait_delivered(self.handover.store, SHORT_LEVELS)

    def leave(self, how: str) -> list[bytes]:
        """Never about when the long delays end: what upstream has delivered and not written down yet comes twice."""
        if time.monotonic() - self.late_at > LONG_S - 6:
            wait_delivered(self.handover.store, (LONG_LEVEL,))
        return self.handover.leave(how)

    def work(self, cluster: Cluster) -> None:
        """An official consumer fails each message once; it comes again through the retry topic and is accepted."""
        session = self._open(self._java, cluster, "consume", topic=WORK, group=WORKERS, failFirst=1)
        session.wait(lambda: sum(each["accepted"] for each in session.of("consumed")) >= WORK_MESSAGES,
                     "each message accepted", 60)
        for topic, queues in ((WORK, 3), (f"%RETRY%{WORKERS}", 1)):
            wait_consumed(cluster, WORKERS, topic, queues)
        self.accepted.update(each["index"] for each in session.stop() if each.get("accepted"))
        wait_offsets_on_disk(cluster, self.handover.store, WORKERS, WORK, 3)
        wait_offsets_on_disk(cluster, self.handover.store, WORKERS, f"%RETRY%{WORKERS}", 1)

    def seen(self, cluster: Cluster) -> dict[str, object]:
        """Everything the official client sees of what does not change by itself."""
        numbers = [turn * 1000 + step for turn in range(1, self.turn + 1) for step in range(0, ASKED, 9)]
        keys = [f"k{number}@{topic}" for topic in TOPICS for number in numbers]
        keys += [f"shared@{topic}" for topic in TOPICS] + [f"w{self.turn * 1000}@{WORK}"]
        topics = [*TOPICS, WORK, f"%RETRY%{GROUP}", f"%RETRY%{WORKERS}"]
        session = self._open(self._java, cluster, "snapshot", topics=",".join(topics), keys=",".join(keys), group=GROUP)
        with wire.Peer(cluster.a.address) as peer:
            by_id = {f"key U0{number} of {topic}": by_key(peer, topic, f"U0{number}")
                     for topic in TOPICS for number in numbers}
        return {**by_what(session.finish()), **by_id}

    def late(self, cluster: Cluster) -> None:
        """The long delays are over: each message has arrived, and once."""
        wait_delivered(self.handover.store, (*SHORT_LEVELS, LONG_LEVEL))
        session = self._open(self._java, cluster, "snapshot", topics=LATER, group=GROUP)
        found = by_what(session.finish())
        messages = [each for name, each in found.items() if name.startswith("message")]
        assert sum("REAL_QID" in each["properties"] for each in messages) == LATE_MESSAGES * self.turn


def by_key(peer: wire.Peer, topic: str, key: str) -> list[wire.Record]:
    """What the broker finds by a client's own id, which need not have the form the official client asks with."""
    ext = {"topic": topic, "key": key, "maxNum": 32, "beginTimestamp": 0, "endTimestamp": 2**62}
    return sorted(wire.records(peer.ask(codes.QUERY_MESSAGE, ext).body), key=lambda each: each.physical_offset)


def agree(before: dict[str, object], after: dict[str, object], reader: str, how: str) -> None:
    """Upstream drops its index files after a crash and makes only their end again, so keys may be missing there."""
    lost_by_upstream = ("key ",) if how == "kill" and reader == "upstream" else ()
    for name, value in before.items():
        if not name.startswith(lost_by_upstream or "\0"):
            assert after.get(name) == value, name
    assert not [name for name in after.keys() - before.keys() if not name.startswith(lost_by_upstream or "\0")]


@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("direction", ["there", "back"])
def test_a_random_history_changes_hands_and_comes_back(
    handover: Handover, compared: tuple[str, str], direction: str, how: str, seed: int, java, open_session
):
    kinds = compared if direction == "there" else (compared[1], compared[0])
    life = Life(handover, seed, java, open_session)
    first = handover.start(kinds[0])
    life.write(first)
    before, left = life.seen(first), life.leave(how)
    assert len(list((handover.store / "commitlog").iterdir())) > 3

    second = handover.start(kinds[1])
    agree(before, life.seen(second), second.kind, how)
    assert handover.records()[:len(left)] == left
    life.late(second)
    life.write(second)
    more, left_again = life.seen(second), life.leave(how)
    assert left_again[:len(left)] == left

    third = handover.start(kinds[0])
    agree(more, life.seen(third), third.kind, how)
    life.late(third)
    assert handover.leave("stop")[:len(left_again)] == left_again
    assert life.accepted == Counter(turn * 1000 + number for turn in (1, 2) for number in range(WORK_MESSAGES))


@pytest.mark.parametrize("direction", ["there", "back"])
def test_levels_that_were_changed_count_for_what_waits(
    handover: Handover, compared: tuple[str, str], direction: str, java, open_session
):
    """Due in an hour when it was stored; due at once under a messageDelayLevel of seconds, as upstream has it."""
    kinds = compared if direction == "there" else (compared[1], compared[0])
    first = handover.start(kinds[0])
    with wire.Peer(first.a.address) as peer:
        late = send_ext(LATER, 2, properties=properties(DELAY=str(NEVER), KEYS="late"))
        assert peer.ask(codes.SEND_MESSAGE, late, "late").code == 0
    handover.leave("kill")
    second = handover.start(kinds[1], messageDelayLevel="1s 1s 1s 1s 1s 1s")
    wait_delivered(handover.store, (NEVER,))
    session = open_session(java, second, "snapshot", topics=LATER, group=GROUP, keys=f"late@{LATER}")
    (message,) = by_what(session.finish())[f"key late of {LATER}"]
    assert (message["queue_id"], message["properties"]["DELAY"]) == (2, str(NEVER))
    second.a.stop()  # not checked: the entry may keep the time of the old levels, which is wrong by the new ones
