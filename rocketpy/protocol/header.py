"""What header classes have in common: fields flattened into a command's extFields, text both ways.

Invariant: `decode(encode(h)) == h`; a missing or unparsable required field is a RequestRefused that names it.
"""

import dataclasses
from collections.abc import Callable
from functools import cache
from types import NoneType
from typing import Annotated, Any, ClassVar, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from rocketpy._core.command import Command
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.spelling import camel

Int = Annotated[int, 32]        # Java's int and long: what does not fit is unparsable
Long = Annotated[int, 64]

H = TypeVar("H", bound="Header")


class HeaderField(NamedTuple):
    """One field as the wire knows it."""

    attribute: str
    name: str
    required: bool
    parse: Callable[[str], Any]
    kind: str


def refused(name: str, what: str) -> RequestRefused:
    """The answer to a header whose field `name` is wrong."""
    return RequestRefused(ResponseCode.SYSTEM_ERROR, f"the custom field <{name}> {what}")


def parse_int(bits: int) -> Callable[[str], int]:
    """A parser of Java's decimal integers of that many bits."""
    limit = 1 << (bits - 1)

    def parse(text: str) -> int:
        digits = text[1:] if text[:1] in ("-", "+") else text
        if not digits.isascii() or not digits.isdigit() or len(digits) > 40:
            raise ValueError(text)
        value = int(text)
        if not -limit <= value < limit:
            raise ValueError(text)
        return value

    return parse


def parse_bool(text: str) -> bool:
    """Java's: `true` in any case, everything else is false."""
    return text.lower() == "true"


def to_wire(value: str | int | bool) -> str:
    """A field's value as text; an enum of numbers is its number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(int(value))


def parser_of(hint: Any) -> tuple[Callable[[str], Any], str]:
    """How a field of this type is read, and what to call it when it cannot be."""
    if get_origin(hint) is not Annotated and NoneType in get_args(hint):
        hint = next(arg for arg in get_args(hint) if arg is not NoneType)
    if hint is str:
        return str, "a string"
    if hint is bool:
        return parse_bool, "a boolean"
    bits = get_args(hint)[1]
    return parse_int(bits), "an int" if bits == 32 else "a long"


def read_fields(cls: Any) -> tuple[HeaderField, ...]:
    """The fields of a header class in their order."""
    hints = get_type_hints(cls, include_extras=True)
    rows = []
    for field in dataclasses.fields(cls):
        name = cls.WIRE_NAMES.get(field.name) or camel(field.name)
        rows.append(HeaderField(field.name, name, field.default is dataclasses.MISSING, *parser_of(hints[field.name])))
    return tuple(rows)


fields_of: Callable[[Any], tuple[HeaderField, ...]] = cache(read_fields)


@dataclasses.dataclass(slots=True, kw_only=True)
class Header:
    """The base of every header class."""

    WIRE_NAMES: ClassVar[dict[str, str]] = {}       # attribute -> name, where it is not the camel-case one

    @classmethod
    def decode(cls: type[H], command: Command) -> H:
        """The header a command carries. RequestRefused naming the field when one is missing or unparsable."""
        ext = command.ext or {}
        values = {}
        for attribute, name, required, parse, kind in fields_of(cls):
            text = ext.get(name)
            if text is None or (text == "" and not required and parse is not str):
                if required:
                    raise refused(name, "is missing")
                continue
            try:
                values[attribute] = parse(text)
            except ValueError:
                raise refused(name, f"is not {kind}: {text[:64]!r}") from None
        header = cls(**values)
        header.check()
        return header

    def encode(self) -> dict[str, str]:
        """The extFields of a command that carries this header; absent fields are left out."""
        ext = {}
        for field in fields_of(type(self)):
            value = getattr(self, field.attribute)
            if value is not None:
                ext[field.name] = to_wire(value)
        return ext

    def check(self) -> None:
        """Raise RequestRefused when fields, each well-formed, do not make sense."""
