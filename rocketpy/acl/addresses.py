"""White-listed addresses: `*`, `10.0.0.1`, `10.0.0.1,10.0.0.2`, `10.0.0.{1,2}`, `10.0.*.*`, `10.0.1-5.*`.

Invariant: a pattern matches an address only when each of its four parts allows that part of the address. Only `*` and
`*.*.*.*` match what is no IPv4 address. Upstream looks at no part behind the first `*` or `x-y`, so that `10.0.1-5.7`
lets in all of 10.0.1-5.*, and never matches anything when that first one is the second part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from rocketpy.acl.errors import AclError

PARTS = 4
HIGHEST = 255
EVERYONE = ("*", "*.*.*.*")
NUMBER = re.compile(r"\d{1,9}", re.ASCII)
RANGE = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)
BRACES = re.compile(r"([^{}]*)\{([^{}]*)\}")
BETWEEN_PATTERNS = re.compile(r",(?![^{]*\})")

Span: TypeAlias = tuple[int, int]
"""First and last value of one part that are allowed."""


@dataclass(frozen=True)
class AddressPattern:
    """One entry of a white list."""

    text: str
    everyone: bool = False
    quads: tuple[tuple[Span, ...], ...] = ()

    def matches(self, ip: str) -> bool:
        """Whether a peer's address is white-listed."""
        if self.everyone:
            return True
        if not self.quads:
            return False
        numbers = _numbers(ip)
        return numbers is not None and any(_within(numbers, quad) for quad in self.quads)


NOBODY = AddressPattern("")


def parse_address(text: str | None) -> AddressPattern:
    """The pattern of one entry; a blank one matches nobody. AclError says what is wrong with it."""
    if text is None or not text.strip():
        return NOBODY
    text = text.strip()
    if text in EVERYONE:
        return AddressPattern(text, everyone=True)
    single = [address for address in _without_braces(text).split(",") if address.strip()]
    return AddressPattern(text, quads=tuple(_quad(address.strip(), text) for address in single))


def split_patterns(text: str) -> list[str]:
    """The entries of a list joined by commas; those within `{1,2}` join nothing."""
    return [part.strip() for part in BETWEEN_PATTERNS.split(text) if part.strip()]


def _without_braces(text: str) -> str:
    """`a.b.c.{1,2}` as `a.b.c.1,a.b.c.2`, any other text as it is."""
    if "{" not in text and "}" not in text:
        return text
    braces = BRACES.fullmatch(text)
    if braces is None or braces[1].count(".") != PARTS - 1 or not braces[2].strip(" ,"):
        raise AclError(f"MultipleRemoteAddressStrategy netaddress examine scope Exception netaddress {text}")
    return ",".join(braces[1] + number.strip() for number in braces[2].split(",") if number.strip())


def _quad(address: str, text: str) -> tuple[Span, ...]:
    parts = [part.strip() for part in address.split(".")]
    if len(parts) != PARTS:
        raise AclError(f"Netaddress examine scope Exception netaddress is {text}")
    return tuple(_span(part, text) for part in parts)


def _span(part: str, text: str) -> Span:
    if part == "*":
        return 0, HIGHEST
    span = RANGE.fullmatch(part)
    if span:
        first, last = int(span[1]), int(span[2])
    elif NUMBER.fullmatch(part):
        first = last = int(part)
    else:
        raise AclError(f"Netaddress examine scope Exception netaddress is {text}")
    if not first <= last <= HIGHEST:
        start_end = f"start is {first} , end is {last}"
        raise AclError(f"RangeRemoteAddressStrategy netaddress examine scope Exception {start_end}: {text}")
    return first, last


def _numbers(ip: str) -> list[int] | None:
    parts = ip.split(".")
    if len(parts) != PARTS or not all(map(NUMBER.fullmatch, parts)):
        return None
    return [int(part) for part in parts]


def _within(numbers: list[int], quad: tuple[Span, ...]) -> bool:
    return all(first <= number <= last for number, (first, last) in zip(numbers, quad, strict=True))
