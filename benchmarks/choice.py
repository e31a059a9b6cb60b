"""Which cases a run measures, by the options of its command line."""

from __future__ import annotations

import click

from benchmarks.cases import Case, broker_cases
from benchmarks.store_cases import store_cases


def all_cases() -> list[Case]:
    """The whole table."""
    return [*broker_cases(), *store_cases()]


def choose(names: tuple[str, ...], full: bool, store: bool) -> list[Case]:
    """The named cases (a name may end in `*`), those on a filled store, or of the others all or the quick ones."""
    table = all_cases()
    if not names and store:
        return store_cases()
    if not names:
        return [case for case in broker_cases() if full or case.has_targets]
    unknown = [name for name in names if not any(matches(case.name, name) for case in table)]
    if unknown:
        raise click.UsageError(f"no such case: {', '.join(unknown)} (--list shows them)")
    return [case for case in table if any(matches(case.name, name) for name in names)]


def matches(case: str, name: str) -> bool:
    """Whether a case goes by that name."""
    return case.startswith(name[:-1]) if name.endswith("*") else case == name
