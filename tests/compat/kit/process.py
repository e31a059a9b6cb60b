"""Programs a test starts: waited for with a limit, stopped by their own process id, and told about when they die."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

STOP_TIMEOUT_S = 60.0


class StartFailed(AssertionError):
    """A server did not come up; the message carries the end of its output."""


def wait_until(true: Callable[[], bool], what: str, timeout_s: float, every_s: float = 0.05) -> None:
    """Returns as soon as the condition holds; fails with its name after the limit."""
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        time.sleep(every_s)


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


class Program:
    """One running command with its output in a file; it and its children share a process group of their own."""

    def __init__(self, command: list[str], output: Path, env: dict[str, str], cwd: Path) -> None:
        self.output = output
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                env={**os.environ, **env}, cwd=cwd, start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self, ready: Callable[[], bool], what: str, timeout_s: float) -> None:
        """Waits for a condition; a program that ends before it holds fails at once with what it printed."""
        try:
            wait_until(lambda: not self.is_running or ready(), what, timeout_s)
        except AssertionError as late:
            raise StartFailed(f"{late}\n{self.tail()}") from None
        if not self.is_running:
            raise StartFailed(f"ended with {self._process.returncode} before: {what}\n{self.tail()}")

    def stop(self) -> int:
        """SIGTERM, as an operator stops it; returns the exit code, fails when it has to be killed."""
        if self.is_running:
            os.kill(self.pid, signal.SIGTERM)
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {STOP_TIMEOUT_S:g} s after SIGTERM\n{self.tail()}") from None

    def kill(self) -> None:
        """SIGKILL to the whole group: nothing gets a chance to flush."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(10)

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-lines:])
