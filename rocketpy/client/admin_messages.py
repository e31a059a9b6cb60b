"""What an operator asks about single messages: by id, by key, by place, and which groups have consumed them.

A message has two ids: the one its producer made (UNIQ_KEY, found through the index) and the one that says where it is
(store host and physical offset). Invariant: a message is returned only when it has the id or key that was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from rocketpy._core.command import request
from rocketpy._core.message import Message, decode_message, decode_message_id, decode_messages
from rocketpy.client.admin_groups import LONG_CALLS, consume_stats, consumer_connection, topic_groups
from rocketpy.client.admin_topics import cluster
from rocketpy.client.calls import BrokerRefused, Calls, ClientError, NoRoute, addresses
from rocketpy.protocol.admin_bodies import ConsumerConnection, QueryConsumeQueueResponseBody
from rocketpy.protocol.bodies import ConsumeType
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.headers import QueryConsumeQueueRequestHeader
from rocketpy.protocol.names import MASTER_ID, MessageConst, retry_topic

MOST_WITH_A_KEY = 64
LONG_MAX = 2**63 - 1


class TrackType(Enum):
    """What a group has made of a message; upstream's names."""

    CONSUMED = "its offset is past the message"
    CONSUMED_BUT_FILTERED = "its offset is past the message, but it does not want the message's tag"
    PULL = "it pulls: nobody but itself knows"
    NOT_CONSUME_YET = "its offset is at or before the message"
    NOT_ONLINE = "none of its clients is there"
    UNKNOWN = "it could not be found out"


@dataclass(frozen=True)
class MessageTrack:
    """One group and a message."""

    consumer_group: str
    track_type: TrackType
    exception_desc: str | None = None


def client_id_of(message: Message) -> str:
    """The id the producer gave, or the one that says where the message is when it gave none."""
    return message.get_property(MessageConst.UNIQ_KEY) or message.msg_id


def host_text(host: tuple[str, int]) -> str:
    """`host:port`."""
    return f"{host[0]}:{host[1]}"


async def view_message(calls: Calls, offset_msg_id: str) -> Message:
    """The message at the place an id says. BrokerRefused(NO_MESSAGE) when the id says no place."""
    try:
        host, offset = decode_message_id(offset_msg_id)
    except ValueError:
        raise BrokerRefused(
            ResponseCode.NO_MESSAGE, "query message by id finished, but no message."
        ) from None
    answer = await calls.ask(host_text(host), request(RequestCode.VIEW_MESSAGE_BY_ID, {"offset": str(offset)}))
    return decode_message(answer.body or b"")


async def messages_with(
    calls: Calls, topic: str, key: str, is_wanted: Callable[[Message], bool], max_num: int, *, unique: bool
) -> list[Message]:
    """What the brokers of a topic have under a key of the index, less what only has its hash.

    BrokerRefused(NO_MESSAGE) when that is nothing; the error of a broker when none of them found anything.
    """
    where = addresses(await calls.route(topic))
    found = await asyncio.gather(
        *(query_index(calls, address, topic, key, max_num, unique=unique) for address in where),
        return_exceptions=True,
    )
    messages: list[Message] = []
    failures: list[BaseException] = []
    for each in found:
        if isinstance(each, BaseException):
            failures.append(each)
        else:
            messages += [message for message in each if message.topic == topic and is_wanted(message)]
    if not messages:
        raise failures[0] if failures else BrokerRefused(
            ResponseCode.NO_MESSAGE, "query message by key finished, but no message."
        )  # fmt: skip
    return messages


async def query_index(
    calls: Calls, address: str, topic: str, key: str, max_num: int, *, unique: bool
) -> list[Message]:
    """One broker's messages whose key has this key's hash."""
    ext = {
        "topic": topic,
        "key": key,
        "maxNum": str(max_num),
        "beginTimestamp": "0",
        "endTimestamp": str(LONG_MAX),
        "_UNIQUE_KEY_QUERY": "true" if unique else "false",
    }
    answer = await calls.call(address, request(RequestCode.QUERY_MESSAGE, ext), LONG_CALLS * calls.timeout_ms)
    if answer.code == ResponseCode.QUERY_NOT_FOUND:
        return []
    if answer.code != ResponseCode.SUCCESS:
        raise BrokerRefused(answer.code, answer.remark)
    return decode_messages(answer.body or b"")


async def messages_by_key(calls: Calls, topic: str, key: str) -> list[Message]:
    """The messages of a topic with a key, broker by broker, at most MOST_WITH_A_KEY of each."""

    def has_key(message: Message) -> bool:
        return key in (message.get_property(MessageConst.KEYS) or "").split(" ")

    return await messages_with(calls, topic, key, has_key, MOST_WITH_A_KEY, unique=False)


async def message_by_id(calls: Calls, topic: str, msg_id: str) -> Message:
    """The message with an id of either kind; of several with its producer's id the one stored first.

    The index is asked before the id is read as a place: a producer's id has the same 32 digits, and upstream's library
    then connects to whatever address these happen to say.
    """
    try:
        found = await messages_with(
            calls, topic, msg_id, lambda each: client_id_of(each) == msg_id, MOST_WITH_A_KEY, unique=True
        )
    except BrokerRefused as refusal:
        if refusal.code != ResponseCode.NO_MESSAGE or not await is_place(calls, msg_id):
            raise
        return await view_message(calls, msg_id)
    return min(found, key=lambda each: each.store_timestamp)


async def is_place(calls: Calls, msg_id: str) -> bool:
    """Whether an id names a broker that the name server knows."""
    try:
        host, _ = decode_message_id(msg_id)
    except ValueError:
        return False
    known = (await cluster(calls)).broker_addr_table.values()
    return any(host_text(host) in broker.broker_addrs.values() for broker in known)


# ---- who has consumed it


async def message_track(calls: Calls, message: Message) -> list[MessageTrack]:
    """What every group of the message's topic has made of it, in the order the broker names the groups."""
    groups = await topic_groups(calls, message.topic)
    return list(await asyncio.gather(*(group_track(calls, message, group) for group in groups)))


async def group_track(calls: Calls, message: Message, group: str) -> MessageTrack:
    """What one group has made of a message; an error is part of the answer."""
    try:
        connection = await consumer_connection(calls, group)
        if connection.consume_type is not ConsumeType.CONSUME_PASSIVELY:
            return MessageTrack(group, TrackType.PULL)
        if not await is_consumed(calls, message, group):
            return MessageTrack(group, TrackType.NOT_CONSUME_YET)
    except BrokerRefused as refusal:
        offline = refusal.code == ResponseCode.CONSUMER_NOT_ONLINE
        told = f"CODE:{refusal.code} DESC:{refusal.remark}"
        return MessageTrack(group, TrackType.NOT_ONLINE if offline else TrackType.UNKNOWN, told)
    except NoRoute:
        told = f"CODE:{ResponseCode.TOPIC_NOT_EXIST:d} DESC:No topic route info in name server for the topic: "
        return MessageTrack(group, TrackType.UNKNOWN, told + retry_topic(group))
    except ClientError as error:
        return MessageTrack(group, TrackType.UNKNOWN, str(error))
    return MessageTrack(group, TrackType.CONSUMED if wants(connection, message) else TrackType.CONSUMED_BUT_FILTERED)


def wants(connection: ConsumerConnection, message: Message) -> bool:
    """Whether a group's subscription takes the message's tag."""
    subscription = connection.subscription_table.get(message.topic)
    if subscription is None or not subscription.tags_set or "*" in subscription.tags_set:
        return True
    return message.get_property(MessageConst.TAGS) in subscription.tags_set


async def is_consumed(calls: Calls, message: Message, group: str) -> bool:
    """Whether the group's offset in the message's queue is past it. The queue is that of the master it is stored on."""
    found, known = await asyncio.gather(consume_stats(calls, group), cluster(calls))
    for queue, at in found.stats.offset_table.items():
        if queue.topic != message.topic or queue.queue_id != message.queue_id:
            continue
        broker = known.broker_addr_table.get(queue.broker_name)
        if broker is not None and broker.broker_addrs.get(MASTER_ID) == host_text(message.store_host):
            return at.consumer_offset > message.queue_offset
    for error in found.failed.values():
        raise error  # the broker that did not answer may be the one
    return False


# ---- consume queues


async def query_consume_queue(
    calls: Calls, address: str, topic: str, queue_id: int, index: int, count: int, group: str | None = None
) -> QueryConsumeQueueResponseBody:
    """`count` entries of a consume queue from `index` on; with a group also what its expression makes of them."""
    header = QueryConsumeQueueRequestHeader(
        topic=topic, queue_id=queue_id, index=index, count=count, consumer_group=group
    )
    answer = await calls.ask(address, request(RequestCode.QUERY_CONSUME_QUEUE, header.encode()))
    return QueryConsumeQueueResponseBody.decode(answer.body or b"{}")
