"""The store's lock: one process at a time, named when it is somebody else, gone with its process."""

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.errors import StartRefused
from rocketpy.store.lock import FLOCK, StoreLock, lock_holder, who_holds

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "lock"


@pytest.fixture
def other(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock, as a Java broker would."""
    path.parent.mkdir()
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_lock_and_release(path: Path) -> None:
    lock = StoreLock(path)
    lock.acquire()
    assert lock.is_held
    assert path.read_bytes() == b"lock"
    lock.release()
    assert not lock.is_held
    lock.release()
    lock.acquire()
    lock.release()


def test_the_holder_is_named(path: Path, other: "subprocess.Popen[str]") -> None:
    path.write_text("untouched")
    with pytest.raises(StartRefused, match=rf"lock is locked by process {other.pid}, .*storePathRootDir"):
        StoreLock(path).acquire()
    assert path.read_text() == "untouched"


def test_who_holds_it_is_asked_without_taking_it(path: Path, other: "subprocess.Popen[str]") -> None:
    for _ in range(2):
        assert (lock_holder(path), who_holds(path)) == (other.pid, f"by process {other.pid}")
    other.kill()
    other.wait()
    assert (lock_holder(path), who_holds(path)) == (None, "")


@pytest.mark.parametrize("pid", [0, -1])
def test_a_holder_on_another_host_has_no_pid(path: Path, monkeypatch: pytest.MonkeyPatch, pid: int) -> None:
    path.parent.mkdir()
    path.touch()
    monkeypatch.setattr("fcntl.fcntl", lambda *_: FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 1, pid))
    assert (lock_holder(path), who_holds(path)) == (0, "by another process")


def test_a_disk_without_locks_does_not_say_who_holds_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    path.parent.mkdir()
    path.touch()
    monkeypatch.setattr("fcntl.fcntl", refuse)
    assert who_holds(path) == ""


def test_the_lock_goes_with_its_process(path: Path, other: "subprocess.Popen[str]") -> None:
    other.kill()
    other.wait()
    lock = StoreLock(path)
    lock.acquire()
    lock.release()


def test_one_process_does_not_get_it_twice(path: Path) -> None:
    first = StoreLock(path)
    first.acquire()
    with pytest.raises(StartRefused, match=f"locked by process {os.getpid()}"):
        StoreLock(path).acquire()
    tried = subprocess.run(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert tried.returncode, "the refusal dropped the first one's lock"
    first.release()


def test_an_unusable_path(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StartRefused, match="cannot be opened"):
        StoreLock(path).acquire()
