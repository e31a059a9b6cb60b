r"""Changes values in the text of a properties file and leaves every other character as it is.

A changed entry keeps its key, separator, indentation and the comment behind its value; one that went over several lines
stands in one. New keys come behind one comment line. Invariant: parsed anew, the text has the new values, and all the
others are what they were. Other alphabets are written as \uXXXX: Java takes a file for Latin-1, and reads that alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rocketpy.config.properties import BLANKS, continues, entry_of, key_and_value, value_span

ADDED = "# set by request"
LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$")
BOM = "\ufeff"
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}


@dataclass
class Place:
    """One entry: its lines, and the logical line that they make."""

    first: int
    behind: int
    key: str
    value: str
    logical: str


def changed_text(text: str, values: Mapping[str, str], news: Collection[str]) -> str:
    """The text with these values; of keys that it does not have, only the `news` are added."""
    mark, text = (BOM, text[1:]) if text.startswith(BOM) else ("", text)
    lines = LINE.findall(text)
    places = {place.key: place for place in _places(lines)}  # of several, the last one is in force
    changes = [places[key] for key in values.keys() & places.keys() if places[key].value != values[key]]
    for place in sorted(changes, key=lambda place: place.first, reverse=True):
        end = _line_end(lines[place.behind - 1])
        lines[place.first : place.behind] = [_with_value(lines[place.first], place.logical, values[place.key]) + end]
    added = [f"{_escaped_key(key)}={_escaped(values[key])}" for key in values if key in news and key not in places]
    return mark + "".join(_with_added(lines, added))


def _places(lines: list[str]) -> list[Place]:
    places = []
    at = 0
    while at < len(lines):
        first, logical = at, _content(lines[at]).lstrip(BLANKS)
        at += 1
        if not logical or logical[0] in "#!":
            continue
        parts = [logical]
        while continues(parts[-1]):
            parts[-1] = parts[-1][:-1]
            parts.append(_content(lines[at]).lstrip(BLANKS) if at < len(lines) else "")
            at = min(at + 1, len(lines))
        logical = "".join(parts)
        entry = entry_of(logical)
        places.append(Place(first, at, entry.key, entry.value, logical))
    return places


def _content(line: str) -> str:
    return line.rstrip("\r\n")


def _line_end(line: str) -> str:
    return line[len(_content(line)) :]


def _with_value(line: str, logical: str, value: str) -> str:
    """The entry in one line, indented as its first line was."""
    key_end, value_start = key_and_value(logical)
    start, end = value_span(logical)
    before, behind = logical[:start], logical[end:]
    if key_end == value_start:
        before = logical[:key_end] + "="
    if before.startswith(("#", "!")):  # it stood behind a continuation, and begins a line now
        before = "\\" + before
    if behind.startswith("#") and value:
        behind = " " + behind
    indent = line[: len(line) - len(line.lstrip(BLANKS))]
    return indent + before + _escaped(value) + behind


def _escaped(value: str) -> str:
    """A value so that both readers take it as it is."""
    chars = [ESCAPES.get(char) or (char if " " <= char <= "~" else _as_units(char)) for char in value]
    for at in (0, -1):
        if chars and chars[at] in (" ", "=", ":", "#"):
            chars[at] = "\\" + chars[at]
    return re.sub(r"(?<= )#", r"\\#", "".join(chars))


def _escaped_key(key: str) -> str:
    return re.sub(r"([ =:#!])", r"\\\1", "".join(ESCAPES.get(char, char) for char in key))


def _as_units(char: str) -> str:
    """UTF-16 units, as Java's escapes are."""
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04X}" for at in range(0, len(units), 2))


def _with_added(lines: list[str], added: list[str]) -> list[str]:
    if not added:
        return lines
    newline = next((end for line in lines if (end := _line_end(line))), "\n")
    if lines and not _line_end(lines[-1]):
        lines[-1] += newline
    if lines and _ends_open(lines):
        lines.append(_line_end(lines[-1]))
    at = _behind_added(lines)
    new = [line + newline for line in added]
    return lines[:at] + new + lines[at:] if at else [*lines, ADDED + newline, *new]


def _ends_open(lines: list[str]) -> bool:
    """Whether the last entry waits for a line that is not there."""
    last = _content(lines[-1]).lstrip(BLANKS)
    places = _places(lines)
    return bool(places) and places[-1].behind == len(lines) and continues(last)


def _behind_added(lines: list[str]) -> int:
    """Behind the entries that were added before; 0 when none were."""
    comments = [number for number, line in enumerate(lines) if _content(line) == ADDED]
    if not comments:
        return 0
    at = comments[-1] + 1
    starts = {place.first: place.behind for place in _places(lines)}
    while at in starts:
        at = starts[at]
    return at
