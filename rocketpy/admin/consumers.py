"""consumerProgress: how far consumer groups are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from rocketpy.admin.command import Command, Given, Option
from rocketpy.admin.items import Column, Failed, Item, Rows, Said, Table
from rocketpy.admin.java import decimals, local_time, string_order
from rocketpy.admin.session import Session
from rocketpy.admin.targets import each
from rocketpy.client.admin_groups import GroupStats, consume_stats, consumer_connection, running_info
from rocketpy.client.admin_topics import all_topics
from rocketpy.client.calls import BrokerRefused, NoRoute
from rocketpy.errors import RocketPyError
from rocketpy.protocol.admin_bodies import ConsumerConnection
from rocketpy.protocol.bodies import ConsumeType
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.mqversion import version_desc
from rocketpy.protocol.names import groups_in

UNKNOWN = "N/A"
QUEUES = Table(
    "%-32s  %-32s  %-4s  %-20s  %-20s  %-20s %-20s  %s",
    (
        Column("#Topic", "topic", 32),
        Column("#Broker Name", "brokerName", 32),
        Column("#QID", "queueId"),
        Column("#Broker Offset", "brokerOffset"),
        Column("#Consumer Offset", "consumerOffset"),
        Column("#Client IP", "clientIp", show=lambda address: address or UNKNOWN),
        Column("#Diff", "diff"),
        Column("#LastTime", "lastTimestamp", show=lambda millis: local_time(millis) if millis else UNKNOWN),
    ),
)
GROUPS = Table(
    "%-32s  %-6s  %-24s %-5s  %-14s  %-7s  %s",
    (
        Column("#Group", "group", 32),
        Column("#Count", "count"),
        Column("#Version", "version", show=lambda version: version or "OFFLINE"),
        Column("#Type", "type"),
        Column("#Model", "model"),
        Column("#TPS", "tps"),
        Column("#Diff Total", "diffTotal"),
    ),
)


async def consumer_progress(session: Session, given: Given) -> AsyncIterator[Item]:
    """One group queue by queue, or a line for every group."""
    told = one_group(session, given) if "g" in given else every_group(session)
    async for item in told:
        yield item


# ---- one group


async def one_group(session: Session, given: Given) -> AsyncIterator[Item]:
    """A row a queue; with `-s true` also which client has it."""
    group = given.text("g")
    found = await consume_stats(session.admin, group)
    clients: dict[MessageQueue, str] = {}
    if given.boolean("s"):
        clients, faults = await clients_of_queues(session, group)
        for fault in faults:
            yield fault
    for address, error in found.failed.items():
        yield Failed(f"{address} (its queues are missing below)", error)
    rows = Rows(QUEUES)
    yield rows.head
    for queue, at in sorted(found.stats.offset_table.items(), key=lambda item: item[0]):
        yield rows.row(
            topic=queue.topic,
            brokerName=queue.broker_name,
            queueId=queue.queue_id,
            brokerOffset=at.broker_offset,
            consumerOffset=at.consumer_offset,
            clientIp=clients.get(queue, ""),
            diff=at.broker_offset - at.consumer_offset,
            lastTimestamp=at.last_timestamp,
        )
    for item in summary(found):
        yield item


def summary(found: GroupStats) -> list[Item]:
    """What stands under the table."""
    tps = found.stats.consume_tps
    totals = {"consumeTps": tps, "diffTotal": found.total_diff}
    return [Said(f"\nConsume TPS: {decimals(tps, 2)}\nDiff Total: {found.total_diff}\n", totals)]


async def clients_of_queues(session: Session, group: str) -> tuple[dict[MessageQueue, str], list[Failed]]:
    """Which client holds a queue, by the first part of its id, and who could not be asked."""
    try:
        connection = await consumer_connection(session.admin, group)
    except RocketPyError as error:
        return {}, [] if is_absent(error) else [Failed(group, error)]
    ids = [client.client_id for client in connection.connection_set]
    clients: dict[MessageQueue, str] = {}
    faults = []
    for client_id, answer in await each(ids, lambda client_id: running_info(session.admin, group, client_id)):
        if isinstance(answer, RocketPyError):
            faults.append(Failed(client_id, answer))
        else:
            clients |= dict.fromkeys(answer.mq_table, client_id.split("@")[0])
    return clients, faults


# ---- every group


async def every_group(session: Session) -> AsyncIterator[Item]:
    """A row for each group that has a retry topic."""
    rows = Rows(GROUPS)
    yield rows.head
    groups = groups_in(string_order(await all_topics(session.admin)))
    with session.progress("groups", len(groups)) as step:
        answers = await each(groups, lambda group: progress_of(session, group), step)
    for group, answer in answers:
        if isinstance(answer, RocketPyError):
            yield Failed(group, answer)
            continue
        values, faults = answer
        for fault in faults:
            yield fault
        yield rows.row(group=group, **values)


async def progress_of(session: Session, group: str) -> tuple[dict[str, Any], list[Failed]]:
    """The values of a group's row. That it has no clients or no offsets is no fault."""
    stats, connection = await asyncio.gather(
        consume_stats(session.admin, group), consumer_connection(session.admin, group), return_exceptions=True
    )
    faults = [Failed(group, error) for error in faults_of(stats, connection)]
    values: dict[str, Any] = {"count": 0, "version": "", "type": "", "model": "", "tps": 0, "diffTotal": 0}
    if isinstance(stats, GroupStats):
        faults += [Failed(f"{group}: {address} (not in the diff)", error) for address, error in stats.failed.items()]
        values |= {"tps": int(stats.stats.consume_tps), "diffTotal": stats.total_diff}
    if isinstance(connection, ConsumerConnection):
        values |= clients_told(connection)
    return values, faults


def faults_of(*outcomes: object) -> list[RocketPyError]:
    """The errors to tell. One that is no error of the wire is ours: it is raised."""
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, RocketPyError):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, RocketPyError) and not is_absent(outcome)]


def is_absent(error: RocketPyError) -> bool:
    """Whether an error says that a group has nothing and nobody."""
    return isinstance(error, NoRoute) or (
        isinstance(error, BrokerRefused) and error.code == ResponseCode.CONSUMER_NOT_ONLINE
    )


def clients_told(connection: ConsumerConnection) -> dict[str, Any]:
    """How many clients, of which version at least, and how they consume."""
    pushed = connection.consume_type is not ConsumeType.CONSUME_ACTIVELY
    return {
        "count": len(connection.connection_set),
        "version": version_desc(min(client.version for client in connection.connection_set)),
        "type": ConsumeType.CONSUME_PASSIVELY.value if pushed else ConsumeType.CONSUME_ACTIVELY.value,
        "model": connection.message_model.name if pushed and connection.message_model else "",
    }


COMMANDS = (
    Command(
        "consumerProgress",
        consumer_progress,
        (
            Option("g", "groupName", "consumer group name", completes="group"),
            Option("s", "showClientIP", "Show Client IP per Queue"),
        ),
    ),
)
