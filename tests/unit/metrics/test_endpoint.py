"""The HTTP port: two pages, and bounds on everything a peer may do."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvloop
from prometheus_client.core import Metric

from rocketpy.metrics import visit
from rocketpy.metrics.endpoint import MOST_CONNECTIONS, Endpoint
from rocketpy.metrics.exposition import Exposition
from rocketpy.metrics.families import gauge

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Slow:
    """A source that waits to be let go, or fails."""

    def __init__(self) -> None:
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.fails = False
        self.endpoint = Endpoint(Exposition([self]), logging.getLogger("RocketmqBroker"))

    async def families(self) -> AsyncIterator[Metric]:
        await self.may_go.wait()
        if self.fails:
            raise RuntimeError("no figures")
        for family in gauge("one", "One.", 1):
            yield family


Connect = Callable[[], Awaitable[Talk]]
Scenario = Callable[[Connect, Slow], Awaitable[None]]


@pytest.fixture
def serve() -> Callable[[Scenario], None]:
    async def run(scenario: Scenario) -> None:
        source = Slow()
        sock = socket.create_server(("127.0.0.1", 0))
        await source.endpoint.start(sock)
        talks: list[Talk] = []

        async def connect() -> Talk:
            talks.append(await asyncio.open_connection(*sock.getsockname()))
            return talks[-1]

        try:
            await scenario(connect, source)
        finally:
            source.may_go.set()
            await source.endpoint.stop()
            for _, writer in talks:
                writer.close()

    return lambda scenario: asyncio.run(run(scenario))


Serve = Callable[[Scenario], None]


async def answer(talk: Talk, asked: bytes) -> tuple[int, bytes, bytes]:
    """Status, head and body of one answer."""
    reader, writer = talk
    writer.write(asked)
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    body = b"" if asked.startswith(b"HEAD") else await reader.readexactly(size)
    return int(head.split(b" ")[1]), head, body


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        (GET, 200, b"one 1.0\n"),
        (b"GET /metrics?name[]=x HTTP/1.1\r\nHost: x\r\n\r\n", 200, b"one 1.0\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, b"/metrics\n"),
        (b"GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, b"/metrics\n"),
        (b"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404, b"/metrics\n"),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 405, b"GET or HEAD\n"),
        (b"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 405, b"GET or HEAD\n"),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 413, b"no body\n"),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 400, b"Host: header\n"),
        (b"\x00\x00\x01\x02\x03 rocketmq\r\n\r\n", 400, b"\n"),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000 + b"\r\n\r\n", 431, b"\n"),
    ],
)
def test_what_is_asked_and_answered(serve: Serve, asked: bytes, status: int, said: bytes) -> None:
    async def scenario(connect: Connect, source: Slow) -> None:
        got, _, body = await answer(await connect(), asked)
        assert (got, body.endswith(said) or said in body) == (status, True)

    serve(scenario)


def test_head_has_no_body(serve: Serve) -> None:
    async def scenario(connect: Connect, source: Slow) -> None:
        talk = await connect()
        status, head, _ = await answer(talk, GET.replace(b"GET", b"HEAD"))
        assert status == 200 and b"Content-Length: 0" not in head
        assert (await answer(talk, GET))[0] == 200  # nothing of a body stood between

    serve(scenario)


def test_a_connection_serves_many_scrapes(serve: Serve) -> None:
    async def scenario(connect: Connect, source: Slow) -> None:
        talk = await connect()
        assert [(await answer(talk, GET))[0] for _ in range(3)] == [200, 200, 200]

    serve(scenario)


def test_http_1_0_is_answered_and_closed(serve: Serve) -> None:
    async def scenario(connect: Connect, source: Slow) -> None:
        talk = await connect()
        assert (await answer(talk, b"GET /metrics HTTP/1.0\r\n\r\n"))[0] == 200
        assert await talk[0].read() == b""

    serve(scenario)


@pytest.mark.parametrize("begun", [b"", b"GET /metr"])
def test_who_does_not_ask_is_closed(serve: Serve, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(visit, "ASK_S", 0.02)

    async def scenario(connect: Connect, source: Slow) -> None:
        reader, writer = await connect()
        writer.write(begun)
        assert await reader.read() == b""

    serve(scenario)


def test_a_newcomer_takes_the_place_of_the_longest_silent(serve: Serve) -> None:
    async def scenario(connect: Connect, source: Slow) -> None:
        talks = [await connect() for _ in range(MOST_CONNECTIONS)]
        assert (await answer(talks[0], GET))[0] == 200  # so the second is silent the longest
        assert (await answer(await connect(), GET))[0] == 200
        assert await talks[1][0].read() == b""
        assert (await answer(talks[0], GET))[0] == 200

    serve(scenario)


def test_when_all_are_being_served_others_are_told_to_come_again(serve: Serve) -> None:
    async def scenario(connect: Connect, source: Slow) -> None:
        source.may_go.clear()
        served = [asyncio.ensure_future(answer(await connect(), GET)) for _ in range(MOST_CONNECTIONS)]
        visits = source.endpoint._visits
        while len(visits) < MOST_CONNECTIONS or not all(visit.is_served for visit in visits.values()):
            await asyncio.sleep(0)
        assert (await answer(await connect(), GET))[0] == 503
        source.may_go.set()
        assert [status for status, _, _ in await asyncio.gather(*served)] == [200] * MOST_CONNECTIONS

    serve(scenario)


def test_figures_that_cannot_be_read_are_a_500_and_a_line(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(connect: Connect, source: Slow) -> None:
        talk = await connect()
        source.fails = True
        assert (await answer(talk, GET))[0] == 500
        source.fails = False
        assert (await answer(talk, GET))[0] == 200

    serve(scenario)
    assert "a scrape failed" in caplog.text


def test_a_stop_ends_what_is_being_served(serve: Serve) -> None:
    async def scenario(connect: Connect, source: Slow) -> None:
        source.may_go.clear()
        _, writer = await connect()
        writer.write(GET)
        await asyncio.sleep(0)

    serve(scenario)


@pytest.mark.parametrize("turns", range(6))
def test_who_comes_while_it_stops_is_not_served(turns: int) -> None:
    async def run() -> None:
        source = Slow()
        source.may_go.clear()  # whoever asks for figures waits for ever
        sock = socket.create_server(("127.0.0.1", 0))
        await source.endpoint.start(sock)
        with socket.create_connection(sock.getsockname()) as peer:
            peer.sendall(GET)
            peer.setblocking(False)
            for _ in range(turns):  # so far the loop has come with taking the connection
                await asyncio.sleep(0)
            await source.endpoint.stop()
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(peer, 1), 5) == b""

    uvloop.run(run())


def test_who_is_sent_away_at_once_leaves_no_trace() -> None:
    async def run() -> None:
        endpoint = Slow().endpoint
        peers, talks = [], []
        for _ in range(MOST_CONNECTIONS + 4):
            ours, theirs = socket.socketpair()
            peers.append(await asyncio.open_connection(sock=theirs))
            talks.append(await asyncio.open_connection(sock=ours))
        for talk in talks:  # in one turn of the loop: of those who are sent away no task has begun
            endpoint._come(*talk)
        for reader, _ in peers[:4]:
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert (len(endpoint._visits), len(endpoint._leaving)) == (MOST_CONNECTIONS, 0)
        await endpoint.stop()
        for _, writer in peers:
            writer.close()

    asyncio.run(run())
