"""One load: what the generator is asked to do, and what it measured."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace

from benchmarks.build import loadgen
from benchmarks.processes import Failed

Sample = dict[str, float]


@dataclass(frozen=True)
class Load:
    """What the generator does; the fields are its options."""

    mode: str  # send, batch, pull
    size: int = 1024
    connections: int = 8
    outstanding: int = 16
    count: int = 100_000  # messages measured
    warm: int = -1  # messages before them; -1: a tenth of count
    max_nums: int = 32
    topic: str = ""
    duration_ms: int = 15_000  # a slow machine ends here

    def scaled(self, by: float) -> Load:
        """The same load with fewer or more messages."""
        return replace(self, count=max(1000, int(self.count * by)), duration_ms=max(2000, int(self.duration_ms * by)))

    @property
    def topic_name(self) -> str:
        """A topic of its own for each kind and size, so that what is pulled stays together."""
        return self.topic or f"Bench{self.mode.title()}{self.size}"


def run_load(load: Load, port: int, pid: int, cpus: str | None = None) -> Sample:
    """Drives the broker; raises Failed when the generator met a broken answer or silence."""
    warm = load.count // 10 if load.warm < 0 else load.warm
    options = {
        "mode": load.mode, "port": port, "pid": pid, "topic": load.topic_name, "size": load.size,
        "connections": load.connections, "outstanding": load.outstanding, "max-nums": load.max_nums,
        "count": load.count, "warm": warm, "duration-ms": load.duration_ms,
    }  # fmt: skip
    command = [str(loadgen()), *(text for name, value in options.items() for text in (f"--{name}", str(value)))]
    pinned = ["taskset", "-c", cpus, *command] if cpus else command
    done = subprocess.run(pinned, capture_output=True, text=True, timeout=load.duration_ms / 1000 + 120, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return sample_from(json.loads(done.stdout))


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
