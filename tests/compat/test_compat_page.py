"""docs/compat.md and the tests say the same: every test it names exists, every scenario and difference is on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import test_wire_oracle
from kit.servers import REPO

PAGE = (REPO / "docs/compat.md").read_text()
TABLES = [line for line in PAGE.splitlines() if line.startswith("|")]
SCENARIO_FILES = (
    "test_send", "test_consume", "test_lookups", "test_membership", "test_restarts", "test_sync_flush", "test_tls",
    "test_transactions", "test_operators", "test_where_groups_begin", "test_trace",
    "test_newer_clients", "test_cpp_client",
)  # fmt: skip


def names_in(*files: Path) -> set[str]:
    """Test functions of these files."""
    text = "\n".join(file.read_text() for file in files)
    return set(re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE))


def test_every_test_it_names_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE)) - {file.stem for file in Path(__file__).parent.glob("test_*.py")}
    assert named <= names_in(*(REPO / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("name", SCENARIO_FILES)
def test_every_scenario_with_a_client_is_on_it(name: str):
    for test in names_in(Path(__file__).parent / f"{name}.py"):
        assert any(f"`{test}`" in line for line in TABLES), test


@pytest.mark.parametrize("scenario", test_wire_oracle.DIFFERENCES)
def test_every_difference_on_the_wire_is_on_it(scenario: str):
    assert any(f"`{scenario}`" in line for line in TABLES)
