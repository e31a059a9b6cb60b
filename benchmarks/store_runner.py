"""Runs the cases on filled stores: one store a make and fill, kept over all pairs of the cases that share it.

A make that cannot do a case is reported, and the other one measured all the same. Invariant: no store outlives its
cases.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from rich.console import Console

from benchmarks.cases import Case
from benchmarks.load import Sample
from benchmarks.processes import Failed, allow_open_files
from benchmarks.servers import Servers
from benchmarks.store_measures import MEASURES, warm_up
from benchmarks.stores import KeptStore

OPEN_FILES = 655_350  # what upstream's bin/os.sh asks for
OURS = ("rocketpy",)  # upstream has nothing that checks a store
Pairwise = Callable[[Case, tuple[str, ...], Callable[[str], Sample]], None]


@dataclass
class StoreRunner:
    """What a run lends to its store cases."""

    makes: tuple[str, ...]
    scale: float
    load_cpus: str | None
    servers: Callable[[str], Servers]
    pairwise: Pairwise
    failures: list[str]
    say: Console

    def run(self, cases: list[Case]) -> None:
        """All cases, fill by fill."""
        if cases and (allowed := allow_open_files(OPEN_FILES)) < OPEN_FILES:
            self.say.print(f"{allowed} open files are allowed, and upstream opens one a queue", highlight=False)
        for _, group in groupby(cases, key=lambda case: case.fill):
            shared = list(group)
            with ExitStack() as stack:
                kept = self._filled(stack, shared)
                for case in shared:
                    self.pairwise(case, tuple(kept), partial(self._measure, kept, case))

    def _measure(self, kept: dict[str, KeptStore], case: Case, make: str) -> Sample:
        return MEASURES[case.kind](kept[make], case.scaled(self.scale), self.load_cpus)

    def _filled(self, stack: ExitStack, cases: list[Case]) -> dict[str, KeptStore]:
        """The stores of the makes that could fill one."""
        kept = {}
        for make in self.makes if cases[0].kind != "check" else OURS:
            try:
                kept[make] = self._fill(stack.enter_context(self.servers(make)), cases)
            except Failed as failure:
                self.failures.append(f"{', '.join(case.name for case in cases)}, {make}: not filled: {failure}")
                self.say.print(self.failures[-1], style="red", highlight=False, soft_wrap=True)
        return kept

    def _fill(self, servers: Servers, cases: list[Case]) -> KeptStore:
        assert cases[0].fill
        store = KeptStore(servers, cases[0].fill.scaled(self.scale))
        seconds = store.build(self.load_cpus)
        self.say.print(f"{store.fill.name}, {servers.make}: filled after {seconds:.0f} s, {store.disk_mb():,.0f} MB")
        if cases[0].kind == "cold-read":
            for case in cases:
                warm_up(store, case.scaled(self.scale), self.load_cpus)
        else:
            store.end(cases[0].crashes)
        return store
