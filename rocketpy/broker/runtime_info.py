"""The broker's figures under upstream's keys (code 28): clusterList, brokerStatus and the console read them.

Every key upstream has is here, because tools parse some without asking whether they are there. Figures of thread pools
and their queues are 0: requests wait in none.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rocketpy.stats import Meter

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker

VERSION, VERSION_DESC = 317, "V4_5_2"
INT_MAX = 2**31 - 1
_WINDOWS = (1, 6, 60)  # samples: 10 s, 1 min, 10 min
_BUCKETS = "0~10ms 10~50ms 50~100ms 100~200ms 200~500ms 500ms~1s 1~2s 2~3s 3~4s 4~5s 5~10s 10s~"


def runtime_info(broker: Broker) -> dict[str, str]:
    """All figures as text."""
    broker.stats.collect()
    return {
        **_versions(broker),
        **_counts(broker),
        **_rates(broker),
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
        "runtime": f"[ {days} days, {hours} hours, {minutes} minutes, {seconds % 60} seconds ]",
        "startAcceptSendRequestTimeStamp": str(broker.config.start_accept_send_request_time_stamp),
    }


def _counts(broker: Broker) -> dict[str, str]:
    stats = broker.stats
    puts, gets = stats.meter("BROKER_PUT_NUMS").total, stats.meter("BROKER_GET_NUMS").total
    size = stats.meter("BROKER_PUT_SIZE").total
    others = " ".join(f"[{bucket}]:0" for bucket in _BUCKETS.split())
    return {
        "msgPutTotalYesterdayMorning": str(stats.put_mornings.yesterday),
        "msgPutTotalTodayMorning": str(stats.put_mornings.today),
        "msgPutTotalTodayNow": str(puts),
        "msgGetTotalYesterdayMorning": str(stats.get_mornings.yesterday),
        "msgGetTotalTodayMorning": str(stats.get_mornings.today),
        "msgGetTotalTodayNow": str(gets),
        "putMessageTimesTotal": str(puts),
        "putMessageSizeTotal": str(size),
        "putMessageAverageSize": str(size / puts if puts else 0.0),
        "putMessageDistributeTime": f"[<=0ms]:{puts} {others} ",  # a put takes microseconds
        "putMessageEntireTimeMax": "0",
        "getMessageEntireTimeMax": "0",
    }


def _rates(broker: Broker) -> dict[str, str]:
    found, missed = broker.stats.meter("BROKER_GET_FOUND"), broker.stats.meter("BROKER_GET_MISS")
    return {
        "putTps": _tps(broker.stats.meter("BROKER_PUT_NUMS")),
        "getTransferedTps": _tps(broker.stats.meter("BROKER_GET_NUMS")),
        "getFoundTps": _tps(found),
        "getMissTps": _tps(missed),
        "getTotalTps": _tps(found, missed),
    }


def _tps(*meters: Meter) -> str:
    """Rates of 10 s, a minute and ten minutes; a window that is not full yet is empty, but its blank stands."""
    rates = [[meter.tps(samples) for meter in meters] for samples in _WINDOWS]
    return " ".join("" if None in window else str(sum(filter(None, window), 0.0)) for window in rates)


def _store(broker: Broker) -> dict[str, str]:
    store = broker.store
    return {
        "commitLogMinOffset": str(store.commit_log_min_offset),
        "commitLogMaxOffset": str(store.commit_log_max_offset),
        "dispatchBehindBytes": "0",  # queues are written in the turn of the append
        "dispatchMaxBuffer": "0",
        "pageCacheLockTimeMills": "0",
        "earliestMessageTimeStamp": str(store.earliest_message_time()),
        "remainTransientStoreBufferNumbs": str(INT_MAX),
        "remainHowManyDataToFlush": human_size(store.bytes_to_flush),
    }


def _disks(broker: Broker) -> dict[str, str]:
    disk = shutil.disk_usage(broker.store_config.store_path_root_dir)
    return {
        "commitLogDiskRatio": str(disk_ratio(broker.store_config.store_path_commit_log)),
        "consumeQueueDiskRatio": str(disk_ratio(broker.store_config.store_path_root_dir)),
        "commitLogDirCapacity": f"Total : {human_size(disk.total)}, Free : {human_size(disk.free)}.",
    }


def _queues(broker: Broker) -> dict[str, str]:
    config = broker.config
    capacities = {
        "sendThreadPoolQueueCapacity": config.send_thread_pool_queue_capacity,
        "pullThreadPoolQueueCapacity": config.pull_thread_pool_queue_capacity,
        "queryThreadPoolQueueCapacity": config.query_thread_pool_queue_capacity,
        "EndTransactionThreadPoolQueueCapacity": config.end_transaction_pool_queue_capacity,
    }
    pools = [f"{pool}ThreadPoolQueue" for pool in ("send", "pull", "query")]
    empty = [f"{pool}{what}" for pool in pools for what in ("Size", "HeadWaitTimeMills")]
    texts = {name: str(capacity) for name, capacity in capacities.items()}
    return {**texts, **dict.fromkeys(empty, "0"), "EndTransactionQueueSize": "0"}


def disk_ratio(path: str) -> float:
    """How full the disk of a path is, 0..1; -1 when the path is not there."""
    try:
        disk = shutil.disk_usage(path)
    except OSError:
        return -1.0
    return disk.used / disk.total if disk.total else 0.0


def human_size(size: int) -> str:
    """`501 B`, `1.5 KiB`, as upstream writes sizes."""
    if size < 1024:
        return f"{size} B"
    power = min((size.bit_length() - 1) // 10, 6)
    return f"{size / 1024**power:.1f} {'KMGTPE'[power - 1]}iB"
