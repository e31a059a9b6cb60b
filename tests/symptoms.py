"""The table of docs/operating/symptoms.md as tests read it: a row's lines are compared with what was really said.

Invariant: a test that calls `said` for a row has seen every line of that row, and nothing that the row does not have.
"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "operating" / "symptoms.md"
ROW = re.compile(r"^\| \*\*(.+?)\*\* \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
LINE = re.compile(r"(?:answer (\d+): )?`([^`]+)`")
VALUE = re.compile(r"<[^<>]+>")  # as the page writes it


def rows() -> dict[str, list[str]]:
    """Symptom -> the lines that RocketPy says, an answer's with its code before it."""
    return {symptom: lines(says) for symptom, _, says, _ in ROW.findall(PAGE.read_text())}


def lines(cell: str) -> list[str]:
    return [(f"answer {code}: " if code else "") + text.strip() for code, text in LINE.findall(cell)]


def said(symptom: str, *heard: str) -> None:
    """These lines were said, and are those of the row: each of them, and each of the row's."""
    patterns = {line: pattern_of(line) for line in rows()[symptom]}
    for line in heard:
        assert any(pattern.fullmatch(line.strip()) for pattern in patterns.values()), f"{symptom}: not told of: {line}"
    for line, pattern in patterns.items():
        assert any(pattern.fullmatch(each.strip()) for each in heard), f"{symptom}: nobody said: {line}"


def pattern_of(line: str) -> re.Pattern[str]:
    """A line with `<…>` for any value."""
    return re.compile(".+".join(re.escape(part) for part in VALUE.split(line)), re.DOTALL)
