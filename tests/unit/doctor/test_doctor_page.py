"""docs/operating/doctor.md has every check that there is, and every option."""

import re
from pathlib import Path

from rocketpy.admin.doctor_command import OPTIONS
from rocketpy.doctor.facts import Limits

REPO = Path(__file__).parents[3]
PAGE = (REPO / "docs" / "operating" / "doctor.md").read_text()
CODE = "".join(path.read_text() for path in sorted((REPO / "rocketpy" / "doctor").glob("check_*.py")))
CHECK = re.compile(r'\b(?:error|warning|info)\)?\(\s*"([a-z-]+)"')


def test_the_page_has_the_checks_of_the_code() -> None:
    rows = re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \|", PAGE.partition("## What")[2], re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    assert told == set(CHECK.findall(CODE))


def test_the_page_has_the_options() -> None:
    for option in OPTIONS:
        if option.letter not in "cs":
            assert f"`-{option.letter}`, `--{option.long}`" in PAGE


def test_the_usage_tells_the_limits_in_force() -> None:
    texts = {option.letter: option.text for option in OPTIONS}
    limits = Limits()
    told = {"l": limits.lag, "d": limits.dead_letters, "f": limits.half_messages, "m": limits.clients}
    told |= {"k": limits.clock_skew_ms // 1000, "w": limits.watch_ms // 1000, "o": limits.timeout_ms}
    assert all(f"({value})" in texts[letter] for letter, value in told.items())
