"""Messages: derived attributes, properties as Java's split sees them, and what no record can hold."""

import zlib

import pytest

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
    message_id,
)
from rocketpy.errors import CorruptMessage


@pytest.mark.parametrize(
    ("raw", "properties"),
    [
        (b"", {}),
        (b"a\x01b\x02", {"a": "b"}),
        (b"a\x01b", {"a": "b"}),
        (b"a\x01\x02b\x01c\x02", {"b": "c"}),           # an empty value loses its name
        (b"a\x01b\x01\x01\x02", {"a": "b"}),            # trailing empty parts do not count
        (b"a\x01b\x01c\x02", {}),
        (b"a\x01\x01b\x02", {}),
        (b"\x01b\x02", {"": "b"}),
        (b"\x02\x02a\x02\x01\x02", {}),
        (b"a\x01b\x02a\x01c\x02", {"a": "c"}),
        (b"a\x01b\x02a\x01\x02", {"a": "b"}),
        ("键\x01值\x02".encode(), {"键": "值"}),
        (b"a\x01\xff\x02", {"a": "\ufffd"}),
    ],
)
def test_properties_are_split_as_java_does(raw: bytes, properties: dict[str, str]) -> None:
    assert decode_properties(raw) == properties
    message = Message("T", properties_raw=raw)
    assert {name: message.get_property(name) for name in properties} == properties
    assert message.get_property("absent", "x") == "x"


def test_properties_and_their_text_agree() -> None:
    message = Message("T", properties={"KEYS": "k1", "TAGS": "a"})
    assert message.properties_raw == b"KEYS\x01k1\x02TAGS\x01a\x02"
    message.put_property("TAGS", "b")
    assert message.properties_raw == b"KEYS\x01k1\x02TAGS\x01b\x02"
    message.properties_raw = b"x\x01y"
    assert message.properties == {"x": "y"}
    message.properties = {"p": "q"}
    assert message.properties_raw == encode_properties({"p": "q"})
    with pytest.raises(TypeError):
        message.properties["p"] = "changed behind the text's back"  # type: ignore[index]


def test_a_copy_does_not_follow() -> None:
    message = Message("T", b"body", properties={"a": "b"}, born_host=("10.0.0.1", 80))
    copy = message.copy()
    assert copy == message
    copy.put_property("a", "c")
    assert message.properties == {"a": "b"}
    assert copy != message


def test_compressed_bodies() -> None:
    assert Message("T", b"plain").decompressed_body() == b"plain"
    assert Message("T", zlib.compress(b"body", 5), sys_flag=1).decompressed_body() == b"body"
    with pytest.raises(CorruptMessage, match="marked as compressed"):
        Message("T", b"plain", sys_flag=1).decompressed_body()


def test_message_ids() -> None:
    assert message_id(("192.168.0.1", 10911), 4096) == "C0A8000100002A9F0000000000001000"
    assert decode_message_id("C0A8000100002A9F0000000000001000") == (("192.168.0.1", 10911), 4096)
    for wrong in ("", "C0A8", "C0A8000100002A9F000000000000100X", " " * 32):
        with pytest.raises(ValueError, match="hex"):
            decode_message_id(wrong)


@pytest.mark.parametrize(
    "message",
    [
        Message("T" * 128),
        Message("T", properties_raw=b"x" * 32768),
        Message("T", store_host=("::1", 1)),
        Message("T", store_host=("1.2.3.256", 1)),
    ],
)
def test_what_no_record_holds_is_refused(message: Message) -> None:
    with pytest.raises(ValueError):
        encode_message(message)


def test_size_is_the_record_s() -> None:
    message = Message("T话题", b"body", properties={"a": "b"})
    assert message.size == len(encode_message(message))


RECORD = encode_message(Message("Topic", b"Hello", properties={"a": "b"}, physical_offset=7))


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (0, b"\x7f\xff\xff\xff", "a record of 2147483647 bytes where"),
        (0, b"\x00\x00\x00\x00", "a record of 0 bytes"),
        (4, b"\x00\x00\x00\x00", "magic code 0x00000000"),
        (4, b"\xcb\xd4\x31\x94", "a blank"),
        (8, b"\x00\x00\x00\x00", "CRC"),
        (84, b"\xff\xff\xff\xff", "a body of -1"),
        (84, b"\x00\x00\x00\xff", "a body of 255"),
        (93, b"\x80", "a topic of -128"),
        (93, b"\x7f", "a topic of 127"),
        (94, b"\xff", "not UTF-8"),
        (99, b"\x00\x05", "properties of 5 bytes"),
    ],
)
def test_a_damaged_record_says_what_and_where(at: int, value: bytes, words: str) -> None:
    damaged = bytearray(RECORD)
    damaged[at : at + len(value)] = value
    with pytest.raises(CorruptMessage, match=f"no message at {len(RECORD)}: .*{words}"):
        decode_messages(RECORD + damaged)


def test_a_cut_record_is_corrupt() -> None:
    for size in range(1, len(RECORD)):
        with pytest.raises(CorruptMessage):
            decode_messages(RECORD[:size])
    for at in (-1, len(RECORD)):
        with pytest.raises(CorruptMessage):
            decode_message(RECORD, at)


def test_a_body_can_be_taken_unchecked() -> None:
    damaged = bytearray(RECORD)
    damaged[88] ^= 1
    assert decode_message(damaged, check_crc=False).body == b"Iello"


def test_a_cut_batch_is_corrupt() -> None:
    body = encode_batch([Message("", b"one", properties={"a": "b"}), Message("", b"two")])
    assert [message.body for message in decode_batch(body)] == [b"one", b"two"]
    first = 22 + 3 + 4
    for size in set(range(1, len(body))) - {first}:
        with pytest.raises(CorruptMessage):
            decode_batch(body[:size])
