"""What a person sees of a check: a progress bar while it runs, then tables and one line an inconsistency."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from rocketpy.store_tool.check import Progress as Told
from rocketpy.store_tool.report import Report


@contextmanager
def progress_bar(title: str) -> Iterator[Told]:
    """A bar on stderr when that is a terminal; call what it gives with (bytes done, bytes in all)."""
    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield told


def show_report(report: Report) -> None:
    """Summary, notes and findings on stdout."""
    Console(highlight=False, soft_wrap=True).print(summary_table(report))
    for note in report.notes:
        click.echo(f"note: {note}")
    for finding in report.findings:
        click.echo(f"{finding.kind}: {finding}")
    for kind, count in report.untold.items():
        click.echo(f"{kind}: {count} more")
    total = sum(report.counts.values())
    click.echo("clean" if report.clean else f"{total} inconsistencies" if total > 1 else "1 inconsistency")


def summary_table(report: Report) -> Table:
    table = Table(show_header=False, title_justify="left")
    table.add_column("part", style="bold")
    table.add_column("what")
    table.add_column("value", justify="right", overflow="fold")
    for part, rows in report.summary.items():
        for place, (name, value) in enumerate(rows.items()):
            table.add_row(part if place == 0 else "", name.replace("_", " "), told_as(value))
        table.add_section()
    return table


def told_as(value: Any) -> str:
    """A figure as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {told_as(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)
