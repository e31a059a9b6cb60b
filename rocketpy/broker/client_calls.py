"""Calls of the broker to a client, over the connection that the client made, with the answer awaited.

Invariant: a call ends, with the client's answer, at its time or with its connection; and no more than so many wait at
once, for one client and for all of them together, so that nobody who asks on can fill the broker's memory.
"""

from __future__ import annotations

from collections import Counter

from rocketpy._core.command import Command
from rocketpy.broker.clients import Channel, Client
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import ResponseCode

MOST_WAITING = 1024
MOST_OF_ONE = 64


class ClientCalls:
    """The calls that wait for an answer."""

    def __init__(self, most: int = MOST_WAITING, most_of_one: int = MOST_OF_ONE) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._waiting: Counter[Channel] = Counter()

    def __len__(self) -> int:
        return self._waiting.total()

    async def ask(self, client: Client, request: Command, timeout_ms: float) -> Command:
        """The client's answer. RemotingTimeout or RemotingSendError without one; RequestRefused(SYSTEM_BUSY) when too
        many calls wait already.
        """
        connection = client.connection
        if self._waiting[connection] >= self._most_of_one or len(self) >= self._most:
            remark = f"{len(self)} calls wait for clients, {self._waiting[connection]} of them for {client.client_id}"
            raise RequestRefused(ResponseCode.SYSTEM_BUSY, f"{remark}: try later")
        self._waiting[connection] += 1
        try:
            return await connection.invoke(request, timeout_ms)
        finally:
            self._waiting[connection] -= 1
            if not self._waiting[connection]:
                del self._waiting[connection]
