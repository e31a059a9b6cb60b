"""Which clients produce for which group: who the broker may ask about a half message.

Invariant: a group stands in the table exactly while it has a client, and a client exactly while its connection is open
and its last heartbeat is at most 120 s old.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from rocketpy.broker.clients import CLIENT_EXPIRES_MS, Channel, Client
from rocketpy.clock import Clock

PROBES = 3

log = logging.getLogger("RocketmqBroker")


class Producers:
    """The registry: group -> connection -> client."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._groups: dict[str, dict[Channel, Client]] = {}
        self._groups_of: dict[Channel, set[str]] = {}
        self._in_turn: dict[str, list[Channel]] = {}  # a group's connections once more, to be asked in turn
        self._turn = 0

    def register(self, group: str, client: Client) -> None:
        """A heartbeat names the group."""
        clients = self._groups.setdefault(group, {})
        known = clients.get(client.connection)
        if known is None:
            known = clients[client.connection] = client
            self._in_turn.pop(group, None)
            self._groups_of.setdefault(client.connection, set()).add(group)
            log.info("new producer connected, group: %s channel: %s", group, client)
        known.last_update_ms = self._clock.now_ms()

    def unregister(self, group: str, connection: Channel) -> None:
        """The client says good-bye to the group."""
        if self._remove(group, connection):
            log.info("unregister a producer[%s] from group %s", connection.address, group)

    def connection_closed(self, connection: Channel) -> None:
        """Forget a client in all its groups."""
        for group in sorted(self._groups_of.get(connection, ())):
            self._remove(group, connection)
            log.info("producer[%s] gone from group %s", connection.address, group)

    def expire(self) -> None:
        """Forget clients that are silent for 120 s, and close their connections."""
        last_ms = self._clock.now_ms() - CLIENT_EXPIRES_MS
        for group, clients in list(self._groups.items()):
            for client in [client for client in clients.values() if client.last_update_ms < last_ms]:
                log.warning("SCAN: remove expired producer[%s] from group %s", client, group)
                self._remove(group, client.connection)
                client.connection.close()

    def _remove(self, group: str, connection: Channel) -> bool:
        clients = self._groups.get(group, {})
        gone = clients.pop(connection, None)
        self._in_turn.pop(group, None)
        if not clients:
            self._groups.pop(group, None)
        groups = self._groups_of.get(connection, set())
        groups.discard(group)
        if not groups:
            self._groups_of.pop(connection, None)
        return gone is not None

    def available(self, group: str) -> Channel | None:
        """A connection of the group that can be asked; they take turns. None when three in a row are full or closed."""
        clients = self._groups.get(group)
        if clients is None:
            return None
        channels = self._in_turn.get(group)
        if channels is None:
            channels = self._in_turn[group] = list(clients)
        self._turn += 1
        probed = (channels[(self._turn + probe) % len(channels)] for probe in range(PROBES))
        return next((channel for channel in probed if channel.is_writable), None)

    def clients(self, group: str) -> list[Client] | None:
        """The group's clients; None when there is no such group."""
        clients = self._groups.get(group)
        return None if clients is None else list(clients.values())

    @property
    def groups(self) -> Mapping[str, Mapping[Channel, Client]]:
        """The whole table, to read."""
        return self._groups
