"""TLS on a real socket, under both event loops: who is taken in which mode, back-pressure, bad hands, new files."""

import asyncio
import logging
import socket
import ssl
import struct
import sys
from contextlib import asynccontextmanager
from functools import partial

import pytest
import uvloop

from rocketpy._core.command import Command, request, response
from rocketpy.clock import ManualClock
from rocketpy.config.tls import ClientAuth, TlsConfig, TlsMode, TlsSettings
from rocketpy.errors import RemotingConnectError, RemotingError, StartRefused
from rocketpy.remoting import tls as tls_module
from rocketpy.remoting.client import RemotingClient
from rocketpy.remoting.server import RemotingServer, bind
from rocketpy.remoting.tls import Tls
from rocketpy.remoting.tls_context import client_context
from tests.certificates import Authority
from tests.symptoms import said

ECHO, BIG, ASK, HOLD = range(1, 5)
BIG_SIZE = 1 << 20
HELD = []


async def ask(connection, request):
    return await connection.invoke(Command(ECHO, body=b"from the server"), 1_000)


TABLE = {
    ECHO: lambda connection, request: response(0, body=request.body),
    BIG: lambda connection, request: response(0, body=bytes(BIG_SIZE)),
    ASK: ask,
    HOLD: lambda connection, request: HELD.append((connection, request)),
}
ANYONE = TlsConfig()


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    if request.param == "asyncio" and sys.version_info < (3, 11):
        pytest.skip("servers run on uvloop; that TLS of asyncio cannot be given bytes read before")
    return uvloop.run if request.param == "uvloop" else asyncio.run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


def server_settings(authority, mode=TlsMode.PERMISSIVE, name="server", **more):
    certificate, key = authority.pair(name)
    return TlsConfig(config_file="", test_mode_enable=False, server_mode=mode, server_cert_path=str(certificate),
                     server_key_path=str(key), **more)


@asynccontextmanager
async def served(config, **options):
    """A server on a free port with its address in `server.at`."""
    sock = bind("127.0.0.1", 0)
    tls = Tls(TlsSettings(config))
    tls.load()
    server = RemotingServer(TABLE, name="server", tls=tls, **options)
    await server.start([sock])
    server.at = f"127.0.0.1:{sock.getsockname()[1]}"
    try:
        yield server
    finally:
        await server.stop()
        assert not server.connections


@asynccontextmanager
async def calling(config=None, **options):
    """A client that speaks TLS with these settings, or plain."""
    client = RemotingClient({ECHO: TABLE[ECHO]}, tls=client_context(config) if config else None, **options)
    try:
        yield client
    finally:
        await client.close()


async def echo(server, config=None):
    async with calling(config) as client:
        return (await client.invoke(server.at, request(ECHO, body=b"x"))).body


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


async def raw(server, context=None):
    host, port = server.at.split(":")
    return await asyncio.open_connection(host, int(port), ssl=context)


async def read_frame(reader):
    size = struct.unpack(">I", await reader.readexactly(4))[0]
    return Command.decode(struct.pack(">I", size) + await reader.readexactly(size))


def test_permissive_takes_plain_and_tls_on_one_port(run, authority):
    async def main():
        async with served(server_settings(authority)) as server, calling() as plain, calling(ANYONE) as secure:
            for client in (plain, secure, plain, secure):
                bodies = [(ECHO, b"x"), (ASK, b"from the server"), (BIG, bytes(BIG_SIZE)), (ECHO, b"y" * 70_000)]
                for code, body in bodies:
                    sent = body if code == ECHO else b""
                    assert (await client.invoke(server.at, request(code, body=sent))).body == body

    run(main())


def test_enforcing_closes_plain_peers_with_one_line(run, authority, caplog):
    async def main():
        async with served(server_settings(authority, TlsMode.ENFORCING)) as server:
            with pytest.raises(RemotingError):
                await echo(server)
            assert await echo(server, ANYONE) == b"x"

    with caplog.at_level(logging.WARNING):
        run(main())
    assert [told.split(", ")[1] for told in caplog.messages] == ["which speaks no TLS: tls.server.mode is enforcing"]
    said("RemotingSendRequestException, connections are closed at once", *caplog.messages)


def test_disabled_closes_tls_peers_with_one_line(run, authority, caplog):
    async def main():
        async with served(server_settings(authority, TlsMode.DISABLED)) as server:
            with pytest.raises(RemotingConnectError):
                await echo(server, ANYONE)
            assert await echo(server) == b"x"

    with caplog.at_level(logging.WARNING, "RocketmqRemoting"):
        run(main())
    assert [told.split(", ")[1] for told in caplog.messages] == ["which speaks TLS: tls.server.mode is disabled"]


def test_test_mode_makes_its_own_pair_for_the_first_peer(monkeypatch):
    made = []
    make = tls_module.server_context
    monkeypatch.setattr(tls_module, "server_context", lambda config: made.append(1) or make(config))

    async def main():
        async with served(TlsConfig(config_file="")) as server:
            assert await echo(server) == b"x"
            assert made == []
            assert await asyncio.gather(*(echo(server, ANYONE) for _ in range(3))) == [b"x"] * 3
            assert made == [1]

    uvloop.run(main())


def hello_of_tls_1_0() -> bytes:
    body = b"\x03\x01" + bytes(32) + b"\0" + b"\0\2\0\x2f" + b"\1\0"
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


def test_old_protocols_are_refused(run, authority, caplog):
    async def main():
        async with served(server_settings(authority)) as server:
            _, new = await raw(server, client_context(ANYONE))
            assert new.get_extra_info("ssl_object").version() == "TLSv1.3"
            new.close()
            reader, old = await raw(server)
            old.write(hello_of_tls_1_0())
            assert await reader.read(100) == b""
            old.close()

    run(main())
    assert "no TLS with it: unsupported protocol" in caplog.text


def mutual(authority, auth, **more):
    return server_settings(authority, server_need_client_auth=auth, server_auth_client=True,
                           server_trust_cert_path=str(authority.path), **more)


def with_certificate(authority, name):
    certificate, key = authority.pair(name)
    return TlsConfig(test_mode_enable=False, client_cert_path=str(certificate), client_key_path=str(key))


def test_clients_are_asked_for_certificates(run, authority, folder):
    stranger = with_certificate(Authority(folder / "strangers", "stranger"), "mallory")
    friend = with_certificate(authority, "alice")

    async def is_taken(server, who):
        try:
            return await echo(server, who) == b"x"
        except RemotingError:
            return False

    async def main():
        async with served(mutual(authority, ClientAuth.REQUIRE)) as server:
            assert [await is_taken(server, who) for who in (friend, stranger, ANYONE)] == [True, False, False]
        async with served(mutual(authority, ClientAuth.OPTIONAL)) as server:
            assert [await is_taken(server, who) for who in (friend, stranger, ANYONE)] == [True, False, True]
        async with served(mutual(authority, ClientAuth.NONE)) as server:
            assert [await is_taken(server, who) for who in (friend, stranger, ANYONE)] == [True, True, True]

    run(main())


def test_a_client_verifies_the_server_if_it_is_to(run, authority, folder):
    strangers = Authority(folder / "strangers", "stranger")

    async def main():
        async with served(server_settings(authority)) as server:
            trusting = partial(TlsConfig, test_mode_enable=False, client_auth_server=True)
            assert await echo(server, trusting(client_trust_cert_path=str(authority.path))) == b"x"
            with pytest.raises(RemotingConnectError, match="certificate verify failed"):
                await echo(server, trusting(client_trust_cert_path=str(strangers.path)))

    run(main())


def test_a_handshake_in_single_bytes_and_requests_right_behind_it(run, authority):
    """Frames may come with the last bytes of the handshake, before the server knows that it is done."""

    async def main():
        async with served(server_settings(authority)) as server:
            reader, writer = await raw(server)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = client_context(ANYONE).wrap_bio(incoming, outgoing)
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        writer.write(bytes([byte]))
                        await writer.drain()
                    incoming.write(await reader.read(65536))
            session.write(b"".join(Command(ECHO, opaque=n, body=b"x").encode() for n in range(50)))
            writer.write(outgoing.read())
            plain = b""
            while plain.count(b'"opaque":') < 50:
                try:
                    plain += session.read(65536)
                except ssl.SSLWantReadError:
                    incoming.write(await reader.read(65536))
            writer.close()

    run(main())


@pytest.mark.parametrize("size", [1, 70_000, 300_000, 3_000_000])
def test_a_body_of_any_size_comes_through(run, authority, size):
    async def main():
        async with served(server_settings(authority)) as server, calling(ANYONE) as client:
            body = bytes(range(256)) * (size // 256 + 1)
            assert (await client.invoke(server.at, request(ECHO, body=body))).body == body

    run(main())


def test_a_held_request_is_answered_later(run, authority):
    async def main():
        HELD.clear()
        async with served(server_settings(authority)) as server, calling(ANYONE) as client:
            answer = asyncio.ensure_future(client.invoke(server.at, request(HOLD)))
            await until(lambda: HELD)
            connection, held = HELD.pop()
            connection.reply(held, response(0, body=b"now"))
            assert (await answer).body == b"now"

    run(main())


def test_a_peer_that_does_not_read_is_not_read_from_either(run, authority):
    async def main():
        async with served(server_settings(authority)) as server:
            reader, writer = await raw(server, client_context(ANYONE))
            writer.transport.pause_reading()
            count = 16
            for n in range(count):
                writer.write(Command(BIG, opaque=n).encode())
            await until(lambda: server.connections and server.connections[0].reads)
            connection = server.connections[0]
            waiting = connection.transport.get_write_buffer_size
            before = -1
            while waiting() != before:
                before = waiting()
                await asyncio.sleep(0.02)
            assert waiting() < 3 * BIG_SIZE < count * BIG_SIZE / 2
            writer.transport.resume_reading()
            for n in range(count):
                answer = await read_frame(reader)
                assert (answer.opaque, len(answer.body)) == (n, BIG_SIZE)
            writer.close()

    run(main())


@pytest.mark.parametrize(
    "first",
    [b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ids=["one byte", "half a hello"],
)
def test_half_a_handshake_ends_at_its_time(run, authority, monkeypatch, caplog, first):
    monkeypatch.setattr(tls_module, "HANDSHAKE_S", 0.05)

    async def main():
        async with served(server_settings(authority)) as server:
            reader, writer = await raw(server)
            writer.write(first)
            assert await reader.read(100) == b""
            await until(lambda: not server.connections)
            writer.close()

    run(main())
    assert "no TLS with it: SSL handshake is taking longer than" in caplog.text


def test_a_peer_that_says_nothing_is_closed_as_any_idle_one(run, authority):
    async def main():
        clock = ManualClock()
        async with served(server_settings(authority, TlsMode.ENFORCING), clock=clock) as server:
            reader, writer = await raw(server)
            await until(lambda: server.connections)
            clock.advance(120_000)
            server.sweep()
            assert await reader.read(100) == b""
            writer.close()

    run(main())


@pytest.mark.parametrize("rest", [b"", b"\x03\x01\x00\x05hello", bytes(300_000), b"\x03\x03\xff\xff" + bytes(100)])
def test_what_is_no_handshake_is_closed(run, authority, rest):
    async def main():
        async with served(server_settings(authority)) as server:
            reader, writer = await raw(server)
            writer.write(b"\x16" + rest)
            if not rest:
                writer.write_eof()
            try:
                while await reader.read(1000):
                    pass
            except ConnectionResetError:
                pass
            await until(lambda: not server.connections)
            writer.close()
            assert await echo(server, ANYONE) == b"x"

    run(main())


def test_a_stop_in_mid_handshake_leaves_nothing(run, authority):
    async def main():
        async with served(server_settings(authority)) as server:
            _, writer = await raw(server)
            writer.write(b"\x16\x03\x01")
            await until(lambda: server.connections and server.connections[0].reads)
            await asyncio.sleep(0)
            await server.stop()
            assert not server.connections
            writer.close()

    run(main())


def serial(server_at, context):
    """The name in the certificate the server shows now."""
    host, port = server_at.split(":")
    with socket.create_connection((host, int(port))) as sock, context.wrap_socket(sock) as secure:
        return dict(pair[0] for pair in secure.getpeercert()["subject"])["commonName"]


def test_new_files_are_for_new_connections(run, authority, folder, caplog):
    context = client_context(TlsConfig(test_mode_enable=False, client_auth_server=True,
                                       client_trust_cert_path=str(authority.path)))

    async def main():
        config = server_settings(authority, name="rolled")
        async with served(config) as server, calling(ANYONE) as old:
            connection = await old.connect(server.at)
            tls = server.tls
            shown = partial(asyncio.to_thread, serial, server.at, context)
            assert await shown() == "rolled"
            Authority(folder, "authority").pair("fresh")
            (folder / "fresh.crt").replace(folder / "rolled.crt")
            await tls.look()
            assert await shown() == "rolled"
            assert "rolled.key is not the key of" in caplog.text
            (folder / "fresh.key").replace(folder / "rolled.key")
            await tls.look()
            assert await shown() == "fresh"
            (folder / "rolled.key").write_text("broken\n")
            await tls.look()
            await tls.look()
            assert await shown() == "fresh"
            (folder / "rolled.key").unlink()
            await tls.look()
            assert await shown() == "fresh"
            assert (await connection.invoke(request(ECHO, body=b"x"), 1_000)).body == b"x"

    run(main())
    assert [r.levelname for r in caplog.records if "TLS: changed" in r.getMessage()] == ["WARNING"] * 2


def test_the_files_are_looked_at_by_themselves(run, authority, monkeypatch):
    monkeypatch.setattr(tls_module, "WATCH_S", 0.001)

    async def main():
        async with served(server_settings(authority, name="watched")) as server:
            before = server.tls._context
            authority.pair("watched")
            await until(lambda: server.tls._context is not before)

    run(main())


def test_new_settings_are_read_with_the_files(run, authority, folder):
    """As upstream, which reads tls.properties again for every new context: a new key may have a new password."""

    async def main():
        settings = [TlsSettings(server_settings(authority, name="again"))]
        tls = Tls(settings[0], lambda: settings[-1])
        tls.load()
        before = tls._context
        certificate, key = authority.pair("again", "new-password")
        settings.append(TlsSettings(TlsConfig(test_mode_enable=False, server_cert_path=str(certificate),
                                              server_key_path=str(key), server_key_password="new-password")))
        await tls.look()
        assert tls._context is not before
        assert tls.config.server_key_password == "new-password"

    run(main())


def test_a_start_with_files_that_cannot_be_used_is_refused(authority):
    config = server_settings(authority)
    config.server_key_path = "/nowhere/server.key"
    with pytest.raises(StartRefused, match=r"^TLS: /nowhere/server\.key cannot be read \(No such file"):
        Tls(TlsSettings(config)).load()
    config.server_mode = TlsMode.DISABLED
    tls = Tls(TlsSettings(config))
    tls.load()
