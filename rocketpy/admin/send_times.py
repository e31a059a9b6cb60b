"""sendMsgStatus and clusterRT: how long messages to brokers take. They go to the topic that has the broker's name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from rocketpy.admin.command import INT_MAX, Command, CommandFailed, Given, Option
from rocketpy.admin.items import Column, Item, Pause, Rows, Said, Table
from rocketpy.admin.java import decimals, message_queue_text, string_order
from rocketpy.admin.session import Session
from rocketpy.client.calls import ClientError
from rocketpy.client.messages import new_message
from rocketpy.client.producer import Producer, SendResult
from rocketpy.protocol.bodies import ClusterInfo

WORDS = b"hello jodie"
WARM_UP_BYTES = 16
MESSAGE_BYTES_MAX = 4 * 1024 * 1024  # what official clients send at most
CHINA_S = 8 * 3600  # upstream's log line has China's time
TIMES = Table(
    "%-24s  %-24s  %-8s  %-16s  %-16s",
    (
        Column("#Cluster Name", "clusterName"),
        Column("#Broker Name", "brokerName"),
        Column("#RT", "rt", show=lambda rt: decimals(rt, 2)),
        Column("#successCount", "successCount"),
        Column("#failCount", "failCount"),
    ),
    head="%-24s  %-24s  %-4s  %-8s  %-8s",
)


async def send_msg_status(session: Session, given: Given) -> AsyncIterator[Item]:
    """Send messages to one broker; a sentence each. They begin in the broker's own topic."""
    broker, producer = given.text("b"), session.producer("PID_SMSC")
    size = given.number("s", 128, least=0, most=MESSAGE_BYTES_MAX)
    count = given.number("c", 50, least=0, most=INT_MAX)
    body = WORDS * -(-size // len(WORDS))
    await producer.send(new_message(broker, WORDS * -(-WARM_UP_BYTES // len(WORDS))))
    with session.progress("messages", count) as step:
        for _ in range(count):
            begin = time.monotonic()
            result = await producer.send(new_message(broker, body))
            rt = round((time.monotonic() - begin) * 1000)
            yield Said(f"rt:{rt}ms, SendResult={send_result_text(result)}", {"rt": rt, "sendResult": data_of(result)})
            step()


def send_result_text(result: SendResult) -> str:
    """SendResult.toString."""
    return (
        f"SendResult [sendStatus={result.status.name}, msgId={result.msg_id}, offsetMsgId={result.offset_msg_id}, "
        f"messageQueue={message_queue_text(result.queue)}, queueOffset={result.queue_offset}]"
    )


def data_of(result: SendResult) -> dict[str, object]:
    """The same as data."""
    return {
        "sendStatus": result.status.name,
        "msgId": result.msg_id,
        "offsetMsgId": result.offset_msg_id,
        "messageQueue": result.queue,
        "queueOffset": result.queue_offset,
    }


async def cluster_rt(session: Session, given: Given) -> AsyncIterator[Item]:
    """Send to every broker, again and again until the tool is stopped."""
    amount = given.number("a", 50, least=1, most=INT_MAX)
    body = b"a" * given.number("s", least=0, most=MESSAGE_BYTES_MAX)
    interval = given.number("i", 10, least=0)
    as_log, room = given.boolean("p"), given.maybe("m") or "noname"
    info = await session.admin.cluster()
    clusters = asked_clusters(info, given)
    places = [(cluster, broker) for cluster in clusters for broker in string_order(info.cluster_addr_table[cluster])]
    producer, rows = session.producer(str(session.admin.clock.now_ms())), Rows(TIMES)
    if not as_log:
        yield rows.head
    while True:
        for cluster, broker in places:
            values = {"clusterName": cluster, "brokerName": broker, **await measured(producer, broker, body, amount)}
            yield logged(values, room) if as_log else rows.row(**values)
        yield Pause()
        await session.wait(interval)


def asked_clusters(info: ClusterInfo, given: Given) -> list[str]:
    """The cluster of -c, else all."""
    cluster = given.maybe("c")
    if cluster is None:
        return string_order(info.cluster_addr_table)
    if cluster not in info.cluster_addr_table:
        known = ", ".join(sorted(info.cluster_addr_table))
        raise CommandFailed(f"the name server knows the clusters {known}", said=f"cluster [{cluster}] not exist")
    return [cluster]


async def measured(producer: Producer, broker: str, body: bytes, amount: int) -> dict[str, float]:
    """The mean time of messages in ms, without the first, and how many came through."""
    elapsed_s, sent = 0.0, 0
    for number in range(amount):
        begin = time.monotonic()
        try:
            await producer.send(new_message(broker, body))
            sent += 1
        except ClientError:
            await asyncio.sleep(0)
        elapsed_s += (time.monotonic() - begin) if number else 0.0
    mean = elapsed_s * 1000 / (amount - 1) if amount > 1 else 0.0
    return {"rt": mean, "successCount": sent, "failCount": amount - sent}


def logged(values: dict[str, object], room: str) -> Said:
    """The line for a log: time, machine room, cluster, broker, whole milliseconds."""
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + CHINA_S))
    rt = decimals(float(str(values["rt"])), 0)
    text = f"{now}|{room}|{values['clusterName']}|{values['brokerName']}|{rt}\n"
    return Said(text, {"time": now, "machineRoom": room, **values})


COMMANDS = (
    Command(
        "sendMsgStatus",
        send_msg_status,
        (
            Option("b", "brokerName", "Broker Name", required=True, completes="broker"),
            Option("s", "messageSize", "Message Size, Default: 128"),
            Option("c", "count", "send message count, Default: 50"),
        ),
    ),
    Command(
        "clusterRT",
        cluster_rt,
        (
            Option("a", "amout", "message amout | default 100"),
            Option("s", "size", "message size | default 128 Byte", required=True),
            Option("c", "cluster", "cluster name | default display all cluster", completes="cluster"),
            Option("p", "print log", "print as tlog | default false"),
            Option("m", "machine room", "machine room name | default noname"),
            Option("i", "interval", "print interval | default 10 seconds"),
        ),
    ),
)
