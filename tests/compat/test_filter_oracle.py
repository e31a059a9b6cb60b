"""SQL92 expressions, compiled and evaluated here and by upstream's own classes: the same answer, or the same failure.

The cases are random, by the seed below; ROCKETPY_SEED gives others.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections import Counter

from kit import builds

from rocketpy._core.message import decode_properties
from rocketpy.filter import FilterEvaluationError, FilterSyntaxError, compile_expression
from tests.filter_expressions import Expressions

SEED = int(os.environ.get("ROCKETPY_SEED") or 452)
COUNT = 10_000
TIMEOUT_S = 120
REFUSED = "COMPILE_ERROR"
VALUES = {True: "true", False: "false", None: "null"}
PLACE = re.compile(r"Encountered.* at line (\d+), column (\d+)")
Case = tuple[str, list[str]]


def escaped(text: str) -> str:
    """As FilterOracle.java reads it."""
    raw = text.encode("utf-16-be", "surrogatepass")
    units = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
    return "".join(chr(unit) if 0x20 <= unit <= 0x7E and unit != 0x5C else f"\\{unit:04x}" for unit in units)


def upstream(cases: list[Case]) -> list[str]:
    """Outcomes between tabs, or why the expression is refused; a line for each case."""
    lines = ["\t".join(map(escaped, [text, *properties])) for text, properties in cases]
    program = [*builds.JVM, "-cp", builds.upstream_program(), "FilterOracle"]
    done = subprocess.run(
        program, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )
    answers = done.stdout.splitlines()
    assert len(answers) == len(cases), done.stderr
    return answers


def ours(case: Case) -> str:
    text, properties = case
    try:
        compiled = compile_expression(text)
    except FilterSyntaxError as error:
        return f"{REFUSED} {error.remark}"
    outcomes = []
    for raw in properties:
        try:
            outcomes.append(VALUES[compiled.evaluate(decode_properties(raw.encode()))])
        except FilterEvaluationError as error:
            outcomes.append(f"EVAL_ERROR {error.upstream}")
        assert compiled.matches(raw.encode()) == (outcomes[-1] == "true"), f"{text!r} {raw!r}"
    return "\t".join(outcomes)


def outcomes_of(answer: str) -> str:
    return REFUSED if answer.startswith(REFUSED) else answer


def agreed(cases: list[Case]) -> list[tuple[str, str, str]]:
    """(expression, upstream's answer, ours) of each case, once all outcomes have been found the same."""
    answers = [(case[0], theirs, ours(case)) for case, theirs in zip(cases, upstream(cases), strict=True)]
    wrong = [
        f"{text!r} {case[1]}\n  upstream: {theirs}\n  rocketpy: {mine}"
        for case, (text, theirs, mine) in zip(cases, answers, strict=True)
        if outcomes_of(theirs) != outcomes_of(mine)
    ]
    assert not wrong, f"ROCKETPY_SEED={SEED}: {len(wrong)} differ, the first:\n" + "\n".join(wrong[:5])
    return answers


def test_random_expressions_come_to_the_same():
    source = Expressions(random.Random(SEED))
    answers = agreed([(source.expression(), [source.properties() for _ in range(3)]) for _ in range(COUNT)])
    found = Counter(outcome for _, theirs, _ in answers for outcome in outcomes_of(theirs).split("\t"))
    kinds = ["true", "false", "null", REFUSED, "EVAL_ERROR RuntimeException", "EVAL_ERROR ClassCastException"]
    assert set(found) == set(kinds)
    assert found[REFUSED] < COUNT / 2
    assert min(found.values()) > COUNT / 100


def test_damaged_expressions_are_taken_and_refused_alike_and_at_the_same_place():
    source = Expressions(random.Random(SEED + 1))
    answers = agreed([(source.damaged(), [source.properties() for _ in range(2)]) for _ in range(COUNT)])
    refused = sum(theirs.startswith(REFUSED) for _, theirs, _ in answers)
    assert COUNT / 4 < refused < COUNT * 3 / 4
    places = Counter(same_place(text, theirs, mine) for text, theirs, mine in answers if PLACE.search(theirs))
    assert places[True] > COUNT / 10


def same_place(text: str, theirs: str, mine: str) -> bool:
    """Upstream looks ahead for NOT IN, NOT BETWEEN and behind a plus, and then names that word; ours is what hurts."""
    place = PLACE.search(theirs)
    own = re.search(r" at line (\d+), column (\d+)", mine)
    assert place
    assert own
    if place.groups() == own.groups():
        return True
    looked_ahead = re.search(r'Encountered " ("NOT"|"\+")', theirs)
    at_the_start = text.strip() == "" or own.groups() == ("1", "1")
    assert looked_ahead or at_the_start, f"{text!r}\n  upstream: {theirs}\n  rocketpy: {mine}"
    assert at_the_start or tuple(map(int, own.groups())) > tuple(map(int, place.groups()))
    return False


WORDS = {
    "a > 'x'": "cannot be compared",
    "(a = b) < 5": "cannot be compared",
    "a = NULL": "cannot be compared",
    "TRUE = 'x'": "cannot be compared with",
    "5": "Expression will not result in a boolean value",
    "a BETWEEN 5 AND 1": "Illegal values of between, left value(5)",
    "TRUE IN ('x')": "Expected a property for In expression",
    "a > 0.0": "0.0 is less than 4.9E-324",
    "a > 1e400": "1e400 is greater than 1.7976931348623157E308",
    "a ! b": "Lexical error",
    "a = ,": "Encountered",
}


def test_the_words_of_a_refusal_are_upstream_s():
    for text, theirs, mine in agreed([(text, []) for text in WORDS]):
        assert WORDS[text] in theirs
        assert WORDS[text] in mine
