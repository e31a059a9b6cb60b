"""Upstream's own benchmark classes as the load: Producer alone, or Producer and Consumer together.

They never end by themselves and print their figures every ten seconds; the first print is their warm-up, the next one
is taken, with the broker's CPU time between the two.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import ExitStack

from benchmarks.build import jars, java
from benchmarks.load import Sample
from benchmarks.processes import Child, Failed, cpu_seconds
from benchmarks.servers import HEAP, OPENS, Servers

PACKAGE = "org.apache.rocketmq.example.benchmark"
SENT = re.compile(r"Send TPS: (\d+) .*Average RT: +([\d.]+) Send Failed: (\d+) Response Failed: (\d+)")
CONSUMED = re.compile(r"Consume TPS: (\d+) Average\(B2C\) RT: +([\d.]+)")


def _client(servers: Servers, name: str, extra: list[str]) -> Child:
    settings = {
        "user.home": servers.folder,
        "rocketmq.client.logRoot": servers.folder / "logs",
        "rocketmq.namesrv.addr": f"127.0.0.1:{servers.ports['namesrv']}",  # Consumer does not look at its option -n
    }
    defines = [f"-D{key}={value}" for key, value in settings.items()]
    command = [java(), *HEAP, *OPENS, *defines, "-cp", jars(), f"{PACKAGE}.{name}", *extra]
    output = servers.folder / f"{name}.out"
    output.unlink(missing_ok=True)
    return Child(command, output, dict(os.environ), servers.folder, None)


def _prints(child: Child, pattern: re.Pattern[str]) -> list[tuple[str, ...]]:
    return [match.groups() for match in pattern.finditer(child.output.read_text(errors="replace"))]


def _wait_prints(child: Child, pattern: re.Pattern[str], count: int, timeout_s: float) -> list[tuple[str, ...]]:
    deadline = time.monotonic() + timeout_s
    while len(found := _prints(child, pattern)) < count:
        if not child.is_alive() or time.monotonic() > deadline:
            raise Failed(f"no figures from {child.output}:\n{child.tail()}")
        time.sleep(0.02)
    return found


def run_java(servers: Servers, consume: bool) -> Sample:
    """One run of about 30 seconds."""
    with ExitStack() as stack:
        consumer = _client(servers, "Consumer", []) if consume else None
        if consumer:
            stack.callback(consumer.stop)
            time.sleep(5)  # it reads from the newest offset on: it must have joined before the first send
        producer = _client(servers, "Producer", ["-w", "64", "-s", "128"])
        stack.callback(producer.stop)
        _wait_prints(producer, SENT, 1, 40)
        before = cpu_seconds(servers.pid())
        began = time.monotonic()
        rate, round_trip, failed, refused = _wait_prints(producer, SENT, 2, 15)[-1]
        share = (cpu_seconds(servers.pid()) - before) / (time.monotonic() - began)
        sample = {"sent_rate": float(rate), "send_rt_ms": float(round_trip), "broker_cpu_us": share * 1e6 / float(rate)}
        sample["refused"] = float(failed) + float(refused)
        if consumer:
            consumed, trip = _wait_prints(consumer, CONSUMED, 1, 20)[-1]
            sample |= {"consumed_rate": float(consumed), "consume_rt_ms": float(trip)}
        return sample
