"""docs/mqadmin-table.md: subcommand, tool and server, and where the same is not printed, why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fourway.cases import CASES, Case
from fourway.differences import OTHERS, ROWS, Differs
from fourway.outcome import Outcome

HEAD = """# mqadmin, four ways

Written by `tests/compat/test_fourway.py`, which runs upstream's mqadmin and RocketPy's, each against upstream's servers
and RocketPy's: the same topics, messages, consumers and producers, the same {count} command lines. What upstream's tool
prints on upstream is what the other three must print, line by line, with addresses, times, ids and figures of speed
masked. `same` has no further difference; a number is a reason below, which says all that differs.

"""


def table(results: dict[Case, dict[str, Outcome]], problems: Callable[..., Any]) -> str:
    """The page's text."""
    commands = {case.command: case.line.split()[0] for case in reversed(CASES)}
    rows = [f"| subcommand | command lines | {' | '.join(OTHERS)} |", "| --- | ---: | --- | --- | --- |"]
    for command in dict.fromkeys(case.command for case in CASES):
        lines = [case for case in CASES if case.command == command]
        cells = [cell(lines, where, results, problems) for where in OTHERS]
        rows.append(f"| {commands[command]} | {len(lines)} | {' | '.join(cells)} |")
    reasons = [f"{number}. {row.why}" for number, row in enumerate(ROWS, 1)]
    parts = [HEAD.format(count=len(CASES)) + "\n".join(rows), "What differs, and why:", "\n".join(reasons)]
    return "\n\n".join(parts) + "\n"


def cell(lines: list[Case], where: str, results: dict[Case, dict[str, Outcome]], problems: Callable[..., Any]) -> str:
    """`same`, or the numbers of the reasons why not."""
    used: set[Differs] = set()
    for case in lines:
        both = {name: each for name, each in results[case].items() if name not in OTHERS or name == where}
        assert not problems(case, both, used), case.line
    return ", ".join(str(number) for number, row in enumerate(ROWS, 1) if row in used) or "same"
