"""Asks many servers at once, within one bound of time and of calls in flight.

Invariant: no call outlives its timeout or the budget of the whole, and what fails is a `NoAnswer` with the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TypeVar

from rocketpy._core.command import Command, request
from rocketpy.client.calls import Calls
from rocketpy.errors import RocketPyError
from rocketpy.protocol.body import Body
from rocketpy.protocol.codes import ResponseCode
from rocketpy.remoting.client import split_address, why

IN_FLIGHT = 64
REFUSED = "refused with code"
B = TypeVar("B", bound=Body)


class NoAnswer(RocketPyError):
    """A server did not answer, or refused to: then with its response code."""

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code


class Asker:
    """One look at a cluster through somebody's connections."""

    def __init__(self, calls: Calls, timeout_ms: int, budget_ms: int) -> None:
        self.clock = calls.clock
        self._calls = calls
        self._timeout_ms = timeout_ms
        self._ends_ms = self.clock.monotonic_ms() + budget_ms
        self._room = asyncio.Semaphore(IN_FLIGHT)

    async def ask(self, address: str, code: int, ext: dict[str, str] | None = None) -> Command:
        """The answer of one server; NoAnswer for anything but success."""
        async with self._room:
            left_ms = min(self._timeout_ms, self._ends_ms - self.clock.monotonic_ms())
            if left_ms <= 0:
                raise NoAnswer("no time was left to ask it")
            try:
                answer = await self._calls.call(address, request(code, ext), left_ms)
            except RocketPyError as fault:
                raise NoAnswer(str(fault).removeprefix(f"{address}: ")) from None
        if answer.code != ResponseCode.SUCCESS:
            raise NoAnswer(f"{REFUSED} {answer.code}: {answer.remark or 'no remark'}", answer.code)
        return answer

    async def ask_for(self, kind: type[B], address: str, code: int, ext: dict[str, str] | None = None) -> B:
        """The body of an answer; NoAnswer also for one that is something else."""
        return decoded(kind, await self.ask(address, code, ext))

    async def unreachable(self, address: str) -> str:
        """Why nobody can connect to an address; empty when one can."""
        try:
            host, port = split_address(address)
        except ValueError as fault:
            return str(fault)
        return await self.closed(host, port)

    async def closed(self, host: str, port: int) -> str:
        """Why nobody can connect to a port; empty when one can."""
        async with self._room:
            left_ms = min(self._timeout_ms, self._ends_ms - self.clock.monotonic_ms())
            try:
                connecting = asyncio.open_connection(host, port)
                _, writer = await asyncio.wait_for(connecting, max(left_ms, 1) / 1000)
            except (TimeoutError, asyncio.TimeoutError):
                return "no answer: a firewall drops it, or the host is down"
            except OSError as fault:
                return why(fault)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return ""


def is_refusal(why: str) -> bool:
    """Whether a reason why there is no answer is one that the server gave."""
    return why.startswith(REFUSED)


def decoded(kind: type[B], answer: Command) -> B:
    """The body of an answer; NoAnswer when it is something else."""
    try:
        return kind.decode(answer.body or b"{}")
    except RocketPyError as fault:
        raise NoAnswer(f"answered what is no {kind.__name__}: {fault.args[-1]}") from None


def port_beside(address: str, step: int) -> tuple[str, int]:
    """Host and the port so many above an address's."""
    host, port = split_address(address)
    return host, port + step
