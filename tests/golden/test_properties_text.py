"""Properties texts, odd and malformed ones too, mean what RocketMQ 4.5.2 reads in them, and hash as in Java."""

from pathlib import Path

import pytest

from rocketpy._core.hashing import java_hash_of
from rocketpy._core.message import decode_properties

CASES = [line.split("\t") for line in (Path(__file__).parent / "data/store/properties.tsv").read_text().splitlines()]


def pairs(text: str) -> dict[str, str]:
    """`hex=hex;` as a mapping."""
    items = (item.split("=") for item in text.split(";") if item)
    return {bytes.fromhex(name).decode(): bytes.fromhex(value).decode() for name, value in items}


@pytest.mark.parametrize(("raw", "hash_code", "properties"), CASES, ids=range(len(CASES)))
def test_a_text(raw: str, hash_code: str, properties: str) -> None:
    assert decode_properties(bytes.fromhex(raw)) == pairs(properties)
    assert java_hash_of(bytes.fromhex(raw)) == int(hash_code)
