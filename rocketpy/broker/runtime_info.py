"""The broker's figures under upstream's keys (code 28): clusterList, brokerStatus, the console and exporters read them.

Every key upstream has is here, in its own text format, because tools parse them without asking whether they are there.
Figures of thread pools are of requests that were read and wait for their connection's next turn: there is no other
queue. What upstream counts of its dispatcher, of its lock and of its buffer pool is 0 or the default: consume queues
are written in the turn of the append, by the one thread that appends.
"""

from __future__ import annotations

import math
import shutil
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from rocketpy.protocol.codes import SEND_CODES, RequestCode
from rocketpy.protocol.fastjson import java_double
from rocketpy.stats import Rates
from rocketpy.stats.put_times import put_times_text

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker

VERSION, VERSION_DESC = 317, "V4_5_2"
INT_MAX = 2**31 - 1
NS_PER_MS = 1_000_000
WINDOWS_S = (10, 60, 600)
UNITS = "KMGTPE"

POOLS = {
    "send": SEND_CODES,
    "pull": frozenset({RequestCode.PULL_MESSAGE}),
    "query": frozenset({RequestCode.QUERY_MESSAGE, RequestCode.VIEW_MESSAGE_BY_ID}),
}


def runtime_info(broker: Broker) -> dict[str, str]:
    """All figures as text."""
    return {
        **_versions(broker),
        **_counts(broker),
        **_times(broker),
        **_rates(broker.rates),
        **_store(broker),
        **_disks(broker),
        **_queues(broker),
        **broker.schedule_offsets(),
    }


def _versions(broker: Broker) -> dict[str, str]:
    seconds = (broker.clock.now_ms() - broker.started_ms) // 1000
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    return {
        "brokerVersionDesc": VERSION_DESC,
        "brokerVersion": str(VERSION),
        "bootTimestamp": str(broker.started_ms),
        "runtime": f"[ {days:,} days, {hours} hours, {minutes} minutes, {seconds % 60} seconds ]",
        "startAcceptSendRequestTimeStamp": str(broker.config.start_accept_send_request_time_stamp),
    }


def _counts(broker: Broker) -> dict[str, str]:
    counts, rates = broker.store.counts, broker.rates
    divisor = counts.puts or 1  # which upstream shows as the number of puts, too
    return {
        "msgPutTotalYesterdayMorning": str(rates.yesterday_morning.puts),
        "msgPutTotalTodayMorning": str(rates.today_morning.puts),
        "msgPutTotalTodayNow": str(counts.puts),
        "msgGetTotalYesterdayMorning": str(rates.yesterday_morning.got),
        "msgGetTotalTodayMorning": str(rates.today_morning.got),
        "msgGetTotalTodayNow": str(counts.got),
        "putMessageTimesTotal": str(divisor),
        "putMessageSizeTotal": str(counts.put_bytes),
        "putMessageAverageSize": java_double(counts.put_bytes / divisor),
    }


def _times(broker: Broker) -> dict[str, str]:
    stats = broker.stats
    return {
        "putMessageDistributeTime": put_times_text(broker.stats_log.put_times()),
        "putMessageEntireTimeMax": str(stats.send_times.max_ns // NS_PER_MS),
        "getMessageEntireTimeMax": str(stats.pull_times.max_ns // NS_PER_MS),
    }


def _rates(rates: Rates) -> dict[str, str]:
    found = [rates.per_second("gets_found", seconds) for seconds in WINDOWS_S]
    missed = [rates.per_second("gets_missed", seconds) for seconds in WINDOWS_S]
    return {
        "putTps": _three([rates.per_second("puts", seconds) for seconds in WINDOWS_S]),
        "getTransferedTps": _three([rates.per_second("got", seconds) for seconds in WINDOWS_S]),
        "getFoundTps": _three(found),
        "getMissTps": _three(missed),
        # The sum has upstream's 0.0 where the others are empty.
        "getTotalTps": _three([(one or 0.0) + (other or 0.0) for one, other in zip(found, missed, strict=True)]),
    }


def _three(rates: list[float | None]) -> str:
    """Of 10 s, a minute and ten minutes; a window that is not full yet is empty, but its blank stands."""
    return " ".join("" if rate is None else java_double(rate) for rate in rates)


def _store(broker: Broker) -> dict[str, str]:
    store = broker.store
    return {
        "commitLogMinOffset": str(store.commit_log_min_offset),
        "commitLogMaxOffset": str(store.commit_log_max_offset),
        "dispatchBehindBytes": "0",
        "dispatchMaxBuffer": "0",
        "pageCacheLockTimeMills": "0",
        "earliestMessageTimeStamp": str(store.earliest_message_time()),
        "remainHowManyDataToFlush": human_size(store.bytes_to_flush),
        **_pool(broker),
    }


def _pool(broker: Broker) -> dict[str, str]:
    """Of a pool there never is, so that none of it is in use and nothing waits in it."""
    if not broker.store_config.transient_store_pool_enable:
        return {"remainTransientStoreBufferNumbs": str(INT_MAX)}
    buffers = broker.store_config.transient_store_pool_size
    return {"remainTransientStoreBufferNumbs": str(buffers), "remainHowManyDataToCommit": human_size(0)}


def _disks(broker: Broker) -> dict[str, str]:
    paths = broker.store.paths
    disk = shutil.disk_usage(paths.root)
    # The kernel keeps some of what is free for root: upstream counts it as free, and so must the ratio.
    free = disk.total - disk.used
    queues = paths.consume_queue if paths.consume_queue.exists() else paths.root
    return {
        "commitLogDiskRatio": java_double(disk_ratio(str(paths.commit_log))),
        "consumeQueueDiskRatio": java_double(disk_ratio(str(queues))),
        "commitLogDirCapacity": f"Total : {human_size(disk.total)}, Free : {human_size(free)}.",
    }


def _queues(broker: Broker) -> dict[str, str]:
    config = broker.config
    texts = {
        "sendThreadPoolQueueCapacity": config.send_thread_pool_queue_capacity,
        "pullThreadPoolQueueCapacity": config.pull_thread_pool_queue_capacity,
        "queryThreadPoolQueueCapacity": config.query_thread_pool_queue_capacity,
        "EndTransactionThreadPoolQueueCapacity": config.end_transaction_pool_queue_capacity,
    }
    waiting = broker.waiting_requests()
    for pool, codes in POOLS.items():
        since_ms = [ms for code, ms in waiting if code in codes]
        texts[f"{pool}ThreadPoolQueueSize"] = len(since_ms)
        texts[f"{pool}ThreadPoolQueueHeadWaitTimeMills"] = max(since_ms, default=0)
    texts["EndTransactionQueueSize"] = sum(code == RequestCode.END_TRANSACTION for code, _ in waiting)
    return {name: str(value) for name, value in texts.items()}


def disk_ratio(path: str) -> float:
    """How full the disk of a path is, 0..1; -1 when the path is not there."""
    try:
        disk = shutil.disk_usage(path)
    except OSError:
        return -1.0
    return disk.used / disk.total if disk.total else 0.0


def human_size(size: int) -> str:
    """`501 B`, `1.5 KiB`, as upstream writes sizes (MixAll.humanReadableByteCount), its rounding included."""
    if size < 1024:
        return f"{size} B"
    power = int(math.log(size) / math.log(1024))
    tenths = Decimal(repr(size / 1024**power)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{tenths} {UNITS[power - 1]}iB"
