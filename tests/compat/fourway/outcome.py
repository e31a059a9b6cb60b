"""What a command printed, with all that differs between any two runs masked.

Addresses become their role, times and ids a word, figures of speed a `#`; whatever else stands there stays as it was
printed, blanks included. Left out are the stacks of a consumer's threads, why nothing is known of a group in a
message's track (an exception upstream), a topic whose name RocketPy refuses, and two that come by chance: upstream
makes that of half messages a minute after its start, a heartbeat makes the tools' retry topic.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from fourway.world import WORDS, World

TIME = r"\d{4}-\d\d-\d\d[ #]\d\d:\d\d:\d\d(?:[,:.]\d{3})?"
MASKS = [
    (re.compile(r"(?<![0-9A-F])[0-9A-F]{32}(?![0-9A-F])"), "<id>"),
    (re.compile(TIME), "<time>"),
    (re.compile(r"\b1[6-9]\d{11}\b"), "<millis>"),
    (re.compile(r"\d+\.\d+\.\d+\.\d+@"), "<ip>@"),
    (re.compile(r"/?\b\d+\.\d+\.\d+\.\d+:\d+"), "<client>"),
    (re.compile(rf"_(?:{'|'.join(WORDS)})\b"), "_tool"),
    (re.compile(r"@[0-9a-f]{4,8}\b"), "@<hash>"),
    (re.compile(r"(consumerGroup=CG_reset_tool, trackType=)\w+"), r"\1#"),  # a client takes 10 s to obey a reset
    (re.compile(r"\b20\d{12}(?:\d{3})?\b"), "<time>"),
    (re.compile(r"(?s)(#Consumer jstack#).*"), r"\1"),
    (re.compile(r"(?s)exceptionDesc=(?!null).*?\](?=MessageTrack|\n|$)"), "exceptionDesc=<why>]"),
    (re.compile(r"(?m)^.*(RMQ_SYS_TRANS_HALF_TOPIC|%RETRY%TOOLS_CONSUMER|bad name).*\n"), ""),
]
FRAME = re.compile(r"\s+at |\s+\.\.\. \d+ more")


@dataclass(frozen=True)
class Outcome:
    """Lines of standard output and of standard error; stack traces without their frames."""

    out: tuple[str, ...]
    err: tuple[str, ...]

    @property
    def failed(self) -> bool:
        return bool(self.err)

    @property
    def lines(self) -> list[str]:
        return [*self.out, *(f"! {line}" for line in self.err)]

    def difference(self, other: Outcome, in_any_order: bool = False) -> list[str]:
        """Lines of one that are not in the other, with - and + in front."""
        mine, theirs = (sorted(each.lines) if in_any_order else each.lines for each in (self, other))
        return [line for line in difflib.ndiff(mine, theirs) if line[0] in "-+"]


def outcome(world: World, out: str, err: str, figures: str = "", rounds: bool = False) -> Outcome:
    """`figures` is a pattern whose groups are masked too; of what is printed in `rounds` each line counts once."""
    problems = "\n".join(line for line in err.splitlines() if not FRAME.match(line))
    lines = plain(world, out, figures)
    return Outcome(tuple(dict.fromkeys(lines) if rounds else lines), tuple(plain(world, problems, figures)))


def plain(world: World, text: str, figures: str) -> list[str]:
    for role in ("ns", "a", "b", "nobody"):
        text = text.replace(world.names[role], f"<{role}>")
    text = text.replace(str(world.cluster.root), "<root>")
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    if figures:
        text = re.sub(figures, hidden, text, flags=re.MULTILINE)
    return text.splitlines()


def hidden(hit: re.Match[str]) -> str:
    """The match with `#` in place of each of its groups and of the blanks before it."""
    text = hit[0]
    for number in range(len(hit.groups()), 0, -1):
        if hit[number] is not None:
            begin, end = (at - hit.start() for at in hit.span(number))
            text = text[:begin].rstrip(" ") + " #" + text[end:]
    return text
