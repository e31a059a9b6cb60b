"""brokerStatus and brokerConsumeStats: what brokers say about themselves and about their groups."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.command import Command, Given, Option
from rocketpy.admin.items import Column, Failed, Item, Rows, Said, Table
from rocketpy.admin.java import local_time
from rocketpy.admin.session import Session
from rocketpy.admin.targets import chosen, each
from rocketpy.client.admin_brokers import consume_stats_in_broker
from rocketpy.errors import RocketPyError
from rocketpy.protocol.admin_bodies import ConsumeStats

STATS_TIMEOUT_MS = 50_000
STATS = Table(
    "%-32s  %-32s  %-32s  %-4s  %-20s  %-20s  %-20s  %s",
    (
        Column("#Topic", "topic", 32),
        Column("#Group", "group"),
        Column("#Broker Name", "brokerName", 32),
        Column("#QID", "queueId"),
        Column("#Broker Offset", "brokerOffset"),
        Column("#Consumer Offset", "consumerOffset"),
        Column("#Diff", "diff"),
        Column("#LastTime", "lastTimestamp", show=local_time),
    ),
)


async def broker_status(session: Session, given: Given) -> AsyncIterator[Item]:
    """The figures of one broker, or of every broker of a cluster, each line with its address then."""
    addresses = await chosen(session, given, slaves=True, show_usage=False)
    for address, answer in await each(addresses, session.admin.runtime_info):
        if isinstance(answer, RocketPyError):
            yield Failed(address, answer)
            continue
        begin = "" if "b" in given else f"{address:<24} "
        text = "".join(f"{begin}{key:<32}: {value}\n" for key, value in sorted(answer.items()))
        yield Said(text, {"brokerAddr": address, "runtimeInfo": answer})


async def broker_consume_stats(session: Session, given: Given) -> AsyncIterator[Item]:
    """How far every group is in every queue of one broker that it has consumed from."""
    timeout_ms, level = given.number("t", STATS_TIMEOUT_MS, least=1), given.number("l")
    with session.progress("waiting for the broker"):
        found = await consume_stats_in_broker(
            session.admin, given.text("b"), order=given.boolean("o"), timeout_ms=timeout_ms
        )
    rows = Rows(STATS)
    yield rows.head
    for groups in found.consume_stats_list:
        for group, each_stats in groups.items():
            for stats in each_stats:
                for item in queue_rows(rows, group, stats, level):
                    yield item
    yield Said(f"\nDiff Total: {found.total_diff}\n", {"totalDiff": found.total_diff})


def queue_rows(rows: Rows, group: str, stats: ConsumeStats, level: int) -> list[Item]:
    """A row a queue whose messages are known, when at least `level` messages lie before the group."""
    found: list[Item] = []
    for queue, offsets in sorted(stats.offset_table.items(), key=lambda item: item[0]):
        diff = offsets.broker_offset - offsets.consumer_offset
        if diff >= level and offsets.last_timestamp > 0:
            row = rows.row(
                topic=queue.topic,
                group=group,
                brokerName=queue.broker_name,
                queueId=queue.queue_id,
                brokerOffset=offsets.broker_offset,
                consumerOffset=offsets.consumer_offset,
                diff=diff,
                lastTimestamp=offsets.last_timestamp,
            )
            found.append(row)
    return found


COMMANDS = (
    Command(
        "brokerStatus",
        broker_status,
        (
            Option("b", "brokerAddr", "Broker address", completes="brokerAddr"),
            Option("c", "clusterName", "which cluster", completes="cluster"),
        ),
    ),
    Command(
        "brokerConsumeStats",
        broker_consume_stats,
        (
            Option("b", "brokerAddr", "Broker address", required=True, completes="brokerAddr"),
            Option("t", "timeoutMillis", "request timeout Millis"),
            Option("l", "level", "threshold of print diff"),
            Option("o", "order", "order topic"),
        ),
    ),
)
