"""docs/protocol.md names every code that is served, by its name, with tests that exist."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from rocketpy.broker.request_table import SERVED as BROKER
from rocketpy.namesrv.request_table import SERVED as NAME_SERVER
from rocketpy.protocol.codes import RequestCode

REPO = Path(__file__).parents[2]
UNIT = REPO / "tests" / "unit"
ROW = re.compile(r"\| (\d+) \| (\w+) \| .* \| ([^|]*) \|")
SERVERS = [("Name server", NAME_SERVER, "namesrv/test_*.py"), ("Broker", BROKER, "broker/processors/test_*.py")]


def rows(title: str) -> list[tuple[str, str, str]]:
    page = (REPO / "docs" / "protocol.md").read_text()
    return ROW.findall(page.partition(f"\n## {title}\n")[2].partition("\n## ")[0])


@pytest.mark.parametrize(("title", "served", "_"), SERVERS)
def test_a_servers_table_is_its_request_table(title: str, served: Mapping[RequestCode, object], _: str) -> None:
    assert {int(code): name for code, name, _ in rows(title)} == {int(code): code.name for code in served}


@pytest.mark.parametrize(("title", "_", "files"), SERVERS)
def test_the_tests_of_a_table_exist(title: str, _: object, files: str) -> None:
    tests = "".join(path.read_text() for path in UNIT.glob(files))
    for code, _, names in rows(title):
        named = re.findall(r"\btest_\w+\b(?!\.py)", names)
        assert named, code
        assert [name for name in named if f"def {name}(" not in tests] == []
