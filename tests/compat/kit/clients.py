"""The official Java and Go clients as programs: a command line in, JSON lines out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from kit import builds
from kit.process import wait_until

Event = dict[str, Any]
RUN_TIMEOUT_S = 90.0


class Client(Protocol):
    """One official client; `prefix` is put before a command (ip netns exec …)."""

    name: str
    prefix: list[str]

    def command(self, home: Path) -> list[str]: ...


class JavaClient:
    """The Java client of 4.5.2 or of a later release; the scenario program is the same source for all of them."""

    def __init__(
        self, prefix: list[str] | None = None, options: tuple[str, ...] = (), version: str = ""
    ) -> None:
        """`options` are more words for the JVM."""
        self.name = f"java-{version}" if version else "java"
        self.prefix = prefix or []
        self._options = options
        self._class_path = builds.newer_java_program(version) if version else builds.java_program()

    def command(self, home: Path) -> list[str]:
        return [*self.prefix, *builds.JVM, f"-Duser.home={home}", "-Drocketmq.client.logUseSlf4j=false",
                "-Drocketmq.client.rebalance.waitInterval=5000", *self._options, "-cp", self._class_path, "compat.Main"]


class GoClient:
    name = "go"

    def __init__(self, prefix: list[str] | None = None) -> None:
        self.prefix = prefix or []
        self._program = builds.go_program()

    def command(self, home: Path) -> list[str]:
        return [*self.prefix, str(self._program)]


class CppClient:
    """The C++ core behind its Python package."""

    name = "cpp"

    def __init__(self, prefix: list[str] | None = None) -> None:
        self.prefix = prefix or []
        self._package = builds.cpp_package()

    def command(self, home: Path) -> list[str]:
        return [*self.prefix, "env", f"PYTHONPATH={self._package}", sys.executable, str(builds.CPP / "client.py")]


class Session:
    """A client program while it runs; its events are collected as they are printed."""

    def __init__(self, client: Client, home: Path, namesrv: str, command: str, **options: object) -> None:
        home.mkdir(parents=True, exist_ok=True)
        words = [f"{key}={value}" for key, value in {"namesrv": namesrv, **options}.items()]
        self.events: list[Event] = []
        self._log = (home / f"{client.name}-{command}.log").open("ab")
        self._process = subprocess.Popen(
            [*client.command(home), command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            env={**os.environ, "HOME": str(home), "NAMESRV_ADDR": "", "ROCKETMQ_GO_LOG_LEVEL": "warn"}, text=True,
            cwd=home,
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("{"):
                self.events.append(json.loads(line))

    def of(self, event: str) -> list[Event]:
        return [each for each in list(self.events) if each["event"] == event]

    def indexes(self, event: str) -> list[int]:
        return [each["index"] for each in self.of(event)]

    def wait_for(self, event: str, count: int = 1, timeout_s: float = 30.0) -> list[Event]:
        """Until this many events of a kind are there."""
        return self.wait(lambda: len(self.of(event)) >= count, f"{count} x {event}", timeout_s) or self.of(event)

    def wait(self, true: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
        def settled() -> bool:
            if true():
                return True
            assert self._process.poll() is None or self._reader.is_alive() or true(), f"client ended before: {what}"
            return False

        try:
            wait_until(settled, what, timeout_s)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.story()}") from None

    def queues(self) -> list[tuple[str, int]]:
        """(broker, queue id) pairs that a consumer holds now."""
        before = len(self.of("queues"))
        self.tell("queues")
        self.wait_for("queues", before + 1, 10)
        return sorted((queue["broker"], queue["queue_id"]) for queue in self.of("queues")[-1]["queues"])

    def tell(self, word: str) -> None:
        """Gives the program a line."""
        assert self._process.stdin
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def finish(self, timeout_s: float = RUN_TIMEOUT_S) -> list[Event]:
        """Waits for the program's own end; its events, or a failure with what it said."""
        try:
            code = self._process.wait(timeout_s)
            self._reader.join(10)
            assert code == 0, f"client gave {code}\n{self.story()}"
        finally:
            self.close()
        return self.events

    def stop(self) -> list[Event]:
        """Asks a consumer to shut down as an application would (offsets are stored, the group is left)."""
        if self._process.poll() is None:
            self.tell("quit")
        return self.finish(40)

    def kill(self) -> None:
        """The client process is gone at once, without a word to any broker."""
        self._process.kill()
        self._process.wait(10)
        self.close()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)
        self._reader.join(10)
        for stream in (self._process.stdin, self._process.stdout, self._log):
            assert stream
            with suppress(BrokenPipeError):
                stream.close()

    def story(self) -> str:
        """The last events and the end of the log, for a failure's message."""
        self._log.flush()
        log = Path(self._log.name).read_text(errors="replace").splitlines()[-25:]
        return "\n".join([*(str(event)[:300] for event in self.events[-10:]), *log])
