"""docs/upstream-its.md: every test of upstream's suite, what upstream's servers gave and what RocketPy gives."""

from __future__ import annotations

from kit.servers import REPO

from upstream_its import suite

PAGE = REPO / "docs/upstream-its.md"
HEAD = "| test | upstream 4.5.2 | RocketPy |\n| --- | --- | --- |\n"
BOTH = ("upstream", "rocketpy")


def table() -> str:
    """The rows, made from what was recorded; a test of one side only has a dash on the other."""
    sides = [suite.recorded(kind) for kind in BOTH]
    flaky = suite.flaky()
    lines = []
    for test in sorted({test for side in sides for test in side}):
        verdicts = [side[test].verdict if test in side else "—" for side in sides]
        mark = " ¹" if test in flaky else ""
        lines.append(f"| `{test}`{mark} | {' | '.join(verdicts)} |\n")
    return HEAD + "".join(lines)


def with_table(text: str) -> str:
    """The page with its table made anew; what stands before it is kept."""
    return text.partition(HEAD)[0] + table()
