"""Messages and what is known of them, as upstream prints them: `name: value` lines, and Java's toString.

Invariant: bodies are shown as their producer gave them (decompressed); ids are the producer's where it gave one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rocketpy._core.message import Message
from rocketpy.admin.java import boolean, local_time_ms, message_queue_text, string_order
from rocketpy.client.admin_messages import MessageTrack, client_id_of, host_text
from rocketpy.client.producer import SendResult
from rocketpy.protocol.admin_bodies import ConsumeQueueData
from rocketpy.protocol.body import member_text
from rocketpy.protocol.names import MessageConst

Properties = Mapping[str, str]
NONE: Properties = {}


def record(name: str, **members: Any) -> str:
    """`Name [a=1, b=null]`: how most of upstream's classes print."""
    return f"{name} [{', '.join(f'{key}={member_text(value)}' for key, value in members.items())}]"


def properties_text(message: Message, more: Properties) -> str:
    """The properties as a HashMap prints."""
    properties = {**message.properties, **more}
    return "{" + ", ".join(f"{name}={properties[name]}" for name in string_order(properties)) + "}"


def message_text(message: Message, more: Properties = NONE) -> str:
    """MessageExt.toString. It has the place's id also where the line before it has the producer's.

    `more`: properties that upstream's client adds to what it has pulled.
    """
    return record(
        "MessageExt",
        queueId=message.queue_id,
        storeSize=message.size,
        queueOffset=message.queue_offset,
        sysFlag=message.sys_flag,
        bornTimestamp=message.born_timestamp,
        bornHost=f"/{host_text(message.born_host)}",
        storeTimestamp=message.store_timestamp,
        storeHost=f"/{host_text(message.store_host)}",
        msgId=message.msg_id,
        commitLogOffset=message.physical_offset,
        bodyCRC=message.body_crc,
        reconsumeTimes=message.reconsume_times,
        preparedTransactionOffset=message.prepared_transaction_offset,
        **{"toString()": sent_text(message, more)},
    )


def sent_text(message: Message, more: Properties) -> str:
    """Message.toString: what its producer said of it; the body as signed bytes."""
    prepared = (message.get_property(MessageConst.TRANSACTION_PREPARED) or "").lower() == "true"
    transaction = message.get_property(MessageConst.UNIQ_KEY) if prepared else None
    body = ", ".join(str(byte - 256 if byte > 127 else byte) for byte in message.decompressed_body())
    return (
        f"Message{{topic='{message.topic}', flag={message.flag}, properties={properties_text(message, more)}, "
        f"body=[{body}], transactionId='{member_text(transaction)}'}}"
    )


def message_lines(message: Message, body_path: str, more: Properties = NONE) -> list[tuple[str, Any]]:
    """What queryMsgBy… tells of a message, less its ids."""
    return [
        ("Topic:", message.topic),
        ("Tags:", f"[{member_text(message.get_property(MessageConst.TAGS))}]"),
        ("Keys:", f"[{member_text(message.get_property(MessageConst.KEYS))}]"),
        ("Queue ID:", message.queue_id),
        ("Queue Offset:", message.queue_offset),
        ("CommitLog Offset:", message.physical_offset),
        ("Reconsume Times:", message.reconsume_times),
        ("Born Timestamp:", local_time_ms(message.born_timestamp)),
        ("Store Timestamp:", local_time_ms(message.store_timestamp)),
        ("Born Host:", host_text(message.born_host)),
        ("Store Host:", host_text(message.store_host)),
        ("System Flag:", message.sys_flag),
        ("Properties:", properties_text(message, more)),
        ("Message Body Path:", body_path),
    ]


def message_data(message: Message) -> dict[str, Any]:
    """A message as JSON has it; times in milliseconds."""
    return {
        "msgId": client_id_of(message),
        "offsetMsgId": message.msg_id,
        "topic": message.topic,
        "tags": message.get_property(MessageConst.TAGS),
        "keys": message.get_property(MessageConst.KEYS),
        "queueId": message.queue_id,
        "queueOffset": message.queue_offset,
        "commitLogOffset": message.physical_offset,
        "reconsumeTimes": message.reconsume_times,
        "bornTimestamp": message.born_timestamp,
        "storeTimestamp": message.store_timestamp,
        "bornHost": host_text(message.born_host),
        "storeHost": host_text(message.store_host),
        "sysFlag": message.sys_flag,
        "properties": dict(message.properties),
    }


def track_text(track: MessageTrack) -> str:
    """MessageTrack.toString."""
    return record(
        "MessageTrack",
        consumerGroup=track.consumer_group,
        trackType=track.track_type.name,
        exceptionDesc=track.exception_desc,
    )


def sent_result_text(result: SendResult) -> str:
    """SendResult.toString."""
    return record(
        "SendResult",
        sendStatus=result.status.name,
        msgId=result.msg_id,
        offsetMsgId=result.offset_msg_id,
        messageQueue=message_queue_text(result.queue),
        queueOffset=result.queue_offset,
    )


def entry_text(entry: ConsumeQueueData) -> str:
    """ConsumeQueueData.toString."""
    return (
        f"ConsumeQueueData{{physicOffset={entry.physic_offset}, physicSize={entry.physic_size}, "
        f"tagsCode={entry.tags_code}, extendDataJson='{member_text(entry.extend_data_json)}', "
        f"bitMap='{member_text(entry.bit_map)}', eval={boolean(entry.eval)}, msg='{member_text(entry.msg)}'}}"
    )
