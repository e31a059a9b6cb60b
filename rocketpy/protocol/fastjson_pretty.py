"""fastjson's PrettyFormat: tabs, a line a member, and maps whose keys are no text on one line up to their end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from rocketpy._core.command import quote
from rocketpy.protocol.fastjson import key_text, members_of, text_of


def pretty(value: Any, depth: int = 0) -> str:
    """The value as fastjson prints it for people."""
    if isinstance(value, Mapping):
        return map_text(value, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return block("[", (pretty(item, depth + 1) for item in items), "]", depth) if items else "[]"
    if dataclasses.is_dataclass(value):
        members = ((quoted, getattr(value, name)) for name, quoted in members_of(type(value)))
        texts = (f"{name}:{pretty(member, depth + 1)}" for name, member in members if member is not None)
        return block("{", texts, "}", depth)
    return text_of(value)


def block(begin: str, texts: Iterable[str], end: str, depth: int) -> str:
    """Texts on lines of their own."""
    inner = "\n" + "\t" * (depth + 1)
    outer = "\n" + "\t" * depth
    return f"{begin}{inner}{f',{inner}'.join(texts)}{outer}{end}"


def map_text(members: Mapping[Any, Any], depth: int) -> str:
    """A map; only a key that is text begins a line."""
    written = [(key, value) for key, value in members.items() if value is not None]
    if not written:
        return "{}"
    inner = "\n" + "\t" * (depth + 1)
    parts = [
        f"{inner if isinstance(key, str) else ''}{quote(key) if isinstance(key, str) else key_text(key)}:"
        f"{pretty(value, depth + 1)}"
        for key, value in written
    ]
    outer = "\n" + "\t" * depth
    return f"{{{','.join(parts)}{outer}}}"
