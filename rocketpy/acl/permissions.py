"""Permissions of topics and groups as bits; invariant: DENY wins over every other bit.

A group's permission is kept under its retry topic's name, as upstream does, so that a topic `%RETRY%g` and the group
`g` are one resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rocketpy.acl.errors import AclError
from rocketpy.protocol.names import RETRY_PREFIX, retry_topic

DENY, ANY, PUB, SUB = 1, 2, 4, 8

WORDS: Mapping[str, int] = {"DENY": DENY, "PUB": PUB, "SUB": SUB, "PUB|SUB": PUB | SUB, "SUB|PUB": PUB | SUB}


def parse_permission(word: str | None) -> int:
    """The bits of a word; what is missing or unknown is DENY, as upstream reads it."""
    return DENY if word is None else WORDS.get(word.strip(), DENY)


def permits(needed: int, owned: int) -> bool:
    """Whether the owned bits allow what is needed."""
    if owned & DENY:
        return False
    if needed & ANY:
        return owned & (PUB | SUB) != 0
    return needed & owned != 0


def parse_resources(entries: Iterable[str], *, groups: bool) -> dict[str, int]:
    """`name=PERM` entries by resource; a name that stands twice is denied if one of them says so, else the last counts.

    AclError for an entry of another shape.
    """
    found: dict[str, int] = {}
    for entry in entries:
        parts = [part.strip() for part in entry.split("=") if part]
        if len(parts) != 2:
            raise AclError(f"Parse resource permission failed for {'group' if groups else 'topic'}:{entry}")
        resource = retry_topic(parts[0]) if groups else parts[0]
        merge(found, {resource: parse_permission(parts[1])})
    return found


def merge(into: dict[str, int], more: Mapping[str, int]) -> None:
    """Add entries to those there; DENY stays DENY."""
    for resource, bits in more.items():
        into[resource] = DENY if into.get(resource, 0) & DENY else bits


def is_group(resource: str) -> bool:
    """Whether a resource is a group, or its retry topic."""
    return resource.startswith(RETRY_PREFIX)


def resource_text(resource: str) -> str:
    """`topic:T` or `group:G`, as remarks name it."""
    return f"group:{resource.removeprefix(RETRY_PREFIX)}" if is_group(resource) else f"topic:{resource}"
