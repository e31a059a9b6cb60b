"""One load: what the generator is asked to do, and what it measured."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import dataclass, replace

from benchmarks.build import loadgen
from benchmarks.processes import Failed

Sample = dict[str, float]


@dataclass(frozen=True)
class Load:
    """What the generator does; the fields are its options."""

    mode: str  # send, batch, pull, follow
    size: int = 1024
    connections: int = 8
    outstanding: int = 16
    count: int = 100_000  # messages measured
    warm: int = -1  # messages before them; -1: a tenth of count
    max_nums: int = 32
    topic: str = ""
    duration_ms: int = 15_000  # a slow machine ends here
    queues: int = 4
    topics: int = 1  # more: each has three digits behind the name
    rate: int = 0  # requests due a second; 0: whenever one is answered
    delay: int = 0  # the messages' delay level; 0: none
    lots: int = 0  # 1: messages have a lot of 0 to 9 in turn
    filter: str = "none"  # tag, sql: pulls want one lot of ten

    def scaled(self, by: float) -> Load:
        """The same load with fewer or more messages."""
        return replace(self, count=max(1000, int(self.count * by)), duration_ms=max(2000, int(self.duration_ms * by)))

    @property
    def topic_name(self) -> str:
        """A topic of its own for each kind and size, so that what is pulled stays together."""
        return self.topic or f"Bench{self.mode.title()}{self.size}"


def command_of(load: Load, port: int, pid: int, cpus: str | None = None) -> list[str]:
    """How the generator is called."""
    warm = load.count // 10 if load.warm < 0 else load.warm
    options = {
        "mode": load.mode, "port": port, "pid": pid, "topic": load.topic_name, "size": load.size,
        "connections": load.connections, "outstanding": load.outstanding, "max-nums": load.max_nums,
        "count": load.count, "warm": warm, "duration-ms": load.duration_ms,
        "queues": load.queues, "topics": load.topics, "rate": load.rate, "delay": load.delay,
        "lots": load.lots, "filter": load.filter,
    }  # fmt: skip
    command = [str(loadgen()), *(text for name, value in options.items() for text in (f"--{name}", str(value)))]
    return ["taskset", "-c", cpus, *command] if cpus else command


def run_load(load: Load, port: int, pid: int, cpus: str | None = None) -> Sample:
    """Drives the broker; raises Failed when the generator met a broken answer or silence."""
    with Driven(load, port, pid, cpus) as driven:
        return driven.result(load.duration_ms / 1000 + 120)


class Driven:
    """A load under way; leaving the `with` block ends it."""

    def __init__(self, load: Load, port: int, pid: int, cpus: str | None = None) -> None:
        command = command_of(load, port, pid, cpus)
        self._command = shlex.join(command)
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> Driven:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._process:  # closes its pipes
            pass

    @property
    def pid(self) -> int:
        """The generator's process."""
        return self._process.pid

    def finish(self) -> Sample:
        """Let the generator answer for what it did so far."""
        self._process.terminate()
        return self.result(30)

    def result(self, timeout_s: float) -> Sample:
        """Its figures; Failed when it met a broken answer or silence, or does not end in time."""
        try:
            out, errors = self._process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"{self._command}: not done after {timeout_s:.0f} s") from late
        if self._process.returncode:
            raise Failed(f"{self._command}: {errors.strip() or out.strip()}")
        return sample_from(json.loads(out))


def sample_from(result: dict[str, float | str | dict[str, int]]) -> Sample:
    """The figures that cases compare, out of the generator's line."""
    sample = {name: float(value) for name, value in result.items() if isinstance(value, (int, float))}
    errors = result["errors"]
    assert isinstance(errors, dict)
    sample["refused"] = float(errors.pop("2", 0))  # SYSTEM_BUSY
    if errors:
        raise Failed(f"answers that must not be: {errors}")
    return sample


def settle() -> None:
    """Writes out what the last load left dirty, so that it does not fall into the next one's time."""
    os.sync()
