"""Filters under any text: a slow reference says the same, nothing but the two errors comes out, nothing takes long."""

import contextlib
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocketpy._core.java_numbers import double_of, int_of, long_of
from rocketpy._core.message import decode_properties, encode_properties
from rocketpy._core.sql_filter import Op
from rocketpy.errors import FilterEvaluationError, FilterSyntaxError
from rocketpy.filter import compile_expression
from rocketpy.filter.compiler import MAX_CHARACTERS, program_of
from rocketpy.filter.refused import Refused
from tests import filter_reference
from tests.filter_expressions import ALPHABET, NUMBERS, SNIPPETS, Expressions

VALUES = {True: "true", False: "false", None: "null"}
SECONDS = 1  # of this process; 0.06 is the most that any text takes, one that is read again and again takes 3
UNITS = ["(", "-", "- ", "NOT ", "'", "/*", "--", "a=", "a ", "0", "9", "a IN ('", "a BETWEEN 1 AND ", "\r"]
seeds = st.integers(0, 2**63)
pieces = st.lists(st.sampled_from([*ALPHABET, *SNIPPETS, "a = 1", " AND "]), max_size=40).map("".join)


def outcome(text: str, properties: dict[str, str]) -> str:
    try:
        return VALUES[compile_expression(text).evaluate(properties)]
    except FilterSyntaxError as error:
        assert f"at line {error.line}, column {error.column}. " in error.remark + " "
        return "COMPILE_ERROR"
    except FilterEvaluationError as error:
        return f"EVAL_ERROR {error.upstream}"


@settings(max_examples=100)
@given(seeds)
def test_an_expression_comes_to_what_the_reference_says(seed: int) -> None:
    source = Expressions(random.Random(seed))
    text = source.expression()
    for _ in range(3):
        raw = source.properties().encode()
        expected = filter_reference.outcome(text, decode_properties(raw))
        assert outcome(text, decode_properties(raw)) == expected, text
        if expected != "COMPILE_ERROR":
            assert compile_expression(text).matches(raw) == (expected == "true")


@settings(max_examples=100)
@given(seeds)
def test_a_damaged_expression_is_taken_or_refused_as_the_reference_does(seed: int) -> None:
    source = Expressions(random.Random(seed))
    text = source.damaged()
    properties = decode_properties(source.properties().encode())
    assert outcome(text, properties) == filter_reference.outcome(text, properties), text


@settings(max_examples=100)
@given(st.text() | pieces, st.dictionaries(st.text(min_size=1, max_size=3), st.text(max_size=8), max_size=4))
def test_any_text_is_compiled_or_refused(text: str, properties: dict[str, str]) -> None:
    assert outcome(text, properties) == filter_reference.outcome(text, properties)


@settings(max_examples=100)
@given(st.binary(max_size=60), seeds)
def test_any_bytes_are_properties(raw: bytes, seed: int) -> None:
    text = Expressions(random.Random(seed)).expression()
    try:
        compiled = compile_expression(text)
    except FilterSyntaxError:
        return
    assert compiled.matches(raw) in (True, False)


@settings(max_examples=25)
@given(st.sampled_from(UNITS), st.sampled_from(["", "a", "'", "*/", "\n", ")", "''", "e5", "1 AND 2"]))
def test_a_text_as_long_as_may_be_takes_no_long_time(unit: str, end: str) -> None:
    text = (unit * MAX_CHARACTERS)[: MAX_CHARACTERS - len(end)] + end
    begin = time.process_time()
    outcome(text, {"a": "1"})
    assert time.process_time() - begin < SECONDS


@settings(max_examples=150)
@given(st.sampled_from(NUMBERS) | st.text("0123456789+-.eExXpPdDfFNaInity \t٣", max_size=8) | st.text(max_size=4))
def test_numbers_are_those_of_the_reference(text: str) -> None:
    for read, reference in (
        (int_of, lambda: filter_reference.whole(text, 32).number),
        (long_of, lambda: filter_reference.whole(text, 64).number),
        (double_of, lambda: filter_reference.double(text)),
    ):
        try:
            expected = reference()
        except filter_reference.Failed:
            expected = None
        assert repr(read(text)).replace("-nan", "nan") == repr(expected)


def test_the_generator_reaches_every_instruction_and_outcome() -> None:
    source = Expressions(random.Random(1))
    reached: set[Op] = set()
    outcomes = set()
    for _ in range(300):
        text = source.expression()
        outcomes.add(outcome(text, decode_properties(source.properties().encode())))
        with contextlib.suppress(Refused):
            reached |= {op for op, _ in program_of(text)}
    assert reached == set(Op)
    failures = {"COMPILE_ERROR", "EVAL_ERROR RuntimeException", "EVAL_ERROR ClassCastException"}
    assert outcomes == {*VALUES.values(), *failures}


@pytest.mark.parametrize("count", [1, 30])
def test_a_record_s_text_and_a_dict_come_to_the_same(count: int) -> None:
    source = Expressions(random.Random(count))
    for _ in range(50):
        text = source.expression()
        properties = {f"p{at}": "v" for at in range(count)} | decode_properties(source.properties().encode())
        answer = outcome(text, properties)
        if answer != "COMPILE_ERROR":
            assert compile_expression(text).matches(encode_properties(properties)) == (answer == "true")
