"""What commands yield: rows of tables and sentences, each as data and as upstream's text at once.

Invariant: text, JSON and terminal table come from the same values, so they cannot differ in what they say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True)
class Column:
    """A column. `show` makes a value text, `made_of` a whole row; upstream's text alone is cut to `width`."""

    head: str
    key: str
    width: int | None = None
    show: Callable[[Any], str] = str
    made_of: Callable[[Mapping[str, Any]], str] | None = None

    def cell(self, values: Mapping[str, Any]) -> str:
        """The whole text of a row in this column."""
        if self.made_of is not None:
            return self.made_of(values)
        value = values.get(self.key)
        return "" if value is None else self.show(value)

    def cut(self, values: Mapping[str, Any]) -> str:
        """The text as upstream prints it."""
        return self.cell(values)[: self.width]


@dataclass(frozen=True)
class Table:
    """A table of upstream's; formats are its printf formats with `%s`.

    `head`: that of the header line where it is not the rows' own; empty for a table without one.
    """

    row: str
    columns: tuple[Column, ...]
    head: str | None = None

    @property
    def has_head(self) -> bool:
        """Whether a header line stands above the rows."""
        return self.head != ""

    def head_text(self) -> str:
        """The header line."""
        form = self.row if self.head is None else self.head
        return form % tuple(column.head for column in self.columns) + "\n" if form else ""

    def row_text(self, values: Mapping[str, Any]) -> str:
        """One line."""
        return self.row % tuple(column.cut(values) for column in self.columns) + "\n"


@dataclass(frozen=True)
class Head:
    """A table begins."""

    table: Table


@dataclass(frozen=True)
class Row:
    """A line of a table; values by the columns' keys. Values that are in no column are for JSON alone."""

    table: Table
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """A sentence as upstream prints it, line breaks included, and what it says as data (None: nothing new)."""

    text: str
    data: Any = None


@dataclass(frozen=True)
class Failed:
    """Something of the command did not succeed and the rest goes on: a line on stderr, and the exit code."""

    where: str
    error: Exception


@dataclass(frozen=True)
class Noted:
    """What a server says of something that succeeded: a line on stderr."""

    where: str
    what: str


@dataclass(frozen=True)
class Pause:
    """What was yielded is to be seen now: the command waits."""


@dataclass(frozen=True)
class Ends:
    """The exit code where the command has one of its own."""

    code: int


Item = Head | Row | Said | Failed | Noted | Pause | Ends


@dataclass
class Rows:
    """Makes the rows of one table: `rows = Rows(TABLE); yield rows.head; yield rows.row(topic=…)`."""

    table: Table
    head: Head = field(init=False)

    def __post_init__(self) -> None:
        self.head = Head(self.table)

    def row(self, **values: Any) -> Row:
        """A row of it."""
        return Row(self.table, values)


def plain(value: Any) -> Any:
    """A value as JSON has it: bodies by their wire names, keys as text, enums by name."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(member) for member in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        from rocketpy.protocol.fastjson import wire_name

        kind = type(value)
        return {wire_name(kind, each.name): plain(getattr(value, each.name)) for each in dataclasses.fields(kind)}
    return value
