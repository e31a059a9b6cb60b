"""statsAll: messages in and out of every topic, group by group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from rocketpy.admin.command import Command, Given, Option
from rocketpy.admin.consumers import is_absent
from rocketpy.admin.items import Column, Failed, Item, Rows, Table
from rocketpy.admin.java import decimals, string_order
from rocketpy.admin.session import Session
from rocketpy.admin.targets import each
from rocketpy.client.admin_groups import broker_stats, consume_stats, topic_groups
from rocketpy.client.admin_topics import all_topics
from rocketpy.client.calls import BrokerRefused, masters_of
from rocketpy.errors import RocketPyError
from rocketpy.protocol.admin_bodies import BrokerStatsData
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.names import is_of_group

NO_CONSUMER = "NO_CONSUMER"


def shown_out(count: int | None) -> str:
    """How many messages a group got; of a topic without groups that there is none."""
    return NO_CONSUMER if count is None else str(count)


STATS = Table(
    "%-32s  %-32s %12s %11s %11s %14s %14s",
    (
        Column("#Topic", "topic", 32),
        Column("#Consumer Group", "consumerGroup", 32),
        Column("#Accumulation", "accumulation"),
        Column("#InTPS", "inTps", show=lambda tps: decimals(tps, 2)),
        Column("#OutTPS", "outTps", show=lambda tps: decimals(tps, 2)),
        Column("#InMsg24Hour", "inMsg24Hour"),
        Column("#OutMsg24Hour", "outMsg24Hour", made_of=lambda row: shown_out(row["outMsg24Hour"])),
    ),
)


@dataclass
class Flow:
    """Messages of one counter over all masters of a topic. `failed`: what could not be asked."""

    tps: float = 0.0
    day: int = 0
    failed: list[RocketPyError] = field(default_factory=list)


async def flow_of(session: Session, masters: list[str], name: str, key: str) -> Flow:
    """One counter, summed over the masters. A broker that has not counted yet answers SYSTEM_ERROR: that is zero."""
    flow = Flow()
    for _, answer in await each(masters, lambda address: broker_stats(session.admin, address, name, key)):
        if isinstance(answer, BrokerStatsData):
            if not isnan(answer.stats_minute.tps):  # else null on the wire, which upstream's tool reads as 0
                flow.tps += answer.stats_minute.tps
            flow.day += answer.stats_day.sum or answer.stats_hour.sum or answer.stats_minute.sum
        elif not (isinstance(answer, BrokerRefused) and answer.code == ResponseCode.SYSTEM_ERROR):
            flow.failed.append(answer)
    return flow


async def stats_all(session: Session, given: Given) -> AsyncIterator[Item]:
    """A row a topic and group; topics of retries and dead letters are left out."""
    topics = [
        topic
        for topic in string_order(await all_topics(session.admin))
        if not is_of_group(topic) and given.maybe("t") in (None, "", topic)
    ]
    rows = Rows(STATS)
    yield rows.head
    with session.progress("topics", len(topics)) as step:
        answers = await each(topics, lambda topic: stats_of_topic(session, topic), step)
    for topic, answer in answers:
        if isinstance(answer, RocketPyError):
            yield Failed(topic, answer)
            continue
        lines, faults = answer
        for fault in faults:
            yield Failed(topic, fault)
        for values in lines:
            if "a" not in given or values["inMsg24Hour"] > 0 or (values["outMsg24Hour"] or 0) > 0:
                yield rows.row(**values)


async def stats_of_topic(session: Session, topic: str) -> tuple[list[dict[str, Any]], list[RocketPyError]]:
    """The rows of one topic, and what could not be asked for them."""
    masters = list(masters_of(await session.admin.route(topic)).values())
    groups = string_order(await topic_groups(session.admin, topic))
    put = await flow_of(session, masters, "TOPIC_PUT_NUMS", topic)
    found = await asyncio.gather(*(stats_of_group(session, masters, topic, group) for group in groups))
    faults = list(put.failed)
    lines: list[dict[str, Any]] = []
    for group, (got, accumulation) in zip(groups, found, strict=True):
        faults += got.failed
        lines.append(line(topic, group, put, accumulation=accumulation, outTps=got.tps, outMsg24Hour=got.day))
    return lines or [line(topic, "", put, accumulation=0, outTps=None, outMsg24Hour=None)], faults


async def stats_of_group(session: Session, masters: list[str], topic: str, group: str) -> tuple[Flow, int]:
    """What a group got of a topic, and how much of it the group has not consumed."""
    got = await flow_of(session, masters, "GROUP_GET_NUMS", f"{topic}@{group}")
    try:
        found = await consume_stats(session.admin, group, topic)
    except RocketPyError as error:
        got.failed += [] if is_absent(error) else [error]
        return got, 0
    got.failed += found.failed.values()
    return got, max(0, found.total_diff)


def line(topic: str, group: str, put: Flow, **values: Any) -> dict[str, Any]:
    """The values of a row."""
    return {"topic": topic, "consumerGroup": group, "inTps": put.tps, "inMsg24Hour": put.day, **values}


COMMANDS = (
    Command(
        "statsAll",
        stats_all,
        (
            Option("a", "activeTopic", "print active topic only", flag=True),
            Option("t", "topic", "print select topic only", completes="topic"),
        ),
    ),
)
