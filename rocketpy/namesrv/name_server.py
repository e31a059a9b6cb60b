"""The name server: its state, its port and its schedules.

Invariant: the port is bound before the KV file is read, and nothing is served before it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rocketpy.acl.admin_codes import NAME_SERVER, admin_codes
from rocketpy.clock import Clock
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.netty import NettyServerConfig
from rocketpy.namesrv.cluster_test import ClusterTest
from rocketpy.namesrv.kv_config import KVConfig
from rocketpy.namesrv.processors.config import settings_update
from rocketpy.namesrv.request_table import bind as bind_requests
from rocketpy.namesrv.route_info import RouteInfo
from rocketpy.protocol.codes import RequestCode
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.server import RemotingServer
from rocketpy.remoting.server import bind as bind_port
from rocketpy.remoting.tls import Tls

if TYPE_CHECKING:
    from rocketpy.access import Access

log = logging.getLogger("RocketmqNamesrv")

FIRST_SCAN_S, SCAN_S = 5, 10
FIRST_KV_LOG_S, KV_LOG_S = 60, 600


class NameServer:
    """One name server; processors get it whole and use its parts."""

    def __init__(
        self,
        config: NamesrvConfig,
        server_config: NettyServerConfig,
        clock: Clock | None = None,
        tls: Tls | None = None,
    ) -> None:
        self.config = config
        self.server_config = server_config
        clock = clock or Clock()
        self.settings_update = settings_update(config, server_config, clock)
        self.routes = RouteInfo(clock)
        self.access = self._access(clock) if config.acl_strict_admin else None
        self.kv = KVConfig(Path(config.kv_config_path))
        self.tls = tls or Tls.of(server_config.environment)
        self.cluster_test = ClusterTest(config, self.tls) if config.cluster_test else None
        self.port = server_config.listen_port
        self.served: dict[RequestCode, int] = {}
        self._server: RemotingServer | None = None
        self._timers: list[asyncio.TimerHandle] = []

    def _access(self, clock: Clock) -> Access:
        """Access control; only who has it pays for the reader of YAML."""
        from rocketpy.access import Access, acl_file

        return Access(acl_file(self.config.environment), clock, log, admin_codes(NAME_SERVER))

    @property
    def connection_count(self) -> int:
        """Open connections."""
        return 0 if self._server is None else self._server.connection_count

    async def start(self, host: str = "0.0.0.0") -> None:
        """Bind, load, serve; StartRefused leaves nothing behind."""
        if self.access is not None:
            self.access.load(f"aclStrictAdmin=true ({self.config.origin('aclStrictAdmin')})")
        self.tls.load()
        sock = bind_port(host, self.server_config.listen_port)
        try:
            self.kv.load()
        except BaseException:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        self._server = RemotingServer(
            bind_requests(self),
            name="namesrv",
            idle_ms=self.server_config.server_channel_max_idle_time_seconds * 1000,
            tls=self.tls,
            on_close=self.connection_closed,
        )
        await self._server.start([sock])
        if self.cluster_test is not None:
            await self.cluster_test.start()
        self._schedule(FIRST_SCAN_S, SCAN_S, self.routes.expire)
        if self.access is not None:
            self._schedule(self.access.watch_ms / 1000, self.access.watch_ms / 1000, self.access.poll)
        self._schedule(FIRST_KV_LOG_S, KV_LOG_S, self.kv.log_all)

    async def stop(self) -> None:
        """Close the port and every connection."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._server is not None:
            await self._server.stop()
        if self.cluster_test is not None:
            await self.cluster_test.stop()

    def connection_closed(self, connection: Connection) -> None:
        """A broker that is gone has no routes from now on."""
        self.routes.connection_closed(connection, connection.address)

    def _schedule(self, first_s: float, period_s: float, action: Callable[[], None]) -> None:
        """Run `action` again and again; one that fails is logged and comes again all the same."""
        loop = asyncio.get_running_loop()
        at = len(self._timers)

        def run() -> None:
            self._timers[at] = loop.call_later(period_s, run)
            try:
                action()
            except Exception:
                log.exception("%s failed", action)

        self._timers.append(loop.call_later(first_s, run))
