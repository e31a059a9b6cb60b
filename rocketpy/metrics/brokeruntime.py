"""The 63 `rocketmq_brokeruntime_*` of rocketmq-exporter, out of the same table that it asks the broker for (code 28).

A row is a metric's name behind the prefix, the key in that table, and how the exporter reads its text; sources:
rocketmq-exporter's RMQMetricsCollector and BrokerRuntimeStats. What it reads oddly is read as oddly here: its
dashboards were made with those values. A text that is no number is 0, where the exporter would lose every metric of
the broker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TypeAlias

from prometheus_client.core import Metric

from rocketpy.metrics.families import gauges

PREFIX = "rocketmq_brokeruntime_"
LABELS = ("cluster", "brokerIP", "brokerHost", "des", "boottime", "broker_version")
ABSENT = -1.0  # what the exporter tells of figures that later releases have and 4.5.2 has not

Info: TypeAlias = Mapping[str, str]
Read: TypeAlias = Callable[[Info], float]


def number(key: str, absent: float = 0.0) -> Read:
    """The first word as a number: of `1.5 KiB` the exporter drops the unit."""
    return lambda info: _number(info[key].split(" ")[0]) if key in info else absent


def word(key: str, index: int) -> Read:
    """One word of several: rates of 10 s, a minute, ten minutes. Windows that are not full yet are 0."""

    def read(info: Info) -> float:
        words = info.get(key, "").split(" ")
        return _number(words[index]) if index < len(words) else 0.0

    return read


def bucket(name: str) -> Read:
    """How many puts took so long, of `[<=0ms]:3 [0~10ms]:1 ...`."""

    def read(info: Info) -> float:
        for pair in info.get("putMessageDistributeTime", "").split(" "):
            found, colon, count = pair.partition(":")
            if colon and found.strip("[]") == name:
                return _number(count)
        return 0.0

    return read


def size(key: str, which: int) -> Read:
    """The first or second size of `Total : 95.8 GiB, Free : 60.2 GiB.`, in bytes."""

    def read(info: Info) -> float:
        parts = info.get(key, "").rstrip(".").split(", ")
        return _bytes(parts[which].partition(" : ")[2]) if which < len(parts) else 0.0

    return read


def _bytes(text: str) -> float:
    digits, _, unit = text.partition(" ")
    power = max(0, "BKMGTPE".find(unit[:1]))
    return _number(digits) * float(1 << 10 * power)


def _number(text: str) -> float:
    with suppress(ValueError):
        return float(text)
    return 0.0


METRICS: dict[str, Read] = {
    "pmdt_0ms": bucket("<=0ms"),
    "pmdt_0to10ms": bucket("0~10ms"),
    "pmdt_10to50ms": bucket("10~50ms"),
    "pmdt_50to100ms": bucket("50~100ms"),
    "pmdt_100to200ms": bucket("100~200ms"),
    "pmdt_200to500ms": bucket("200~500ms"),
    "pmdt_500to1s": bucket("500ms~1s"),
    "pmdt_1to2s": bucket("1~2s"),
    "pmdt_2to3s": bucket("2~3s"),
    "pmdt_3to4s": bucket("3~4s"),
    "pmdt_4to5s": bucket("4~5s"),
    "pmdt_5to10s": bucket("5~10s"),
    "pmdt_10stomore": bucket("10s~"),
    "msg_put_total_today_now": number("msgPutTotalTodayNow"),
    "msg_gettotal_today_now": number("msgGetTotalTodayNow"),
    "msg_puttotal_todaymorning": number("msgPutTotalTodayMorning"),
    "msg_gettotal_todaymorning": number("msgGetTotalTodayMorning"),
    "msg_puttotal_yesterdaymorning": number("msgPutTotalYesterdayMorning"),
    "msg_gettotal_yesterdaymorning": number("msgGetTotalYesterdayMorning"),
    "dispatch_behind_bytes": number("dispatchBehindBytes"),
    "dispatch_maxbuffer": number("dispatchMaxBuffer"),
    "put_message_size_total": number("putMessageSizeTotal"),
    "put_message_average_size": number("putMessageAverageSize"),
    "putmessage_times_total": number("putMessageTimesTotal"),
    "putmessage_entire_time_max": number("putMessageEntireTimeMax"),
    "getmessage_entire_time_max": number("getMessageEntireTimeMax"),
    "put_latency_99": number("putLatency99", ABSENT),
    "put_latency_999": number("putLatency999", ABSENT),
    "pagecache_lock_time_mills": number("pageCacheLockTimeMills"),
    "earliest_message_timestamp": number("earliestMessageTimeStamp"),
    "start_accept_sendrequest_time": number("startAcceptSendRequestTimeStamp"),
    "remain_transientstore_buffer_numbs": number("remainTransientStoreBufferNumbs"),
    "remain_howmanydata_toflush": number("remainHowManyDataToFlush"),
    "commitlog_minoffset": number("commitLogMinOffset"),
    "commitlog_maxoffset": number("commitLogMaxOffset"),
    "commitlog_disk_ratio": number("commitLogDiskRatio"),
    "consumequeue_disk_ratio": number("consumeQueueDiskRatio"),
    "commitlogdir_capacity_total": size("commitLogDirCapacity", 0),
    "commitlogdir_capacity_free": size("commitLogDirCapacity", 1),
    "send_threadpool_queue_size": number("sendThreadPoolQueueSize"),
    "pull_threadpoolqueue_size": number("pullThreadPoolQueueSize"),
    "query_threadpoolqueue_size": number("queryThreadPoolQueueSize"),
    "send_threadpoolqueue_capacity": number("sendThreadPoolQueueCapacity"),
    "pull_threadpoolqueue_capacity": number("pullThreadPoolQueueCapacity"),
    "query_threadpool_queue_capacity": number("queryThreadPoolQueueCapacity"),
    "send_threadpoolqueue_headwait_timemills": number("sendThreadPoolQueueHeadWaitTimeMills"),
    "pull_threadpoolqueue_headwait_timemills": number("pullThreadPoolQueueHeadWaitTimeMills"),
    "query_threadpoolqueue_headwait_timemills": number("queryThreadPoolQueueHeadWaitTimeMills"),
    "put_tps10": word("putTps", 0),
    "put_tps60": word("putTps", 1),
    "put_tps600": word("putTps", 2),
    "getmiss_tps10": word("getMissTps", 0),
    "getmiss_tps60": word("getMissTps", 1),
    "getmiss_tps600": word("getMissTps", 2),
    "getfound_tps10": word("getFoundTps", 0),
    "getfound_tps60": word("getFoundTps", 1),
    "getfound_tps600": word("getFoundTps", 2),
    "gettotal_tps10": word("getTotalTps", 0),
    "gettotal_tps60": word("getTotalTps", 1),
    "gettotal_tps600": word("getTotalTps", 2),
    "gettransfered_tps10": word("getTransferedTps", 0),
    "gettransfered_tps60": word("getTransferedTps", 1),
    "gettransfered_tps600": word("getTransferedTps", 2),
}


def brokeruntime(cluster: str, address: str, info: Info) -> Iterator[Metric]:
    """All 63, of a broker at `address` (its port with it, though the label says IP)."""
    labels = (cluster, address, "", info["brokerVersionDesc"], info["bootTimestamp"], info["brokerVersion"])
    for name, read in METRICS.items():
        yield from gauges(PREFIX + name, "As rocketmq-exporter tells it.", LABELS, [(labels, read(info))])
