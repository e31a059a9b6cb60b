"""The two tools: upstream's in one JVM for all command lines, RocketPy's in this process."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from kit.admin import AdminClient, mqadmin
from kit.clients import Session
from kit.process import wait_until
from kit.servers import rocketpy_python

STOP_S = 10
# Two threads of a client that open the same connection at once close each other's, and what was asked on it is lost: a
# fault of upstream's client that has nothing to do with the server, and that the next try does not have.
LOST = re.compile("SendRequestException: send request to|TimeoutException: wait response on the channel")
TRIES = 20
WAIT_IN_VAIN = {"cleanUnusedTopic"}     # it asks upstream's name server, which is silent


class Tool(Protocol):
    """Runs one command line; what it printed on standard output and standard error.

    A command that does not end is stopped when its output has the pattern `enough`; the others must end within limit_s.
    """

    name: str
    word: str   # of world.WORDS

    def run(self, words: list[str], limit_s: int, enough: str) -> tuple[str, str]: ...
    def close(self) -> None: ...


class Upstream:
    """org.apache.rocketmq.tools.command.MQAdminStartup."""

    name, word = "upstream", "java"

    def __init__(self, home: Path) -> None:
        self._session = Session(AdminClient("Mqadmin"), home, "", "mqadmin")
        self._session.wait_for("started")

    def run(self, words: list[str], limit_s: int, enough: str) -> tuple[str, str]:
        for _ in range(TRIES):
            did = mqadmin(self._session, words, limit_s, enough)
            assert did["ended"] or enough, f"{words} did not end in {limit_s} s"
            if not LOST.search(did["err"]) or words[0] in WAIT_IN_VAIN:
                break
        return did["out"], did["err"] if did["ended"] else ""

    def close(self) -> None:
        self._session.close()


class Ours:
    """rocketpy.admin."""

    name, word = "rocketpy", "ours"

    def __init__(self, home: Path) -> None:
        self._home = home

    def run(self, words: list[str], limit_s: int, enough: str) -> tuple[str, str]:
        if enough:
            return self._interrupted(words, limit_s, enough)
        from rocketpy.admin import cli

        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(self._home):
            cli.guarded(words)
        return out.getvalue(), err.getvalue()

    def _interrupted(self, words: list[str], limit_s: int, enough: str) -> tuple[str, str]:
        """As a program, which gets Ctrl-C when its output is enough."""
        out, err = self._home / "out", self._home / "err"
        with out.open("w") as told, err.open("w") as problems:
            program = subprocess.Popen([sys.executable, "-m", "rocketpy.admin", *words], cwd=self._home,
                                       env={**os.environ, **rocketpy_python()}, stdout=told, stderr=problems)
            try:
                wait_until(lambda: program.poll() is not None or bool(re.search(enough, out.read_text())),
                           f"{words} printed {enough!r}", limit_s)
            finally:
                program.send_signal(signal.SIGINT)
                program.wait(STOP_S)
        return out.read_text(), err.read_text()

    def close(self) -> None: ...
