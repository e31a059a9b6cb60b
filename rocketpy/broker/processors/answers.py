"""The ways a processor answers, and the remarks several of them share; every word of them is upstream's.

A processor returns a response, an awaitable of one, or None (held, or one-way). It refuses by raising RequestRefused.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeAlias

from rocketpy._core.command import Command, response
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import ResponseCode

Answer: TypeAlias = Command | Awaitable[Command | None] | None

_FAQ = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."


def success(body: bytes | None = None, ext: dict[str, str] | None = None) -> Command:
    """The request was done; `ext` is `{}` where upstream answers with an empty header class."""
    return response(ResponseCode.SUCCESS, None, ext, body)


def refused(code: int, remark: str, *, see_faq: bool = False) -> RequestRefused:
    """The error to raise; `see_faq` adds the line upstream ends some remarks with."""
    return RequestRefused(code, remark + _FAQ if see_faq else remark)
