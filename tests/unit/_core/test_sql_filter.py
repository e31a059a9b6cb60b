"""A filter's program: checked when made, evaluated on the text of properties as upstream splits it."""

import pytest

from rocketpy._core.sql_filter import MOST_PROPERTIES, MOST_WAITING, Filter, Op
from rocketpy.errors import FilterEvaluationError

A = (Op.PROPERTY, "a")
EQUAL = (Op.EQUAL, None)


def is_text(text: str) -> Filter:
    return Filter("", [A, (Op.CONSTANT, text), EQUAL])


@pytest.mark.parametrize(
    "program",
    [
        [],
        [EQUAL],
        [A, EQUAL],
        [A, A],
        [(Op.NOT, None)],
        [A, (Op.SKIP_IF_NULL, 1)],
        [A, (Op.SKIP_IF_NULL, -1)],
        [A, (Op.SKIP_IF_NULL, 1), A, EQUAL],  # joins a path with another height of stack
        [A, (Op.SKIP_IF_NULL, 3), A, (Op.SKIP_IF_NULL, 1), EQUAL],  # two skips to one place, with different heights
        [(Op.CONSTANT, None)] * (MOST_WAITING + 1) + [EQUAL] * MOST_WAITING,
        [step for at in range(MOST_PROPERTIES + 1) for step in ((Op.PROPERTY, f"p{at}"), EQUAL)][:1]
        + [step for at in range(MOST_PROPERTIES) for step in ((Op.PROPERTY, f"q{at}"), EQUAL)],
    ],
)
def test_a_program_that_leaves_its_tables_is_not_made(program: list[tuple[Op, object]]) -> None:
    with pytest.raises(ValueError, match=r"instruction|value|propert"):
        Filter("", program)


def test_a_program_may_use_all_of_its_stack_and_of_its_properties() -> None:
    constants: list[tuple[Op, object]] = [(Op.CONSTANT, None)] * MOST_WAITING
    assert Filter("", constants + [EQUAL] * (MOST_WAITING - 1)).evaluate({}) is True
    program: list[tuple[Op, object]] = [(Op.PROPERTY, "p0")]
    for at in range(1, MOST_PROPERTIES):
        program += [(Op.PROPERTY, f"p{at}"), EQUAL]
    assert Filter("", program).evaluate({}) is False


@pytest.mark.parametrize(
    ("properties", "value"),
    [
        (b"a\x01x\x02", "x"), (b"a\x01x", "x"), (b"b\x01y\x02a\x01x\x02", "x"), (b"a\x01y\x02a\x01x\x02", "x"),
        (b"\x02\x02a\x01x\x01\x01\x02", "x"), (b"a\x01\xe4\xb8\xad\x02", "中"), (b"a\x01" + b"v" * 32000, "v" * 32000),
    ],
)  # fmt: skip
def test_a_property_is_found_in_a_record_s_text(properties: bytes, value: str) -> None:
    assert is_text(value).matches(properties)


@pytest.mark.parametrize(
    "properties",
    [b"", b"a", b"a\x01", b"a\x01\x02", b"a\x01\x01x\x02", b"a\x01x\x01y\x02", b"A\x01x\x02", b"ab\x01x\x02",
     b"x\x01a\x02", b"\x01x\x02"],
)  # fmt: skip
def test_what_is_no_pair_for_upstream_is_no_property(properties: bytes) -> None:
    assert Filter("", [A, (Op.CONSTANT, None), EQUAL]).matches(properties)


def test_a_set_of_many_texts() -> None:
    texts = frozenset(f"{at:x}" for at in range(0, 2000, 2))
    contained = Filter("", [A, (Op.IN, texts)])
    assert [contained.evaluate({"a": f"{at:x}"}) for at in range(2000)] == [True, False] * 1000
    assert contained.evaluate({"a": ""}) is False
    assert contained.evaluate({}) is None


def test_constants_of_equal_value_and_different_class_are_kept_apart() -> None:
    whole = Filter("", [A, (Op.CONSTANT, 1), EQUAL])
    real = Filter("", [A, (Op.CONSTANT, 1), EQUAL, A, (Op.CONSTANT, 1.0), EQUAL, (Op.OR, None)])
    assert whole.evaluate({"a": "1"}) is True
    with pytest.raises(FilterEvaluationError, match=r"'1\.0' is not a number"):
        real.evaluate({"a": "1.0"})
    truth = Filter("", [A, (Op.CONSTANT, True), EQUAL, A, (Op.CONSTANT, 1), EQUAL, (Op.AND, None)])
    assert truth.evaluate({"a": "1"}) is False
    zeros = [(Op.CONSTANT, 0.0), (Op.CONSTANT, -0.0), EQUAL]
    assert Filter("", zeros).evaluate({}) is False


def test_an_error_of_evaluation_is_no_match() -> None:
    number = Filter("", [A, (Op.CONSTANT, 5), (Op.GREATER, None)])
    assert number.matches(b"a\x016\x02")
    assert not number.matches(b"a\x01six\x02")
    with pytest.raises(FilterEvaluationError, match="'six'"):
        number.evaluate({"a": "six"})


def test_a_lone_surrogate_equals_no_text_of_a_record() -> None:
    assert not is_text("\ud800").matches(b"a\x01\xef\xbf\xbd\x02")
    assert is_text("\ud83d\ude00").matches("a\x01😀".encode())


def test_bytes_that_are_no_utf_8_equal_no_text() -> None:
    assert not is_text("\ufffd").matches(b"a\x01\xff\x02")
    assert is_text("\ufffd").matches(b"a\x01\xef\xbf\xbd\x02")
    assert Filter("", [A, (Op.CONSTANT, None), EQUAL, (Op.NOT, None)]).matches(b"a\x01\xff\x02")


def test_a_program_keeps_what_it_points_to() -> None:
    made = is_text("".join(["some", "text"]))
    for _ in range(100):
        is_text("other text of the same size")
    assert made.matches(b"a\x01sometext\x02")
    assert made.text == ""
