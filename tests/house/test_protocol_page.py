"""docs/protocol.md is the code's own tables: every code of 4.5.2 once a server, with tests that exist."""

import re
from pathlib import Path

import pytest

from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol_docs import SERVERS, fill_page, server_table

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "protocol.md"
ROW = re.compile(r"^\| (\d+) \| (\w+) \| (yes|no: [^|]+) \| [^\n]* \| ([^|\n]*) \|$", re.MULTILINE)
TESTS = "".join(path.read_text() for path in (REPO / "tests").rglob("test_*.py"))


def test_the_tables_of_protocol_md_are_the_request_tables() -> None:
    page = PAGE.read_text()
    assert fill_page(page) == page, "put the rows into request_docs.py, then run: make docs"
    assert all(f"<!-- codes: {name} -->" in page for name in SERVERS)


@pytest.mark.parametrize("name", SERVERS)
def test_every_code_stands_in_a_table_once(name: str) -> None:
    rows = ROW.findall(server_table(name))
    assert [(int(code), word) for code, word, _, _ in rows] == [(int(code), code.name) for code in RequestCode]
    served = {int(code) for code, _, is_served, _ in rows if is_served == "yes"}
    assert served == {int(code) for code in SERVERS[name].served}


@pytest.mark.parametrize("name", SERVERS)
def test_what_is_not_served_is_not_described(name: str) -> None:
    assert SERVERS[name].answers.keys() == set(SERVERS[name].served)


@pytest.mark.parametrize("name", SERVERS)
def test_every_row_has_tests_that_exist(name: str) -> None:
    for _, word, _, tests in ROW.findall(server_table(name)):
        named = re.findall(r"\btest_\w+\b(?!\.py)", tests)
        assert named, word
        assert [test for test in named if f"def {test}(" not in TESTS] == [], word
