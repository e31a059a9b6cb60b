"""One run of the tool: the name servers it asks, the account it signs with, the clients it opened.

Invariant: every client that was opened here is closed when the session ends; nothing is asked before a command asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from rocketpy.admin.command import CommandFailed
from rocketpy.client.admin import Admin
from rocketpy.client.calls import Calls, addresses_of
from rocketpy.client.credentials import TOOLS_FILE, Credentials, read_credentials
from rocketpy.client.producer import Producer
from rocketpy.client.pull_consumer import PullConsumer
from rocketpy.config.environment import Environment

C = TypeVar("C", bound=Calls)
TIMEOUT_MS = 5_000  # DefaultMQAdminExt's
LONG_TIMEOUT_MS = 3 * TIMEOUT_MS
NO_NAME_SERVER = "no name server is given: use -n host:port;host:port, or set NAMESRV_ADDR"


class Session:
    """What a command works with.

    `asked`: the value of -n; `progress_shown`: stderr is a terminal; `goes_to_broker`: the command has a broker's
    address, and may do without name servers.
    """

    def __init__(
        self, asked: str | None = None, environment: Environment | None = None,
        *, progress_shown: bool = False, goes_to_broker: bool = False,
    ) -> None:
        self.environment = environment or Environment()
        self.asked = addresses_of(asked or "")
        self.name_servers = self.asked or addresses_of(self.environment.namesrv_addr or "")
        self.progress_shown = progress_shown
        self._goes_to_broker = goes_to_broker
        self._clients: list[Calls] = []
        self._admin: Admin | None = None
        self._surroundings: tuple[Credentials | None, ssl.SSLContext | None] | None = None

    @property
    def admin(self) -> Admin:
        """The client for everything but messages."""
        if self._admin is None:
            self._admin = self._kept(Admin(self._namesrv_addr(), **self._common()))
        return self._admin

    def producer(self, group: str) -> Producer:
        """A producer of a group, closed with the session."""
        return self._kept(Producer(self._namesrv_addr(), group, **self._common()))

    def consumer(self, group: str) -> PullConsumer:
        """A pull consumer of a group, closed with the session."""
        return self._kept(PullConsumer(self._namesrv_addr(), group, **self._common()))

    async def ask_address_server(self) -> None:
        """Take the name servers from the address server of -Drocketmq.namesrv.domain, when nothing else names any."""
        properties = self.environment.system_properties
        if self.name_servers or "rocketmq.namesrv.domain" not in properties:
            return
        from rocketpy.remoting.address_server import AddressServer, AddressServerError, address_server_url

        url = address_server_url(properties)
        try:
            self.name_servers = await AddressServer(url).fetch()
        except AddressServerError as fault:
            raise CommandFailed(f"{url} gives no name servers: {fault}") from None

    async def wait(self, seconds: float) -> None:
        """Wait between two rounds of a command that goes on."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close what was opened."""
        for client in self._clients:
            await client.close()

    @contextlib.contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Any]:
        """Shows on a terminal's stderr how far a long command is: `with … as step: step()`."""
        if not self.progress_shown:
            yield lambda: None
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task(what, total=total)
            yield lambda: shown.advance(task)

    def _namesrv_addr(self) -> str:
        if not self.name_servers and not self._goes_to_broker:
            raise CommandFailed(NO_NAME_SERVER)
        return ";".join(self.name_servers)

    def _common(self) -> dict[str, Any]:
        if self._surroundings is None:
            self._surroundings = (credentials(self.environment), tls(self.environment))
        account, context = self._surroundings
        return {"timeout_ms": TIMEOUT_MS, "credentials": account, "tls": context}

    def _kept(self, client: C) -> C:
        self._clients.append(client)
        return client


def credentials(environment: Environment) -> Credentials | None:
    """The account of $ROCKETMQ_HOME/conf/tools.yml. CredentialsFault when the file cannot be used."""
    home = environment.lookup("rocketmq.home.dir", "ROCKETMQ_HOME")
    return read_credentials(Path(home) / TOOLS_FILE) if home else None


def tls(environment: Environment) -> ssl.SSLContext | None:
    """What connections speak when -Dtls.enable=true stands in JAVA_OPT, as upstream's clients."""
    from rocketpy.config.tls import tls_settings, uses_tls

    if not uses_tls(environment):
        return None
    from rocketpy.remoting.tls_context import TlsError, client_context

    try:
        return client_context(tls_settings(environment).config)
    except TlsError as fault:
        raise CommandFailed(f"TLS: {fault}, or leave out -Dtls.enable=true") from None
