"""Writes the tables of docs/operating/metrics.md: `python -m rocketpy.metrics.docs docs/operating/metrics.md`.

A page's prose is written by hand; what stands between `<!-- metrics: X -->` and `<!-- end -->` is X's table. A test
keeps both equal.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rocketpy.metrics.broker import BROKER
from rocketpy.metrics.name_server import NAME_SERVER
from rocketpy.metrics.own import Own

TABLES: dict[str, Sequence[Own[Any]]] = {"broker": BROKER, "namesrv": NAME_SERVER}
HEAD = "| metric | kind | labels | what it is |\n| --- | --- | --- | --- |\n"
PLACE = re.compile(r"(<!-- metrics: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page_with_tables(page: str) -> str:
    """The page with every table written anew."""
    return PLACE.sub(lambda place: place[1] + table_text(TABLES[place[2]]) + place[3], page)


def table_text(rows: Sequence[Own[Any]]) -> str:
    """One row a metric."""
    return HEAD + "".join(f"| `{row.name}` | {row.kind} | {', '.join(row.labels)} | {row.text} |\n" for row in rows)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(page_with_tables(path.read_text()))
