"""A started program is waited for, told apart from one that ended, and gone when it is killed."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from benchmarks.processes import Child, Failed, allow_open_files

WAITS = "import signal; signal.pause()"


def started(folder: Path, code: str) -> Child:
    return Child([sys.executable, "-c", code], folder / "out", {}, folder, None)


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    made = started(tmp_path, WAITS)
    yield made
    made.kill()


def test_it_is_waited_for_until_it_is_so(child: Child) -> None:
    tries = count()
    assert child.wait_until(lambda: next(tries) == 3, "ready", 10) > 0
    assert next(tries) == 4


def test_a_program_that_takes_too_long_fails(child: Child) -> None:
    with pytest.raises(Failed, match="not ready after 0 s"):
        child.wait_until(lambda: False, "ready", 0)


def test_a_program_that_ended_is_not_waited_for(tmp_path: Path) -> None:
    child = started(tmp_path, "print('no such store')")
    with pytest.raises(Failed, match="no such store"):
        child.wait_until(lambda: False, "ready", 30)


def test_a_killed_program_is_gone(child: Child) -> None:
    assert child.returncode is None
    child.kill()
    assert not child.is_alive()
    assert child.returncode == -9
    child.kill()  # once more does no harm


def test_open_files_are_allowed_as_far_as_this_user_may() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert allow_open_files(200) == 200
        assert allow_open_files(before[1]) == before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
