"""clusterList: every broker with its load, or what it took and gave yesterday and today; once or again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from rocketpy.admin.command import Command, Given, Option
from rocketpy.admin.items import Column, Failed, Item, Pause, Rows, Table
from rocketpy.admin.java import decimals, string_order
from rocketpy.admin.session import Session
from rocketpy.admin.targets import each
from rocketpy.errors import RocketPyError
from rocketpy.protocol.bodies import ClusterInfo

HOUR_MS = 3_600_000
LOAD_KEYS = (
    "sendThreadPoolQueueSize",
    "sendThreadPoolQueueHeadWaitTimeMills",
    "pullThreadPoolQueueSize",
    "pullThreadPoolQueueHeadWaitTimeMills",
    "pageCacheLockTimeMills",
    "earliestMessageTimeStamp",
    "commitLogDiskRatio",
)


def load(rate: str, pool: str) -> Column:
    """`     0.00(0,0ms)`: messages a second, requests waiting, and how long the first has."""

    def text(row: Mapping[str, Any]) -> str:
        waiting = ",".join(str(row[f"{pool}ThreadPoolQueue{what}"]) for what in ("Size", "HeadWaitTimeMills"))
        return f"{decimals(row[rate], 2):>9}({waiting}ms)"

    return Column("#InTPS(LOAD)" if pool == "send" else "#OutTPS(LOAD)", rate, made_of=text)


PLACE = (Column("#Cluster Name", "clusterName"), Column("#Broker Name", "brokerName"))
BASE = Table(
    "%-16s  %-22s  %-4s  %-22s %-16s %19s %19s %10s %5s %6s",
    (
        *PLACE,
        Column("#BID", "brokerId"),
        Column("#Addr", "brokerAddr"),
        Column("#Version", "version"),
        load("inTps", "send"),
        load("outTps", "pull"),
        Column("#PCWait(ms)", "pageCacheLockTimeMills"),
        Column("#Hour", "hour", show=lambda hours: decimals(hours, 2)),
        Column("#SPACE", "commitLogDiskRatio", made_of=lambda row: decimals(double(row["commitLogDiskRatio"]), 4)),
    ),
)
MORE = Table(
    "%-16s  %-32s %14s %14s %14s %14s",
    (
        *PLACE,
        Column("#InTotalYest", "inTotalYest"),
        Column("#OutTotalYest", "outTotalYest"),
        Column("#InTotalToday", "inTotalToday"),
        Column("#OutTotalToday", "outTotalToday"),
    ),
)


async def cluster_list(session: Session, given: Given) -> AsyncIterator[Item]:
    """One table, or one every -i seconds until the tool is stopped."""
    interval = given.number("i", least=0)
    while True:
        async for item in brokers_now(session, MORE if "m" in given else BASE):
            yield item
        if "i" not in given:
            return
        yield Pause()
        await session.wait(interval)


async def brokers_now(session: Session, table: Table) -> AsyncIterator[Item]:
    """A row a broker; one that does not answer has nothing but its place in it."""
    places = places_of(await session.admin.cluster())
    answers = await each([place["brokerAddr"] for place in places], session.admin.runtime_info)
    rows = Rows(table)
    yield rows.head
    for place, (address, answer) in zip(places, answers, strict=True):
        if isinstance(answer, RocketPyError):
            yield Failed(address, answer)
        info = answer if isinstance(answer, dict) else None
        yield rows.row(**place, **(totals(info) if table is MORE else loads(info, session.admin.clock.now_ms())))


def places_of(info: ClusterInfo) -> list[dict[str, Any]]:
    """Clusters as upstream's map has them, brokers by name and id."""
    return [
        {"clusterName": cluster, "brokerName": name, "brokerId": broker_id, "brokerAddr": address}
        for cluster in string_order(info.cluster_addr_table)
        for name in sorted(info.cluster_addr_table[cluster])
        if name in info.broker_addr_table
        for broker_id, address in sorted(info.broker_addr_table[name].broker_addrs.items())
    ]


def loads(info: Mapping[str, str] | None, now_ms: int) -> dict[str, Any]:
    """A row of the first table; `null` where the broker does not say, as upstream prints it."""
    if info is None:
        return {"version": "", "inTps": 0.0, "outTps": 0.0, "hour": 0.0, **dict.fromkeys(LOAD_KEYS, "")}
    values: dict[str, Any] = {key: info.get(key, "null") for key in LOAD_KEYS}
    earliest = values["earliestMessageTimeStamp"]
    return {
        "version": info.get("brokerVersionDesc", "null"),
        "inTps": double(info.get("putTps", "")),
        "outTps": double(info.get("getTransferedTps", "")),
        "hour": (now_ms - int(earliest)) / HOUR_MS if earliest.lstrip("-").isdigit() else 0.0,
        **values,
    }


def totals(info: Mapping[str, str] | None) -> dict[str, int]:
    """A row of the second table; zeros where a broker does not say all of it."""
    found = {"inTotalYest": 0, "outTotalYest": 0, "inTotalToday": 0, "outTotalToday": 0}
    with suppress(KeyError, ValueError):
        for way, name in (("in", "msgPut"), ("out", "msgGet")) if info is not None else ():
            times = ("YesterdayMorning", "TodayMorning", "TodayNow")
            begin, morning, now = (int((info or {})[f"{name}Total{time}"]) for time in times)
            found |= {f"{way}TotalYest": morning - begin, f"{way}TotalToday": now - morning}
    return found


def double(text: str) -> float:
    """The first number of a value such as `0.1 0.2 0.3`; 0 when it holds none."""
    try:
        return float(text.split(" ")[0] or "0")
    except ValueError:
        return 0.0


COMMANDS = (
    Command(
        "clusterList",
        cluster_list,
        (
            Option("m", "moreStats", "Print more stats", flag=True),
            Option("i", "interval", "specify intervals numbers, it is in seconds"),
        ),
    ),
)
