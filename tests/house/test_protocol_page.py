"""docs/protocol.md names every code that is served, by its name, with tests that exist."""

import re
from pathlib import Path

from rocketpy.namesrv.request_table import SERVED as NAME_SERVER

REPO = Path(__file__).parents[2]
ROW = re.compile(r"\| (\d+) \| (\w+) \| .* \| ([^|]*) \|")


def section(title: str) -> str:
    page = (REPO / "docs" / "protocol.md").read_text()
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_name_servers_table_is_its_request_table() -> None:
    rows = {int(code): name for code, name, _ in ROW.findall(section("Name server"))}
    assert rows == {int(code): code.name for code in NAME_SERVER}


def test_the_name_servers_tests_exist() -> None:
    tests = (REPO / "tests" / "unit" / "namesrv" / "test_namesrv_processors.py").read_text()
    cells = " ".join(names for _, _, names in ROW.findall(section("Name server")))
    named = set(re.findall(r"\btest_\w+\b(?!\.py)", cells))
    assert named
    assert [name for name in sorted(named) if f"def {name}(" not in tests] == []
