"""SQL92 filters as official clients use them, and the bitmaps and files that come of them, on both brokers alike."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kit import wire
from kit.cluster import Cluster, unique
from kit.process import wait_until
from oracle import broker_scenarios as wire_of
from oracle.broker_scenarios import batch_item, properties, pull_ext, send_ext, v2
from test_consume import introduce

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PATIENCE_S = 60.0  # a client may meet its broker only at its second look at the route
HEART_BEAT = 34
SETTINGS = {
    "enablePropertyFilter": "true", "enableConsumeQueueExt": "true", "enableCalcFilterBitMap": "true",
}  # fmt: skip


@pytest.fixture(scope="module")
def filtering(server_kind: str, launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two masters that filter by properties."""
    cluster = Cluster(launcher(server_kind), tmp_path_factory.mktemp(f"filtering-{server_kind}"), **SETTINGS)
    try:
        yield cluster.start()
    finally:
        cluster.kill()


def numbers(session) -> list[int]:
    return sorted(session.indexes("consumed"))


def test_a_push_consumer_gets_what_its_expression_selects(run, open_session, client, filtering):
    topic, group = unique("Sql"), unique("CG")
    run(client, filtering, "produce", topic=topic, count=40, tags="A,B,C", numbered="true")
    sql = "TAGS IN ('A', 'B') AND number BETWEEN 10 AND 30 AND owner = 'compat'"
    consumer = open_session(client, filtering, "consume", topic=topic, group=group, sql=sql)
    first = [number for number in range(10, 31) if number % 3 != 2]
    consumer.wait(lambda: numbers(consumer) == first, "what was sent before", PATIENCE_S)
    run(client, filtering, "produce", topic=topic, first=29, count=4, tags="A,B,C", numbered="true", mode="async")
    run(client, filtering, "produce", topic=topic, first=24, count=4, tags="A,B,C", numbered="true", mode="batch")
    more = sorted([*first, 30, 24, 25, 27])
    consumer.wait(lambda: numbers(consumer) == more, "what was sent after", PATIENCE_S)
    consumer.stop()
    assert numbers(consumer) == more


def test_two_groups_and_every_member_of_a_broadcasting_one_filter_by_themselves(run, open_session, java, filtering):
    topic = unique("Sql2")
    run(java, filtering, "produce", topic=topic, count=1, numbered="true")
    low, high, everyone = unique("CGlow"), unique("CGhigh"), unique("CGall")
    members = {
        "low": open_session(java, filtering, "consume", topic=topic, group=low, sql="number < 10"),
        "high": open_session(java, filtering, "consume", topic=topic, group=high, sql="number >= 10"),
    }
    for name in "ab":
        members[name] = open_session(
            java, filtering, "consume", topic=topic, group=everyone, instance=name, model="BROADCASTING",
            sql="number IS NOT NULL AND NOT (number = 5)",
        )  # fmt: skip
    for name in ("low", "a", "b"):
        members[name].wait_for("consumed", 1, PATIENCE_S)
    members["high"].wait_for("started", 1, PATIENCE_S)
    run(java, filtering, "produce", topic=topic, first=1, count=19, numbered="true")
    wanted = {"low": list(range(10)), "high": list(range(10, 20))}
    broadcast = [number for number in range(20) if number != 5]
    for name, member in members.items():
        expected = wanted.get(name, broadcast)
        member.wait(lambda m=member, e=expected: numbers(m) == e, f"{name} has all", PATIENCE_S)
    for member in members.values():
        member.stop()


def test_a_selector_that_changes_counts_for_what_follows(run, open_session, java, filtering):
    topic, group = unique("SqlChange"), unique("CG")
    run(java, filtering, "produce", topic=topic, count=4, numbered="true")
    consumer = open_session(java, filtering, "consume", topic=topic, group=group, sql="number < 2")
    consumer.wait(lambda: numbers(consumer) == [0, 1], "the first selection", PATIENCE_S)
    consumer.tell("select number >= 12")
    consumer.wait_for("selected", 1, PATIENCE_S)
    wait_until(lambda: expressions(filtering, topic, group) == {"number >= 12"}, "both brokers know of it", PATIENCE_S)
    run(java, filtering, "produce", topic=topic, first=10, count=6, numbered="true")
    consumer.wait(lambda: numbers(consumer) == [0, 1, 12, 13, 14, 15], "the second selection", PATIENCE_S)
    consumer.stop()
    assert numbers(consumer) == [0, 1, 12, 13, 14, 15]


def expressions(cluster: Cluster, topic: str, group: str) -> set[str]:
    """What brokers know of the group's subscription, by GET_CONSUMER_CONNECTION_LIST."""
    found = set()
    for broker in cluster.brokers.values():
        with wire.Peer(broker.address) as peer:
            table = peer.ask(203, {"consumerGroup": group}).json()["subscriptionTable"]
            found.add(table[topic]["subString"])
    return found


def test_an_orderly_consumer_and_retries_keep_to_the_expression(run, open_session, java, filtering):
    topic, group, again = unique("SqlOrder"), unique("CG"), unique("CGagain")
    introduce(filtering, again)
    run(java, filtering, "create-topic", topic=topic, queues=4)
    run(java, filtering, "produce", topic=topic, count=24, numbered="true", mode="orderly", lanes=2)
    sql = "number > 7 AND number <= 15"
    orderly = open_session(java, filtering, "consume", topic=topic, group=group, order="true", sql=sql)
    retried = open_session(java, filtering, "consume", topic=topic, group=again, failFirst=1, sql=sql)
    orderly.wait(lambda: numbers(orderly) == list(range(8, 16)), "8 in order", PATIENCE_S)
    retried.wait(lambda: sum(each["accepted"] for each in retried.of("consumed")) >= 8, "8 accepted again", PATIENCE_S)
    for lane in (0, 1):
        order = [number for number in orderly.indexes("consumed") if number % 2 == lane]
        assert order == sorted(order)
    assert numbers(retried) == sorted([*range(8, 16)] * 2)
    orderly.stop()
    retried.stop()


def test_a_pull_consumer_filters_by_an_expression_of_its_own(run, java, filtering):
    topic, group = unique("SqlPull"), unique("CG")
    run(java, filtering, "produce", topic=topic, count=30, numbered="true")
    found = run(java, filtering, "pull", topic=topic, group=group, sql="number > 24 OR number = 3")
    assert sorted(found.indexes("found")) == [3, 25, 26, 27, 28, 29]
    # Without a check before: what cannot be compiled selects everything.
    found = run(java, filtering, "pull", topic=topic, group=unique("CG"), sql="number >")
    assert sorted(found.indexes("found")) == list(range(30))


def test_a_mistake_is_told_when_a_consumer_starts(run, open_session, java, filtering):
    topic = unique("SqlWrong")
    run(java, filtering, "produce", topic=topic, count=1)
    consumer = open_session(java, filtering, "consume", topic=topic, group=unique("CG"), sql="number BETWEEN 3 AND")
    [problem] = consumer.wait_for("error", 1, PATIENCE_S)
    assert "CODE: 23" in problem["error"] and "line 1, column 20" in problem["error"], problem


def test_a_broker_that_may_not_filter_says_so(run, open_session, java, cluster):
    topic = unique("SqlNot")
    run(java, cluster, "produce", topic=topic, count=1)
    consumer = open_session(java, cluster, "consume", topic=topic, group=unique("CG"), sql="a = 1")
    [problem] = consumer.wait_for("error", 1, PATIENCE_S)
    assert "CODE: 1 " in problem["error"]
    assert "The broker does not support consumer to filter message by SQL92" in problem["error"]


def test_consumers_keep_their_expressions_over_a_restart(run, open_session, java, new_cluster):
    cluster = new_cluster(**SETTINGS)
    topic = unique("SqlRestart")
    run(java, cluster, "produce", topic=topic, count=12, numbered="true")
    low = open_session(java, cluster, "consume", topic=topic, group=unique("CGlow"), sql="number < 5 OR number > 15")
    high = open_session(java, cluster, "consume", topic=topic, group=unique("CGhigh"), sql="number >= 5")
    low.wait(lambda: set(numbers(low)) == set(range(5)), "low numbers", PATIENCE_S)
    high.wait(lambda: set(numbers(high)) == set(range(5, 12)), "high numbers", PATIENCE_S)
    for broker in cluster.brokers.values():
        broker.restart()
    cluster.wait_registered(*cluster.brokers)
    run(java, cluster, "produce", topic=topic, first=12, count=8, numbered="true")
    low.wait(lambda: set(numbers(low)) == {0, 1, 2, 3, 4, 16, 17, 18, 19}, "low numbers after the restart", PATIENCE_S)
    high.wait(lambda: set(numbers(high)) == set(range(5, 20)), "high numbers after the restart", PATIENCE_S)
    low.stop()
    high.stop()
    assert set(numbers(low)) == {0, 1, 2, 3, 4, 16, 17, 18, 19}


# -- what stands on disk

TOPIC = "filtered"
ENTRY, UNIT = struct.Struct(">qiq"), struct.Struct(">hqqh")
GROUPS = {
    "red": "colour = 'red'",
    "big": "size > 5 AND TAGS IN ('A', 'B')",
    "none": "colour = 'none'",
    "odd": "colour = 5",  # fails with an error for every message that has a colour
    "all": "TRUE",
}
COLOURS = ("red", "blue", None)
Start = Callable[..., Cluster]


@pytest.fixture
def one_broker(launcher, tmp_path: Path) -> Iterator[Start]:
    """Starts one broker of a kind, on a store of its own or a given one."""
    started: list[Cluster] = []

    def start(kind: str, store: Path | None = None) -> Cluster:
        root = tmp_path / f"{len(started)}-{kind}"
        store = store or root / "store"
        settings = {**SETTINGS, "storePathRootDir": store, "storePathCommitLog": store / "commitlog"}
        started.append(Cluster(launcher(kind), root, ("broker-a",), **settings))
        return started[-1].start()

    yield start
    for cluster in started:
        cluster.kill()


def subscribe(peer: wire.Peer, version: int, groups: dict[str, str] = GROUPS) -> None:
    """A client of all groups."""
    consumers = [
        {"groupName": group, "consumeType": "CONSUME_PASSIVELY", "messageModel": "CLUSTERING", "unitMode": False,
         "consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "subscriptionDataSet": [
             {"topic": TOPIC, "subString": expression, "tagsSet": [], "codeSet": [], "subVersion": version,
              "expressionType": "SQL92", "classFilterMode": False}]}
        for group, expression in groups.items()
    ]  # fmt: skip
    body = json.dumps({"clientID": "c@1", "producerDataSet": [], "consumerDataSet": consumers})
    assert peer.ask(HEART_BEAT, body=body).code == 0


def named(number: int) -> dict[str, str]:
    """Properties of a message; `size` is no number in some."""
    colour = COLOURS[number % 3]
    found = {"TAGS": "ABC"[number % 3], "size": str(number % 11) if number % 7 else "large"}
    return found if colour is None else {**found, "colour": colour}


def write(peer: wire.Peer, first: int, count: int) -> None:
    for number in range(first, first + count):
        answer = peer.ask(wire_of.SEND_MESSAGE, send_ext(TOPIC, properties=properties(**named(number))), f"{number}")
        assert answer.code == 0
    items = b"".join(batch_item(f"{n}".encode(), properties(**named(n))) for n in range(first, first + count))
    assert peer.ask(wire_of.SEND_BATCH_MESSAGE, v2(send_ext(TOPIC, 1, batch=True, properties="")), items).code == 0
    # Upstream makes queue entries, and bitmaps, a moment after its answer: with the filters that are there by then.
    for queue in (0, 1):
        wait_until(lambda queue=queue: dispatched(peer, queue) == first + count, "all are dispatched", 20)


def dispatched(peer: wire.Peer, queue: int) -> int:
    return int((peer.ask(wire_of.GET_MAX_OFFSET, {"topic": TOPIC, "queueId": queue}).ext or {})["offset"])


def pulled(peer: wire.Peer, group: str, queue: int, version: int) -> list[bytes]:
    """What a group gets of a queue, to its end."""
    bodies: list[bytes] = []
    offset = 0
    while True:
        ext = pull_ext(TOPIC, queue, offset, consumerGroup=group, subVersion=version, sysFlag=0, subscription="")
        answer = peer.ask(wire_of.PULL_MESSAGE, ext)
        if answer.code not in (0, 20):
            assert answer.code == 19, answer
            return bodies
        bodies += [record.body for record in wire.records(answer.body)] if answer.code == 0 else []
        offset = int((answer.ext or {})["nextBeginOffset"])


def all_pulled(peer: wire.Peer, version: int, count: int) -> dict[tuple[str, int], list[bytes]]:
    assert len(pulled(peer, "all", 0, version)) == count
    return {(group, queue): pulled(peer, group, queue, version) for group in GROUPS for queue in (0, 1)}


def units(store: Path, queue: int) -> list[tuple[int, bytes]]:
    """(tags code, bitmap) of every message."""
    folder = store / "consumequeue" / TOPIC / str(queue)
    entries = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    [file] = sorted((store / "consumequeue_ext" / TOPIC / str(queue)).iterdir())
    data, found = file.read_bytes(), []
    for _, size, address in ENTRY.iter_unpack(entries):
        if size:
            at = address + (1 << 63)
            unit_size, code, _, bitmap_size = UNIT.unpack_from(data, at)
            assert unit_size == UNIT.size + bitmap_size
            found.append((code, data[at + UNIT.size : at + unit_size]))
    return found


def filter_file(store: Path) -> dict[str, dict]:
    table = json.loads((store / "config" / "consumerFilter.json").read_text())["filterDataByTopic"]
    assert set(table) == {TOPIC} and table[TOPIC]["topic"] == TOPIC
    return table[TOPIC]["groupFilterData"]


def without_times(table: dict[str, dict]) -> dict[str, dict]:
    return {group: {**data, "bornTime": 0, "deadTime": 0} for group, data in table.items()}


def served(start: Start, kind: str) -> tuple[list, dict, Path]:
    """One broker's whole life with these groups: its units, what the groups got, and its store."""
    cluster = start(kind)
    with wire.Peer(cluster.a.address) as peer:
        write(peer, 0, 5)  # before there are groups: units without bitmaps
        subscribe(peer, 1000)
        time.sleep(0.05)  # a bitmap counts for messages stored after a filter was born, in milliseconds
        write(peer, 5, 40)
        subscribe(peer, 2000, {"red": "colour = 'blue'"})
        time.sleep(0.05)
        write(peer, 45, 10)
        subscribe(peer, 3000)
        got = all_pulled(peer, 3000, 55)
    cluster.a.stop()
    return [units(cluster.a.store, queue) for queue in (0, 1)], got, cluster.a.store


def test_units_and_files_are_upstreams_and_change_hands(one_broker: Start, compared: tuple[str, str]):
    upstream, rocketpy = (served(one_broker, kind) for kind in compared)
    assert rocketpy[0] == upstream[0]
    assert rocketpy[1] == upstream[1]
    bitmaps = [bitmap for _, bitmap in rocketpy[0][0]]
    assert bitmaps[:5] == [b""] * 5 and {len(bitmap) for bitmap in bitmaps[5:]} == {14}
    files = [filter_file(store) for *_, store in (upstream, rocketpy)]
    assert without_times(files[1]) == without_times(files[0])
    for kind, (_, got, store) in zip(reversed(compared), (upstream, rocketpy), strict=True):
        check_handed_over(one_broker(kind, store), got, filter_file(store))


def check_handed_over(cluster: Cluster, got: dict, table: dict[str, dict]) -> None:
    """The other broker answers the same, and goes on with the filters as they were born."""
    with wire.Peer(cluster.a.address) as peer:
        subscribe(peer, 3000)
        assert all_pulled(peer, 3000, 55) == got
        write(peer, 55, 5)
        more = all_pulled(peer, 3000, 60)
        assert more["red", 0] == [*got["red", 0], b"57"]
    cluster.a.stop()
    after = filter_file(cluster.a.store)
    assert {group: data["bornTime"] for group, data in after.items()} == {
        group: data["bornTime"] for group, data in table.items()
    }
