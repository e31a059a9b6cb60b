"""A closed store for each test to damage."""

from pathlib import Path

import pytest

from tests.unit.store_tool.stores import fill


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "store"
    fill(root)
    return root
