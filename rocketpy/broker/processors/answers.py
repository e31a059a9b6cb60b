"""The ways a processor answers, and the remarks several of them share; every word of them is upstream's.

A processor returns a response, an awaitable of one, or None (held, or one-way). It refuses by raising RequestRefused.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from rocketpy._core.command import Command, response
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import ResponseCode

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker

log = logging.getLogger("RocketmqBroker")

T = TypeVar("T")
Answer: TypeAlias = Command | Awaitable[Command | None] | None

UNSAID = "not set any response code"
_FAQ = "\nSee http://rocketmq.apache.org/docs/faq/ for further details."


def success(body: bytes | None = None, ext: dict[str, str] | None = None) -> Command:
    """The request was done; `ext` is `{}` where upstream answers with an empty header class."""
    return response(ResponseCode.SUCCESS, None, ext, body)


def success_unsaid(body: bytes) -> Command:
    """The request was done, where upstream forgets to clear the remark that its new answers begin with."""
    return response(ResponseCode.SUCCESS, UNSAID, None, body)


def refused(code: int, remark: str, *, see_faq: bool = False) -> RequestRefused:
    """The error to raise; `see_faq` adds the line upstream ends some remarks with."""
    return RequestRefused(code, remark + _FAQ if see_faq else remark)


def once_in_memory(broker: Broker, physical_offset: int, answer: Callable[[], Command]) -> Answer:
    """`answer()`, after the record that begins there was brought into memory, so that others need not wait for it."""
    if broker.store.is_in_memory(physical_offset):
        return answer()
    return _read_first(broker, physical_offset, answer)


async def _read_first(broker: Broker, physical_offset: int, answer: Callable[[], Command]) -> Command:
    await from_disk(broker.store.cold_reads.bring_in_records([physical_offset]))
    return answer()


async def from_disk(reading: Awaitable[T]) -> T:
    """What is read from the disk, or the refusal that names what the disk cannot give."""
    try:
        return await reading
    except OSError as error:
        log.error("%s cannot be read: %s", error.filename, error.strerror)
        raise refused(ResponseCode.SYSTEM_ERROR, f"{error.filename} cannot be read: {error.strerror}") from None
