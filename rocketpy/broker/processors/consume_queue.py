"""QUERY_CONSUME_QUEUE: the entries of a consume queue as they are stored, with their units of consumequeue_ext.

Upstream encodes its answer before it fills it, so that tools only ever see zeros; here the answer has what its class
promises.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from rocketpy import json_file
from rocketpy._core.command import Command, response
from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.consume_queue_ext import is_address
from rocketpy._core.message_filter import MessageFilter
from rocketpy.broker.consumer_filters import is_tag_type
from rocketpy.broker.processors.answers import UNSAID, Answer, refused
from rocketpy.broker.processors.pull_filter import wanted_tags
from rocketpy.protocol import fastjson
from rocketpy.protocol.admin_bodies import ConsumeQueueData, QueryConsumeQueueResponseBody
from rocketpy.protocol.bodies import SubscriptionData
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import QueryConsumeQueueRequestHeader

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

MOST_ENTRIES = 10_000  # of one answer; a tool asks on from where it ended
UNIT_HEAD = 20  # bytes of a unit before its bitmap


def query_consume_queue(
    broker: Broker, connection: Connection, request: Command, header: QueryConsumeQueueRequestHeader
) -> Answer:
    """`count` entries from `index` on, MOST_ENTRIES at most; `eval`: whether the group's subscription takes them."""
    topic, queue_id, index, count = _asked(header)
    if (topic, queue_id) not in broker.store:
        raise refused(ResponseCode.SYSTEM_ERROR, f"{queue_id}@{topic} is not exist!")
    queue = broker.store.queue(topic, queue_id)
    subscription = _subscription(broker, header.consumer_group, topic)
    body = QueryConsumeQueueResponseBody(
        subscription_data=subscription,
        filter_data=_filter_data(broker, header.consumer_group, topic, subscription),
        max_queue_index=queue.max_offset,
        min_queue_index=queue.min_offset,
    )
    end = min(index + min(count, MOST_ENTRIES), queue.max_offset)
    remark = UNSAID
    if not queue.min_offset <= index < queue.max_offset:
        remark = f"Index {index} of {queue_id}@{topic} is not exist!"
    else:
        known = broker.filters.get(topic, header.consumer_group or "")
        test = known.test if known is not None else None
        body.queue_data = [_entry(queue, at, subscription, test) for at in range(index, end)]
    return response(ResponseCode.SUCCESS, remark, None, body.encode())


def _asked(header: QueryConsumeQueueRequestHeader) -> tuple[str, int, int, int]:
    """Topic, queue id, index and count: upstream's header calls none of them required, and meets a null then."""
    topic, queue_id, index, count = header.topic, header.queue_id, header.index, header.count
    if topic is None or queue_id is None or index is None or count is None:
        fields = {"topic": topic, "queueId": queue_id, "index": index, "count": count}
        missing = next(name for name, value in fields.items() if value is None)
        raise refused(ResponseCode.SYSTEM_ERROR, f"the custom field <{missing}> is missing")
    return topic, queue_id, index, count


def _subscription(broker: Broker, group: str | None, topic: str) -> SubscriptionData | None:
    members = broker.consumers.group(group) if group is not None else None
    return members.subscription(topic) if members is not None else None


def _filter_data(
    broker: Broker, group: str | None, topic: str, subscription: SubscriptionData | None
) -> str | None:
    if group is None:
        return None
    if subscription is None:
        return f"{group}@{topic} is not online!"
    known = broker.filters.get(topic, group)
    return "null" if known is None else json_file.pretty(fastjson.loads(fastjson.dumps(known.data)))


def _entry(
    queue: ConsumeQueue, index: int, subscription: SubscriptionData | None, test: MessageFilter | None
) -> ConsumeQueueData:
    stored = queue.stored_entry(index) or (0, 0, 0)
    entry = ConsumeQueueData(*stored)
    tags_code = entry.tags_code
    if is_address(tags_code):
        unit = queue.ext.unit(tags_code) if queue.ext is not None else None
        if unit is None:
            entry.msg = f"Cq extend not exist!addr: {tags_code}"
            return entry
        tags_code, store_time_ms, bitmap = unit
        entry.extend_data_json = _unit_json(tags_code, store_time_ms, bitmap)
        entry.bit_map = _bits(bitmap) if bitmap else None
        if test is not None and subscription is not None and not is_tag_type(subscription.expression_type):
            entry.eval = subscription.class_filter_mode or test.allows(store_time_ms, bitmap)
            return entry
    if subscription is not None:
        tags = wanted_tags(subscription)
        entry.eval = tags is None or tags_code in tags
    return entry


def _unit_json(tags_code: int, store_time_ms: int, bitmap: bytes) -> str:
    members: dict[str, object] = {
        "filterBitMap": base64.b64encode(bitmap).decode() if bitmap else None,
        "msgStoreTime": store_time_ms,
        "size": UNIT_HEAD + len(bitmap),
        "tagsCode": tags_code,
    }
    return fastjson.dumps({name: value for name, value in members.items() if value is not None}).decode()


def _bits(bitmap: bytes) -> str:
    """The last byte first, each bit by bit; a line ends with every eighth byte (BitsArray.toString)."""
    return "".join(f"{byte:08b}" + ("\n" if at % 8 == 0 else "") for at, byte in reversed(list(enumerate(bitmap))))
