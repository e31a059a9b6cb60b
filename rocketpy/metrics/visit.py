"""One scraper's connection: HTTP/1.1 as h11 understands it, and two pages.

Bounded in what a peer may do: a head of so many bytes, no body, so long to ask and so long to read the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import h11

from rocketpy.metrics.exposition import Exposition, Text

MOST_HEAD_BYTES = 8 * 1024
READ_BYTES = 4 * 1024
ASK_S = 90.0  # to ask, from the last answer on: Prometheus does every 15 to 60 s, over one connection
READ_ANSWER_S = 30.0
LINGER_S = 1.0

PLAIN = "text/plain; charset=utf-8"
WELCOME = b"RocketPy's metrics are at /metrics\n"
METHODS = ("GET", "HEAD")


@dataclass
class Answer:
    """What is sent back."""

    status: int
    body: Text
    content_type: str = PLAIN
    headers: list[tuple[str, str]] = field(default_factory=list)


def refusal(status: int, why: str, *headers: tuple[str, str]) -> Answer:
    """An answer in one line."""
    return Answer(status, [f"{why}\n".encode()], headers=list(headers))


ENDS = ("Connection", "close")


class Visit:
    """Answers request after request until either side has enough."""

    def __init__(
        self, exposition: Exposition, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: logging.Logger
    ) -> None:
        self.is_served = False  # between a whole request and the end of its answer
        self._exposition = exposition
        self._reader, self._writer, self._log = reader, writer, log
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD_BYTES)

    async def stay(self, was_served: Callable[[], None]) -> None:
        """Serve the peer; OSError when it is gone, or so slow that it was cut off."""
        while True:
            try:
                with self._within(ASK_S):
                    request = await self._request()
            except h11.RemoteProtocolError as fault:
                await self._send(refusal(fault.error_status_hint, str(fault), ENDS))
                return
            if request is None:
                return
            self.is_served = True
            await self._send(await self._answer(request), has_body=request.method != b"HEAD")
            self.is_served = False
            was_served()
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def turn_away(self, why: str) -> None:
        """Answer nothing but this."""
        await self._send(refusal(503, why, ENDS))

    async def _request(self) -> h11.Request | None:
        """The next request; None when the peer has closed."""
        event = await self._event()
        if not isinstance(event, h11.Request):
            return None
        if not isinstance(await self._event(), h11.EndOfMessage):
            raise h11.RemoteProtocolError("a scrape has no body", error_status_hint=413)
        return event

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(READ_BYTES))
        return event

    async def _answer(self, request: h11.Request) -> Answer:
        if request.method.decode("ascii") not in METHODS:
            return refusal(405, "metrics are read only: GET or HEAD", ("Allow", ", ".join(METHODS)))
        path = request.target.partition(b"?")[0]
        if path == b"/":
            return Answer(200, [WELCOME])
        if path != b"/metrics":
            return refusal(404, WELCOME.decode().strip())
        accept = b",".join(value for name, value in request.headers if name == b"accept")
        try:
            return Answer(200, *await self._exposition.text(accept.decode("latin-1")))
        except Exception:
            self._log.exception("a scrape failed")
            return refusal(500, "the metrics could not be read: the server's log says why")

    async def _send(self, answer: Answer, has_body: bool = True) -> None:
        size = sum(map(len, answer.body))
        headers = [("Content-Type", answer.content_type), ("Content-Length", str(size)), *answer.headers]
        head = self._http.send(h11.Response(status_code=answer.status, headers=headers))
        assert head is not None
        self._writer.write(head)
        with self._within(READ_ANSWER_S):
            for part in answer.body if has_body else ():
                self._writer.write(self._http.send(h11.Data(part)) or b"")
                await self._writer.drain()
            self._http.send(h11.EndOfMessage())
            await self._writer.drain()

    async def leave(self) -> None:
        """Close, once the last bytes of an answer have left."""
        with self._within(LINGER_S):
            self._writer.close()
            await self._writer.wait_closed()

    @contextlib.contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Cut the peer off after that long. (asyncio.wait_for of Python 3.10 and 3.11 may lose a stop's cancel.)"""
        timer = asyncio.get_running_loop().call_later(seconds, self._writer.transport.abort)
        try:
            yield
        finally:
            timer.cancel()
