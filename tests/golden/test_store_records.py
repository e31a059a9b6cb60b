"""Records, batch bodies and compressed bodies written by RocketMQ 4.5.2 decode, and encode to the same bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

from rocketpy._core.message import (
    Message,
    decode_batch,
    decode_message,
    decode_messages,
    encode_batch,
    encode_message,
)

STORE = Path(__file__).parent / "data" / "store"
LOG = (STORE / "commitlog_first8110.bin").read_bytes()
EXPECTED: list[dict[str, Any]] = json.loads((STORE / "commitlog_decoded.json").read_text())


def test_one_record() -> None:
    record = (STORE / "message_record.bin").read_bytes()
    message = decode_message(record)
    assert (message.topic, message.body, message.queue_id, message.flag) == ("TopicTest", b"Hello", 1, 3)
    assert (message.queue_offset, message.physical_offset, message.reconsume_times) == (42, 4096, 2)
    assert (message.born_host, message.store_host) == (("192.168.0.1", 50000), ("127.0.0.1", 10911))
    assert message.properties["KEYS"] == "k1 k2"
    assert message.msg_id == "7F00000100002A9F0000000000001000"
    assert encode_message(message) == record


def test_the_log_encodes_to_the_same_bytes() -> None:
    messages = decode_messages(LOG)
    assert len(messages) == len(EXPECTED)
    assert b"".join(map(encode_message, messages)) == LOG


@pytest.mark.parametrize(("message", "expected"), list(zip(decode_messages(LOG), EXPECTED, strict=True)))
def test_every_field_of_the_log(message: Message, expected: dict[str, Any]) -> None:
    assert message.physical_offset == expected["pos"] == expected["physicalOffset"]
    assert message.size == expected["size"]
    assert message.body_crc == expected["bodyCRC"]
    assert (message.queue_id, message.flag, message.sys_flag) == (
        expected["queueId"],
        expected["flag"],
        expected["sysFlag"],
    )
    assert message.queue_offset == expected["queueOffset"]
    assert "{}:{}".format(*message.born_host) == expected["bornHost"]
    assert "{}:{}".format(*message.store_host) == expected["storeHost"]
    assert (message.born_timestamp, message.store_timestamp) == (expected["bornTimestamp"], expected["storeTimestamp"])
    assert message.reconsume_times == expected["reconsumeTimes"]
    assert message.prepared_transaction_offset == expected["preparedTransactionOffset"]
    assert message.body.decode() == expected["body"]
    assert (message.topic, message.properties_raw.decode()) == (expected["topic"], expected["properties"])


def test_batch_body() -> None:
    body = (STORE / "batch_body.bin").read_bytes()
    first, second = decode_batch(body)
    assert (first.body, second.body) == (b"Hello", b"World")
    assert first.properties["UNIQ_KEY"] == "C0A80001000018B4AAC2000000000000"
    assert second.properties == {"WAIT": "true", "TAGS": "TagB"}
    assert encode_batch([first, second]) == body


def test_compressed_body() -> None:
    message = Message("T", (STORE / "body_compressed_level5.bin").read_bytes(), sys_flag=1)
    assert message.decompressed_body() != message.body
