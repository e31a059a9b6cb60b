"""A store with enableConsumeQueueExt goes from one broker to the other and back: each reads the other's units."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kit import wire
from kit.cluster import Cluster
from kit.handover import end_of
from kit.process import wait_until
from oracle import broker_scenarios as wire_of
from oracle.broker_scenarios import batch_item, properties, pull_ext, send_ext, v2

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TOPIC = "exchange_ext"
BATCH = 70
FILE_BYTES = 1000  # 49 units of 20 bytes, the mark, 18 bytes unused
ENTRY, UNIT = struct.Struct(">qiq"), struct.Struct(">hqqh")
HASHES = {"A": 65, "B": 66, None: 0}  # Java's String.hashCode
DELAY_MS = 20_000
Start = Callable[..., Cluster]


@dataclass
class Handover:
    store: Path
    start: Start
    kinds: tuple[str, str]


@pytest.fixture(params=["there", "back"])
def handover(request, compared: tuple[str, str], launcher, tmp_path: Path) -> Iterator[Handover]:
    """Written by the first kind and read by the second; both directions in turn."""
    started: list[Cluster] = []
    store = tmp_path / "store"

    def start(kind: str, enabled: bool = True) -> Cluster:
        settings: dict[str, object] = {
            "storePathRootDir": store, "storePathCommitLog": store / "commitlog",
            "mappedFileSizeCommitLog": 1 << 20, "mappedFileSizeConsumeQueue": 20_000,
            "enableConsumeQueueExt": str(enabled).lower(), "mappedFileSizeConsumeQueueExt": FILE_BYTES,
            "messageDelayLevel": f"1s {DELAY_MS // 1000}s",
        }  # fmt: skip
        started.append(Cluster(launcher(kind), tmp_path / f"{len(started)}-{kind}", ("broker-a",), **settings))
        return started[-1].start()

    yield Handover(store, start, compared if request.param == "there" else (compared[1], compared[0]))
    for cluster in started:
        cluster.kill()


def write(cluster: Cluster, first: int, count: int) -> None:
    """Messages with tags A, B and none in queue 0, a batch in queue 1; all of them can be pulled afterwards."""
    with wire.Peer(cluster.a.address) as peer:
        ends = [end_of(peer, TOPIC, queue) for queue in (0, 1)]
        for number in range(first, first + count):
            tag = {"TAGS": "AB"[number % 2]} if number % 5 else {}
            text = properties(**tag, own=str(number))
            assert peer.ask(wire_of.SEND_MESSAGE, send_ext(TOPIC, properties=text), f"{number}:").code == 0
        items = b"".join(batch_item(f"{number}".encode(), properties(TAGS="B")) for number in range(BATCH))
        assert peer.ask(wire_of.SEND_BATCH_MESSAGE, v2(send_ext(TOPIC, 1, batch=True, properties="")), items).code == 0
        wait_ends(peer, ends[0] + count, ends[1] + BATCH)


def wait_ends(peer: wire.Peer, singles: int, batched: int) -> None:
    """Until both queues have all of it: upstream fills them some time after its answer, and after a start."""
    wait_until(lambda: (end_of(peer, TOPIC, 0), end_of(peer, TOPIC, 1)) == (singles, batched),
               f"{singles} messages in queue 0, {batched} in queue 1", 20)


def pull_all(peer: wire.Peer, queue: int, tags: str = "*") -> list[wire.Record]:
    found: list[wire.Record] = []
    offset = 0
    while True:
        answer = peer.ask(wire_of.PULL_MESSAGE, pull_ext(TOPIC, queue, offset, subscription=tags))
        if answer.code not in (0, 20):  # 20: none of those looked at has the tag
            return found
        found += wire.records(answer.body) if answer.code == 0 else []
        offset = int((answer.ext or {})["nextBeginOffset"])


def read(cluster: Cluster, singles: int, batches: int) -> dict[tuple[int, str], list[wire.Record]]:
    """What a client gets with each filter; the broker itself must have looked at the tags."""
    with wire.Peer(cluster.a.address) as peer:
        wait_ends(peer, singles, batches * BATCH)
        seen = {(queue, tags): pull_all(peer, queue, tags) for queue in (0, 1) for tags in ("*", "A", "B", "none")}
    for (_, tags), records in seen.items():
        assert tags == "*" or {tag_of(record) for record in records} <= {tags}
    assert seen[0, "A"] and seen[0, "B"] and not seen[0, "none"]
    return seen


def tag_of(record: wire.Record) -> str | None:
    return dict(record.properties).get("TAGS")


def entries(store: Path, queue: int) -> list[tuple[int, int, int]]:
    data = b"".join(path.read_bytes() for path in sorted((store / "consumequeue" / TOPIC / str(queue)).iterdir()))
    return [entry for entry in ENTRY.iter_unpack(data) if entry[1]]


def unit(store: Path, queue: int, address: int) -> tuple[int, ...]:
    """(size, tags code, store time, bitmap size) at an address."""
    number, at = divmod(address + (1 << 63), FILE_BYTES)
    path = store / "consumequeue_ext" / TOPIC / str(queue) / f"{number * FILE_BYTES:020d}"
    data = path.read_bytes()
    assert len(data) == FILE_BYTES
    return UNIT.unpack_from(data, at)


def check_disk(store: Path, queue: int, records: list[wire.Record]) -> list[int]:
    """Every entry leads to its own unit; the addresses."""
    found = entries(store, queue)
    assert [entry[0] for entry in found] == [record.physical_offset for record in records]
    for entry, record in zip(found, records, strict=True):
        assert unit(store, queue, entry[2]) == (20, HASHES[tag_of(record)], record.store_timestamp, 0)
    return [entry[2] + (1 << 63) for entry in found]


def packed(count: int) -> list[int]:
    """Where units of 20 bytes stand in files of 1,000: the last 4 bytes of a file stay free."""
    return [number // 49 * FILE_BYTES + number % 49 * 20 for number in range(count)]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_units_change_hands_and_come_back(handover: Handover, how: str):
    store = handover.store
    first = handover.start(handover.kinds[0])
    write(first, 0, 300)
    before = read(first, 300, 1)
    getattr(first.a, how)()
    for queue in (0, 1):  # both brokers lay them out alike
        records = before[queue, "*"]
        assert check_disk(store, queue, records) == packed(len(records))
    second = handover.start(handover.kinds[1])
    assert read(second, 300, 1) == before
    write(second, 300, 200)
    more = read(second, 500, 2)
    getattr(second.a, how)()
    for queue in (0, 1):
        addresses = check_disk(store, queue, more[queue, "*"])
        assert addresses == sorted(addresses)
        assert how == "kill" or addresses == packed(len(addresses))  # after a kill upstream dispatches units anew
    third = handover.start(handover.kinds[0])
    assert read(third, 500, 2) == more


def test_a_broker_without_units_takes_turns_with_one_that_has_them(handover: Handover):
    first = handover.start(handover.kinds[0])
    write(first, 0, 100)
    before = read(first, 100, 1)
    first.a.stop()
    second = handover.start("rocketpy", enabled=False)
    assert read(second, 100, 1) == before
    write(second, 100, 100)
    more = read(second, 200, 2)
    second.a.stop()
    assert [entry[2] < -(1 << 31) for entry in entries(handover.store, 0)] == [True] * 100 + [False] * 100
    third = handover.start(handover.kinds[0])
    assert read(third, 200, 2) == more
    write(third, 200, 50)
    assert len(read(third, 250, 3)[0, "*"]) == 250


def test_a_delayed_message_is_due_when_its_unit_says(handover: Handover):
    first = handover.start(handover.kinds[0])
    with wire.Peer(first.a.address) as peer:
        sent_ms = time.time() * 1000
        late = send_ext(TOPIC, 2, properties=properties(DELAY="2", KEYS="late"))
        assert peer.ask(wire_of.SEND_MESSAGE, late, "late").code == 0
    first.a.stop()
    time.sleep(max(0, sent_ms + DELAY_MS / 2 - time.time() * 1000) / 1000)
    opened_ms = time.time() * 1000
    second = handover.start(handover.kinds[1])
    with wire.Peer(second.a.address) as peer:
        wait_until(lambda: len(pull_all(peer, 2)) == 1, "the delayed message arrives", 60, every_s=0.2)
        delivered_ms = pull_all(peer, 2)[0].store_timestamp
    assert delivered_ms >= sent_ms + DELAY_MS - 1
    assert delivered_ms < opened_ms + DELAY_MS, "its delay began anew with the second broker"
