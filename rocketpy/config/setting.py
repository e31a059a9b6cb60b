"""One row a property: the table from which parser, `-p`, hot update and docs/config.md come.

A settings class lists its rows as class attributes; an instance holds plain values in its `__dict__`, so reading one
costs no more than any attribute. Invariant: a value that came from text has passed its row's type and bounds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, TypeVar, cast

from rocketpy.config.environment import Environment

T = TypeVar("T")
INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1
DEFAULT = "default"

# Why a setting is not changed by a request, be it signed or not (CVE-2023-33246, CVE-2023-37582).
PATH = "it is a path"
PORT = "it is a port"
IDENTITY = "it says who this broker is"
SECURITY = "it says who may do what"
RUNS_CODE = "it names code or processes to run"


@dataclass
class Setting:
    """A row: the property's name and type, its default, what it means, and what this release makes of it."""

    name: str
    default: Any
    meaning: str
    java_type: str  # int, long, boolean, String
    choices: type[Enum] | None
    important: bool  # shown by -m
    hot: bool  # an update takes effect at once, not after a restart
    fixed: str  # why no request may change it
    not_yet: str  # the feature that will act on it, in a later release
    no_effect: str  # why nothing here will ever act on it
    low: int | None
    high: int | None
    in_force: Callable[[Any], Any] | None  # corrects a value as upstream's getter does; ValueError when it is none
    default_text: str  # for docs, where the default depends on the machine
    attribute: str = field(default="", init=False)

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute

    def default_in(self, environment: Environment) -> Any:
        return self.default(environment) if callable(self.default) else self.default

    @property
    def acts(self) -> bool:
        """Does this release do something with it?"""
        return not (self.not_yet or self.no_effect)

    @property
    def update(self) -> str:
        """When an update by request takes effect, as docs say it."""
        if self.fixed:
            return f"no: {self.fixed}"
        return "" if not self.acts else "at once" if self.hot else "restart"

    def parse(self, text: str) -> Any:
        """The value of `text`; ValueError says what is wrong with it, as the end of a sentence."""
        if self.choices is not None:
            return _choice(self.choices, text)
        if self.java_type == "boolean":
            return text.lower() == "true"
        if self.java_type == "String":
            if not text and self.default not in ("", None):
                raise ValueError("is empty")
            return text
        return self._number(text)

    def _number(self, text: str) -> int:
        if not text.isascii() or not text.lstrip("+-").isdigit() or len(text) - len(text.lstrip("+-")) > 1:
            raise ValueError("is not a number" if text else "is empty")
        value = int(text)
        low = 0 if self.low is None else self.low
        high = self.high or (INT_MAX if self.java_type == "int" else LONG_MAX)
        if not low <= value <= high:
            raise ValueError(f"is out of range {low}..{high}")
        return value

    def show(self, value: Any) -> str:
        """The value as Java's toString writes it; null is empty."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value.value) if isinstance(value, Enum) else str(value)


def _choice(choices: type[Enum], text: str) -> Enum:
    try:
        return choices(text)
    except ValueError:
        raise ValueError("is none of " + ", ".join(str(choice.value) for choice in choices)) from None


def prop(
    name: str,
    default: T,
    meaning: str,
    *,
    java_type: str = "",
    important: bool = False,
    hot: bool = False,
    fixed: str = "",
    not_yet: str = "",
    no_effect: str = "",
    low: int | None = None,
    high: int | None = None,
    in_force: Callable[[T], T] | None = None,
    default_text: str = "",
) -> T:
    """A row of a settings table; for the type checker it is the value an instance holds."""
    choices = default.__class__ if isinstance(default, Enum) else None
    kind = java_type or _java_type(default)
    row = Setting(
        name, default, meaning, kind, choices, important, hot, fixed, not_yet, no_effect, low, high, in_force,
        default_text,
    )  # fmt: skip
    return cast(T, row)


def derived(
    name: str,
    default: Callable[[Environment], T],
    meaning: str,
    *,
    default_text: str,
    java_type: str = "String",
    important: bool = False,
    hot: bool = False,
    fixed: str = "",
    no_effect: str = "",
    in_force: Callable[[T], T] | None = None,
) -> T:
    """A row whose default depends on the environment; `default_text` says how."""
    row = prop(
        name,
        default,
        meaning,
        java_type=java_type,
        important=important,
        hot=hot,
        fixed=fixed,
        no_effect=no_effect,
        in_force=cast(Any, in_force),
        default_text=default_text,
    )
    return cast(T, row)


def _java_type(default: object) -> str:
    if isinstance(default, bool):
        return "boolean"
    return "int" if isinstance(default, int) else "String"


class Settings:
    """Base of a settings class: defaults from the environment, then keyword overrides by attribute name."""

    rows: ClassVar[dict[str, Setting]] = {}  # by property name, in the order of the table
    by_request: ClassVar[bool] = True  # whether a running server changes any of them

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {row.name: row for row in vars(cls).values() if isinstance(row, Setting)}
        cls.rows = {**cls.rows, **own}

    def __init__(self, environment: Environment | None = None, **overrides: Any) -> None:
        self.extra: dict[str, str] = {}  # keys of the file that no settings class knows, echoed as upstream does
        self.origins: dict[str, str] = {}  # property name -> where its value came from, where that is not the default
        self._shown: dict[str, str] = {}  # texts that are not (yet) the values in force
        self._environment = environment or Environment()
        unknown = overrides.keys() - {row.attribute for row in self.rows.values()}
        if unknown:
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}")
        for row in self.rows.values():
            value = overrides[row.attribute] if row.attribute in overrides else self.default(row.name)
            self.__dict__[row.attribute] = value

    @property
    def environment(self) -> Environment:
        """The surroundings that the defaults came from."""
        return self._environment

    @property
    def system_properties(self) -> dict[str, str]:
        """What stands behind -D in JAVA_OPT: some of upstream's settings are there and in no file."""
        return self._environment.system_properties

    def set(self, name: str, text: str, origin: str = "") -> None:
        """Give a property its value from text; ValueError says what is wrong with the text, and nothing changes."""
        row = self.rows[name]
        value = row.parse(text)
        in_force = row.in_force(value) if row.in_force else value
        self.__dict__[row.attribute] = in_force
        self._shown.pop(name, None)
        if in_force != value:
            self._shown[name] = row.show(value)
        if origin:
            self.origins[name] = origin

    def set_later(self, name: str, text: str) -> None:
        """Show a property's new text from now on; its value is in force after a restart only. ValueError as `set`."""
        row = self.rows[name]
        value = row.parse(text)
        if row.in_force:
            row.in_force(value)
        self._shown[name] = row.show(value)

    def default(self, name: str) -> Any:
        """What a property is when nobody sets it."""
        return self.rows[name].default_in(self._environment)

    def text(self, name: str) -> str:
        """A property's value as text, null as empty."""
        row = self.rows[name]
        return self._shown[name] if name in self._shown else row.show(self.__dict__[row.attribute])

    def origin(self, name: str) -> str:
        """Where a property's value came from: file and line, an option, or the default."""
        return self.origins.get(name, DEFAULT)

    def properties(self, *, nulls: bool = False, important: bool = False) -> list[tuple[str, str]]:
        """(name, text) of every property in the table's order; nulls are left out unless asked for."""
        chosen = (row for row in self.rows.values() if row.important or not important)
        return [(row.name, self.text(row.name)) for row in chosen if nulls or not self._is_null(row)]

    def _is_null(self, row: Setting) -> bool:
        return self.__dict__[row.attribute] is None and row.name not in self._shown

    def properties_text(self) -> str:
        """`name=value` lines as codes 26 and 319 answer them; nulls are omitted."""
        return "".join(f"{name}={text}\n" for name, text in self.properties())
