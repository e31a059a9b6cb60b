"""java_hash is String.hashCode, body_crc is zlib's without the sign bit."""

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketpy._core.hashing import body_crc_of, java_hash_of


def string_hash_code(text: str) -> int:
    """String.hashCode the long way: over UTF-16 units, wrapped to 32 bits."""
    utf16 = text.encode("utf-16-be")
    value = 0
    for i in range(0, len(utf16), 2):
        value = (value * 31 + (utf16[i] << 8 | utf16[i + 1])) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


@pytest.mark.parametrize(
    ("text", "hash_code"),
    [("", 0), ("a", 97), ("TagA", 2598919), ("TagB", 2598920), ("polygenelubricants", -2147483648), ("😀", 1772899)],
)
def test_known_hash_codes(text: str, hash_code: int) -> None:
    assert java_hash_of(text) == hash_code


@given(st.text())
def test_hash_of_any_text(text: str) -> None:
    assert java_hash_of(text) == string_hash_code(text)


@given(st.text(), st.text())
def test_a_hash_continues_from_its_seed(head: str, tail: str) -> None:
    assert java_hash_of(tail, java_hash_of(head)) == java_hash_of(head + tail)


@given(st.binary())
def test_malformed_utf8_hashes_as_its_replacement(data: bytes) -> None:
    assert java_hash_of(data) == string_hash_code(data.decode("utf-8", "replace"))


@given(st.binary())
def test_body_crc(body: bytes) -> None:
    assert body_crc_of(body) == zlib.crc32(body) & 0x7FFFFFFF


def test_body_crc_of_every_size() -> None:
    body = random.Random(1).randbytes(700)
    for size in range(len(body)):
        for start in (0, 1, 7):
            part = memoryview(body)[start:size]
            assert body_crc_of(part) == zlib.crc32(part) & 0x7FFFFFFF
