"""SQL92 expressions that were given to upstream's 4.5.2 compiler and evaluator, with what came out."""

from pathlib import Path

import pytest

from rocketpy._core.message import encode_properties
from rocketpy.filter import FilterEvaluationError, FilterSyntaxError, compile_expression

CASES = [
    line.split("\t")
    for line in (Path(__file__).parent / "data" / "filter" / "sql92_cases.tsv").read_text().splitlines()
    if line.count("\t") >= 2
]
VALUES = {True: "true", False: "false", None: "null"}


def case(line: list[str]) -> tuple[str, dict[str, str], str]:
    """An expression may have tabs in it."""
    *expression, properties, outcome = line
    pairs = (pair.split("=", 1) for pair in properties[1:-1].split(", ") if pair)
    return "\t".join(expression), dict(pairs), outcome


def outcome_of(expression: str, properties: dict[str, str]) -> str:
    try:
        return VALUES[compile_expression(expression).evaluate(properties)]
    except FilterSyntaxError:
        return "COMPILE_ERROR"
    except FilterEvaluationError as error:
        return f"EVAL_ERROR {error.upstream}"


def test_the_cases_are_there() -> None:
    assert len(CASES) == 130


@pytest.mark.parametrize(("expression", "properties", "outcome"), [case(line) for line in CASES])
def test_an_expression_comes_to_what_it_comes_to_upstream(
    expression: str, properties: dict[str, str], outcome: str
) -> None:
    assert outcome_of(expression, properties) == outcome
    if outcome != "COMPILE_ERROR" and all(properties.values()):  # an empty value is dropped from a record's text
        assert compile_expression(expression).matches(encode_properties(properties)) == (outcome == "true")
