"""What damage is done to."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.damaged import DamagedBroker
from tests.crash.damaged_store import DamagedStore
from tests.needs import need_root

SmallDisk = Callable[[int], Path]


@pytest.fixture
def mount_small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """mount_small_disk(size): a file system in memory of so many bytes."""
    need_root("a small disk is mounted")
    path = tmp_path / "disk"
    path.mkdir()

    def mount(size_bytes: int) -> Path:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "none", str(path)], check=True)
        return path

    yield mount
    subprocess.run(["umount", "-l", str(path)], check=False)


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
