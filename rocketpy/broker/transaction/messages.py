"""What a transaction makes of a message: half, op, final message, copy that is put back, question to the producer.

Pure: a message in, a message or a command out. Invariant: body, sys flag (but for its transaction bits), user flag and
birth of the sender's message stay as they were sent through all of it, a compressed body compressed.
"""

from __future__ import annotations

import re

from rocketpy._core.command import Command, request
from rocketpy._core.message import Message, encode_message
from rocketpy.errors import CorruptMessage
from rocketpy.protocol import names
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.headers import CheckTransactionStateRequestHeader
from rocketpy.protocol.names import MessageConst
from rocketpy.protocol.sys_flag import TRANSACTION_COMMIT_TYPE, TRANSACTION_NOT_TYPE, with_transaction_type
from rocketpy.store.property_order import encode_in_map_order
from rocketpy.store.put_rules import MAX_INTEGER, delay_level
from rocketpy.store.results import PutResult

REMOVE_TAG = "d"  # the only op there is: the half message is committed or rolled back
NO_NUMBER = -1
_OP_PROPERTIES = encode_in_map_order({"TAGS": REMOVE_TAG, "WAIT": "true"})
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def number(text: str) -> int:
    """A number in a property or an op; NO_NUMBER where there is none."""
    return int(text) if _NUMBER.fullmatch(text) else NO_NUMBER


def is_half(properties: dict[str, str]) -> bool:
    """Whether the sender wants the message kept back until it says how its transaction ended."""
    return properties.get(MessageConst.TRANSACTION_PREPARED, "").lower() == "true"


def half_message(message: Message) -> Message:
    """The record of the half topic for a message that a producer sent.

    It has a queue offset and index entries of its own, so its transaction bits are cleared.
    """
    half = message.copy()
    real = {MessageConst.REAL_TOPIC: message.topic, MessageConst.REAL_QUEUE_ID: str(message.queue_id)}
    half.properties_raw = encode_in_map_order({**message.properties, **real})
    half.topic, half.queue_id = names.TRANS_HALF_TOPIC, 0
    half.sys_flag = with_transaction_type(message.sys_flag, TRANSACTION_NOT_TYPE)
    return half


def real_queue(half: Message) -> tuple[str, int]:
    """Topic and queue id the sender meant; CorruptMessage where the half message does not say."""
    topic = half.get_property(MessageConst.REAL_TOPIC)
    queue_id = number(half.get_property(MessageConst.REAL_QUEUE_ID) or "")
    if not topic or not 0 <= queue_id <= MAX_INTEGER:
        raise CorruptMessage(f"{half!r} has no REAL_TOPIC and REAL_QID")
    return topic, queue_id


def final_message(half: Message) -> Message:
    """What a commit puts to the real topic; its properties are the half message's, REAL_TOPIC and all."""
    final = half.copy()
    final.topic, final.queue_id = real_queue(half)
    final.sys_flag = with_transaction_type(half.sys_flag, TRANSACTION_COMMIT_TYPE)
    final.prepared_transaction_offset = half.physical_offset
    if delay_level(half) > 0:
        # The delay begins now and names the real queue itself; upstream's map has lost the old names by then.
        left = (MessageConst.REAL_TOPIC, MessageConst.REAL_QUEUE_ID)
        final.properties = {name: value for name, value in half.properties.items() if name not in left}
    return final


def op_message(half: Message, now_ms: int, host: tuple[str, int]) -> Message:
    """The op that settles a half message: it names its queue offset."""
    return Message(
        names.TRANS_OP_HALF_TOPIC, b"%d" % half.queue_offset, properties_raw=_OP_PROPERTIES,
        queue_id=half.queue_id, born_timestamp=now_ms, born_host=host, store_host=host,
    )  # fmt: skip


def op_names(op: Message) -> int | None:
    """Queue offset of the half message that an op settles; None for what is no op."""
    if op.get_property(MessageConst.TAGS) != REMOVE_TAG:
        return None
    half_offset = number(op.body.decode("ascii", "replace"))
    return half_offset if half_offset >= 0 else None


def check_times(half: Message) -> int | None:
    """How often the producer was asked for it; None before the first time."""
    text = half.get_property(MessageConst.TRANSACTION_CHECK_TIMES)
    return None if text is None else number(text)


def immunity_ms(half: Message, default_ms: int) -> int | None:
    """Age below which nobody is asked, where the sender chose one; `default_ms` where its choice is no number."""
    text = half.get_property(MessageConst.CHECK_IMMUNITY_TIME_IN_SECONDS)
    if text is None:
        return None
    seconds = number(text)
    return default_ms if seconds == NO_NUMBER else seconds * 1000


def prepared_offset(half: Message) -> int | None:
    """Queue offset of the half message that an immune one is a copy of."""
    text = half.get_property(MessageConst.TRAN_PREPARED_QUEUE_OFFSET)
    return None if text is None else number(text)


def immune_copy(half: Message) -> Message:
    """The copy at the queue's end of a half message that nobody is asked about yet."""
    first = half.get_property(MessageConst.TRAN_PREPARED_QUEUE_OFFSET) or str(half.queue_offset)
    # WAIT=false gets in because upstream encodes this copy's properties twice.
    return _with(half, {"WAIT": "false", MessageConst.TRAN_PREPARED_QUEUE_OFFSET: first})


def asked_copy(half: Message) -> Message:
    """The copy at the queue's end of a half message that is asked about now."""
    return _with(half, {MessageConst.TRANSACTION_CHECK_TIMES: str((check_times(half) or 0) + 1)})


def resumed_copy(stored: Message) -> Message:
    """A half message that was given up, as if nobody had been asked; CorruptMessage for what was never a half one."""
    real_queue(stored)
    copy = _with(stored, {MessageConst.TRANSACTION_CHECK_TIMES: "0"})
    copy.topic, copy.queue_id = names.TRANS_HALF_TOPIC, 0
    return copy


def discarded_copy(half: Message) -> Message:
    """What stands in TRANS_CHECK_MAX_TIME_TOPIC of a half message that is given up."""
    copy = _with(half, {})
    copy.topic, copy.queue_id = names.TRANS_CHECK_MAX_TIME_TOPIC, 0
    return copy


def _with(half: Message, properties: dict[str, str]) -> Message:
    copy = half.copy()
    copy.properties_raw = encode_in_map_order({**half.properties, **properties})
    return copy


def check_request(copy: Message, placed: PutResult) -> Command:
    """CHECK_TRANSACTION_STATE for the copy that was put back; the producer sees its own topic and queue."""
    asked = copy.copy()
    asked.topic, asked.queue_id = real_queue(copy)
    asked.properties_raw = encode_in_map_order({**copy.properties, "WAIT": "false"})
    asked.queue_offset, asked.physical_offset = placed.queue_offset, placed.physical_offset
    uniq_key = copy.get_property(MessageConst.UNIQ_KEY)
    header = CheckTransactionStateRequestHeader(
        tran_state_table_offset=placed.queue_offset, commit_log_offset=placed.physical_offset,
        msg_id=uniq_key, transaction_id=uniq_key, offset_msg_id=placed.msg_id,
    )  # fmt: skip
    return request(RequestCode.CHECK_TRANSACTION_STATE, header.encode(), encode_message(asked))
