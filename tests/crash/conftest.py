"""What damage is done to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.damaged import DamagedBroker
from tests.crash.damaged_store import DamagedStore


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[DamagedBroker]:
    """A broker process that has not been started, on a folder of its own."""
    broker = DamagedBroker(tmp_path)
    yield broker
    broker.close()


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[DamagedStore]:
    """A store that has not been opened yet."""
    store = DamagedStore(tmp_path / "store")
    yield store
    store.close()
