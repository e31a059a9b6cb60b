"""The load generator compiles without a warning, passes its own test, and measures a sink that answers everything."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.build import SOURCES, loadgen
from benchmarks.load import Driven, Load, run_load
from benchmarks.processes import Child, Failed
from tests.ports import free_port

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler: apt-get install gcc libc6-dev")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return loadgen(tmp_path_factory.mktemp("loadgen"))


@pytest.fixture
def sink(program: Path, tmp_path: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    command = [str(program), "--mode", "sink", "--port", str(port), "--size", "128"]
    child = Child(command, tmp_path / "sink.out", {}, tmp_path, None)
    child.wait_listening(port)
    yield port, child.pid
    child.stop()


def test_it_compiles_without_a_warning(tmp_path: Path) -> None:
    flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *flags, "-o", str(tmp_path / "loadgen"), str(SOURCES / "loadgen.c")], check=True)


def test_histogram_frames_and_checks_are_right(program: Path) -> None:
    done = subprocess.run([str(program), "--selftest"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_wrong_option_is_named(program: Path) -> None:
    done = subprocess.run([str(program), "--prot", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--prot" in done.stderr


@pytest.mark.parametrize("mode", ["send", "batch", "pull"])
def test_every_answer_of_a_sink_is_counted(sink: tuple[int, int], mode: str) -> None:
    port, pid = sink
    sample = run_load(Load(mode, 128, 2, 4, 2000), port, pid)
    assert 2000 <= sample["messages"] < 2000 + 32
    assert sample["messages"] == sample["requests"] * (1 if mode == "send" else 32)
    assert 0 < sample["p50_us"] <= sample["p99_us"] <= sample["p999_us"] <= sample["max_us"]
    assert sample["refused"] == 0


def test_answers_other_than_asked_for_fail_the_run(sink: tuple[int, int]) -> None:
    port, pid = sink
    with pytest.raises(Failed, match="bad answer"):
        run_load(Load("pull", 128, 1, 1, 100, max_nums=8), port, pid)  # the sink sends 32


def wait_catching(pid: int, number: int) -> None:
    """Until the process has got as far as to catch the signal."""
    status = Path(f"/proc/{pid}/status")
    while not int(re.findall(r"SigCgt:\s*(\w+)", status.read_text())[0], 16) >> (number - 1) & 1:
        os.sched_yield()


def test_a_paced_load_is_ended_and_answers_for_what_it_did(sink: tuple[int, int]) -> None:
    port, pid = sink
    run_load(Load("send", 128, 1, 1, 100, 0), port, pid)
    with Driven(Load("send", 128, 1, 8, 10**9, 0, rate=2_000, topics=7, queues=1_000), port, pid) as driven:
        wait_catching(driven.pid, signal.SIGTERM)
        run_load(Load("send", 128, 2, 4, 20_000, 0), port, pid)
        sample = driven.finish()
    assert 0 < sample["messages"] <= sample["total"]
    assert sample["rate"] <= 2_100


def test_a_load_that_is_left_is_ended(sink: tuple[int, int]) -> None:
    port, pid = sink
    with Driven(Load("send", 128, 1, 1, 10**9, 0), port, pid) as driven:
        pass
    with pytest.raises(Failed):
        driven.result(1)
