"""JSON as fastjson writes and reads it: what Java, Go and C++ clients expect of bodies and config files.

Differences from JSON: integer keys stand without quotes, a MessageQueue may be a key, nulls are left out of objects,
NaN and infinities are null. Members of dataclasses are written sorted by their wire name, enums by their name.
Invariant: `loads(dumps(x)) == x` for what JSON can hold, quoted and unquoted integer keys kept apart.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from rocketpy._core.command import quote
from rocketpy._core.json_reader import read_json
from rocketpy.errors import ProtocolError
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.spelling import camel

REFERENCED_LIMIT = 16 << 20     # as long as a frame may be


def dumps(value: Any) -> bytes:
    """The value as fastjson prints it, compact; UTF-8."""
    return text_of(value).encode("utf-8", "replace")


def loads(data: bytes | str) -> Any:
    """The value JSON means, as leniently as fastjson; objects that are keys become MessageQueue. ProtocolError else."""
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    value = read_json(text, object_key)
    return resolve_references(value) if '"$ref"' in text else value


# ---- writing


def text_of(value: Any) -> str:
    """The value as fastjson prints it."""
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return quote(value.name)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return java_double(value)
    if isinstance(value, Mapping):
        return object_text((key_text(key), member) for key, member in value.items())
    if isinstance(value, (set, frozenset)):
        return f"[{','.join(map(text_of, sorted(value)))}]"     # fastjson's order is the hash's: any order is right
    if isinstance(value, Iterable):
        return f"[{','.join(map(text_of, value))}]"
    return object_text((quoted, getattr(value, attribute)) for attribute, quoted in members_of(type(value)))


def object_text(members: Iterable[tuple[str, Any]]) -> str:
    """An object of these (key text, value) pairs, nulls left out."""
    return f"{{{','.join(f'{key}:{text_of(value)}' for key, value in members if value is not None)}}}"


def key_text(key: Any) -> str:
    """A map's key: integers bare, objects as objects."""
    return quote("null" if key is None else key) if key is None or isinstance(key, str) else text_of(key)


def sorted_members(cls: Any) -> tuple[tuple[str, str], ...]:
    """(attribute, quoted wire name) of a dataclass, sorted by wire name."""
    names = {field.name: wire_name(cls, field.name) for field in dataclasses.fields(cls)}
    return tuple((attribute, quote(name)) for attribute, name in sorted(names.items(), key=lambda item: item[1]))


members_of: Callable[[Any], tuple[tuple[str, str], ...]] = cache(sorted_members)


def wire_name(cls: type, attribute: str) -> str:
    """The member's name in JSON: what the class's WIRE_NAMES says, else camel case."""
    names: dict[str, str] = getattr(cls, "WIRE_NAMES", {})
    return names.get(attribute) or camel(attribute)


def java_double(value: float) -> str:
    """A double as Java prints it: `1.5`, `6.02E23`; what is no number is null."""
    if not math.isfinite(value):
        return "null"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    power = len(digits) - 1 + int(exponent)
    return f"{'-' if sign else ''}{significant[0]}.{significant[1:] or '0'}E{power}"


# ---- reading


def object_key(members: dict[Any, Any]) -> MessageQueue:
    """The MessageQueue an object used as a key means."""
    try:
        queue_id = int(members.get("queueId", 0))
        if not -(1 << 31) <= queue_id < 1 << 31:
            raise ValueError(queue_id)
        return MessageQueue(str(members.get("topic", "")), str(members.get("brokerName", "")), queue_id)
    except (TypeError, ValueError, OverflowError):
        raise ProtocolError(f"not JSON: no message queue as a key: {members!r:.100}") from None


def resolve_references(root: Any) -> Any:
    """Replace every `{"$ref":"$.a.b[0]"}` by what it points at; one that points nowhere becomes None."""
    return References(root).replaced(root, 0)


class References:
    """The references of one text. ProtocolError when what they stand for is more than REFERENCED_LIMIT."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = REFERENCED_LIMIT
        self._weights: dict[int, int] = {}

    def replaced(self, value: Any, depth: int) -> Any:
        """The value with its references replaced."""
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                return self._referenced(value["$ref"]) if depth < 200 else None
            return {key: self.replaced(member, depth + 1) for key, member in value.items()}
        if isinstance(value, list):
            return [self.replaced(item, depth + 1) for item in value]
        return value

    def _referenced(self, path: str) -> Any:
        found = target(self._root, path)
        if id(found) not in self._weights:
            self._weights[id(found)] = weight(found)
        # Shared here, but whoever reads the value makes a copy at each place.
        self._left -= self._weights[id(found)]
        if self._left < 0:
            raise ProtocolError("not JSON: its references stand for too much")
        return found


def weight(value: Any) -> int:
    """About the characters that a parsed value was written with."""
    if isinstance(value, dict):
        return 2 + sum(weight(key) + weight(member) for key, member in value.items())
    if isinstance(value, list):
        return 2 + sum(map(weight, value))
    return 2 + len(value) if isinstance(value, str) else 4


def target(root: Any, path: str) -> Any:
    """What `$.a.b[0]` names below `root`; other forms (`..`, `@`) are cycles, which no body has."""
    if not path.startswith("$"):
        return None
    found = root
    for step in path[1:].replace("[", ".").replace("]", "").split("."):
        if isinstance(found, dict) and step:
            found = found.get(step.strip("'\""))
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        elif step:
            return None
    return found if found is not root else None
