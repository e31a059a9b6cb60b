"""Starts and stops child processes, and reads their memory from /proc; whatever was started is stopped by its pid."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A server did not start or did not stay; the text says where its output is."""


@dataclass(frozen=True)
class Memory:
    """Resident memory in MB: all of it, and without file mappings."""

    total: float
    anonymous: float


class Child:
    """One started program: its pid, its output in a file, and an end that is always reached."""

    def __init__(self, command: list[str], output: Path, env: dict[str, str], cwd: Path, cpus: str | None) -> None:
        self.output = output
        pinned = ["taskset", "-c", cpus, *command] if cpus else command
        self.started_at = time.monotonic()
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                pinned, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env, cwd=cwd, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """The program itself, below any shell that started it."""
        pid = self._process.pid
        while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pid = int(children[0])
        return pid

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """What it ended with; None while it is alive."""
        return self._process.poll()

    def wait_listening(self, port: int, timeout_s: float = 60) -> float:
        """Seconds from exec until the port took a connection."""
        return self.wait_until(partial(is_listening, port), f"listening on {port}", timeout_s)

    def wait_until(self, is_so: Callable[[], bool], what: str, timeout_s: float) -> float:
        """Seconds from exec until it `is_so`; Failed when it ends before or takes longer than `timeout_s`."""
        while not is_so():
            waited = time.monotonic() - self.started_at
            if not self.is_alive() or waited > timeout_s:
                raise Failed(f"not {what} after {waited:.0f} s; its output is in {self.output}:\n{self.tail()}")
            time.sleep(0.001)
        return time.monotonic() - self.started_at

    def tail(self, size: int = 2000) -> str:
        """The end of what it printed."""
        return self.output.read_text(errors="replace")[-size:]

    def stop(self, timeout_s: float = 20) -> None:
        """SIGTERM, and SIGKILL to its whole session when that does not help."""
        if not self.is_alive():
            return
        os.kill(self.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


    def kill(self) -> None:
        """SIGKILL to its whole session: it has no time to put anything in order."""
        if self.is_alive():
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def allow_open_files(wanted: int) -> int:
    """Raises the limit of open files for what is started from now on, as far as this user may; the limit in force."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (ValueError, OSError):  # only root goes beyond the hard limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def is_listening(port: int) -> bool:
    """Whether a connection to the port of this machine is taken."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port(neighbours: tuple[int, ...] = ()) -> int:
    """A port that is free together with those at the given distances from it."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if not any(is_listening(port + distance) for distance in neighbours):
            return port


def memory_of(pid: int) -> Memory:
    """RSS of a process, whole and anonymous only."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    kb = {name: int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon")}
    return Memory(total=kb["VmRSS"] / 1024, anonymous=kb["RssAnon"] / 1024)


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
