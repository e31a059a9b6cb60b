"""Offsets of consumers and of queues: query, update, max, min, earliest, by time, clone, the least of all groups."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy.broker.processors.answers import Answer, from_disk, refused, success
from rocketpy.protocol.admin_bodies import QueryCorrectionOffsetBody
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import (
    CloneGroupOffsetRequestHeader,
    GetEarliestMsgStoretimeRequestHeader,
    GetMaxOffsetRequestHeader,
    GetMinOffsetRequestHeader,
    QueryConsumerOffsetRequestHeader,
    QueryCorrectionOffsetHeader,
    SearchOffsetRequestHeader,
    UpdateConsumerOffsetRequestHeader,
)

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqBroker")

BEHIND = 2**63 - 1  # Long.MAX_VALUE: the group asked about is before all others



def query_consumer_offset(
    broker: Broker, connection: Connection, request: Command, header: QueryConsumerOffsetRequestHeader
) -> Answer:
    """Where the group stands in a queue; 0 for a new group on a queue whose first message is still at hand."""
    offset = broker.offsets.query(header.consumer_group, header.topic, header.queue_id)
    if offset >= 0:
        return _offset(offset)
    starts_at_0 = broker.store.min_offset(header.topic, header.queue_id) <= 0
    if starts_at_0 and not broker.store.is_on_disk(header.topic, header.queue_id, 0):
        return _offset(0)
    remark = "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first"
    raise refused(ResponseCode.QUERY_NOT_FOUND, remark)


def update_consumer_offset(
    broker: Broker, connection: Connection, request: Command, header: UpdateConsumerOffsetRequestHeader
) -> Answer:
    """Set the group's offset, forwards or backwards."""
    broker.offsets.commit(
        header.consumer_group, header.topic, header.queue_id, header.commit_offset, connection.address
    )
    return success(ext={})


def get_max_offset(
    broker: Broker, connection: Connection, request: Command, header: GetMaxOffsetRequestHeader
) -> Answer:
    """The offset the queue's next message gets."""
    return _offset(broker.store.max_offset(header.topic, header.queue_id))


def get_min_offset(
    broker: Broker, connection: Connection, request: Command, header: GetMinOffsetRequestHeader
) -> Answer:
    """The queue's first offset that is still stored."""
    return _offset(broker.store.min_offset(header.topic, header.queue_id))


async def search_offset_by_timestamp(
    broker: Broker, connection: Connection, request: Command, header: SearchOffsetRequestHeader
) -> Command:
    """The queue offset of the message stored nearest to a time."""
    store = broker.store
    return _offset(await from_disk(store.offset_by_time_patiently(header.topic, header.queue_id, header.timestamp)))


def get_earliest_msg_storetime(
    broker: Broker, connection: Connection, request: Command, header: GetEarliestMsgStoretimeRequestHeader
) -> Answer:
    """When the queue's first message was stored, -1 if it has none."""
    return success(ext={"timestamp": str(broker.store.earliest_time(header.topic, header.queue_id))})


def query_correction_offset(
    broker: Broker, connection: Connection, request: Command, header: QueryCorrectionOffsetHeader
) -> Answer:
    """By queue, the least offset of all groups but those of `filterGroups`; BEHIND where `compareGroup` is before it.

    Upstream forgets all offsets of `filterGroups`, on every topic and for good: a question must not cost them.
    """
    topic, unwanted = header.topic, (header.filter_groups or "").split(",")
    least = broker.offsets.least_of_all_groups(topic, lambda id: broker.store.min_offset(topic, id), unwanted)
    for queue_id, offset in broker.offsets.queues(header.compare_group, topic).items():
        if least.get(queue_id, offset) > offset:
            least[queue_id] = BEHIND
    return success(QueryCorrectionOffsetBody(least).encode())


def clone_group_offset(
    broker: Broker, connection: Connection, request: Command, header: CloneGroupOffsetRequestHeader
) -> Answer:
    """Give one group the offsets that another has in a topic, or in all of its topics.

    Unless `offline`, a topic that the group consumes no more is left out. Upstream copies nothing without a topic.
    """
    source, dest, asked_by = header.src_group, header.dest_group, connection.address
    for topic in [header.topic] if header.topic else broker.offsets.topics_of(source):
        if broker.topics.get(topic) is None or not (header.offline or broker.consumers.may_consume(source, topic)):
            log.warning("[cloneGroupOffset] group %s has nothing to clone of topic %s", source, topic)
            continue
        broker.offsets.clone(source, dest, topic)
        log.info("[cloneGroupOffset] %s has the offsets of %s in %s: asked by %s", dest, source, topic, asked_by)
    return success()


def _offset(offset: int) -> Command:
    return success(ext={"offset": str(offset)})
