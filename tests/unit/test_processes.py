"""mqshutdown finds RocketPy's own processes by their title, and nobody else's."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy import processes
from rocketpy.processes import MAIN_CLASSES, TITLE, find_processes, shutdown

REPO = Path(__file__).parents[2]
SLEEP = "print('up', flush=True); import time; time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
OURS = f"from rocketpy.processes import set_title; set_title('broker', ['-c', 'b.conf']); {SLEEP}"


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> str:
    """A program of this test alone: real brokers of the machine are never looked at."""
    name = f"test{os.getpid()}"
    monkeypatch.setitem(MAIN_CLASSES, name, f"org.example.{name}")
    return name


@pytest.fixture
def titled() -> Iterator[object]:
    """Starts a sleeping process under a title."""
    started: list[subprocess.Popen[str]] = []

    def start(title: str, code: str = SLEEP) -> subprocess.Popen[str]:
        process = subprocess.Popen([title, "-c", code], executable=sys.executable, cwd=REPO, stdout=-1, text=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_only_our_titles_are_found(mine: str, titled) -> None:
    ours = titled(f"{TITLE}{MAIN_CLASSES[mine]} -c x")
    titled(f"java {MAIN_CLASSES[mine]}")
    assert [process.pid for process in find_processes(mine)] == [ours.pid]


def test_another_users_processes_are_not_ours(mine: str, titled, monkeypatch: pytest.MonkeyPatch) -> None:
    titled(f"{TITLE}{MAIN_CLASSES[mine]} -c x")
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert find_processes(mine) == []


def test_shutdown_stops_and_waits(mine: str, titled, capsys: pytest.CaptureFixture[str]) -> None:
    ours = titled(f"{TITLE}{MAIN_CLASSES[mine]}")
    java = titled(f"java {MAIN_CLASSES[mine]}")
    assert shutdown(mine) == 0
    assert ours.wait(0) != 0
    assert java.poll() is None
    assert capsys.readouterr().out == (
        f"The mq{mine}({ours.pid}) is running...\nSend shutdown request to mq{mine}({ours.pid}) OK\n"
    )


@pytest.mark.parametrize("old", ["kernel", "Python"])
def test_shutdown_without_pidfd(mine: str, titled, monkeypatch: pytest.MonkeyPatch, old: str) -> None:
    def refuse(pid: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")

    if old == "kernel":
        monkeypatch.setattr(os, "pidfd_open", refuse)
    else:
        monkeypatch.delattr(os, "pidfd_open")
    ours = titled(f"{TITLE}{MAIN_CLASSES[mine]}")
    reaper = threading.Thread(target=ours.wait)  # else it stays in the process list, as this test's child
    reaper.start()
    assert shutdown(mine) == 0
    reaper.join()
    assert ours.returncode == -signal.SIGTERM
    deaf = titled(f"{TITLE}{MAIN_CLASSES[mine]}", DEAF)
    monkeypatch.setattr(processes, "STOP_TIMEOUT_S", 0.1)
    assert shutdown(mine) == 1
    assert deaf.poll() is None


def test_none_running(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shutdown(mine) == 255
    assert capsys.readouterr().out == f"No mq{mine} running.\n"


def test_one_that_does_not_stop_is_told(
    mine: str, titled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    titled(f"{TITLE}{MAIN_CLASSES[mine]}", DEAF)
    monkeypatch.setattr(processes, "STOP_TIMEOUT_S", 0.1)
    assert shutdown(mine) == 1
    assert "has not stopped within 0.1 s" in capsys.readouterr().out


def test_a_title_shows_upstreams_main_class(titled) -> None:
    process = titled(sys.executable, OURS)
    title = Path(f"/proc/{process.pid}/cmdline").read_bytes().rstrip(b"\0").decode()
    assert title == "rocketpy: org.apache.rocketmq.broker.BrokerStartup -c b.conf"
