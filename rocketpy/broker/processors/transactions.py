"""END_TRANSACTION and RESUME_CHECK_HALF_MESSAGE: how a transaction ends, and how one that was given up goes on.

A commit puts the message to its real topic and the op behind it in one turn: no crash leaves an op without its message.
"""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy._core.message import Message, decode_message_id
from rocketpy.broker.processors.answers import Answer, from_disk, once_in_memory, refused, success
from rocketpy.broker.transaction.messages import final_message, op_message, resumed_copy
from rocketpy.config.store import BrokerRole
from rocketpy.errors import CorruptMessage
from rocketpy.protocol import names
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import EndTransactionRequestHeader, ResumeCheckHalfMessageRequestHeader
from rocketpy.protocol.names import MessageConst
from rocketpy.protocol.sys_flag import TRANSACTION_COMMIT_TYPE, TRANSACTION_NOT_TYPE
from rocketpy.store.results import PutMessageStatus, PutResult

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqTransaction")

_NO_REMARK_SET = "not set any response code"  # what upstream's responses say before anybody sets a remark
_ILLEGAL = (
    "The message is illegal, maybe msg body or properties length not matched. "
    "msg body length limit 128k, msg properties length limit 32k."
)
_FAILED = {
    PutMessageStatus.CREATE_MAPEDFILE_FAILED: (ResponseCode.SYSTEM_ERROR, "Create mapped file failed."),
    PutMessageStatus.MESSAGE_ILLEGAL: (ResponseCode.MESSAGE_ILLEGAL, _ILLEGAL),
    PutMessageStatus.PROPERTIES_SIZE_EXCEEDED: (ResponseCode.MESSAGE_ILLEGAL, _ILLEGAL),
    PutMessageStatus.SERVICE_NOT_AVAILABLE: (ResponseCode.SERVICE_NOT_AVAILABLE, "Service not available now."),
    PutMessageStatus.OS_PAGECACHE_BUSY: (ResponseCode.SYSTEM_ERROR, "OS page cache busy, please try another machine"),
    PutMessageStatus.UNKNOWN_ERROR: (ResponseCode.SYSTEM_ERROR, "UNKNOWN_ERROR"),
}
_NOT_FOUND = "Find prepared transaction message failed"
_PUT_BACK_FAILED = "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed."
_PUT_BACK_ERROR = "Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC."


def end_transaction(
    broker: Broker, connection: Connection, request: Command, header: EndTransactionRequestHeader
) -> Answer:
    """Commit or roll back a half message; a producer that does not know yet is asked again later."""
    if broker.store_config.broker_role is BrokerRole.SLAVE:
        return response(ResponseCode.SLAVE_NOT_AVAILABLE, _NO_REMARK_SET)
    if header.commit_or_rollback == TRANSACTION_NOT_TYPE:
        log.info("producer %s does not know yet how %s ends: %s", connection.address, header.msg_id, request.remark)
        return None
    if broker.store.is_in_memory(header.commit_log_offset):
        return _end(broker, header)
    return _read_first(broker, header)


async def _read_first(broker: Broker, header: EndTransactionRequestHeader) -> Command | None:
    await from_disk(broker.store.cold_reads.bring_in_records([header.commit_log_offset]))
    answer = _end(broker, header)
    return await answer if inspect.isawaitable(answer) else answer


def _end(broker: Broker, header: EndTransactionRequestHeader) -> Answer:
    half = _half_message(broker, header)
    if header.commit_or_rollback != TRANSACTION_COMMIT_TYPE:
        _put_op(broker, half)
        return response(ResponseCode.SUCCESS, _NO_REMARK_SET)
    result = broker.store.put(_final_message(half))
    if not result.is_ok:
        raise refused(*_FAILED.get(result.status, (ResponseCode.SYSTEM_ERROR, "UNKNOWN_ERROR DEFAULT")))
    _put_op(broker, half)
    if broker.settles_later and half.get_property(MessageConst.WAIT_STORE_MSG_OK, "true") == "true":
        return _settled(broker, result)
    return success()


def _final_message(half: Message) -> Message:
    try:
        return final_message(half)
    except CorruptMessage as error:  # somebody sent it to the half topic himself
        raise refused(ResponseCode.SYSTEM_ERROR, f"{_NOT_FOUND}: {error}") from None


async def _settled(broker: Broker, result: PutResult) -> Command:
    await broker.store.settle(result)  # late or not, it is stored: upstream's answer is the same
    return success()


def _half_message(broker: Broker, header: EndTransactionRequestHeader) -> Message:
    """The half message that the header means, or upstream's refusal."""
    half = _stored(broker, header.commit_log_offset)
    if half is None or half.topic != names.TRANS_HALF_TOPIC:
        raise refused(ResponseCode.SYSTEM_ERROR, _NOT_FOUND)
    if half.get_property(MessageConst.PRODUCER_GROUP) != header.producer_group:
        raise refused(ResponseCode.SYSTEM_ERROR, "The producer group wrong")
    if half.queue_offset != header.tran_state_table_offset:
        raise refused(ResponseCode.SYSTEM_ERROR, "The transaction state table offset wrong")
    if not _is_in_its_queue(broker, half):
        raise refused(ResponseCode.SYSTEM_ERROR, _NOT_FOUND)
    return half


def _is_in_its_queue(broker: Broker, half: Message) -> bool:
    """Whether it is a record of the log: one that somebody wrote into a body would be put to any topic he names."""
    if not half.queue_offset < broker.store.max_offset(half.topic, half.queue_id):
        return False
    entry = broker.store.queue(half.topic, half.queue_id).entry(half.queue_offset)
    return entry is not None and entry[0] == half.physical_offset


def _stored(broker: Broker, physical_offset: int) -> Message | None:
    try:
        return broker.store.message_at(physical_offset)
    except CorruptMessage:
        return None


def _put_op(broker: Broker, half: Message) -> None:
    result = broker.store.put_due(op_message(half, broker.clock.now_ms(), broker.store_host))
    if not result.is_ok:
        log.error("no op is put for half message %d, %s: its producer is asked", half.queue_offset, result.status.name)


def resume_check_half_message(
    broker: Broker, connection: Connection, request: Command, header: ResumeCheckHalfMessageRequestHeader
) -> Answer:
    """Put a half message that was given up back to its topic, as if its producer had never been asked."""
    try:
        _, physical_offset = decode_message_id(header.msg_id or "")
    except ValueError:
        raise refused(ResponseCode.SYSTEM_ERROR, _PUT_BACK_ERROR) from None
    return once_in_memory(broker, physical_offset, lambda: _resume(broker, physical_offset))


def _resume(broker: Broker, physical_offset: int) -> Command:
    stored = _stored(broker, physical_offset)
    if stored is None:
        raise refused(ResponseCode.SYSTEM_ERROR, _PUT_BACK_ERROR)
    try:
        copy = resumed_copy(stored)
    except CorruptMessage:
        raise refused(ResponseCode.SYSTEM_ERROR, f"{_PUT_BACK_ERROR} It was never a half message.") from None
    result = broker.store.put_due(copy)
    if not result.is_ok:
        raise refused(ResponseCode.SYSTEM_ERROR, _PUT_BACK_FAILED)
    log.info("half message of %s is to be asked about again", copy.get_property(MessageConst.REAL_TOPIC))
    return success()
