"""The HTTP port that scrapers ask: `/metrics`, and a line at `/`; nothing else, and nobody can change anything by it.

There are so many places for connections; a newcomer takes that of the one that is silent the longest, so that nobody
who only holds connections open keeps Prometheus out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

from rocketpy.metrics.exposition import Exposition
from rocketpy.metrics.visit import MOST_HEAD_BYTES, Visit
from rocketpy.remoting.listen import listening

MOST_CONNECTIONS = 16


class Endpoint:
    """One port of one server."""

    def __init__(self, exposition: Exposition, log: logging.Logger) -> None:
        self._exposition = exposition
        self._log = log
        self._visits: dict[asyncio.Task[None], Visit] = {}  # who is silent the longest comes first
        self._leaving: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._is_stopped = False

    async def start(self, sock: socket.socket) -> None:
        """Listen on a bound socket."""
        backlog, limit = MOST_CONNECTIONS, MOST_HEAD_BYTES
        self._listener = await asyncio.start_server(self._come, sock=listening(sock), backlog=backlog, limit=limit)

    async def stop(self) -> None:
        """Close the port and every connection, in the middle of an answer too."""
        self._is_stopped = True
        if self._listener is not None:
            self._listener.close()
        tasks = [*self._visits, *self._leaving]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._exposition.shutdown()

    def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_stopped or len(self._leaving) >= MOST_CONNECTIONS:  # accepted just before: its figures go
            writer.transport.abort()
            return
        visit = Visit(self._exposition, reader, writer, self._log)
        has_place = len(self._visits) < MOST_CONNECTIONS or self._send_silent_away()
        task = asyncio.get_running_loop().create_task(self._serve(visit, has_place))
        task.add_done_callback(lambda gone: self._gone(gone, writer))
        if has_place:
            self._visits[task] = visit
        else:
            self._leaving.add(task)

    async def _serve(self, visit: Visit, has_place: bool) -> None:
        task = asyncio.current_task()
        assert task is not None
        with contextlib.suppress(OSError):  # gone, or too slow to be told anything
            if has_place:
                await visit.stay(lambda: self._behind_all(task))
            else:
                await visit.turn_away(f"{MOST_CONNECTIONS} scrapers are served now: come again")
            await visit.leave()

    def _gone(self, task: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        """Give its place back; a task that was cancelled before its first step has nothing that could do it."""
        self._visits.pop(task, None)
        self._leaving.discard(task)
        writer.transport.abort()

    def _send_silent_away(self) -> bool:
        silent = next((task for task, visit in self._visits.items() if not visit.is_served), None)
        if silent is not None:
            self._leaving.add(silent)
            del self._visits[silent]
            silent.cancel()
        return silent is not None

    def _behind_all(self, task: asyncio.Task[None]) -> None:
        """It was served just now: it is the last to be sent away."""
        if task in self._visits:
            self._visits[task] = self._visits.pop(task)
