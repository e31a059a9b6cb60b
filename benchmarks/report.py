"""Shows rows to people (rich), to README (markdown) and to programs (JSON); all three say the same."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.ratios import FIGURES, Row, Samples, Spread, Verdict

BRIEF = {
    "serving_s": "s to serving", "check_s": "s to check", "rate": "/s", "broker_cpu_us": "µs CPU", "p50_us": "µs p50",
    "p99_us": "µs p99", "syncs_per_1000": "syncs/1000", "other_p999_us": "µs other's p99.9",
    "other_max_us": "µs other's longest", "listening_s": "s", "anonymous_mb": "MB", "rss_mb": "MB RSS",
    "sent_rate": "/s",
}  # fmt: skip
HEADINGS = ("case", "figure", "RocketPy", "upstream", "ratio min / median / max", "target")


def number(value: float) -> str:
    """About three digits, however large."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _middle(spread: Spread | None, unit: str) -> str:
    return f"{number(spread.middle)} {unit}".strip() if spread else "-"


def _spread(spread: Spread | None) -> str:
    return " / ".join(map(number, (spread.least, spread.middle, spread.greatest))) if spread else "-"


def _verdict(verdict: Verdict) -> str:
    target = verdict.target
    word = "reached" if verdict.reached else "MISSED"
    kind = "" if target.judged == "ratio" else "itself "
    return f"{kind}{target.side} {number(target.bound)}: {word}"


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table."""
    heading, unit = FIGURES[row.figure]
    verdicts = "; ".join(map(_verdict, row.verdicts))
    return (row.case, heading, _middle(row.rocketpy, unit), _middle(row.upstream, unit), _spread(row.ratio), verdicts)


def print_table(rows: list[Row], console: Console) -> None:
    """The whole table on a terminal, misses in red."""
    table = Table(*HEADINGS, title="medians over all pairs; ratios are RocketPy over upstream, pair by pair")
    previous = ""
    for row in rows:
        if row.case != previous:
            table.add_section()
        missed = any(not verdict.reached for verdict in row.verdicts)
        table.add_row(*cells(row), style="red" if missed else "green" if row.verdicts else None)
        previous = row.case
    console.print(table)


def brief(taken: Samples) -> str:
    """The last pair, in few words."""
    last = {make: samples[-1] for make, samples in taken.items() if samples}
    return "; ".join(
        f"{make} " + ", ".join(f"{sample[figure]:.4g} {unit}" for figure, unit in BRIEF.items() if figure in sample)
        for make, sample in last.items()
    )


def machine() -> str:
    """What the figures were taken on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine())
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}"


def _first_line(failure: str) -> str:
    return failure.partition("\n")[0].replace("|", "\\|")


def markdown(rows: list[Row], command: str, failures: Sequence[str] = ()) -> str:
    """The page of results; what could not be measured stands below."""
    when = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    lines = [
        "# Results",
        "",
        f"`{command}` on {machine()}, {when}.",
        "Medians over all pairs; a ratio is RocketPy's figure over upstream's of the same pair.",
        "",
        f"| {' | '.join(HEADINGS)} |",
        f"|{' --- |' * len(HEADINGS)}",
        *(f"| {' | '.join(cells(row))} |" for row in rows),
    ]
    if failures:
        lines += ["", "Not measured:", "", *(f"- {_first_line(failure)}" for failure in failures)]
    return "\n".join(lines) + "\n"


def as_json(rows: list[Row], command: str, failures: Sequence[str] = ()) -> str:
    """Everything, spreads included."""
    whole = {"command": command, "machine": machine(), "rows": [row.as_dict() for row in rows], "failures": [*failures]}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
