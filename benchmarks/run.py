"""Measures RocketPy's broker against upstream's: `python -m benchmarks.run --quick`, `--full` or `--case NAME`.

Both brokers stand side by side, are warmed alike, and take each load in turn (A B A B); what is reported is the ratio
of each pair. Invariant: every program it started is stopped, however it ends.
"""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console

from benchmarks.build import CACHE, Missing, jars, loadgen
from benchmarks.cases import SIZES, Case
from benchmarks.choice import all_cases, choose
from benchmarks.delayed import run_delayed
from benchmarks.filtered import fill_of, run_filtered
from benchmarks.java_clients import run_java
from benchmarks.load import Load, Sample, run_load, settle
from benchmarks.memory import Filler
from benchmarks.processes import Failed, memory_of
from benchmarks.ratios import Row, Samples, rows_of
from benchmarks.report import as_json, brief, machine, markdown, print_table
from benchmarks.servers import Servers
from benchmarks.store_runner import StoreRunner
from benchmarks.syncs import per_1000

MAKES = ("rocketpy", "upstream")
IDLE_S = 5.0
PRELOADED = {128: 200_000, 1024: 200_000, 4096: 60_000}  # messages to pull, by size
FILTERED = 200_000  # messages to pull through a filter
# Upstream's JVM compiles what runs often: its figures are its own only after these. RocketPy gets the same.
WARM_UP = (
    Load("send", 1024, 1, 1, 1, warm=0),  # makes the topic
    Load("send", 1024, 8, 16, 200_000, warm=0),
    Load("send", 1024, 1, 1, 10_000, warm=0),
    Load("batch", 128, 8, 4, 600_000, warm=0),
)
WARM_PULLS = (Load("pull", 128, 8, 4, 2_000_000, warm=0), Load("pull", 128, 1, 1, 20_000, warm=0, max_nums=1))


class Runner:
    """One run: its choices, and the samples taken so far."""

    def __init__(
        self, makes: tuple[str, ...], pairs: int, scale: float, base: Path, cpus: str | None, cold: bool, say: Console
    ) -> None:
        self.makes, self.pairs, self.scale, self.base, self.cold, self.say = makes, pairs, scale, base, cold, say
        self.server_cpus, _, self.load_cpus = (cpus or "").partition("/")
        self.samples: dict[str, Samples] = {}
        self.failures: list[str] = []
        self.filler: Filler | None = None

    def run(self, cases: Iterable[Case]) -> list[Row]:
        """All cases, grouped by the servers that they can share."""
        ordered = list(cases)
        on_store = [case for case in ordered if case.fill]
        others = sorted((case for case in ordered if not case.fill), key=lambda case: case.group)
        for (kind, flush), group in groupby(others, key=lambda case: case.group):
            if kind == "serve":
                self._serve_all(list(group), flush)
            else:
                for case in group:
                    self._alone(case)
        self._store_runner().run(on_store)
        return [row for case in ordered for row in rows_of(case.name, self.samples.get(case.name, {}))]

    def _store_runner(self) -> StoreRunner:
        parts = (self._servers, self._pairwise, self.failures, self.say)
        return StoreRunner(self.makes, self.scale, self.load_cpus or None, *parts)

    def _servers(self, make: str, flush: str = "ASYNC_FLUSH") -> Servers:
        return Servers(make, self.base, flush, self.server_cpus or None)

    def _pairwise(self, case: Case, makes: tuple[str, ...], measure: Callable[[str], Sample]) -> None:
        taken: Samples = {make: [] for make in makes}
        self.samples[case.name] = taken
        able = list(makes)
        for pair in range(self.pairs):
            for make in tuple(able):
                self._settle()
                try:
                    taken[make].append(measure(make))
                except Failed as failure:  # the other make and the other cases may still be measured
                    self.failures.append(f"{case.name}, {make}: {failure}")
                    able.remove(make)
            self.say.print(f"{case.name} {pair + 1}/{self.pairs}: {brief(taken)}", highlight=False, soft_wrap=True)

    def _alone(self, case: Case) -> None:
        self._pairwise(case, self.makes, partial(self._start_once, case))

    def _start_once(self, case: Case, make: str) -> Sample:
        with self._servers(make) as servers:
            if case.program == "broker" and case.kind == "idle":
                servers.start("namesrv")
            seconds = servers.start(case.program)
            if case.kind == "start":
                return {"listening_s": seconds}
            time.sleep(IDLE_S)
            return memory_sample(servers, case.program)

    def _serve_all(self, cases: list[Case], flush: str) -> None:
        try:
            self._serve(cases, flush)
        except Failed as failure:  # while starting or warming; the other groups may still be measured
            self.failures.append(f"{', '.join(case.name for case in cases)}: {failure}")

    def _serve(self, cases: list[Case], flush: str) -> None:
        with ExitStack() as stack:
            if not self.cold:
                self._fill_memory(stack)
            running = {make: stack.enter_context(self._servers(make, flush)).start_both() for make in self.makes}
            for make, servers in running.items():
                self._warm(make, servers, cases, flush)
            for case in cases:
                self._pairwise(case, self.makes, partial(self._measure, running, case))

    def _fill_memory(self, stack: ExitStack) -> None:
        self.base.mkdir(parents=True, exist_ok=True)
        self.filler = stack.enter_context(Filler(self.base / "holes"))
        stack.callback(setattr, self, "filler", None)
        self.say.print(f"memory in use: {self.filler.fill()} MB more", highlight=False)

    def _settle(self) -> None:
        """Nothing of what was before falls into the next load's time."""
        settle()
        if self.filler:
            self.filler.fill()

    def _load(self, servers: Servers, load: Load) -> Sample:
        return run_load(load, servers.ports["broker"], servers.pid(), self.load_cpus or None)

    def _warm(self, make: str, servers: Servers, cases: list[Case], flush: str) -> None:
        began = time.monotonic()
        scale = self.scale if flush == "ASYNC_FLUSH" else self.scale / 10  # a synced send takes long enough to warm
        for load in WARM_UP:
            self._load(servers, load.scaled(scale) if load.count > 1 else load)
        pulled = {case.load.size for case in cases if case.load and case.load.mode == "pull"}
        for size in sorted(pulled | {SIZES["128"]} if pulled else pulled):
            self._load(servers, Load("send", size, 1, 1, 1, warm=0, topic=f"BenchPull{size}"))
            self._load(servers, Load("send", size, 8, 16, PRELOADED[size], warm=0, topic=f"BenchPull{size}"))
        for load in WARM_PULLS if pulled else ():
            self._load(servers, load.scaled(scale))
        for filtered in [case.load for case in cases if case.kind == "filtered" and case.load][:1]:
            self._load(servers, fill_of(filtered, 1))
            self._load(servers, fill_of(filtered, FILTERED))
        self.say.print(f"{make} is warm after {time.monotonic() - began:.0f} s", highlight=False)

    def _make_topic(self, servers: Servers, load: Load) -> None:
        """One send does, where the topic is new; what is pulled stands there already."""
        if load.mode != "pull":
            mode = "batch" if load.mode == "batch" else "send"
            self._load(servers, Load(mode, load.size, 1, 1, 1, warm=0, topic=load.topic_name))

    def _measure(self, running: dict[str, Servers], case: Case, make: str) -> Sample:
        servers = running[make]
        if case.kind == "java":
            return run_java(servers, consume=case.name == "java-consume")
        assert case.load
        load = case.load.scaled(self.scale)
        self._make_topic(servers, load)
        before = servers.syncs.read() if servers.syncs else 0
        driven = partial(self._load, servers, load)
        if case.kind == "delayed":
            sample = run_delayed(driven, load, servers.ports["broker"], servers.pid())
        elif case.kind == "filtered":
            sample = run_filtered(driven, load, servers.ports["broker"])
        else:
            sample = driven()
        sample |= memory_sample(servers, "broker")
        if servers.syncs:
            sample["syncs_per_1000"] = per_1000(servers.syncs.read() - before, sample["total"])
        return sample


def memory_sample(servers: Servers, program: str) -> Sample:
    """What a program holds now."""
    memory = memory_of(servers.pid(program))
    return {"anonymous_mb": memory.anonymous, "rss_mb": memory.total}


def end_once(*_: object) -> None:
    """Stops the servers when `timeout` ends the run; a second signal must not keep their folders from being removed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


@click.command(help=__doc__)
@click.option("--case", "names", multiple=True, help="Measure this case; may be repeated and may end in *.")
@click.option("--quick", is_flag=True, help="The cases that have targets, in about five minutes (the default).")
@click.option("--full", is_flag=True, help="All cases but those of --store; about an hour.")
@click.option("--store", is_flag=True, help="The cases on filled stores: restarts, cold reads, the check.")
@click.option("--list", "listed", is_flag=True, help="Show all cases, those with targets starred.")
@click.option("--pairs", type=int, help="Pairs of runs a case; 3, or 5 with --full.")
@click.option("--scale", default=1.0, help="Times the messages of each load.")
@click.option("--make", "makes", type=click.Choice(MAKES), multiple=True, help="Only this broker, without ratios.")
@click.option("--cpus", metavar="SERVERS/LOAD", help="Pin both, as taskset's lists, for example 0/1.")
@click.option("--cold", is_flag=True, help="Do not fill free memory first (see memory.py).")
@click.option("--dir", "base", type=click.Path(path_type=Path), default=CACHE / "run", help="Where stores are made.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write everything here.")
@click.option("--markdown", "markdown_file", type=click.Path(path_type=Path), help="Write a page of results here.")
def main(names: tuple[str, ...], quick: bool, full: bool, store: bool, listed: bool, pairs: int | None, scale: float,
         makes: tuple[str, ...], cpus: str | None, cold: bool, base: Path, json_file: Path | None,
         markdown_file: Path | None) -> None:  # fmt: skip
    """The command line."""
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, end_once)
    if listed:
        for case in all_cases():
            click.echo(f"{case.name:18} {'*' if case.has_targets else ' '} {case.what}")
        return
    try:
        loadgen()
        if "upstream" in (makes or MAKES):
            jars()
        console.print(f"{machine()}", highlight=False)
        runner = Runner(makes or MAKES, pairs or (5 if full else 3), scale, base, cpus, cold, console)
        rows = runner.run(choose(names, full and not quick, store))
    except (Failed, Missing) as error:
        raise click.ClickException(str(error)) from error
    print_table(rows, Console(width=None if sys.stdout.isatty() else 130))
    command = shlex.join(["python", "-m", "benchmarks.run", *sys.argv[1:]])
    if json_file:
        json_file.write_text(as_json(rows, command, runner.failures))
    if markdown_file:
        markdown_file.write_text(markdown(rows, command, runner.failures))
    for failure in runner.failures:
        console.print(f"FAILED {failure}", style="red", highlight=False, soft_wrap=True)
    if runner.failures or any(not verdict.reached for row in rows for verdict in row.verdicts):
        sys.exit(1)


if __name__ == "__main__":
    main()
