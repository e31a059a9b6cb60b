"""Reads a `.properties` file as java.util.Properties does, and tells what of it is not what the operator meant.

Syntax is Java's to the letter: escapes, continuations, separators, later duplicates win. Beyond it, blanks and comments
behind a value are cut off, each with a remark: upstream keeps them, and then drops the setting or misreads it. Escaped
ones (`\\ `, `\\#`) are part of the value. Every entry keeps its line, so that every remark can name it.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rocketpy.errors import StartRefused

BLANKS = " \t\f"
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
LINE_END = re.compile(r"\r\n|\n|\r")
SIZE_LIMIT = 1 << 20  # a properties file has some kilobytes; a store file given by mistake must not be read whole
COMMENT_SHOWN = 40


@dataclass(frozen=True)
class Remark:
    """One line for the log: what was trimmed or not understood, where, and the value in force."""

    file: str
    line: int
    text: str
    level: int = logging.WARNING
    quiet: bool = False  # for the log only; the rest is also told on stderr

    def __str__(self) -> str:
        told = f"{self.file}:{self.line}: {self.text}"
        return told if told.isprintable() else "".join(map(_printable, told))


def _printable(char: str) -> str:
    """A line break in a value must not look like a second line of the log."""
    return char if char.isprintable() else char.encode("unicode_escape").decode()


@dataclass(frozen=True)
class Entry:
    """One `key=value`, the value as it is in force, and the line where it starts."""

    line: int
    key: str
    value: str
    java_value: str  # with what was cut off, as upstream reads it


@dataclass
class PropertiesFile:
    """The entries of a file in their order, duplicates included, and what there is to say about them."""

    path: str
    entries: list[Entry] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def in_force(self) -> dict[str, Entry]:
        """The last entry of every key."""
        return {entry.key: entry for entry in self.entries}

    def remark(self, line: int, text: str, level: int = logging.WARNING, *, quiet: bool = False) -> None:
        self.remarks.append(Remark(self.path, line, text, level, quiet))


def load_properties(path: str) -> PropertiesFile:
    """The file's entries; StartRefused when it cannot be read or is no text."""
    return parse_properties(path, _decode(path, _read(path)))


def parse_properties(path: str, text: str) -> PropertiesFile:
    """The entries of a file's text; never fails."""
    file = PropertiesFile(path)
    if text.startswith("\ufeff"):
        text = text[1:]
        file.remark(1, "starts with a byte order mark, which is dropped (upstream would spoil the first key)")
    seen: dict[str, int] = {}
    for line, logical in _logical_lines(text):
        entry = _entry(file, line, logical)
        if entry.key in seen:
            file.remark(line, f"{entry.key} stands in line {seen[entry.key]} too; this later one is in force")
        seen[entry.key] = line
        file.entries.append(entry)
    return file


def _read(path: str) -> bytes:
    if not path:
        raise StartRefused("'' is no path: give an existing properties file to -c")
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(SIZE_LIMIT + 1)
    except IsADirectoryError:
        raise StartRefused(f"{path} is a folder: give a properties file to -c") from None
    except FileNotFoundError:
        raise StartRefused(f"{path} does not exist: give an existing properties file to -c") from None
    except OSError as fault:
        raise StartRefused(f"{path} cannot be read ({fault.strerror}): check its permissions") from None
    if len(content) > SIZE_LIMIT:
        raise StartRefused(f"{path} has more than {SIZE_LIMIT} bytes: give a properties file to -c")
    return content


def _decode(path: str, content: bytes) -> str:
    if b"\0" in content:
        raise StartRefused(f"{path} is no text in UTF-8 or Latin-1: save it as UTF-8, or give another file to -c")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of the first line, content without line ends) of every line that holds an entry."""
    lines = iter(enumerate(LINE_END.split(text), 1))
    for number, line in lines:
        logical = line.lstrip(BLANKS)
        if not logical or logical[0] in "#!":
            continue
        parts = [logical]
        while continues(parts[-1]):
            _, following = next(lines, (0, ""))
            parts[-1] = parts[-1][:-1]
            parts.append(following.lstrip(BLANKS))
        yield number, "".join(parts)


def continues(line: str) -> bool:
    """Whether the next line belongs to this one."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def entry_of(logical: str) -> Entry:
    """The entry of one logical line, whatever it begins with: behind a continuation `#` is part of a key."""
    return _entry(PropertiesFile(""), 0, logical)


def _entry(file: PropertiesFile, line: int, logical: str) -> Entry:
    end, start = key_and_value(logical)
    key = "".join(char for char, _ in _unescape(file, line, logical[:end]))
    units = _unescape(file, line, logical[start:])
    wanted = _wanted(units, after_blank=start > 0 and logical[start - 1] in BLANKS)
    value = "".join(char for char, _ in units[wanted])
    entry = Entry(line, key, _pair_surrogates(value), _pair_surrogates("".join(char for char, _ in units)))
    _tell_trimmed(file, entry)
    return entry


def key_and_value(logical: str) -> tuple[int, int]:
    """Where the key of a logical line ends, and where its value begins."""
    end = _key_end(logical)
    start = _skip_blanks(logical, end)
    if start < len(logical) and logical[start] in "=:":
        start = _skip_blanks(logical, start + 1)
    return end, start


def value_span(logical: str) -> tuple[int, int]:
    """Where the value that is in force begins and ends in a logical line; behind it stand blanks and a comment."""
    _, start = key_and_value(logical)
    units = _unescape(PropertiesFile(""), 0, logical[start:])
    wanted = _wanted(units, after_blank=start > 0 and logical[start - 1] in BLANKS)
    sizes = _unit_sizes(logical[start:])
    return start + sum(sizes[: wanted.start]), start + sum(sizes[: wanted.stop])


def _unit_sizes(raw: str) -> list[int]:
    """Characters that each unit of `_unescape` takes."""
    return [len(unit) for unit in re.findall(r"\\u[0-9a-fA-F]{4}|\\.|.", raw, re.DOTALL)]


def _key_end(logical: str) -> int:
    at = 0
    while at < len(logical) and logical[at] not in "=: \t\f":
        at += 2 if logical[at] == "\\" else 1
    return min(at, len(logical))


def _skip_blanks(logical: str, at: int) -> int:
    while at < len(logical) and logical[at] in BLANKS:
        at += 1
    return at


def _unescape(file: PropertiesFile, line: int, raw: str) -> list[tuple[str, bool]]:
    """(character, was it escaped) of a raw key or value."""
    units: list[tuple[str, bool]] = []
    at = 0
    while at < len(raw):
        if raw[at] != "\\" or at + 1 == len(raw):
            units.append((raw[at], False))
            at += 1
        elif raw[at + 1] == "u":
            at = _unicode_escape(file, line, raw, at, units)
        else:
            units.append((ESCAPES.get(raw[at + 1], raw[at + 1]), True))
            at += 2
    return units


def _unicode_escape(file: PropertiesFile, line: int, raw: str, at: int, units: list[tuple[str, bool]]) -> int:
    digits = raw[at + 2 : at + 6]
    if re.fullmatch("[0-9a-fA-F]{4}", digits):
        units.append((chr(int(digits, 16)), True))
        return at + 6
    file.remark(line, f"\\u{digits} is not \\u and four hexadecimal digits; it is read as u{digits}")
    units.append(("u", True))
    return at + 2


def _wanted(units: list[tuple[str, bool]], *, after_blank: bool) -> slice:
    """The part of a value that is meant: up to an unescaped blank and `#`, without blanks around it."""
    end = len(units)
    blank = after_blank
    for at, (char, escaped) in enumerate(units):
        if char == "#" and not escaped and blank:
            end = at
            break
        blank = char.isspace() and not escaped
    while end and _is_blank(units[end - 1]):
        end -= 1
    start = 0
    while start < end and _is_blank(units[start]):  # Java's own blanks are gone: this is U+3000 and the like
        start += 1
    return slice(start, end)


def _is_blank(unit: tuple[str, bool]) -> bool:
    return unit[0].isspace() and not unit[1]


def _pair_surrogates(text: str) -> str:
    """Two \\uD8xx escapes are one character; a lone one becomes the replacement character."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tell_trimmed(file: PropertiesFile, entry: Entry) -> None:
    if entry.value == entry.java_value:
        return
    behind = entry.java_value[entry.java_value.index(entry.value) + len(entry.value) :].strip()
    what = "blanks around the value are dropped"
    if behind:
        shown = behind if len(behind) <= COMMENT_SHOWN else behind[:COMMENT_SHOWN] + "…"
        what = f'"{shown}" behind the value is taken as a comment'
    file.remark(entry.line, f'{entry.key}: {what}; "{entry.value}" is in force', quiet=True)
