"""Each symptom of the operator's table has a test that makes the situation, and each such test its row."""

import re
from pathlib import Path

import pytest

from tests.symptoms import lines, pattern_of, rows

TESTS = Path(__file__).parents[1]
CALL = re.compile(r"\bsaid\(\s*\"((?:[^\"\\]|\\.)+)\"")
CALLERS = [path for path in TESTS.rglob("test_*.py") if "import said\n" in path.read_text()]
USED = {symptom for path in CALLERS for symptom in CALL.findall(path.read_text())}


def test_there_is_a_table() -> None:
    assert len(rows()) > 25
    assert all(rows().values()), "each row says what RocketPy says"


def test_rows_and_tests_are_the_same() -> None:
    assert set(rows()) == USED


def test_lines_are_read() -> None:
    assert lines("answer 2: `[X]busy <n>ms` · `puts: <path>`") == ["answer 2: [X]busy <n>ms", "puts: <path>"]


@pytest.mark.parametrize(
    ("line", "matches"), [("port 1 is in use", True), ("port  is in use", False), ("port 1", False)]
)
def test_values_may_be_anything_but_nothing(line: str, matches: bool) -> None:
    assert bool(pattern_of("port <port> is in use").fullmatch(line)) == matches
