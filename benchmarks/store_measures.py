"""What is done to a filled store for one sample of each kind of case: start its broker, read it cold, check it."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks import page_cache
from benchmarks.build import ROOT
from benchmarks.cases import Case
from benchmarks.load import Driven, Sample, run_load
from benchmarks.processes import Child, Failed, Memory, memory_of
from benchmarks.store_cases import OTHER
from benchmarks.stores import KeptStore

IDLE_S = 5.0  # memory is read this long after the broker serves
HEAD_START_S = 1.0  # the other client's, before the cold read begins
COLD_SHARE = 0.02  # a file with no more than this in the page cache is cold
CHECKER = ("-m", "rocketpy.store_tool", "check")
CHECK_S = 120.0
SAMPLED_S = 0.02


def restart(kept: KeptStore, case: Case, cpus: str | None) -> Sample:
    """Starts the broker `case.starts` times, and ends it; the middle of the times, and the memory of the last."""
    kept.prepare(case.crashes)
    seconds = []
    for start in range(1, case.starts + 1):
        _set_cache(kept, case.cache)
        seconds.append(kept.start())
        held = _held(kept) if start == case.starts else {}
        kept.end(case.crashes)
    return {"serving_s": median(seconds), **held}


def _held(kept: KeptStore) -> Sample:
    """Memory, mappings (the kernel allows vm.max_map_count of them) and disk of a broker that has come to rest."""
    time.sleep(IDLE_S)
    pid = kept.servers.pid()
    memory, maps = memory_of(pid), Path(f"/proc/{pid}/maps").read_text().count("\n")
    return {"anonymous_mb": memory.anonymous, "rss_mb": memory.total, "maps": maps, "disk_mb": kept.disk_mb()}


def _set_cache(kept: KeptStore, state: str) -> None:
    if state == "warm":
        page_cache.warm(kept.files())
    elif state == "cold":
        page_cache.drop()
    else:
        os.sync()


def cold_read(kept: KeptStore, case: Case, cpus: str | None) -> Sample:
    """Pulls what is on the disk only, while another client sends; CPU and rate of the one, latency of the other."""
    assert case.load
    port, pid = kept.servers.ports["broker"], kept.servers.pid()
    _make_cold(kept, pid)
    with Driven(OTHER, port, 0) as other:
        time.sleep(HEAD_START_S)
        pulled = run_load(case.load, port, pid, cpus)
        sent = other.finish()
    return pulled | {f"other_{name}": sent[name] for name in ("p50_us", "p99_us", "p999_us", "max_us", "refused")}


def _make_cold(kept: KeptStore, pid: int) -> None:
    closed = closed_files(kept.files())
    page_cache.drop_mapped(pid, closed)
    share = page_cache.resident_share(path for path in closed if path.parent.name == "commitlog")
    if share > COLD_SHARE:
        raise Failed(f"{share:.0%} of the log stayed in the page cache: this is no cold read")


def closed_files(files: list[Path]) -> set[Path]:
    """All but the newest file of each folder, which takes what is sent now and stays in memory in life, too."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in files:
        folders[path.parent].append(path)
    return {path for group in folders.values() for path in sorted(group)[:-1]}


def check(kept: KeptStore, case: Case, cpus: str | None) -> Sample:
    """Runs `rocketpy-store check` on the store of a stopped broker: its time and its greatest memory."""
    command = [sys.executable, *CHECKER, str(kept.servers.store)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = Child(command, kept.servers.folder / "check.out", env, kept.servers.folder, cpus)
    try:
        peak = _peak_memory(child)
        seconds = time.monotonic() - child.started_at
    finally:
        child.kill()
    if code := child.returncode:
        raise Failed(f"rocketpy-store check ended with {code}:\n{child.tail()}")
    return {"check_s": seconds, "anonymous_mb": peak.anonymous, "rss_mb": peak.total}


def _peak_memory(child: Child) -> Memory:
    peak = Memory(0, 0)
    while child.is_alive():
        if time.monotonic() - child.started_at > CHECK_S:
            raise Failed(f"rocketpy-store check is not done after {CHECK_S:.0f} s")
        now = _memory(child)
        peak = Memory(max(peak.total, now.total), max(peak.anonymous, now.anonymous))
        time.sleep(SAMPLED_S)
    return peak


def _memory(child: Child) -> Memory:
    try:
        return memory_of(child.pid)
    except (OSError, KeyError):  # it has just ended
        return Memory(0, 0)


def warm_up(kept: KeptStore, case: Case, cpus: str | None) -> None:
    """Lets a broker run hot on what a cold case will ask, from memory."""
    assert case.load
    run_load(case.load, kept.servers.ports["broker"], kept.servers.pid(), cpus)


MEASURES: dict[str, Callable[[KeptStore, Case, str | None], Sample]] = {
    "restart": restart,
    "cold-read": cold_read,
    "check": check,
}
