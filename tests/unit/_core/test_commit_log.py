"""Records are believed only when everything in them agrees; properties are split as upstream splits them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketpy._core.commit_log import check_record, count_batch, scanned_properties
from rocketpy._core.hashing import java_hash_of
from rocketpy._core.message import Message, decode_properties, encode_batch, encode_message

RECORD = encode_message(Message("Topic", b"body" * 10, properties={"KEYS": "k"}, physical_offset=4096))


def test_a_whole_record() -> None:
    assert check_record(RECORD) == ("MESSAGE", len(RECORD))
    assert check_record(RECORD + b"more", 4096) == ("MESSAGE", len(RECORD))
    assert check_record(RECORD, 0)[0] == "BAD_OFFSET"


def test_what_else_may_stand_there() -> None:
    assert check_record(b"")[0] == "TORN"
    assert check_record(bytes(8))[0] == "END"
    assert check_record((77).to_bytes(4, "big") + bytes.fromhex("CBD43194")) == ("BLANK", 77)
    assert check_record(RECORD[:-1])[0] == "TORN"
    assert check_record(b"\0\0\1\0garbage!")[0] == "BAD_MAGIC"


@given(st.integers(0, len(RECORD) - 1), st.integers(1, 255))
def test_a_changed_byte_is_never_followed_out_of_the_record(at: int, by: int) -> None:
    changed = bytearray(RECORD)
    changed[at] ^= by
    status, size = check_record(changed)
    assert status != "MESSAGE" or size == len(RECORD)


@pytest.mark.parametrize("at", [88, 100, 127])
def test_a_changed_body_is_seen(at: int) -> None:
    changed = bytearray(RECORD)
    changed[at] ^= 1
    assert check_record(changed)[0] == "BAD_CRC"
    assert check_record(changed, -1, False)[0] == "MESSAGE"


@given(st.text("KEYSTAGWIUNQ_DL\x01\x02 atruefls13", max_size=60))
def test_properties_are_those_of_the_slow_decoder(text: str) -> None:
    raw = text.encode()
    slow = decode_properties(raw)
    fast = scanned_properties(raw)
    for name, key in (("keys", "KEYS"), ("uniq_key", "UNIQ_KEY"), ("tags", "TAGS")):
        assert fast[name] == (slow[key].encode() if key in slow else None)
    assert fast["tags_code"] == (java_hash_of(slow["TAGS"]) if "TAGS" in slow else 0)
    assert fast["wait"] == (slow.get("WAIT", "true").lower() == "true")


@pytest.mark.parametrize(
    ("text", "level"), [("3", 3), ("+3", 3), ("-1", -1), ("03", 3), ("", 0), ("a", -1), ("-", -1), ("99999999999", -1)]
)
def test_a_delay_level_is_a_java_integer(text: str, level: int) -> None:
    assert scanned_properties(f"DELAY\x01{text}\x02".encode())["delay_level"] == level


def test_flags_among_the_properties() -> None:
    found = scanned_properties(b"WAIT\x01FALSE\x02TRAN_MSG\x01True\x02")
    assert (found["wait"], found["transaction_message"]) == (False, True)


@given(st.lists(st.binary(max_size=20), max_size=6), st.integers(0, 200))
def test_a_cut_batch_is_malformed_or_shorter(bodies: list[bytes], cut: int) -> None:
    batch = encode_batch([Message("T", body, properties={"a": "b"}) for body in bodies])
    assert count_batch(batch) == len(bodies)
    assert count_batch(batch[:-cut] if cut else batch) <= len(bodies)
