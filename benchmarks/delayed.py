"""The cost of delayed messages: of their sends and of delivering them, until the last one stands in its own topic."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.load import Load, Sample
from benchmarks.processes import Failed, cpu_seconds
from benchmarks.wire import count_messages

LATE_S = 60.0  # behind the sends; upstream delivers a level from one thread
LOOKED_S = 0.05


def run_delayed(send: Callable[[], Sample], load: Load, port: int, pid: int) -> Sample:
    """`send` drives the load; CPU and rate are from its first send to the last delivery. Nothing of its topic waits."""
    before = count_messages(port, load.topic_name, load.queues)
    began, cpu_before = time.monotonic(), cpu_seconds(pid)
    sent = send()
    _wait_delivered(port, load, before + int(sent["total"]))
    seconds, cpu = time.monotonic() - began, cpu_seconds(pid) - cpu_before
    return sent | {"rate": sent["total"] / seconds, "broker_cpu_us": cpu * 1e6 / sent["total"]}


def _wait_delivered(port: int, load: Load, wanted: int) -> None:
    deadline = time.monotonic() + LATE_S
    while (count := count_messages(port, load.topic_name, load.queues)) < wanted:
        if time.monotonic() > deadline:
            missing = wanted - count
            raise Failed(f"{missing} of the delayed messages were not delivered {LATE_S:.0f} s after their sends")
        time.sleep(LOOKED_S)
