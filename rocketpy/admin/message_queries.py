"""queryMsgById, queryMsgByKey, queryMsgByUniqueKey, queryMsgByOffset: single messages and what became of them.

The body of a message that is shown goes into a file, BODIES/<id>, as with upstream's tool.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from rocketpy._core.message import Message
from rocketpy.admin.command import INT_MAX, Command, CommandFailed, Given, Option
from rocketpy.admin.files import as_file_name, write_anew
from rocketpy.admin.items import Column, Failed, Item, Rows, Said, Table
from rocketpy.admin.java import string_order
from rocketpy.admin.message_text import (
    NONE,
    Properties,
    message_data,
    message_lines,
    sent_result_text,
    track_text,
)
from rocketpy.admin.queues import ends_of, named_queue
from rocketpy.admin.session import Session
from rocketpy.client.admin_groups import consume_directly
from rocketpy.client.admin_messages import (
    MessageTrack,
    client_id_of,
    host_text,
    is_place,
    message_by_id,
    message_track,
    messages_by_key,
    view_message,
)
from rocketpy.client.calls import BrokerRefused, ClientError
from rocketpy.client.producer import Producer
from rocketpy.client.pull_consumer import PullStatus
from rocketpy.errors import RocketPyError
from rocketpy.protocol.names import TOOLS_CONSUMER_GROUP

BODIES = Path("/tmp/rocketmq/msgbodys")
RESEND_GROUP = "ReSendMsgById"
FOUND = Table(
    "%-50s %4s %40s",
    (Column("#Message ID", "msgId"), Column("#QID", "queueId"), Column("#Offset", "queueOffset")),
)


# ---- one message is shown


async def shown(
    session: Session, message: Message, *, with_id: bool, more: Properties = NONE
) -> AsyncIterator[Item]:
    """A message line by line, and what each group has made of it."""
    path, fault = saved_body(message)
    if fault is not None:
        yield Failed(client_id_of(message), fault)
    lines = [("OffsetID:", message.msg_id)] * 2 if with_id else []
    told = "".join(f"{name:<20} {value}\n" for name, value in [*lines, *message_lines(message, path, more)])
    tracks: list[MessageTrack] | None = None
    try:
        tracks = in_order(await message_track(session.admin, message))
    except ClientError as error:
        yield Failed(f"the groups of {message.topic}", error)
    yield Said(told, {**message_data(message), "bodyPath": path, "tracks": track_data(tracks)})
    if tracks is not None:
        yield Said("\n\n" + "".join(map(track_text, tracks)) if tracks else "\n\nWARN: No Consumer")


def saved_body(message: Message) -> tuple[str, CommandFailed | None]:
    """Where the body has been written, or why it has not. The id may come from a producer that is not to be trusted."""
    try:
        path = BODIES / as_file_name(client_id_of(message))
        write_anew(path, message.decompressed_body())
        return str(path), None
    except CommandFailed as fault:
        return "", fault


def in_order(tracks: list[MessageTrack]) -> list[MessageTrack]:
    """As upstream's set of groups gives them back."""
    by_group = {track.consumer_group: track for track in tracks}
    return [by_group[group] for group in string_order(by_group)]


def track_data(tracks: list[MessageTrack] | None) -> list[dict[str, Any]] | None:
    """Tracks as JSON has them."""
    return None if tracks is None else [
        {"consumerGroup": each.consumer_group, "trackType": each.track_type, "exceptionDesc": each.exception_desc}
        for each in tracks
    ]  # fmt: skip


async def consumed_directly(session: Session, given: Given, message: Message) -> Said:
    """Have the client of -d consume the message for the group of -g."""
    result = await consume_directly(
        session.admin, host_text(message.store_host), given.text("g"), given.text("d"), message.msg_id
    )
    return Said(str(result), result)


# ---- the commands


async def query_msg_by_id(session: Session, given: Given) -> AsyncIterator[Item]:
    """Messages by the ids that say where they are: shown, consumed by one client, or sent once more."""
    resends = "s" in given and not ("g" in given and "d" in given)
    producer = session.producer(RESEND_GROUP) if resends else None
    for msg_id in filter(None, (word.strip() for word in given.words("i"))):
        if resends and not given.boolean("s"):
            continue  # `-s false` has upstream's tool do nothing at all
        try:
            message = await viewed(session, msg_id)
            if "g" in given and "d" in given:
                yield await consumed_directly(session, given, message)
                continue
            if producer is not None:
                yield await sent_again(producer, msg_id, message)
                continue
        except RocketPyError as error:
            yield Failed(msg_id, error)
            continue
        async for item in shown(session, message, with_id=True):
            yield item


async def viewed(session: Session, msg_id: str) -> Message:
    """The message of an offset id. CommandFailed when the id is a producer's, as one cannot see."""
    try:
        return await view_message(session.admin, msg_id)
    except ClientError as error:
        if await is_place(session.admin, msg_id):
            raise
        raise CommandFailed(
            f"{msg_id} names no broker of this cluster ({shortly(error)}); if a producer gave the id, "
            f"mqadmin queryMsgByUniqueKey -t <topic> -i {msg_id} finds the message"
        ) from None


def shortly(error: ClientError) -> str:
    """What came of asking for the message all the same."""
    return error.remark or "refused" if isinstance(error, BrokerRefused) else str(error.__cause__ or error)


async def sent_again(producer: Producer, msg_id: str, message: Message) -> Said:
    """Send a copy with the same properties, so with the same producer's id."""
    copy = Message(
        message.topic, message.decompressed_body(), properties=dict(message.properties), flag=message.flag
    )
    result = await producer.send(copy)
    ids = {"msgId": result.msg_id, "offsetMsgId": result.offset_msg_id}
    data = {"originalMsgId": msg_id, "status": result.status, **ids}
    return Said(f"prepare resend msg. originalMsgId={msg_id}{sent_result_text(result)}", data)


async def query_msg_by_key(session: Session, given: Given) -> AsyncIterator[Item]:
    """A row a message with the key."""
    messages = await messages_by_key(session.admin, given.text("t"), given.text("k"))
    rows = Rows(FOUND)
    yield rows.head
    for message in messages:
        yield rows.row(
            msgId=client_id_of(message),
            queueId=message.queue_id,
            queueOffset=message.queue_offset,
            offsetMsgId=message.msg_id,
        )


async def query_msg_by_unique_key(session: Session, given: Given) -> AsyncIterator[Item]:
    """The message with a producer's id, shown or consumed by one client."""
    message = await message_by_id(session.admin, given.text("t"), given.text("i"))
    if "g" in given and "d" in given:
        yield await consumed_directly(session, given, message)
        return
    async for item in shown(session, message, with_id=False):
        yield item


async def query_msg_by_offset(session: Session, given: Given) -> AsyncIterator[Item]:
    """The message at an offset of a queue."""
    consumer = session.consumer(TOOLS_CONSUMER_GROUP)
    topic, offset = given.text("t"), given.number("o", least=0)
    queue = await named_queue(consumer, topic, given.text("b"), given.number("i", least=0, most=INT_MAX))
    result = await consumer.pull(queue, offset, max_nums=1)
    if result.status is not PullStatus.FOUND or not result.messages:
        ends = f"the queue has {result.min_offset} to {result.max_offset - 1}"
        if result.min_offset >= result.max_offset:
            ends = "the queue is empty"
        raise CommandFailed(f"no message at offset {offset} of queue {queue.queue_id} on {queue.broker_name}: {ends}")
    async for item in shown(session, result.messages[0], with_id=True, more=ends_of(result)):
        yield item


TOPIC = Option("t", "topic", "topic name", required=True, completes="topic")
MSG_ID = Option("i", "msgId", "Message Id", required=True)
GROUP = Option("g", "consumerGroup", "consumer group name", completes="group")
CLIENT = Option("d", "clientId", "The consumer's client id")

COMMANDS = (
    Command(
        "queryMsgById",
        query_msg_by_id,
        (MSG_ID, GROUP, CLIENT, Option("s", "sendMessage", "resend message"), Option("u", "unitName", "unit name")),
    ),
    Command("queryMsgByKey", query_msg_by_key, (TOPIC, Option("k", "msgKey", "Message Key", required=True))),
    Command(
        "queryMsgByUniqueKey",
        query_msg_by_unique_key,
        (MSG_ID, GROUP, CLIENT, Option("t", "topic", "The topic of msg", required=True, completes="topic")),
    ),
    Command(
        "queryMsgByOffset",
        query_msg_by_offset,
        (
            TOPIC,
            Option("b", "brokerName", "Broker Name", required=True, completes="broker"),
            Option("i", "queueId", "Queue Id", required=True),
            Option("o", "offset", "Queue Offset", required=True),
        ),
    ),
)
