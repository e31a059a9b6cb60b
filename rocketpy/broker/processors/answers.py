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


# Upstream has no limit, and a typing error makes it loop over two thousand million queues wherever it lists them.
MAX_QUEUE_NUMS = 65_536


def check_queue_nums(**numbers: int) -> None:
    """Refuse what no topic or group can have; `numbers` by their names on the wire."""
    for name, number in numbers.items():
        if not 0 <= number <= MAX_QUEUE_NUMS:
            raise refused(ResponseCode.SYSTEM_ERROR, f"{name}={number} is out of range 0..{MAX_QUEUE_NUMS}")


def success(body: bytes | None = None, ext: dict[str, str] | None = None) -> Command:
    """The request was done; `ext` is `{}` where upstream answers with an empty header class."""
    return response(ResponseCode.SUCCESS, None, ext, body)


def refused(code: int, remark: str, *, see_faq: bool = False) -> RequestRefused:
    """The error to raise; `see_faq` adds the line upstream ends some remarks with."""
    return RequestRefused(code, remark + _FAQ if see_faq else remark)
