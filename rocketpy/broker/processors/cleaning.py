"""Consume queues that no message needs any more, removed on request; invariant: what the broker itself keeps stays.

Upstream spares only the queues of delayed messages (DefaultMessageStore.cleanUnusedTopic and
cleanExpiredConsumerQueue). Its table has no half topics before the first transaction was checked, so that it may remove
half messages that wait for their end; here they stay.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy.broker.processors.answers import refused, success
from rocketpy.protocol import names
from rocketpy.protocol.codes import ResponseCode

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection
    from rocketpy.store.remove_queues import Wanted

log = logging.getLogger("RocketmqBroker")

KEPT = {names.SCHEDULE_TOPIC.encode(), names.TRANS_HALF_TOPIC.encode(), names.TRANS_OP_HALF_TOPIC.encode()}
NO_ENTRY = -1


async def clean_expired_consumequeue(
    broker: Broker, connection: Connection, request: Command, header: None
) -> Command | None:
    """Remove the queues all of whose messages have left the commit log; their next message is at offset 0 again."""

    def is_expired(queue: ConsumeQueue) -> bool:
        last = queue.last_physical_offset
        return queue.topic not in KEPT and last != NO_ENTRY and last < broker.store.commit_log_min_offset

    return await _remove(broker, connection, "whose messages have expired", is_expired)


async def clean_unused_topic(broker: Broker, connection: Connection, request: Command, header: None) -> Command | None:
    """Remove the queues of topics that are not in the table of topics."""

    def is_unused(queue: ConsumeQueue) -> bool:
        return queue.topic not in KEPT and broker.topics.get(os.fsdecode(queue.topic)) is None

    return await _remove(broker, connection, "of topics that are no more", is_unused)


async def _remove(broker: Broker, connection: Connection, which: str, is_wanted: Wanted) -> Command:
    def before(topic: str) -> None:
        broker.holds.end_topic(topic)
        broker.lane.forget_rules()

    try:
        count = await broker.store.remover.remove(is_wanted, before)
    except OSError as error:
        log.error("%s: consume queues are not all removed: %s", error.filename, error.strerror)
        remark = f"{error.filename}: {error.strerror}; some consume queues are not removed"
        raise refused(ResponseCode.SYSTEM_ERROR, remark) from None
    log.info("%d consume queues %s are removed, asked by %s", count, which, connection.address)
    return success()
