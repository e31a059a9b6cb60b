"""The entry of mqadmin: finds the command, reads its options, runs it and prints what it yields.

Exit codes: 0 done, 1 something of it failed, 2 a mistake on the command line; upstream's is always 0. Output goes to
stdout as upstream's, everything else to stderr. Invariant: an operator's mistake is one line, never a traceback.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from rocketpy.admin import registry
from rocketpy.admin.command import Command, CommandFailed, Given, Option, UsageMistake
from rocketpy.admin.posix import parse

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
JSON, YES = "json", "yes"
OWN_OPTIONS = (
    Option(JSON, JSON, "Print one JSON object a line", flag=True),
    Option(YES, YES, "Do not ask before something is lost", flag=True),
)
OWN_HELP = "".join(f" --{option.long:<23}{option.text}\n" for option in OWN_OPTIONS)


class Tool(click.Group):
    """The subcommands, loaded when called; names in any case."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [entry.name for entry in registry.entries().values()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = registry.find(cmd_name)
        return Subcommand(entry.load()) if entry else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        if not args:
            say(registry.listing())
            ctx.exit(0)
        if args[0].lower() in ("help", "-h", "--help"):
            ctx.exit(show_help(args[1] if len(args) > 1 else None))
        if registry.find(args[0]) is None:
            say(f"The sub command {args[0]} not exist.\n")
            near = registry.nearest(args[0])
            warn(f"`mqadmin` alone lists all commands{f'; is {near} meant?' if near else ''}")
            ctx.exit(EXIT_USAGE)
        return super().parse_args(ctx, args)


def show_help(name: str | None) -> int:
    """`mqadmin help <command>`; without a name the list."""
    if name is None:
        say(registry.listing())
        return 0
    entry = registry.find(name)
    if entry is None:
        say(f"The sub command {name} not exist.\n")
        return EXIT_USAGE
    show_usage(entry.load())
    return 0


def show_usage(command: Command) -> None:
    """Upstream's text; on a terminal with the options that upstream has not."""
    from rocketpy.admin.usage import usage

    say(usage(command) + (OWN_HELP if sys.stdout.isatty() else ""))


class Subcommand(click.Command):
    """A command in click's terms: its options are known to completion; they are read as upstream reads them."""

    def __init__(self, command: Command) -> None:
        super().__init__(
            command.name, params=[parameter(option) for option in command.all_options], add_help_option=False
        )
        self.command = command
        self.params += [click.Option([f"--{option.long}"], is_flag=True) for option in OWN_OPTIONS]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        if any(word in ("-h", "--help", "-help") for word in args):
            show_usage(self.command)
            ctx.exit(0)
        own = [option for option in OWN_OPTIONS if f"--{option.long}" in args]
        words = [word for word in args if word not in {f"--{option.long}" for option in own}]
        try:
            ctx.params = {**parse(self.command.all_options, words), **{option.long: "" for option in own}}
        except UsageMistake as mistake:
            ctx.exit(told(mistake, self.command))
        if "h" in ctx.params:
            show_usage(self.command)
            ctx.exit(0)
        return []

    def invoke(self, ctx: click.Context) -> int:
        return call(self.command, Given(ctx.params))


def parameter(option: Option) -> click.Option:
    """The option as click knows it."""
    from rocketpy.admin.completion import completer

    return click.Option(
        [f"option_{option.letter}", f"-{option.letter}", f"--{option.long}"],
        is_flag=option.flag,
        help=option.text,
        shell_complete=completer(option.completes),
    )


def call(command: Command, given: Given) -> int:
    """Ask if need be, run, print; the exit code."""
    if command.asks is not None and YES not in given and sys.stdin.isatty() and sys.stdout.isatty():
        try:
            question = command.asks(given)
        except UsageMistake as mistake:
            return told(mistake, command)
        if question and not click.confirm(question, err=True):
            warn("nothing was done")
            return EXIT_FAILED
    import asyncio

    from rocketpy.admin.run import run

    try:
        return asyncio.run(run(command, given, as_json=JSON in given))
    except UsageMistake as mistake:
        return told(mistake, command)
    except CommandFailed as failure:
        say(failure.said if JSON not in given else "")
        warn(f"{command.name}: {failure}")
        return EXIT_FAILED


def told(mistake: UsageMistake, command: Command) -> int:
    """Tell a mistake: the usage on stdout where upstream prints it, what was wrong on stderr."""
    if mistake.show_usage:
        show_usage(command)
    warn(f"{command.name}: {mistake}")
    return EXIT_USAGE


def say(text: str) -> None:
    """Print on stdout as it stands."""
    sys.stdout.write(text)
    sys.stdout.flush()


def warn(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"mqadmin: {text}\n")
    sys.stderr.flush()


TOOL = Tool("mqadmin", add_help_option=False)


def main(args: Sequence[str] | None = None, **more: Any) -> None:
    """Run the tool and leave with its exit code."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115, PTH123
    logging.getLogger().addHandler(logging.NullHandler())  # errors are told in one line, not in the log's as well
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name in Chinese must not fail under LANG=C
            stream.reconfigure(errors="backslashreplace")
    sys.exit(guarded(args))


def guarded(args: Sequence[str] | None) -> int:
    """The exit code; a reader that went away and Ctrl-C are no faults."""
    try:
        return int(TOOL.main(args, prog_name="mqadmin", standalone_mode=False, complete_var="_MQADMIN_COMPLETE") or 0)
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        let_go()
        return EXIT_FAILED
    except OSError as fault:
        if fault.errno not in NO_ROOM:
            raise
        let_go()
        warn(f"the output cannot be written: {fault.strerror}")
        return EXIT_FAILED


def let_go() -> None:
    """What is still buffered for stdout cannot be written: Python would try once more at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
