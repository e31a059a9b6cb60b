"""Which client of an orderly consumer group holds which queue; in memory only.

Invariant: a queue has at most one holder; a holder that has not come back for `max_live_ms` may be replaced, and is
forgotten by `expire`, so that queues nobody asks for any more, or that never were, do not stay.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from rocketpy.clock import Clock
from rocketpy.config.environment import Environment
from rocketpy.protocol.bodies import MessageQueue

log = logging.getLogger("RocketmqRebalanceLock")

MAX_LIVE_MS = 60_000


def lock_max_live_ms(environment: Environment) -> int:
    """How long a silent holder keeps its queues."""
    return environment.number("rocketmq.broker.rebalance.lockMaxLiveTime", MAX_LIVE_MS)


@dataclass(slots=True)
class Holder:
    """Who holds a queue, and when it last said so."""

    client_id: str
    last_update_ms: int


class RebalanceLock:
    """The locks of all groups."""

    def __init__(self, clock: Clock, max_live_ms: int = MAX_LIVE_MS) -> None:
        self._clock = clock
        self._max_live_ms = max_live_ms
        self._groups: dict[str, dict[MessageQueue, Holder]] = {}

    def lock_batch(self, group: str, queues: Iterable[MessageQueue], client_id: str) -> set[MessageQueue]:
        """Take or keep what can be had; the queues the client holds now."""
        held = self._groups.setdefault(group, {})
        now_ms = self._clock.now_ms()
        locked = {queue for queue in queues if self._lock(group, held, queue, client_id, now_ms)}
        if not held:
            del self._groups[group]
        return locked

    def _lock(
        self, group: str, held: dict[MessageQueue, Holder], queue: MessageQueue, client_id: str, now_ms: int
    ) -> bool:
        holder = held.get(queue)
        if holder is not None and holder.client_id == client_id:
            holder.last_update_ms = now_ms
            return True
        if holder is not None and now_ms - holder.last_update_ms <= self._max_live_ms:
            log.info("locked by other client. Group: %s %s %s NewClientId: %s", group, queue, holder, client_id)
            return False
        log.info("I got it. Group: %s %s old: %s NewClientId: %s", group, queue, holder, client_id)
        held[queue] = Holder(client_id, now_ms)
        return True

    def unlock_batch(self, group: str, queues: Iterable[MessageQueue], client_id: str) -> None:
        """Give back the client's own queues; those of others stay."""
        held = self._groups.get(group, {})
        for queue in queues:
            holder = held.get(queue)
            if holder is None:
                log.warning("unlockBatch, but mq not locked, Group: %s %s %s", group, queue, client_id)
            elif holder.client_id != client_id:
                log.warning("unlockBatch, but mq locked by other client, Group: %s %s %s", group, queue, holder)
            else:
                del held[queue]
                log.info("unlockBatch, Group: %s %s %s", group, queue, client_id)
        if not held:
            self._groups.pop(group, None)

    def expire(self) -> None:
        """Forget holders that have not come back in time."""
        oldest_ms = self._clock.now_ms() - self._max_live_ms
        for group, held in list(self._groups.items()):
            for queue in [queue for queue, holder in held.items() if holder.last_update_ms < oldest_ms]:
                log.info("expired. Group: %s %s %s", group, queue, held.pop(queue))
            if not held:
                del self._groups[group]
