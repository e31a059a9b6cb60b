"""The name server's state as figures to read, for the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy.protocol.codes import RequestCode

if TYPE_CHECKING:
    from rocketpy.namesrv.name_server import NameServer


class Figures:
    """Of one name server that serves."""

    def __init__(self, server: NameServer) -> None:
        self._server = server

    @property
    def connections(self) -> int:
        return self._server.connection_count

    @property
    def broker_addresses(self) -> int:
        return len(self._server.routes.live)

    @property
    def broker_names(self) -> int:
        return len(self._server.routes.brokers)

    @property
    def clusters(self) -> int:
        return len(self._server.routes.clusters)

    @property
    def topic_count(self) -> int:
        return len(self._server.routes.topics)

    @property
    def route_changes(self) -> int:
        return self._server.routes.changes

    def requests(self) -> list[tuple[str, str, int]]:
        """(code, its name, how many were served)."""
        return [(str(code), RequestCode(code).name, count) for code, count in self._server.served.items()]
