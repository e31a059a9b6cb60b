"""The preloaded library counts every call that waits for the disk, of any process, and no other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.build import PRELOADED, sync_counter
from benchmarks.syncs import SyncCount, per_1000

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler: apt-get install gcc libc6-dev")

CALLS = """
import mmap, os
file = os.open("f", os.O_RDWR | os.O_CREAT)
os.ftruncate(file, 8192)
os.write(file, b"x")
os.fsync(file); os.fsync(file); os.fdatasync(file)
with mmap.mmap(file, 8192) as mapped:
    mapped[0] = 1
    mapped.flush()   # msync(MS_SYNC)
"""


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SyncCount:
    library = sync_counter(tmp_path)
    monkeypatch.setattr("benchmarks.syncs.sync_counter", lambda: library)
    return SyncCount(tmp_path / "syncs")


def run(folder: Path, code: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=folder, env={**os.environ, **environment}, check=True)


def test_it_compiles_without_a_warning(tmp_path: Path) -> None:
    flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", str(tmp_path / "syncs.so"), str(PRELOADED / "syncs.c")], check=True)


def test_every_sync_of_every_process_is_counted_once(tmp_path: Path, counted: SyncCount) -> None:
    run(tmp_path, CALLS, counted.environment)
    assert counted.read() == 4
    run(tmp_path, CALLS, counted.environment)
    assert counted.read() == 8


def test_what_does_not_wait_for_the_disk_is_not_counted(tmp_path: Path, counted: SyncCount) -> None:
    run(tmp_path, "import mmap; open('f', 'wb').write(b'x' * 8192)", counted.environment)
    assert counted.read() == 0


def test_without_a_file_the_calls_work_uncounted(tmp_path: Path, counted: SyncCount) -> None:
    run(tmp_path, CALLS, {"LD_PRELOAD": counted.environment["LD_PRELOAD"]})
    assert counted.read() == 0


def test_syncs_are_told_for_every_thousand_messages() -> None:
    assert per_1000(30, 2_000) == 15
