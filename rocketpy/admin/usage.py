"""The usage text of a subcommand, in commons-cli's layout: 110 columns, options in the order of their letters."""

from __future__ import annotations

from collections.abc import Sequence

from rocketpy.admin.command import Command, Option

WIDTH = 110
LEFT, GAP = " ", "   "
BLANKS = (" ", "\n", "\r")


def usage(command: Command) -> str:
    """What `mqadmin help <command>` prints, with its last line break."""
    options = sorted(command.all_options, key=lambda option: option.letter.lower())
    head = f"usage: mqadmin {command.name} {summary(options)}"
    return "\n".join((*wrapped(head, head.index(" ") + 1), *explained(options))) + "\n"


def summary(options: Sequence[Option]) -> str:
    """`-b <arg> | -c <arg>  [-h] …`: the blank after a group's later members is commons-cli's."""
    told, groups = [], set()
    for option in options:
        if not option.group:
            told.append(short(option) if option.required else f"[{short(option)}]")
        elif option.group in groups:
            told.append("")
        else:
            groups.add(option.group)
            told.append(" | ".join(short(other) for other in options if other.group == option.group))
    return " ".join(told)


def short(option: Option) -> str:
    """`-t <arg>`."""
    return f"-{option.letter}" if option.flag else f"-{option.letter} <arg>"


def explained(options: Sequence[Option]) -> list[str]:
    """The lines of the options."""
    names = [f"{LEFT}-{option.letter},--{option.long}{'' if option.flag else ' <arg>'}" for option in options]
    column = max(map(len, names)) + len(GAP)
    return [
        line
        for name, option in zip(names, options, strict=True)
        for line in wrapped(name.ljust(column) + option.text, column)
    ]


def wrapped(text: str, indent: int) -> list[str]:
    """The text in lines of at most WIDTH, where blanks allow it; later lines are indented."""
    lines = []
    while (cut := break_at(text)) is not None:
        lines.append(text[:cut].rstrip())
        text = " " * indent + text[cut:].strip()
        if len(text) > WIDTH and break_at(text) == indent - 1:
            lines.append(text[:WIDTH].rstrip())
            text = " " * indent + text[WIDTH:].strip()
    return [*lines, text.rstrip() if not lines else text]


def break_at(text: str) -> int | None:
    """Where a line ends; None when all of it fits."""
    if len(text) <= WIDTH:
        return None
    before = max(text.rfind(blank, 0, WIDTH + 1) for blank in BLANKS)
    if before > 0:
        return before
    return next((at for at in range(WIDTH, len(text)) if text[at] in BLANKS), None)
