"""Prints what a command yields: upstream's text, one JSON object a line, or tables for a terminal.

Invariant: upstream's text is byte for byte what items say; nothing is added to it but on a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import IO, Protocol

from rocketpy.admin.items import Head, Item, Pause, Row, Said, Table, plain

WIDEST = 10_000  # a table takes no more than it needs


class Renderer(Protocol):
    """Takes items as they come; `end` after the last."""

    def take(self, item: Item) -> None: ...
    def end(self) -> None: ...


def renderer(*, as_json: bool, out: IO[str] | None = None) -> Renderer:
    """JSON when asked for, tables on a terminal, upstream's text otherwise."""
    stream = out or sys.stdout
    if as_json:
        return JsonLines(stream)
    return Terminal(stream) if stream.isatty() else Text(stream)


class Text:
    """As upstream."""

    def __init__(self, out: IO[str]) -> None:
        self.out = out

    def take(self, item: Item) -> None:
        if isinstance(item, Head):
            self.out.write(item.table.head_text())
        elif isinstance(item, Row):
            self.out.write(item.table.row_text(item.values))
        elif isinstance(item, Said):
            self.out.write(item.text)
        elif isinstance(item, Pause):
            self.out.flush()

    def end(self) -> None:
        self.out.flush()


class JsonLines:
    """An object a line: of a row its values, of a sentence its data."""

    def __init__(self, out: IO[str]) -> None:
        self.out = out
        # Where the stream cannot write a letter, it writes Python's escape, which JSON has not.
        self.as_ascii = not (getattr(out, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf8")

    def take(self, item: Item) -> None:
        if isinstance(item, Row):
            self._write(item.values)
        elif isinstance(item, Said) and item.data is not None:
            self._write(item.data)
        elif isinstance(item, Pause):
            self.out.flush()

    def _write(self, data: object) -> None:
        self.out.write(json.dumps(plain(data), ensure_ascii=self.as_ascii) + "\n")

    def end(self) -> None:
        self.out.flush()


# Bodies, client ids and the like come from anybody: what a terminal would obey is shown as a picture of itself.
CONTROLS = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
CONTROLS |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


class Terminal:
    """Tables as wide as their content; sentences as upstream, each ending its line; control characters as pictures."""

    def __init__(self, out: IO[str]) -> None:
        from rich.console import Console

        self.console = Console(file=out, highlight=False)
        self.table: Table | None = None
        self.rows: list[Mapping[str, object]] = []
        self.line_open = False

    def take(self, item: Item) -> None:
        if isinstance(item, Row) and item.table.has_head:
            self.table = item.table
            self.rows.append(item.values)
            return
        self._show_table()
        if isinstance(item, Head):
            self.table = item.table if item.table.has_head else None
        elif isinstance(item, Row):
            self._print(item.table.row_text(item.values))
        elif isinstance(item, Said):
            self._print(item.text)

    def end(self) -> None:
        self._show_table()
        if self.line_open:
            self._print("\n")

    def _print(self, text: str) -> None:
        if self.line_open and text != "\n":
            text = f"\n{text}"
        self.console.print(text.translate(CONTROLS), end="", markup=False, soft_wrap=True)
        if text:
            self.line_open = not text.endswith("\n")

    def _show_table(self) -> None:
        table, rows = self.table, self.rows
        self.table, self.rows = None, []
        if table is None:
            return
        from rich.table import Table as RichTable
        from rich.text import Text as RichText

        shown = RichTable(box=None, pad_edge=False, header_style="bold")
        for column in table.columns:
            numbers = bool(rows) and all(is_number(column.cell(row)) for row in rows)
            shown.add_column(column.head, justify="right" if numbers else "left", no_wrap=True)
        for row in rows:
            shown.add_row(*(RichText(column.cell(row).translate(CONTROLS)) for column in table.columns))
        # A line that is too long goes on in the next, as upstream's does: cells that wrap by themselves are unreadable.
        self.console.size = (WIDEST, self.console.height)  # a dumb terminal's width alone would not be believed
        self.console.print(shown, crop=False)


def is_number(text: str) -> bool:
    """Whether a cell is to be aligned at the right."""
    return text.lstrip("-").replace(".", "", 1).isdigit()
