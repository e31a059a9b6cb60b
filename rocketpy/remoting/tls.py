"""TLS of one process: which peers its server takes, their handshakes, and new files while it runs.

A peer shows by its first byte which of the two it speaks. Invariant: a handshake uses the context of that moment, which
was made of files that fit together; files that cannot be used change nothing. A peer has HANDSHAKE_S for its handshake.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import cast

from rocketpy.config.environment import Environment
from rocketpy.config.tls import TlsConfig, TlsMode, TlsSettings, tls_settings
from rocketpy.errors import StartRefused
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.tls_context import TlsError, client_context, server_context
from rocketpy.remoting.tls_files import WatchedFiles

HANDSHAKE_S = 10.0  # upstream's, which is Netty's
WATCH_S = 0.5       # upstream's

log = logging.getLogger("RocketmqRemoting")


class Tls:
    """The gate of a server's connections, and the maker of contexts for the other direction."""

    def __init__(self, settings: TlsSettings, read_again: Callable[[], TlsSettings] | None = None) -> None:
        self.config = settings.config
        self.remarks = settings.remarks
        self.mode = settings.config.server_mode
        self._read_again = read_again or (lambda: settings)
        self._context: ssl.SSLContext | None = None
        self._making: asyncio.Future[ssl.SSLContext] | None = None
        self._files = WatchedFiles()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, environment: Environment) -> Tls:
        """With the settings of the surroundings. StartRefused when they are none."""
        return cls(tls_settings(environment), lambda: tls_settings(environment))

    # -- contexts

    def load(self) -> None:
        """Read the server's files; StartRefused says which of them cannot be used. Test mode needs none."""
        if self.mode is TlsMode.DISABLED:
            return
        self._files = WatchedFiles(watched_paths(self.config))
        if not self.config.test_mode_enable:
            try:
                self._context = server_context(self.config)
            except TlsError as fault:
                raise StartRefused(f"TLS: {fault}, or give -Dtls.server.mode=disabled") from None

    def client_context(self) -> ssl.SSLContext:
        """For connections of this process to others. StartRefused says which file cannot be used."""
        try:
            return client_context(self.config)
        except TlsError as fault:
            raise StartRefused(f"TLS: {fault}, or set useTLS=false") from None

    async def _current(self) -> ssl.SSLContext:
        """The context of this moment. Test mode makes its pair for the first peer that needs one, and only then."""
        if self._context is not None:
            return self._context
        if self._making is None:
            self._making = asyncio.ensure_future(asyncio.to_thread(server_context, self.config))
        try:
            self._context = await asyncio.shield(self._making)
        finally:
            self._making = None
        return self._context

    # -- peers

    def admits_plain(self, connection: Connection) -> bool:
        """Whether plain peers are served here; one that is not is closed."""
        if self.mode is not TlsMode.ENFORCING:
            return True
        log.warning("closing %s, which speaks no TLS: tls.server.mode is enforcing", connection.address)
        connection.close()
        return False

    def secure(self, connection: Connection, hello: bytes) -> None:
        """Shake hands with a peer whose first bytes these are."""
        if self.mode is TlsMode.DISABLED:
            log.warning("closing %s, which speaks TLS: tls.server.mode is disabled", connection.address)
            connection.close()
            return
        task = asyncio.get_running_loop().create_task(self._secure(connection, hello))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _secure(self, connection: Connection, hello: bytes) -> None:
        try:
            context = await self._current()
            if not connection.is_open:
                return
            transport = await start_tls(connection, context, hello)
        except (OSError, TlsError, ImportError) as fault:
            log.warning("closing %s: no TLS with it: %s", connection.address, reason(fault))
        except Exception:
            log.exception("closing %s: no TLS with it", connection.address)
        else:
            if not transport.is_closing():
                connection.secured(transport)
                return
        connection.abort()
        connection.connection_lost(None)

    # -- new files

    def start(self) -> None:
        """Watch the files that are there."""
        if self.mode is not TlsMode.DISABLED and self._files and self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._keep_watching())

    async def stop(self) -> None:
        """Watch no more. Handshakes end with their connections."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            await self.look()

    async def look(self) -> None:
        """Look at the files once; new ones are for the handshakes that come."""
        changed = await asyncio.to_thread(self._files.changed)
        if not changed:
            return
        try:
            settings, context = await asyncio.to_thread(self._made_again)
        except (TlsError, StartRefused) as fault:
            log.warning("TLS: changed: %s; the files before them stay in force: %s", ", ".join(changed), fault)
            return
        self.config, self._context = settings.config, context
        self._files.watch(watched_paths(self.config))
        log.info("TLS: %s changed: new connections use what is there now", ", ".join(changed))

    def _made_again(self) -> tuple[TlsSettings, ssl.SSLContext | None]:
        settings = self._read_again()
        return settings, None if settings.config.test_mode_enable else server_context(settings.config)


def watched_paths(config: TlsConfig) -> list[str]:
    """Files whose change makes a new context of the server: tls.properties and those it names."""
    pair = () if config.test_mode_enable else (config.server_cert_path, config.server_key_path)
    trust = () if config.test_mode_enable else (config.server_trust_cert_path,)
    return [path for path in (config.config_file, *pair, *trust) if path]


async def start_tls(connection: Connection, context: ssl.SSLContext, hello: bytes) -> asyncio.Transport:
    """The encrypting transport of a connection whose first bytes were read already. OSError when there is none."""
    loop = asyncio.get_running_loop()
    raw, protocol = connection.transport, cast(asyncio.BufferedProtocol, connection)
    # Runs after the transport got its new protocol, and before that one looks at what came and reads on: the loop's
    # next round goes in the order of asking.
    loop.call_soon(feed, raw, hello)
    transport = await loop.start_tls(raw, protocol, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S)
    if transport is None:
        raise ConnectionAbortedError("the connection was closed")
    return transport


def feed(transport: asyncio.Transport, data: bytes) -> None:
    """Give a transport's protocol bytes as if they were read now; uvloop's TLS takes them, asyncio's since 3.11."""
    protocol = cast("asyncio.BufferedProtocol | None", transport.get_protocol())
    while data and protocol is not None:
        window = memoryview(protocol.get_buffer(len(data)))
        size = min(len(window), len(data))
        window[:size] = data[:size]
        protocol.buffer_updated(size)
        data = data[size:]


def reason(fault: BaseException) -> str:
    """What went wrong with a handshake, in a few words."""
    words = getattr(fault, "reason", None)
    return str(words).lower().replace("_", " ") if words else str(fault) or "the peer closed the connection"
