"""Tests of messages by their properties, and the bitmaps that tell the outcome ahead."""

import pytest

from rocketpy._core.message import encode_properties
from rocketpy._core.message_filter import ExpressionFilter, FilterBitmaps, RetryFilter
from rocketpy.filter import compile_expression


def test_of(expression: str, positions=(), bitmap_bytes=0, born_ms=0) -> ExpressionFilter:
    return ExpressionFilter(compile_expression(expression), positions, bitmap_bytes, born_ms)


test_of.__test__ = False
RED = encode_properties({"colour": "red"})
BLUE = encode_properties({"colour": "blue"})


def test_an_expression_decides():
    red = test_of("colour = 'red'")
    assert red.matches(RED)
    assert not red.matches(BLUE)
    assert not red.matches(b"")
    assert not red.is_retired
    red.retire()
    assert red.is_retired


def test_a_position_outside_the_bitmap_is_refused():
    for position in (-1, 16):
        with pytest.raises(ValueError, match="outside the bitmap"):
            test_of("TRUE", [position], 2)


def test_a_bitmap_has_the_bits_of_every_filter_that_matches():
    bitmaps = FilterBitmaps()
    assert bitmaps.bitmap(RED) == b""
    bitmaps.use([test_of("colour = 'red'", [0, 9], 2), test_of("colour IS NOT NULL", [15], 2)], 2)
    assert bitmaps.bitmap(RED) == b"\x01\x82"  # the lowest bit of a byte is the first
    assert bitmaps.bitmap(BLUE) == b"\x00\x80"
    assert bitmaps.bitmap(b"") == b"\x00\x00"
    bitmaps.use([], 2)
    assert bitmaps.bitmap(RED) == b""


def test_filters_of_other_bitmaps_are_refused():
    bitmaps = FilterBitmaps()
    with pytest.raises(ValueError, match="other bitmaps"):
        bitmaps.use([test_of("TRUE", [1], 1)], 2)


@pytest.mark.parametrize(
    ("properties", "wanted"),
    [
        ({"RETRY_TOPIC": "T", "colour": "red"}, True),
        ({"RETRY_TOPIC": "T", "colour": "blue"}, False),
        ({"RETRY_TOPIC": "T2", "colour": "blue"}, True),
        ({"RETRY_TOPIC": "Tx", "colour": "blue"}, True),  # a topic the group has no expression for
        ({"colour": "blue"}, True),
        ({"XRETRY_TOPIC": "T", "colour": "blue"}, True),
    ],
)
def test_a_retried_message_is_tested_as_in_its_first_topic(properties, wanted):
    retry = RetryFilter({b"T": test_of("colour = 'red'"), b"T2": test_of("colour = 'blue'")})
    assert retry.matches(encode_properties(properties)) is wanted


def test_the_last_retry_topic_counts_as_for_any_property():
    retry = RetryFilter({b"T": test_of("FALSE")})
    assert not retry.matches(b"RETRY_TOPIC\x01U\x02RETRY_TOPIC\x01T")
    assert retry.matches(b"RETRY_TOPIC\x01T\x02RETRY_TOPIC\x01U\x02")
    assert not retry.matches(b"RETRY_TOPIC\x01T\x02RETRY_TOPIC\x01\x02RETRY_TOPIC\x02RETRY_TOPIC\x01U\x01V\x02")


def test_a_retired_filter_in_a_retry_topic_lets_the_pull_look_again():
    old = test_of("FALSE")
    retry = RetryFilter({b"T": old})
    assert not retry.matches(b"RETRY_TOPIC\x01T\x02")
    old.retire()
    assert retry.matches(b"RETRY_TOPIC\x01T\x02")
