"""What an operator asks of a consumer through its broker: what it is doing, to consume one message now, its offsets.

The broker asks the consumer over the consumer's own connection and hands the answer on as it came.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy._core.command import request as new_request
from rocketpy.broker.clients import Client
from rocketpy.broker.processors.answers import Answer, from_disk, refused, success_unsaid
from rocketpy.errors import RemotingError, RemotingSendError, RemotingTimeout, RequestRefused
from rocketpy.protocol.admin_bodies import GetConsumerStatusBody
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.headers import (
    ConsumeMessageDirectlyResultRequestHeader,
    GetConsumerRunningInfoRequestHeader,
    GetConsumerStatusRequestHeader,
)
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.mqversion import ORDINALS, version_desc

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqBroker")

CALL_MS = 10_000
STATUS_MS = 5_000
ASKED_AT_ONCE = 32  # members of one group
ANSWERS_CALLS = ORDINALS["V3_1_8_SNAPSHOT"]
KNOWS_OFFSET_CALLS = ORDINALS["V3_0_7_SNAPSHOT"]
MESSAGE_ID_SIZE = 32  # hex digits: address, port, physical offset
JAVA_ERRORS = "org.apache.rocketmq.remoting.exception."


def get_consumer_running_info(
    broker: Broker, connection: Connection, request: Command, header: GetConsumerRunningInfoRequestHeader
) -> Answer:
    """What the consumer says of itself, its threads' stacks too when asked for."""
    return _relay(broker, request, header.consumer_group, header.client_id)


async def consume_message_directly(
    broker: Broker, connection: Connection, request: Command, header: ConsumeMessageDirectlyResultRequestHeader
) -> Command:
    """Let the consumer consume one stored message now; what came of it."""
    physical_offset = _physical_offset(header.msg_id)
    await from_disk(broker.store.cold_reads.bring_in_records([physical_offset]))
    record = broker.store.record_at(physical_offset)
    if record is None:
        raise refused(ResponseCode.SYSTEM_ERROR, f"can not find message by the offset, {physical_offset}")
    request.ext = {**(request.ext or {}), "brokerName": broker.config.broker_name}
    request.body = record
    return await _relay(broker, request, header.consumer_group, header.client_id or "")


def _physical_offset(message_id: str | None) -> int:
    """Where a broker's message id says that the message is (its last 16 hex digits)."""
    try:
        if message_id is not None and len(message_id) == MESSAGE_ID_SIZE:
            return int.from_bytes(bytes.fromhex(message_id)[8:], "big", signed=True)
    except ValueError:
        pass
    raise refused(ResponseCode.SYSTEM_ERROR, f"the custom field <msgId> is not the id of a message: {message_id!r:.64}")


async def _relay(broker: Broker, request: Command, group: str, client_id: str) -> Command:
    client = _client(broker, group, client_id)
    relayed = new_request(request.code, request.ext, request.body)
    try:
        return await broker.client_calls.ask(client, relayed, CALL_MS)
    except RemotingTimeout:
        cause = f"{JAVA_ERRORS}RemotingTimeoutException: wait response on the channel <{_address(client)}> timeout, "
        remark = f"consumer <{group}> <{client_id}> Timeout: {cause}{CALL_MS}(ms)"
        raise refused(ResponseCode.CONSUME_MSG_TIMEOUT, remark) from None
    except RemotingSendError:
        cause = f"{JAVA_ERRORS}RemotingSendRequestException: send request to <{_address(client)}> failed"
        remark = f"invoke consumer <{group}> <{client_id}> Exception: {cause}"
        raise refused(ResponseCode.SYSTEM_ERROR, remark) from None


def _client(broker: Broker, group: str, client_id: str) -> Client:
    members = broker.consumers.group(group)
    client = members.client(client_id) if members is not None else None
    if client is None:
        raise refused(ResponseCode.SYSTEM_ERROR, f"The Consumer <{group}> <{client_id}> not online")
    if client.version < ANSWERS_CALLS:
        what = f"The Consumer <{client_id}> Version <{version_desc(client.version)}> too low to finish"
        raise refused(ResponseCode.SYSTEM_ERROR, f"{what}, please upgrade it to V3_1_8_SNAPSHOT")
    return client


def _address(client: Client) -> str:
    return client.connection.address


async def invoke_broker_to_get_consumer_status(
    broker: Broker, connection: Connection, request: Command, header: GetConsumerStatusRequestHeader
) -> Command:
    """The offsets that the consumers of a group have in memory, of all of them or of one; who does not answer within
    5 s is left out.
    """
    members = broker.consumers.group(header.group)
    if members is None:
        raise refused(ResponseCode.SYSTEM_ERROR, f"No Any Consumer online in the consumer group: [{header.group}]")
    clients = list(members.clients.values())
    check_knows_offset_calls(clients)
    wanted = header.client_addr if header.client_addr and header.client_addr.strip() else None
    asked = [client for client in clients if wanted in (None, client.client_id)]
    table: dict[str, dict[MessageQueue, int]] = {}
    for first in range(0, len(asked), ASKED_AT_ONCE):
        some = asked[first : first + ASKED_AT_ONCE]
        answers = await asyncio.gather(*(_status(broker, client, header) for client in some))
        named = zip(some, answers, strict=True)
        table.update((client.client_id, offsets) for client, offsets in named if offsets is not None)
    return success_unsaid(GetConsumerStatusBody(consumer_table=table).encode())


def check_knows_offset_calls(clients: Iterable[Client]) -> None:
    """RequestRefused(SYSTEM_ERROR) when a client is of a release that knows neither reset nor status."""
    for client in clients:
        if client.version < KNOWS_OFFSET_CALLS:
            log.warning("client %s does not support this feature", client)
            remark = f"the client does not support this feature. version={version_desc(client.version)}"
            raise refused(ResponseCode.SYSTEM_ERROR, remark)


async def _status(
    broker: Broker, client: Client, header: GetConsumerStatusRequestHeader
) -> dict[MessageQueue, int] | None:
    ext = {"topic": header.topic, "group": header.group}
    try:
        asked = new_request(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, ext)
        answer = await broker.client_calls.ask(client, asked, STATUS_MS)
        if answer.code == ResponseCode.SUCCESS and answer.body is not None:
            return GetConsumerStatusBody.decode(answer.body).message_queue_table
        cause: object = f"code {answer.code} {answer.remark}"
    except (RemotingError, RequestRefused) as error:
        cause = error
    log.warning("consumer %s of group %s gave no offsets: %s", client, header.group, cause)
    return None
