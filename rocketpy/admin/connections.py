"""consumerConnection, producerConnection, consumerStatus: the clients of a group and what they are doing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from rocketpy.admin.command import Command, CommandFailed, Given, Option
from rocketpy.admin.files import as_file_name, write_anew
from rocketpy.admin.items import Failed, Item, Said
from rocketpy.admin.java import string_order
from rocketpy.admin.running_info import Infos, blocked_queues, has_same_subscriptions, report, running_data
from rocketpy.admin.session import Session
from rocketpy.admin.targets import each
from rocketpy.client.admin_groups import consumer_connection, producer_connection, running_info
from rocketpy.errors import RocketPyError
from rocketpy.protocol.admin_bodies import Connection, ConsumerConnection, ConsumerRunningInfo
from rocketpy.protocol.mqversion import version_desc

GROUP = Option("g", "consumerGroup", "consumer group name", required=True, completes="group")


def client_lines(clients: Iterable[Connection], digits: int) -> str:
    """A numbered line a client."""
    return "".join(
        f"{number:0{digits}d}  {client.client_id:<32} {client.client_addr:<22} {client.language:<8} "
        f"{version_desc(client.version)}\n"
        for number, client in enumerate(clients, 1)
    )


def client_data(client: Connection) -> dict[str, Any]:
    """A client as JSON has it."""
    return {
        "clientId": client.client_id,
        "clientAddr": client.client_addr,
        "language": client.language,
        "version": version_desc(client.version),
    }


async def consumer_connections(session: Session, given: Given) -> AsyncIterator[Item]:
    """The clients of a group and what they are subscribed to."""
    found = await consumer_connection(session.admin, given.text("g"))
    yield Said(client_lines(found.connection_set, 3), connection_data(found))
    yield Said("\nBelow is subscription:" + subscriptions_text(found))
    for name, value in kinds(found).items():
        yield Said(f"{name}: {value}\n")


def subscriptions_text(found: ConsumerConnection) -> str:
    """A numbered line a topic."""
    return "".join(
        f"{number:03d}  Topic: {topic:<40} SubExpression: {found.subscription_table[topic].sub_string}\n"
        for number, topic in enumerate(string_order(found.subscription_table), 1)
    )


def kinds(found: ConsumerConnection) -> dict[str, str]:
    """How the group consumes, by upstream's names."""
    values = {
        "ConsumeType": found.consume_type,
        "MessageModel": found.message_model,
        "ConsumeFromWhere": found.consume_from_where,
    }
    return {name: value.name if value is not None else "null" for name, value in values.items()}


def connection_data(found: ConsumerConnection) -> dict[str, Any]:
    """All of it as one object."""
    return {
        "connectionSet": [client_data(client) for client in found.connection_set],
        "subscriptionTable": {topic: each.sub_string for topic, each in found.subscription_table.items()},
        "consumeType": found.consume_type,
        "messageModel": found.message_model,
        "consumeFromWhere": found.consume_from_where,
    }


async def producer_connections(session: Session, given: Given) -> AsyncIterator[Item]:
    """The clients of a producer group."""
    found = await producer_connection(session.admin, given.text("g"), given.text("t"))
    clients = [client_data(client) for client in found.connection_set]
    yield Said(client_lines(found.connection_set, 4), {"connectionSet": clients})


# ---- consumerStatus


async def consumer_status(session: Session, given: Given) -> AsyncIterator[Item]:
    """What one client, or every client of a group, says of itself; of all also whether they agree."""
    group, jstack = given.text("g"), "s" in given
    if "i" in given:
        info = await running_info(session.admin, group, given.text("i"), jstack=jstack)
        yield Said(report(info), running_data(info))
        return
    found = await consumer_connection(session.admin, group)
    folder = Path(str(session.admin.clock.now_ms()))
    infos: dict[str, ConsumerRunningInfo] = {}
    versions = {client.client_id: version_desc(client.version) for client in found.connection_set}
    answers = await each(
        versions, lambda client_id: running_info(session.admin, group, client_id, jstack=jstack)
    )
    for client_id, answer in answers:
        if isinstance(answer, RocketPyError):
            yield Failed(client_id, answer)
            continue
        infos[client_id] = answer
        for item in kept_report(folder, len(infos), client_id, versions[client_id], answer):
            yield item
    if infos:
        yield verdict(infos, session.admin.clock.now_ms())


def kept_report(folder: Path, number: int, client_id: str, version: str, info: ConsumerRunningInfo) -> list[Item]:
    """The report goes into a file of its own, and a line says which; a client's id comes from the wire."""
    told: list[Item] = []
    path = ""
    try:
        path = str(folder / as_file_name(client_id))
        write_anew(Path(path), report(info).encode())
    except CommandFailed as fault:
        told.append(Failed(client_id, fault))
        path = ""
    line = f"{number:03d}  {client_id:<40} {version:<20} {path}\n"
    data = {"clientId": client_id, "version": version, "file": path, "runningInfo": running_data(info)}
    return [*told, Said(line, data)]


def verdict(infos: Infos, now_ms: int) -> Said:
    """Whether the clients of a group agree, and the queues that do not go on."""
    if not has_same_subscriptions(infos, now_ms):
        text = "\n\nWARN: Different subscription in the same group of consumer!!!"
        return Said(text, {"sameSubscription": False})
    faults = [fault for name in sorted(infos) for fault in blocked_queues(name, infos[name], now_ms)]
    text = "\n\nSame subscription in the same group of consumer\n\nRebalance OK\n"
    return Said(text + "".join(f"{fault}\n" for fault in faults), {"sameSubscription": True, "faults": faults})


COMMANDS = (
    Command("consumerConnection", consumer_connections, (GROUP,)),
    Command(
        "producerConnection",
        producer_connections,
        (
            Option("g", "producerGroup", "producer group name", required=True),
            Option("t", "topic", "topic name", required=True, completes="topic"),
        ),
    ),
    Command(
        "consumerStatus",
        consumer_status,
        (
            GROUP,
            Option("i", "clientId", "The consumer's client id"),
            Option("s", "jstack", "Run jstack command in the consumer progress", flag=True),
        ),
    ),
)
