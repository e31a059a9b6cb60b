"""Fuzz targets: records, batches and properties, which peers send and disks hold."""

from __future__ import annotations

from rocketpy._core.message import (
    Message,
    decode_batch,
    decode_message,
    decode_message_id,
    decode_messages,
    decode_properties,
    encode_batch,
    encode_message,
    encode_properties,
)
from rocketpy.errors import CorruptMessage
from tests.fuzz.targets import target

PROPERTIES = {"TAGS": "a", "KEYS": "k1 k2", "UNIQ_KEY": "AC11000200002A9F0000000000000000", "owner": "x"}
MESSAGE = Message("TopicTest", b"body" * 5, properties=PROPERTIES, queue_id=1, born_host=("10.0.0.1", 5),
                  store_host=("10.0.0.2", 10911))  # fmt: skip
RECORD = encode_message(MESSAGE)


@target("record", CorruptMessage, seeds=[RECORD])
def record(data: bytes) -> object:
    """One record, its CRC not asked for: it would stop nearly every change. What decodes encodes to the same bytes."""
    message = decode_message(data, 0, False)
    assert len(encode_message(message)) == message.size
    assert message.properties is not None
    assert decode_message_id(message.msg_id)[1] == message.physical_offset
    message.decompressed_body()
    return message


@target("records", CorruptMessage, seeds=[RECORD * 2])
def records(data: bytes) -> object:
    return decode_messages(data)


@target("batch", CorruptMessage, seeds=[encode_batch([MESSAGE, MESSAGE])])
def batch(data: bytes) -> object:
    messages = decode_batch(data)
    return [message.properties for message in messages]


@target("properties_of_a_message", seeds=[encode_properties(PROPERTIES), b"a\x01b", b"\x02\x02\x01\x01"])
def properties(data: bytes) -> object:
    found = decode_properties(data)
    assert dict(Message("t", properties_raw=data).properties) == found
    for name, value in found.items():  # a name that is no UTF-8 cannot be asked for
        assert "\ufffd" in name or Message("t", properties_raw=data).get_property(name) == value
    return found


@target("message_id", ValueError, seeds=[b"0A000002000029AF0000000000000045"])
def message_id(data: bytes) -> object:
    return decode_message_id(data.decode("latin-1"))
