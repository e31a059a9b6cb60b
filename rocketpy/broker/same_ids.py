"""Two clients of a consumer group under one id, and the line in the log that names them.

Each member computes its share of the queues from the ids of all: two with one id take the same queues, and nobody takes
the others. It happens in containers, where address and process number, which make the id, are often alike. A client
that comes back over a new connection is no second one: both must have sent a heartbeat since the other's last. Looking
costs the same for two members and for ten thousand; a group has a line a minute at most.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rocketpy.broker.clients import Channel, Client

log = logging.getLogger("RocketmqBroker")

QUIET_MS = 60_000


class SameIds:
    """The members of one group by id."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._holders: dict[str, dict[Channel, Client]] = {}
        self._quiet_until_ms = 0

    def join(self, client: Client) -> None:
        """A member is new."""
        self._holders.setdefault(client.client_id, {})[client.connection] = client

    def leave(self, client: Client) -> None:
        """A member is gone, or has another id now."""
        holders = self._holders.get(client.client_id, {})
        holders.pop(client.connection, None)
        if not holders:
            self._holders.pop(client.client_id, None)

    def hear(self, client: Client, now_ms: int) -> None:
        """A member's heartbeat, before its time is noted."""
        holders = self._holders.get(client.client_id, {})
        if len(holders) < 2 or now_ms < self._quiet_until_ms:
            return
        twin = max((other for other in holders.values() if other is not client), key=lambda each: each.last_update_ms)
        if twin.last_update_ms <= client.last_update_ms:
            return
        self._quiet_until_ms = now_ms + QUIET_MS
        log.warning(
            "two clients of group %s have the id %s, %s and %s: they take the same queues, and nobody the others; "
            "give each an instanceName or a clientIP of its own",
            self._group, client.client_id, client.connection.address, twin.connection.address,
        )  # fmt: skip
