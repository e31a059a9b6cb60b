"""INVOKE_BROKER_TO_RESET_OFFSET: tells the live consumers of a group to go on at another offset.

The broker's own offsets are not changed: the consumers commit where they were sent, so an offset that is set here never
races with what they are still committing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy._core.command import request as new_request
from rocketpy.broker.clients import Client
from rocketpy.broker.processors.answers import from_disk, refused, success_unsaid
from rocketpy.broker.processors.consumer_calls import check_knows_offset_calls
from rocketpy.protocol.admin_bodies import MessageQueueForC, ResetOffsetBody, ResetOffsetBodyForC
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.headers import ResetOffsetRequestHeader
from rocketpy.protocol.message_queue import MessageQueue

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqBroker")

TO_THE_END = -1  # the timestamp that means: behind the last message


async def invoke_broker_to_reset_offset(
    broker: Broker, connection: Connection, request: Command, header: ResetOffsetRequestHeader
) -> Command:
    """Push new offsets to every consumer of the group, and answer with them."""
    log.info(
        "[reset-offset] reset offset started by %s. topic=%s, group=%s, timestamp=%d, isForce=%s",
        connection.address, header.topic, header.group, header.timestamp, header.is_force,
    )  # fmt: skip
    offsets = await _new_offsets(broker, header)
    members = broker.consumers.group(header.group)
    if members is None:
        who = f"Group: {header.group} Topic: {header.topic} Timestamp: {header.timestamp}"
        raise refused(ResponseCode.CONSUMER_NOT_ONLINE, f"Consumer not online, so can not reset offset, {who}")
    clients = list(members.clients.values())
    check_knows_offset_calls(clients)
    bodies = {as_list: _body(offsets, as_list) for as_list in {in_list_form(client, request) for client in clients}}
    for client in clients:
        client.connection.send(_push(header, bodies[in_list_form(client, request)]))
        log.info("[reset-offset] sent to %s. topic=%s, group=%s", client, header.topic, header.group)
    return success_unsaid(ResetOffsetBody(offsets).encode())


def in_list_form(client: Client, request: Command) -> bool:
    """C++ clients cannot read objects as keys, and who asks may say that the others cannot either; Java's only can."""
    return client.language == "CPP" or (request.language == "CPP" and client.language != "JAVA")


def _push(header: ResetOffsetRequestHeader, body: bytes) -> Command:
    ext = ResetOffsetRequestHeader(
        topic=header.topic, group=header.group, timestamp=header.timestamp, is_force=False  # upstream's is never set
    ).encode()
    return new_request(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, ext, body)


def _body(offsets: dict[MessageQueue, int], as_list: bool) -> bytes:
    """Made once a form: a group may have thousands of members."""
    if not as_list:
        return ResetOffsetBody(offsets).encode()
    rows = [MessageQueueForC(it.topic, it.broker_name, it.queue_id, offset) for it, offset in offsets.items()]
    return ResetOffsetBodyForC(rows).encode()


async def _new_offsets(broker: Broker, header: ResetOffsetRequestHeader) -> dict[MessageQueue, int]:
    config = broker.topics.get(header.topic)
    if config is None:
        remark = f"[reset-offset] reset offset failed, no topic in this broker. topic={header.topic}"
        raise refused(ResponseCode.SYSTEM_ERROR, remark)
    offsets = {}
    for queue_id in range(config.write_queue_nums):
        known = broker.offsets.query(header.group, header.topic, queue_id)
        if known == -1:
            raise refused(ResponseCode.SYSTEM_ERROR, f"THe consumer group <{header.group}> not exist")
        target = max(0, await _offset_at(broker, header, queue_id))
        queue = MessageQueue(header.topic, broker.config.broker_name, queue_id)
        offsets[queue] = target if header.is_force else min(target, known)
    return offsets


async def _offset_at(broker: Broker, header: ResetOffsetRequestHeader, queue_id: int) -> int:
    if header.timestamp == TO_THE_END:
        return broker.store.max_offset(header.topic, queue_id)
    return await from_disk(broker.store.offset_by_time_patiently(header.topic, queue_id, header.timestamp))
