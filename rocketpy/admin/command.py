"""What a subcommand is: its options as upstream declares them, and an async generator that does it.

Invariant: letters, long names and which of them are required are upstream's (tests/fixtures/mqadmin); a command never
prints, it yields items.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocketpy.errors import RocketPyError

if TYPE_CHECKING:
    from rocketpy.admin.items import Item
    from rocketpy.admin.session import Session

BROKER_ADDR = "brokerAddr"
INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1


class UsageMistake(RocketPyError):
    """The command line is not one the command takes. `show_usage`: upstream answers it with the usage text."""

    def __init__(self, message: str, *, show_usage: bool = True) -> None:
        super().__init__(message)
        self.show_usage = show_usage


class CommandFailed(RocketPyError):
    """The command could not do what was asked: one line, with the remedy. `said` is upstream's text on stdout."""

    def __init__(self, message: str, *, said: str = "") -> None:
        super().__init__(message)
        self.said = said


@dataclass(frozen=True)
class Option:
    """One option. Of the options that share a `group`, exactly one is given."""

    letter: str
    long: str
    text: str
    required: bool = False
    flag: bool = False
    group: str = ""
    completes: str = ""  # topic, group, broker, brokerAddr or cluster: what the shell completes it with
    is_path: bool = False  # its value is a file of this host, whose name may be any bytes


COMMON = (
    Option("h", "help", "Print help", flag=True),
    Option("n", "namesrvAddr", "Name server address list, eg: 192.168.0.1:9876;192.168.0.2:9876"),
)


class Given:
    """The options of one call by their letters."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)

    def __contains__(self, letter: str) -> bool:
        return letter in self.values

    def text(self, letter: str, default: str = "") -> str:
        """The value without blanks around it."""
        return self.values.get(letter, default).strip()

    def maybe(self, letter: str) -> str | None:
        """The value, or None when the option was not given."""
        return self.text(letter) if letter in self.values else None

    def boolean(self, letter: str, default: bool = False) -> bool:
        """Java's parseBoolean: `true` in any case, everything else is false."""
        return self.text(letter).lower() == "true" if letter in self.values else default

    def number(self, letter: str, default: int = 0, *, least: int = -LONG_MAX - 1, most: int = LONG_MAX) -> int:
        """A whole number; UsageMistake names the option when it is none, or out of its bounds."""
        if letter not in self.values:
            return default
        text = self.text(letter)
        try:
            number = int(text) if text.isascii() and "_" not in text else None
        except ValueError:
            number = None
        if number is None:
            raise UsageMistake(f"-{letter} {text}: a whole number is wanted", show_usage=False)
        if not least <= number <= most:
            raise UsageMistake(f"-{letter} {text}: it must be from {least} to {most}", show_usage=False)
        return number

    def words(self, letter: str) -> list[str]:
        """The parts of a value with commas."""
        return self.text(letter).split(",") if letter in self.values else []


Run = Callable[["Session", Given], "AsyncIterator[Item]"]


@dataclass(frozen=True)
class Command:
    """A subcommand. `asks` gives the question to confirm on a terminal before something is lost."""

    name: str
    run: Run
    options: tuple[Option, ...] = ()
    asks: Callable[[Given], str] | None = None

    def goes_to_broker(self, given: Given) -> bool:
        """Whether a broker's address was given: name servers may not be needed then."""
        return any(option.completes == BROKER_ADDR and option.letter in given for option in self.options)

    @property
    def all_options(self) -> tuple[Option, ...]:
        """Its own and those of every command."""
        return (*COMMON, *self.options)
