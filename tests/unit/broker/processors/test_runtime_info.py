"""Code 28: upstream's keys and formats, as a tool reads them that asks for nothing and guards against nothing."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from rocketpy.broker.runtime_info import human_size

UPSTREAM = json.loads((Path(__file__).parents[3] / "golden/data/json/BrokerRuntimeInfo_live.json").read_text())["table"]

LONGS = """msgPutTotalTodayNow msgGetTotalTodayNow msgPutTotalTodayMorning msgGetTotalTodayMorning
    msgPutTotalYesterdayMorning msgGetTotalYesterdayMorning sendThreadPoolQueueHeadWaitTimeMills
    queryThreadPoolQueueHeadWaitTimeMills pullThreadPoolQueueHeadWaitTimeMills queryThreadPoolQueueSize
    pullThreadPoolQueueSize sendThreadPoolQueueSize sendThreadPoolQueueCapacity pullThreadPoolQueueCapacity
    queryThreadPoolQueueCapacity commitLogMinOffset commitLogMaxOffset bootTimestamp brokerVersion dispatchMaxBuffer
    pageCacheLockTimeMills getMessageEntireTimeMax putMessageTimesTotal putMessageEntireTimeMax
    startAcceptSendRequestTimeStamp earliestMessageTimeStamp remainTransientStoreBufferNumbs dispatchBehindBytes
    putMessageSizeTotal EndTransactionQueueSize EndTransactionThreadPoolQueueCapacity""".split()
DOUBLES = ["consumeQueueDiskRatio", "commitLogDiskRatio", "putMessageAverageSize"]
RATES = ["putTps", "getMissTps", "getTransferedTps", "getTotalTps", "getFoundTps"]
TIMES = re.findall(r"\[[^]]*\]", UPSTREAM["putMessageDistributeTime"])


def java_split(text, by):
    """String.split: what is empty at the end is dropped."""
    parts = text.split(by)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def size(text):
    number, unit = text.split(" ")
    return float(number) * 1024 ** ("BKMGTPE".index(unit[0]))


def exported(table):
    """What rocketmq-exporter makes of the table (its BrokerRuntimeStats); a key or a format amiss is an exception."""
    found = {key: int(table[key]) for key in LONGS} | {key: float(table[key]) for key in DOUBLES}
    for key in RATES:
        found[key] = [float(rate) for rate in java_split(table[key], " ")]
    capacity = table["commitLogDirCapacity"].split(" ")
    found["total"], found["free"] = size(f"{capacity[2]} {capacity[3][:-1]}"), size(f"{capacity[6]} {capacity[7][:-1]}")
    found["toFlush"] = float(table["remainHowManyDataToFlush"].split(" ")[0])
    times = dict(part.split(":") for part in java_split(table["putMessageDistributeTime"], " "))
    found["times"] = {name.strip("[]"): int(count) for name, count in times.items()}
    delays = {key: value.split(",") for key, value in table.items() if key.startswith("scheduleMessageOffset")}
    found["delays"] = {key: (int(delivered), int(end)) for key, (delivered, end) in delays.items()}
    assert re.fullmatch(r"\[ \d+ days, \d+ hours, \d+ minutes, \d+ seconds \]", table["runtime"])
    return found


@pytest.fixture
def info(ask):
    return lambda: json.loads(ask(28).body)["table"]


def shape(value):
    """A text with its numbers masked."""
    return re.sub(r"-?\d+(\.\d+)?(E-?\d+)?", "0", value)


def test_a_figure_of_upstream_is_read_by_the_same_rules():
    found = exported(UPSTREAM)
    assert (len(found["times"]), found["total"]) == (13, 252 * 1024**3)
    assert found["putTps"] == [0.19998000199980004, 0.04999166805532411]


def test_every_key_and_every_format_is_upstreams(info, clock, send, pull, broker):
    for _ in range(70):
        broker.rates.sample()
        clock.advance(1000)
    send("TopicTest")
    pull("TopicTest")
    table = info()
    fixed = {key for key in UPSTREAM if not key.startswith("scheduleMessageOffset")}
    assert {key for key in table if not key.startswith("scheduleMessageOffset")} == fixed and len(fixed) == 44
    for key in fixed - {"commitLogDirCapacity", "remainHowManyDataToFlush"}:  # those have units
        assert shape(table[key]) == shape(UPSTREAM[key]), key
    assert list(dict.fromkeys(re.findall(r"\[[^]]*\]", table["putMessageDistributeTime"]))) == TIMES


def test_one_more_where_the_pool_of_buffers_is_asked_for(make_broker, ask_of, connection):
    broker = make_broker({"transient_store_pool_enable": True, "transient_store_pool_size": 3})
    table = json.loads(ask_of(broker, connection)(28).body)["table"]
    assert set(table) == {key for key in UPSTREAM if "scheduleM" not in key} | {"remainHowManyDataToCommit"}
    assert (table["remainHowManyDataToCommit"], table["remainTransientStoreBufferNumbs"]) == ("0 B", "3")


def test_one_key_a_delay_level_that_was_used(info, send, broker):
    send("TopicTest", properties="DELAY\x013\x02")
    broker.schedule.offsets[3] = 0
    assert exported(info())["delays"]["scheduleMessageOffset_3"] == (0, 1)


def test_a_broker_that_has_just_started(info):
    table = info()
    found = exported(table)
    assert [table[key] for key in RATES] == ["  ", "  ", "  ", "0.0 0.0 0.0", "  "]
    assert (found["putMessageTimesTotal"], found["putMessageAverageSize"]) == (1, 0.0)  # upstream's, too
    assert (found["msgPutTotalTodayNow"], found["earliestMessageTimeStamp"], found["toFlush"]) == (0, -1, 0.0)


def test_windows_fill_one_after_the_other(info, clock, broker, send):
    for second in range(61):
        broker.rates.sample()
        if second == 10:
            assert exported(info())["putTps"] == [1.0]
        send("TopicTest")
        clock.advance(1000)
    found = exported(info())
    assert (found["putTps"], found["getMissTps"], found["getTotalTps"]) == ([1.0, 1.0], [0.0, 0.0], [0.0, 0.0, 0.0])


def test_counts_of_puts_and_gets(info, broker, send, pull):
    send("TopicTest", b"x" * 100)
    send("TopicTest", properties="DELAY\x013\x02")
    pull("TopicTest")
    pull("TopicTest", 1)
    found = exported(info())
    log_size = broker.store.commit_log_max_offset
    assert (found["msgPutTotalTodayNow"], found["msgGetTotalTodayNow"], found["putMessageTimesTotal"]) == (2, 1, 2)
    assert (found["putMessageSizeTotal"], found["putMessageAverageSize"]) == (log_size, log_size / 2)
    counts = broker.store.counts
    assert (counts.gets_found, counts.gets_missed) == (1, 1)


def test_mornings(info, clock, broker, send):
    broker.rates.sample()
    send("TopicTest")
    for _ in range(2):
        clock.advance(24 * 3600 * 1000)
        broker.rates.sample()
    send("TopicTest")
    found = exported(info())
    assert [found[f"msgPutTotal{when}"] for when in ("YesterdayMorning", "TodayMorning", "TodayNow")] == [1, 1, 2]


def test_how_long_sends_and_pulls_took(info, broker, send, pull):
    send("TopicTest")
    broker.stats.send_times.note(70_000_000, 2)
    broker.stats.pull_times.note(14_999_999)
    found = exported(info())
    assert (found["times"]["<=0ms"], found["times"]["50~100ms"]) == (1, 2)
    assert (found["putMessageEntireTimeMax"], found["getMessageEntireTimeMax"]) == (70, 14)


def test_the_distribution_is_of_the_last_minute(info, clock, broker, send):
    send("TopicTest")
    clock.advance(60_000)
    asyncio.run(broker.stats_log.tick())
    assert sum(exported(info())["times"].values()) == 0


def test_requests_that_wait_are_told_by_their_kind(info, broker, monkeypatch):
    monkeypatch.setattr(type(broker), "waiting_requests", lambda _: [(310, 5), (10, 70), (11, 3), (37, 1), (34, 9)])
    found = exported(info())
    assert (found["sendThreadPoolQueueSize"], found["sendThreadPoolQueueHeadWaitTimeMills"]) == (2, 70)
    assert (found["pullThreadPoolQueueSize"], found["pullThreadPoolQueueHeadWaitTimeMills"]) == (1, 3)
    assert (found["queryThreadPoolQueueSize"], found["EndTransactionQueueSize"]) == (0, 1)


def test_a_folder_that_is_not_there_yet_counts_as_the_stores(info, broker):
    assert not broker.store.paths.consume_queue.exists()
    assert 0 < exported(info())["consumeQueueDiskRatio"] <= 1


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [(0, "0 B"), (501, "501 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1280, "1.3 KiB"), (1536, "1.5 KiB"),
     (1024**2 - 1, "1024.0 KiB"), (1024**2, "1.0 MiB"), (252 * 1024**3, "252.0 GiB"), (1024**4, "1.0 TiB")],
)  # fmt: skip
def test_sizes(bytes_, text):
    assert human_size(bytes_) == text
