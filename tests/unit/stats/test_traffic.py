"""Counters by upstream's names and keys, and what their samples make of a minute, an hour and a day."""

import asyncio
import math

import pytest

from rocketpy.clock import ManualClock
from rocketpy.stats import SAMPLE_MS, Snapshot, Span, Stats

CLUSTER = "DefaultCluster"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def stats(clock):
    return Stats(clock)


def sample(stats, span=Span.MINUTE):
    asyncio.run(stats.sample(span))


def collect(lines):
    async def run():
        return [line async for line in lines]

    return asyncio.run(run())


def test_what_never_counted_is_not_there(stats):
    for name in ("TOPIC_PUT_NUMS", "GROUP_GET_LATENCY", "GROUP_GET_FALL_SIZE", "NO_SUCH", ""):
        assert stats.window(name, "T", Span.MINUTE) is None
        assert stats.total(name, "T") is None


def test_counts_before_the_first_sample_are_in_no_window(stats, clock):
    stats.put("T", 5, 500)
    assert stats.window("TOPIC_PUT_NUMS", "T", Span.MINUTE) == (0, 0.0, 0.0)
    sample(stats)
    found = stats.window("TOPIC_PUT_NUMS", "T", Span.MINUTE)
    assert found.sum == 0 and math.isnan(found.tps) and found.avgpt == 0.0
    stats.put("T", 10, 2000)
    assert stats.window("TOPIC_PUT_NUMS", "T", Span.MINUTE).sum == 0  # not sampled yet
    clock.advance(10_000)
    sample(stats)
    assert stats.window("TOPIC_PUT_NUMS", "T", Span.MINUTE) == (10, 1.0, 10.0)
    assert stats.window("TOPIC_PUT_SIZE", "T", Span.MINUTE) == (2000, 200.0, 2000.0)
    assert stats.total("TOPIC_PUT_NUMS", "T") == 15


@pytest.mark.parametrize(("span", "kept"), [(Span.MINUTE, 7), (Span.HOUR, 7), (Span.DAY, 25)])
def test_a_window_lies_between_the_first_and_the_last_sample_kept(stats, clock, span, kept):
    for number in range(1, kept + 5):
        stats.put("T", number, 0)
        stats.put("T", 0, 0)
        sample(stats, span)
        clock.advance(SAMPLE_MS[span])
    counted = sum(range(6, kept + 5))  # the puts before and of the first sample that is still there are not in it
    seconds = (kept - 1) * SAMPLE_MS[span] / 1000
    found = stats.window("TOPIC_PUT_NUMS", "T", span)
    assert found == Snapshot(counted, counted * 1000.0 / (seconds * 1000), counted / (2 * (kept - 1)))


def test_an_item_that_came_later_has_fewer_samples(stats, clock):
    stats.put("old", 1, 1)
    for _ in range(10):
        sample(stats)
        clock.advance(10_000)
    stats.put("new", 1, 1)
    sample(stats)
    stats.put("new", 4, 1)
    clock.advance(10_000)
    sample(stats)
    assert stats.window("TOPIC_PUT_NUMS", "new", Span.MINUTE) == (4, 0.4, 4.0)
    assert stats.window("TOPIC_PUT_NUMS", "old", Span.MINUTE) == (0, 0.0, 0.0)


def test_counts_of_groups_and_queues(stats, clock):
    for _ in range(2):
        stats.got("CG", "T", 3, 2, 300, took_ms=40)
        stats.got("CG", "T", 0, 1, 100)
        stats.sent_back("CG", "T")
        sample(stats)
        clock.advance(10_000)
    assert stats.window("GROUP_GET_NUMS", "T@CG", Span.MINUTE) == (3, 0.3, 1.5)
    assert stats.window("GROUP_GET_SIZE", "T@CG", Span.MINUTE) == (400, 40.0, 200.0)
    assert stats.window("SNDBCK_PUT_NUMS", "T@CG", Span.MINUTE) == (1, 0.1, 1.0)
    assert stats.window("GROUP_GET_LATENCY", "3@T@CG", Span.MINUTE) == (40, 4.0, 40.0)
    assert stats.window("GROUP_GET_LATENCY", "0@T@CG", Span.MINUTE) == (0, 0.0, 0.0)
    for key in ("1@T@CG", "7@T@CG", "-1@T@CG", "x@T@CG", "T@CG", "9999999999@T@CG", ""):
        assert stats.window("GROUP_GET_LATENCY", key, Span.MINUTE) is None
    assert stats.get_tps("CG", "T") == 0.3
    assert stats.get_tps("CG", "unknown") == 0.0


def test_the_broker_is_the_sum_of_its_topics_and_has_no_average(stats, clock):
    assert stats.window("BROKER_PUT_NUMS", CLUSTER, Span.MINUTE) is None
    stats.put("T", 3, 30)
    sample(stats)
    stats.put("T", 6, 60)
    stats.put("U", 4, 40)
    stats.got("CG", "T", 0, 2, 20)
    clock.advance(10_000)
    sample(stats)
    assert stats.window("BROKER_PUT_NUMS", CLUSTER, Span.MINUTE) == (10, 1.0, 0.0)
    assert stats.total("BROKER_GET_NUMS", CLUSTER) == 2
    assert stats.window("BROKER_PUT_NUMS", "OtherCluster", Span.MINUTE) is None


def test_a_deleted_topic_takes_its_counters_with_it(stats):
    told = []
    stats.on_forgotten.append(lambda: told.append(True))
    for topic in ("T", "TT"):
        stats.put(topic, 1, 1)
        stats.got("CG", topic, 0, 1, 1)
        stats.sent_back("CG", topic)
    stats.forget_topic("T")
    assert told and stats.total("TOPIC_PUT_NUMS", "T") is stats.total("GROUP_GET_NUMS", "T@CG") is None
    assert stats.total("SNDBCK_PUT_NUMS", "T@CG") is None
    assert stats.total("TOPIC_PUT_NUMS", "TT") == stats.total("GROUP_GET_NUMS", "TT@CG") == 1
    assert stats.total("BROKER_PUT_NUMS", CLUSTER) == 2  # what the broker did, it did


def test_a_deleted_group_likewise(stats):
    stats.got("CG", "T", 0, 1, 1)
    stats.got("G", "T", 0, 1, 1)
    stats.sent_back("G", "T")
    stats.forget_group("G")
    assert stats.total("GROUP_GET_NUMS", "T@G") is stats.total("SNDBCK_PUT_NUMS", "T@G") is None
    assert stats.total("GROUP_GET_NUMS", "T@CG") == 1


def test_keys_above_the_limit_are_counted_together(clock, caplog):
    stats = Stats(clock, limit=2)
    for topic in ("A", "B", "C", "D"):
        stats.put(topic, 1, 1)
    assert len(stats.puts) == 2
    assert stats.total("TOPIC_PUT_NUMS", "C") is None
    assert stats.total("BROKER_PUT_NUMS", CLUSTER) == 4
    for _ in range(25):
        sample(stats, Span.DAY)
        stats.put("A", 1, 1)
    assert "TOPIC_PUT_NUMS: 2 keys, as many as are kept; 1 of them rested for a day and are forgotten" in caplog.text
    stats.put("E", 1, 1)
    assert (stats.total("TOPIC_PUT_NUMS", "B"), stats.total("TOPIC_PUT_NUMS", "E")) == (None, 1)
    assert stats.total("BROKER_PUT_NUMS", CLUSTER) == 30


def test_what_moved_in_a_window(stats, clock):
    stats.put("still", 1, 1)
    stats.put("T", 1, 10)
    stats.got("CG", "T", 2, 1, 10, took_ms=5)
    sample(stats)
    stats.put("T", 1, 10)
    stats.got("CG", "T", 2, 1, 10, took_ms=5)
    clock.advance(10_000)
    sample(stats)
    assert collect(stats.windows(Span.MINUTE)) == [
        ("TOPIC_PUT_NUMS", "T", (1, 0.1, 1.0)),
        ("TOPIC_PUT_SIZE", "T", (10, 1.0, 10.0)),
        ("GROUP_GET_NUMS", "T@CG", (1, 0.1, 1.0)),
        ("GROUP_GET_SIZE", "T@CG", (10, 1.0, 10.0)),
        ("BROKER_PUT_NUMS", CLUSTER, (1, 0.1, 0.0)),
        ("BROKER_GET_NUMS", CLUSTER, (1, 0.1, 0.0)),
        ("GROUP_GET_LATENCY", "2@T@CG", (5, 0.5, 5.0)),
    ]


def test_the_last_pull_says_how_far_a_group_is_behind(stats):
    stats.was_behind("CG", "T", 1, 4096, -1)
    stats.was_behind("CG", "T", 1, 2048, 70)
    stats.was_behind("CG", "T", 0, -1, -1)
    assert collect(stats.distances()) == [("1@T@CG", 2048, 70)]


def test_a_table_may_shrink_while_it_is_sampled(stats, monkeypatch):
    monkeypatch.setattr("rocketpy.stats.traffic.PIECE", 2)
    for topic in "ABCDEF":
        stats.put(topic, 1, 1)

    async def run():
        sampling = asyncio.ensure_future(stats.sample(Span.MINUTE))
        await asyncio.sleep(0)
        stats.forget_topic("A")
        stats.put("G", 1, 1)
        await sampling

    asyncio.run(run())
    sample(stats)
    stats.put("F", 1, 1)
    sample(stats)
    assert stats.window("TOPIC_PUT_NUMS", "F", Span.MINUTE).sum == 1
    assert stats.window("TOPIC_PUT_NUMS", "G", Span.MINUTE).sum == 0
