"""Any message survives its bytes, and any bytes are messages or CorruptMessage, never anything else."""

from hypothesis import given
from hypothesis import strategies as st

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

I32 = st.integers(-(2**31), 2**31 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
HOST = st.tuples(st.ip_addresses(v=4).map(str), st.integers(0, 65535))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x01\x02"))
TOPIC = st.text(st.characters(exclude_categories=["Cs"]), max_size=31)
MESSAGE = st.builds(
    Message,
    TOPIC,
    st.binary(),
    properties_raw=st.binary(max_size=200),
    flag=I32,
    queue_id=I32,
    sys_flag=I32,
    born_timestamp=I64,
    born_host=HOST,
    store_timestamp=I64,
    store_host=HOST,
    reconsume_times=I32,
    queue_offset=I64,
    physical_offset=I64,
    prepared_transaction_offset=I64,
)


@given(MESSAGE)
def test_a_record_round_trips(message: Message) -> None:
    record = encode_message(message)
    assert decode_message(record) == message
    assert encode_message(decode_message(b"before" + record, 6)) == record


@given(st.lists(MESSAGE, max_size=4))
def test_a_pull_body_round_trips(messages: list[Message]) -> None:
    assert decode_messages(b"".join(map(encode_message, messages))) == messages


@given(MESSAGE, st.data())
def test_damage_is_named(message: Message, data: st.DataObject) -> None:
    record = bytearray(encode_message(message))
    for at in data.draw(st.lists(st.integers(0, len(record) - 1), max_size=4)):
        record[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(record)))
    try:
        decode_messages(record[:cut])
    except CorruptMessage as error:
        assert str(error).startswith("no message at 0: ")


@given(st.binary())
def test_garbage_is_messages_or_corrupt(data: bytes) -> None:
    for decode in (decode_messages, decode_batch):
        try:
            decode(data)
        except CorruptMessage:
            continue


@given(st.dictionaries(TEXT, TEXT.filter(bool)))
def test_properties_round_trip(properties: dict[str, str]) -> None:
    raw = encode_properties(properties)
    assert decode_properties(raw) == properties
    message = Message("T", properties_raw=raw)
    assert all(message.get_property(name) == value for name, value in properties.items())


@given(st.binary())
def test_any_properties_decode_alike_both_ways(raw: bytes) -> None:
    message = Message("T", properties_raw=raw)
    for name, value in decode_properties(raw).items():
        if "\ufffd" not in name:
            assert message.get_property(name) == value


@given(st.lists(MESSAGE, max_size=4))
def test_a_batch_round_trips(messages: list[Message]) -> None:
    decoded = decode_batch(encode_batch(messages))
    assert [(m.flag, m.body, m.properties_raw) for m in decoded] == [
        (m.flag, m.body, m.properties_raw) for m in messages
    ]


@given(HOST, I64)
def test_a_message_id_round_trips(host: tuple[str, int], offset: int) -> None:
    assert decode_message_id(message_id(host, offset)) == (host, offset)
