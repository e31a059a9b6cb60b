"""What body classes have in common: dataclasses to fastjson's JSON and back.

Every member has a default, as upstream's beans have: what is absent or null stays at it, what is unknown is skipped.
Values are converted as leniently as fastjson does; what cannot be is a RequestRefused that names class and member.
"""

import dataclasses
import math
from collections.abc import Callable
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints

from rocketpy.errors import ProtocolError, RequestRefused
from rocketpy.protocol import fastjson
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.message_queue import MessageQueue

B = TypeVar("B", bound="Body")
Convert = Callable[[Any], Any]
LONGS = range(-(1 << 63), 1 << 63)


class Body:
    """The base of every body class."""

    __slots__ = ()
    WIRE_NAMES: ClassVar[dict[str, str]] = {}       # attribute -> member name, where it is not the camel-case one

    def __str__(self) -> str:
        """As upstream's toString writes it, since logs are searched for it: `QueueData [brokerName=a, …]`."""
        members = members_of(type(self))
        told = (f"{name}={member_text(getattr(self, attribute))}" for attribute, name, _ in members)
        return f"{type(self).__name__} [{', '.join(told)}]"

    def encode(self) -> bytes:
        """The body as fastjson prints it."""
        return fastjson.dumps(self)

    @classmethod
    def decode(cls: type[B], data: bytes | None) -> B:
        """The body these bytes mean. RequestRefused when there is none or it is something else."""
        if data is None:
            raise RequestRefused(ResponseCode.SYSTEM_ERROR, f"the request has no body, a {cls.__name__} was expected")
        try:
            return cls.from_json(fastjson.loads(data))
        except (ProtocolError, TypeError, ValueError, OverflowError) as error:
            raise RequestRefused(ResponseCode.SYSTEM_ERROR, f"the body is no {cls.__name__}: {error}"[:500]) from None

    @classmethod
    def from_json(cls: type[B], members: Any) -> B:
        """The body these parsed members mean. TypeError or ValueError when they are of another shape."""
        if not isinstance(members, dict):
            raise TypeError(f"{cls.__name__} is a JSON object")
        values = {}
        for attribute, name, convert in members_of(cls):
            value = members.get(name)
            if value is not None or (convert is to_double and name in members):
                try:
                    values[attribute] = convert(value)
                except (TypeError, ValueError, OverflowError) as error:
                    raise ValueError(f"{name}: {error}") from None
        return cls(**values)


def member_text(value: Any) -> str:
    """A member's value as Java prints it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (list, set, frozenset)):
        return f"[{', '.join(sorted(map(member_text, value)))}]"
    return str(value)


def read_members(cls: Any) -> tuple[tuple[str, str, Convert], ...]:
    """(attribute, member name, converter) of a dataclass."""
    hints = get_type_hints(cls)
    return tuple(
        (field.name, fastjson.wire_name(cls, field.name), converter(hints[field.name]))
        for field in dataclasses.fields(cls)
    )


members_of: Callable[[Any], tuple[tuple[str, str, Convert], ...]] = cache(read_members)


@cache
def converter(hint: Any) -> Convert:
    """What turns parsed JSON into a value of this type."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return converter(next(arg for arg in args if arg is not NoneType))
    if origin in (list, set, frozenset):
        return collection(origin, converter(args[0]))
    if origin is dict:
        return mapping(key_converter(args[0]), converter(args[1]))
    if hint is MessageQueue:
        return message_queue
    if isinstance(hint, type) and issubclass(hint, Body):
        return hint.from_json
    if isinstance(hint, type) and issubclass(hint, Enum):
        return member_of(hint)
    return SCALARS[hint]


def member_of(enum: type[Enum]) -> Convert:
    """A converter of an enum's names, and of its members' numbers in order: the C++ client core writes these."""
    members = list(enum)

    def convert(name: Any) -> Enum:
        if type(name) is int and 0 <= name < len(members):
            return members[name]
        found = enum.__members__.get(str(name))
        if found is None:
            raise ValueError(f"{name!r:.40} is none of {', '.join(enum.__members__)}")
        return found

    return convert


def to_int(value: Any) -> int:
    """A number of 64 bits, or one in a string."""
    number = int(value)
    if not LONGS.start <= number < LONGS.stop:
        raise ValueError(f"{value!r:.40} is beyond 64 bits")
    return number


def to_bool(value: Any) -> bool:
    """A boolean as fastjson casts it."""
    return value.lower() in ("true", "1") if isinstance(value, str) else bool(value)


def to_str(value: Any) -> str:
    """Text; what is not text is taken as its JSON."""
    return value if isinstance(value, str) else fastjson.text_of(value)


def to_double(value: Any) -> float:
    """A double; null is how NaN is written."""
    return math.nan if value is None else float(value)


SCALARS: dict[Any, Convert] = {str: to_str, int: to_int, float: to_double, bool: to_bool, Any: lambda value: value}


def collection(make: Callable[[Any], Any], convert: Convert) -> Convert:
    """A converter of JSON arrays; nulls in them are dropped."""

    def convert_all(value: Any) -> Any:
        if not isinstance(value, list):
            raise TypeError("an array was expected")
        return make(convert(item) for item in value if item is not None)

    return convert_all


def mapping(convert_key: Convert, convert: Convert) -> Convert:
    """A converter of JSON objects used as maps; null values are dropped."""

    def convert_all(value: Any) -> Any:
        if not isinstance(value, dict):
            raise TypeError("an object was expected")
        return {convert_key(key): convert(member) for key, member in value.items() if member is not None}

    return convert_all


def key_converter(hint: Any) -> Convert:
    """Keys: integers come quoted or not, message queues were made by the parser."""
    if hint is not MessageQueue:
        return converter(hint)

    def check(key: Any) -> MessageQueue:
        if not isinstance(key, MessageQueue):
            raise TypeError("a message queue was expected as key")
        return key

    return check


def message_queue(value: Any) -> MessageQueue:
    """A MessageQueue as a member or an item."""
    if not isinstance(value, dict):
        raise TypeError("a message queue was expected")
    return fastjson.object_key(value)
