"""Real disks that are full or have gone read-only under a real broker: it says so, lets read, and loses nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rocketpy.protocol.codes import ResponseCode
from tests.crash.broker import BrokerProcess, killed_at_the_end
from tests.crash.fault_layer import Faults
from tests.crash.test_io_errors import Sick, send_until_refused
from tests.needs import lack, need_root

DISK_BYTES = 6 << 20
RESERVE_BYTES = 1 << 20

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def small_disk(mount_small_disk: Callable[[int], Path]) -> Path:
    """A tmpfs with a file on it that can be removed to make room."""
    path = mount_small_disk(DISK_BYTES)
    (path / "ballast").write_bytes(bytes(RESERVE_BYTES))
    return path


@pytest.fixture
def failing_disk(tmp_path: Path) -> Iterator[Path]:
    """An ext4 in a file that goes read-only at its first error."""
    need_root("a file system is mounted from a file")
    if shutil.which("mkfs.ext4") is None:
        lack("mkfs.ext4", "mkfs.ext4 is missing; install it with: apt-get install e2fsprogs")
    file, path = tmp_path / "ext4", tmp_path / "disk"
    path.mkdir()
    with file.open("wb") as made:
        made.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(file)], check=True)
    subprocess.run(["mount", "-o", "loop,errors=remount-ro", str(file), str(path)], check=True)
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def broker_on(disk: Path, tmp_path: Path, **settings: object) -> BrokerProcess:
    """Its logs are elsewhere: it is the store whose disk is sick."""
    store = disk / "store"
    broker = BrokerProcess(
        tmp_path / "home", storePathRootDir=store, storePathCommitLog=store / "commitlog", flushDiskType="SYNC_FLUSH",
        **settings,
    )
    broker.store = store
    return broker


def sick_on(broker: BrokerProcess, tmp_path: Path) -> Sick:
    return Sick(broker, Faults(Path("/"), tmp_path / "unused"))


def env() -> dict[str, str]:
    """The disk's own refusal is meant, not the level at which the broker stops before it."""
    return {"ROCKETMQ_BROKER_DISK_SPACE_WARNING_LEVEL_RATIO": "1.0"}


def test_a_full_disk_refuses_until_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    broker = broker_on(small_disk, tmp_path)
    sick = sick_on(broker, tmp_path)
    with killed_at_the_end(broker):
        broker.start(env())
        code, remark = send_until_refused(sick)[-1]
        assert code == ResponseCode.SERVICE_NOT_AVAILABLE
        assert str(broker.store) in remark and "No space left on device" in remark
        sick.look()
        (small_disk / "ballast").unlink()
        assert not sick.send(5)
        send_until_refused(sick)
        broker.kill()
        broker.start(env())                            # full at start: it serves what is there
        sick.look()
        broker.stop()
        broker.start(env())
        sick.look()


def test_an_error_of_the_file_system_makes_it_read_only(failing_disk: Path, tmp_path: Path) -> None:
    broker = broker_on(failing_disk, tmp_path)
    sick = sick_on(broker, tmp_path)
    with killed_at_the_end(broker):
        broker.start(env())
        assert not sick.send()
        (Path("/sys/fs/ext4") / device_of(failing_disk) / "trigger_fs_error").write_text("1")
        _, remark = send_until_refused(sick)[-1]
        assert str(broker.store) in remark and "Read-only file system" in remark
        sick.look()
        assert broker.stop() == 253
        assert "Read-only file system" in broker.output
        broker.start(env(), wait=False)
        assert broker.wait() != 0                      # told at start as well
        assert "Read-only file system" in broker.output.splitlines()[-1]
        mend(failing_disk, tmp_path / "ext4")
        broker.start(env())
        sick.look()
        assert not sick.send(5)
        assert broker.stop() == 0


def device_of(folder: Path) -> str:
    device = folder.stat().st_dev
    return Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name


def mend(folder: Path, file: Path) -> None:
    """As an operator does: unmount, check, mount."""
    subprocess.run(["umount", str(folder)], check=True)
    subprocess.run(["fsck.ext4", "-fy", str(file)], check=False, capture_output=True)
    subprocess.run(["mount", "-o", "loop,errors=remount-ro", str(file), str(folder)], check=True)
