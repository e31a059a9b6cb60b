"""A server and its metrics endpoint as one: they start and stop together.

Invariant: the endpoint's port is bound before the server touches anything, so that a start that is refused for it has
done no harm; and nothing is told before the server serves. Without `metricsPort` there is just the server, and nothing
of this is imported.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from rocketpy.launch import Server, announce

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.config import BrokerConfig, NamesrvConfig
    from rocketpy.metrics.families import Source
    from rocketpy.namesrv.name_server import NameServer

T = TypeVar("T", bound=Server)


def measured_broker(broker: Broker, log: logging.Logger) -> Server:
    """The broker, with an endpoint where metricsPort says so."""
    return Measured(broker, broker.config, broker_sources, log) if broker.config.metrics_port else broker


def measured_name_server(server: NameServer, log: logging.Logger) -> Server:
    """The name server, with an endpoint where metricsPort says so."""
    return Measured(server, server.config, name_server_sources, log) if server.config.metrics_port else server


def broker_sources(broker: Broker) -> list[Source]:
    """All that a broker tells."""
    from rocketpy.broker.figures import Figures
    from rocketpy.metrics.broker import BROKER
    from rocketpy.metrics.exporter import ExporterMetrics
    from rocketpy.metrics.own import OwnMetrics
    from rocketpy.metrics.process import ProcessMetrics

    figures = Figures(broker)
    return [ExporterMetrics(figures), OwnMetrics(BROKER, figures), ProcessMetrics("broker")]


def name_server_sources(server: NameServer) -> list[Source]:
    """All that a name server tells."""
    from rocketpy.metrics.name_server import NAME_SERVER
    from rocketpy.metrics.own import OwnMetrics
    from rocketpy.metrics.process import ProcessMetrics
    from rocketpy.namesrv.figures import Figures

    return [OwnMetrics(NAME_SERVER, Figures(server)), ProcessMetrics("namesrv")]


class Measured(Generic[T]):
    """Starts and stops both."""

    def __init__(
        self, server: T, config: BrokerConfig | NamesrvConfig, sources: Callable[[T], list[Source]], log: logging.Logger
    ) -> None:
        from rocketpy.metrics.endpoint import Endpoint
        from rocketpy.metrics.exposition import Exposition

        self._server, self._config, self._log = server, config, log
        self.endpoint = Endpoint(Exposition(sources(server)), log)

    async def start(self) -> None:
        """Bind the endpoint's port, start the server, then tell; StartRefused leaves nothing behind."""
        from rocketpy.remoting.listen import bind

        host, port = self._config.metrics_bind_address, self._config.metrics_port
        sock = bind(host, port, "metricsPort")
        try:
            await self._server.start()
        except BaseException:
            sock.close()
            raise
        await self.endpoint.start(sock)
        announce(f"metrics are at http://{_in_url(host)}:{port}/metrics", self._log)
        if not _is_loopback(host):
            self._log.warning(
                "metricsBindAddress=%s: whoever reaches port %d reads names of topics, groups and clients", host, port
            )

    async def stop(self) -> None:
        """The endpoint first: what it reads goes."""
        await self.endpoint.stop()
        await self._server.stop()


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
