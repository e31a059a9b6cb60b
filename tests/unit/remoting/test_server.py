"""Server and client over a real socket, under both event loops: answers, refusals, order, back-pressure, the end."""

import asyncio
import logging
import socket
import struct
from contextlib import asynccontextmanager

import pytest
import uvloop

from rocketpy._core.command import Command, request, response
from rocketpy.clock import ManualClock
from rocketpy.errors import RemotingConnectError, RemotingSendError, RemotingTimeout, RequestRefused
from rocketpy.remoting.client import RemotingClient
from rocketpy.remoting.loop_watch import LoopWatch
from rocketpy.remoting.server import RemotingServer, bind
from tests.ports import free_port

ECHO, LATE, BOOM, REFUSE, HOLD, BIG, ASK, LONG = range(1, 9)


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    return uvloop.run if request.param == "uvloop" else asyncio.run


async def late(connection, request):
    await asyncio.sleep(0)
    return response(0, body=request.body)


def boom(connection, request):
    raise ZeroDivisionError("by zero")


def refuse(connection, request):
    raise RequestRefused(17, "no such topic")


def big(connection, request):
    return response(0, body=bytes(1 << 20))


async def ask(connection, request):
    return await connection.invoke(Command(ECHO, body=b"from the server"), 1_000)


TABLE = {
    ECHO: lambda connection, request: response(0, ext={"peer": connection.address}, body=request.body),
    LATE: late,
    BOOM: boom,
    REFUSE: refuse,
    HOLD: lambda connection, request: None,
    BIG: big,
    ASK: ask,
}


@asynccontextmanager
async def served(table=TABLE, port=0, **options):
    """A server on a free port, its port, and a client with its address in `client.at`."""
    sock = bind("127.0.0.1", port)
    server = RemotingServer(table, name="server", **options)
    await server.start([sock])
    client = RemotingClient({ECHO: TABLE[ECHO]})
    client.at = f"127.0.0.1:{sock.getsockname()[1]}"
    try:
        yield server, client
    finally:
        await client.close()
        await server.stop()


async def until(condition):
    """Let the loop run until it is so; the test's own time limit ends it otherwise."""
    while not condition():
        await asyncio.sleep(0.001)


async def raw(client):
    """A plain socket to the server."""
    host, port = client.at.split(":")
    return await asyncio.open_connection(host, int(port))


def test_every_kind_of_answer(run, caplog):
    async def main():
        async with served() as (_, client):
            answers = {}
            for code in (ECHO, LATE, BOOM, REFUSE, ASK, 99):
                answer = await client.invoke(client.at, request(code, body=b"x"))
                answers[code] = (answer.code, answer.remark, answer.body)
            assert answers == {
                ECHO: (0, None, b"x"),
                LATE: (0, None, b"x"),
                BOOM: (1, "ZeroDivisionError: by zero", None),
                REFUSE: (17, "no such topic", None),
                ASK: (0, None, b"from the server"),
                99: (3, " request type 99 not supported", None),
            }

    run(main())
    assert any(record.exc_info for record in caplog.records)


def test_a_client_without_a_table_answers_unknown_codes(run):
    async def main():
        async with served({ASK: ask}) as (_, client):
            client.request_table = {}
            answer = await client.invoke(client.at, request(ASK))
            assert (answer.code, answer.remark) == (3, " request type 1 not supported")

    run(main())


def test_who_comes_and_goes_stands_in_the_log(run, caplog):
    caplog.set_level(logging.INFO, "RocketmqRemoting")

    async def main():
        async with served() as (server, client):
            _, writer = await raw(client)
            await until(lambda: server.connections)
            address = server.connections[0].address
            writer.close()
            await until(lambda: not server.connections)
            return address

    address = run(main())
    assert [record.getMessage() for record in caplog.records] == [
        f"server: channelActive, the channel[{address}]",
        f"server: channelInactive, the channel[{address}]",
    ]


def test_one_way_requests_are_never_answered(run):
    async def main():
        async with served() as (server, client):
            reader, writer = await raw(client)
            for code in (ECHO, LATE, BOOM, REFUSE, 99):
                writer.write(Command(code, flag=2).encode())
            writer.write(Command(ECHO, opaque=77).encode())
            size = struct.unpack(">I", await reader.readexactly(4))[0]
            answer = Command.decode(struct.pack(">I", size) + await reader.readexactly(size))
            assert answer.opaque == 77
            assert server.connections[0].attributes == {}
            writer.close()

    run(main())


def test_one_read_of_many_requests_is_answered_by_one_write(run):
    async def main():
        async with served() as (server, client):
            reader, writer = await raw(client)
            frames = b"".join(Command(ECHO, opaque=n, body=b"x").encode() for n in range(200))
            writer.write(frames)
            for n in range(200):
                size = struct.unpack(">I", await reader.readexactly(4))[0]
                assert Command.decode(struct.pack(">I", size) + await reader.readexactly(size)).opaque == n
            connection = server.connections[0]
            assert connection.writes == connection.reads <= 2
            writer.close()

    run(main())


@pytest.mark.parametrize("size", [1, 70_000, 300_000, 3_000_000])
def test_a_body_of_any_size_comes_through_in_pieces(run, size):
    async def main():
        async with served() as (_, client):
            body = bytes(range(256)) * (size // 256 + 1)
            assert (await client.invoke(client.at, request(ECHO, body=body))).body == body
            reader, writer = await raw(client)
            frame = Command(ECHO, opaque=5, body=body[:700]).encode()
            for n in range(len(frame)):
                writer.write(frame[n : n + 1])
                if n % 100 == 0:
                    await asyncio.sleep(0)
            answer_size = struct.unpack(">I", await reader.readexactly(4))[0]
            answer = Command.decode(struct.pack(">I", answer_size) + await reader.readexactly(answer_size))
            assert answer.body == body[:700]
            writer.close()

    run(main())


@pytest.mark.parametrize("data", [b"\xff" * 8, struct.pack(">II", 6, 2 << 24) + b"{}", b"\0\0\0\6\0\0\0\2[]"])
def test_malformed_bytes_close_the_connection_with_one_line(run, caplog, data):
    async def main():
        async with served() as (server, client):
            reader, writer = await raw(client)
            writer.write(Command(ECHO, opaque=1).encode() + data)
            answered = await reader.read()
            assert Command.decode(answered).opaque == 1
            writer.close()
            await until(lambda: not server.connections)

    run(main())
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1 and "malformed frame" in lines[0].getMessage()


def test_a_frame_beyond_the_limit_closes_before_it_is_read(run):
    async def main():
        async with served(frame_limit=10_000) as (_, client):
            reader, writer = await raw(client)
            writer.write(struct.pack(">II", 20_000, 2))
            assert await reader.read() == b""
            writer.close()
            assert (await client.invoke(client.at, request(ECHO, body=bytes(9_000)))).code == 0

    run(main())


def test_a_peer_that_does_not_read_is_not_read_from_and_costs_bounded_memory(run):
    async def main():
        async with served() as (server, client):
            reader, writer = await raw(client)
            wanted = 100
            writer.write(b"".join(Command(BIG, opaque=n).encode() for n in range(wanted)))
            await until(lambda: server.connections and server.connections[0].writes)
            connection = server.connections[0]
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert connection.transport.get_write_buffer_size() < 8 << 20
            size = len(Command(0, body=bytes(1 << 20), flag=1, opaque=10).encode())
            received = sum([len(await reader.readexactly(size - (n < 10))) for n in range(wanted)])
            assert received == wanted * size - 10
            assert connection.is_open
            writer.close()

    run(main())


def test_a_peer_that_is_pushed_to_and_never_reads_is_closed(run, caplog):
    async def main():
        async with served() as (server, client):
            _, writer = await raw(client)
            writer.transport.pause_reading()
            await until(lambda: server.connections)
            connection = server.connections[0]
            for _ in range(120):
                connection.send(Command(ECHO, body=bytes(1 << 20)))
            assert not connection.is_open
            await until(lambda: not server.connections)
            writer.close()

    run(main())
    assert "does not read" in caplog.text


def test_a_peer_with_much_work_leaves_the_others_their_turn(run):
    clock, served_before = ManualClock(), []

    def long(connection, request):
        clock.advance(20)
        served_before.append(request.opaque)
        return response(0)

    async def main():
        async with served({**TABLE, LONG: long}, clock=clock) as (server, client):
            await client.invoke(client.at, request(ECHO))
            reader, writer = await raw(client)
            writer.write(b"".join(Command(LONG, opaque=n).encode() for n in range(1000)))
            while not served_before:
                await asyncio.sleep(0)
            await client.invoke(client.at, request(ECHO))
            assert len(served_before) < 1000
            for n in range(1000):
                size = struct.unpack(">I", await reader.readexactly(4))[0]
                assert Command.decode(struct.pack(">I", size) + await reader.readexactly(size)).opaque == n
            assert server.connections[-1].is_open
            writer.close()

    run(main())
    assert served_before == list(range(1000))


def test_what_is_left_of_a_turn_waits_and_says_so(run):
    clock, served_before = ManualClock(), []

    def long(connection, request):
        clock.advance(20)
        served_before.append(request.opaque)
        return response(0)

    async def main():
        async with served({**TABLE, LONG: long}, clock=clock, watch=LoopWatch(60_000, clock)) as (server, client):
            _, writer = await raw(client)
            await until(lambda: server.connections)
            (connection,) = server.connections
            assert connection.backlog == ([], 0)
            writer.write(b"".join(Command(LONG, opaque=n).encode() for n in range(20)))
            while not served_before:
                await asyncio.sleep(0)
            codes, since_ms = connection.backlog
            assert codes == [LONG] * (20 - len(served_before)) and codes
            assert since_ms == clock.monotonic_ms()
            await until(lambda: len(served_before) == 20)
            assert connection.backlog == ([], 0)
            writer.close()

    run(main())


def test_output_stays_in_order_when_the_socket_is_full(run):
    async def main():
        async with served() as (server, client):
            reader, writer = await raw(client)
            await until(lambda: server.connections)
            connection = server.connections[0]
            bodies = [bytes([n]) * (n * 3_000) for n in range(1, 150)]
            for body in bodies:
                connection.send(Command(ECHO, body=body))
            for body in bodies:
                size = struct.unpack(">I", await reader.readexactly(4))[0]
                assert Command.decode(struct.pack(">I", size) + await reader.readexactly(size)).body == body
            writer.close()

    run(main())


def test_too_much_work_under_way_stops_reading(run):
    async def main():
        gate = asyncio.Event()
        started = []

        async def wait(connection, request):
            started.append(request.opaque)
            await gate.wait()
            return response()

        async with served({1: wait}) as (_, client):
            reader, writer = await raw(client)
            writer.write(b"".join(Command(1, opaque=n).encode() for n in range(5_000)))
            await until(lambda: len(started) >= 4096)
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert len(started) == 4096
            gate.set()
            seen = set()
            for _ in range(5_000):
                size = struct.unpack(">I", await reader.readexactly(4))[0]
                seen.add(Command.decode(struct.pack(">I", size) + await reader.readexactly(size)).opaque)
            assert seen == set(range(5_000))
            writer.close()

    run(main())


def test_idle_connections_are_closed_by_the_sweep(run):
    async def main():
        clock = ManualClock()
        async with served(clock=clock) as (server, client):
            first = await client.connect(client.at)
            await until(lambda: server.connections)
            clock.advance(60_000)
            await client.invoke(client.at, request(ECHO))
            clock.advance(119_999)
            server.sweep()
            assert first.is_open and server.connections
            clock.advance(1)
            server.sweep()
            await until(lambda: not first.is_open)
            assert (await client.invoke(client.at, request(ECHO))).code == 0

    run(main())


def test_closing_tells_the_rooms_above_and_ends_calls_under_way(run):
    async def main():
        made, lost = [], []
        async with served(on_connect=made.append, on_close=lost.append) as (_, client):
            with pytest.raises(RemotingTimeout):
                await client.invoke(client.at, request(HOLD), 20)
            call = asyncio.ensure_future(client.invoke(client.at, request(HOLD), 5_000))
            await until(lambda: made and made[0].reads == 2)
            made[0].close()
            with pytest.raises(RemotingSendError):
                await call
            await until(lambda: lost)
            assert lost == made and not made[0].is_open
            made[0].reply(request(HOLD), response())
            made[0].write_late(b"never sent")

    run(main())


def test_an_address_nobody_listens_at_is_a_named_error(run):
    async def main():
        sock = bind("127.0.0.1", 0)
        client = RemotingClient()
        for address in (f"127.0.0.1:{sock.getsockname()[1]}", "nonsense", "127.0.0.1:x", "127.0.0.1:70000"):
            with pytest.raises(RemotingConnectError):
                await client.invoke(address, request(ECHO))
        sock.close()
        await client.close()

    run(main())


def test_binary_headers_are_answered_in_the_servers_own_encoding(run):
    async def main():
        for kind in (0, 1):
            async with served(serialize_type=kind) as (_, client):
                reader, writer = await raw(client)
                writer.write(Command(ECHO, opaque=9).encode(1 - kind))
                prefix = await reader.readexactly(8)
                assert prefix[4] == kind
                writer.close()

    run(main())


@pytest.mark.parametrize(("variable", "byte"), [("JSON", 0), ("ROCKETMQ", 1)])
def test_a_client_writes_headers_as_its_process_is_told(run, monkeypatch, variable, byte):
    monkeypatch.delenv("JAVA_OPT", raising=False)
    monkeypatch.setenv("ROCKETMQ_SERIALIZE_TYPE", variable)

    async def main():
        prefix = asyncio.get_running_loop().create_future()

        async def take(reader, writer):
            prefix.set_result(await reader.readexactly(8))
            writer.close()

        async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
            client = RemotingClient()
            await client.oneway(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", request(ECHO))
            assert (await prefix)[4] == byte
            await client.close()

    run(main())


def test_more_sockets_may_have_another_table(run):
    async def main():
        async with served() as (server, client):
            sock = bind("127.0.0.1", 0)
            await server.listen([sock], {ECHO: REFUSED})
            port = sock.getsockname()[1]
            assert (await client.invoke(f"127.0.0.1:{port}", request(ECHO))).code == 16
            assert (await client.invoke(client.at, request(ECHO))).code == 0
            assert len(server.connections) == 2

    run(main())


def REFUSED(connection, request):
    return response(16)


def test_a_server_keeps_its_port_to_itself_and_gives_it_back(run):
    async def main():
        port = free_port()
        async with served(port=port) as (_, client):
            await client.invoke(client.at, request(ECHO))
        sock = bind("127.0.0.1", port)
        assert sock.getsockname()[1] == port
        sock.close()

    run(main())


def test_born_host_is_the_peers_address_as_on_disk(run):
    async def main():
        async with served() as (server, client):
            connection = await client.connect(client.at)
            await until(lambda: server.connections)
            peer = server.connections[0]
            name = connection.transport.get_extra_info("sockname")
            assert (peer.ip, peer.port) == name
            assert peer.born_host == socket.inet_aton("127.0.0.1") + struct.pack(">i", name[1])
            peer.note_peer(("::ffff:10.0.0.7", 80, 0, 0))
            assert (peer.address, peer.born_host) == ("10.0.0.7:80", b"\x0a\0\0\7\0\0\0\x50")
            peer.note_peer(("fe80::1", 80, 0, 0))
            assert peer.born_host == b"\0\0\0\0\0\0\0\x50"

    run(main())


def test_a_stop_answers_what_is_under_way(run):
    async def main():
        opened = asyncio.Event()

        async def wait(connection, request):
            await opened.wait()
            return response(0, body=b"after all")

        async with served({1: wait}) as (server, client):
            call = asyncio.ensure_future(client.invoke(client.at, request(1)))
            await until(lambda: server.connections and server.connections[0].reads)
            stopping = asyncio.ensure_future(server.stop())
            await asyncio.sleep(0)
            opened.set()
            assert (await call).body == b"after all"
            await stopping
            assert not server.connections

    run(main())
