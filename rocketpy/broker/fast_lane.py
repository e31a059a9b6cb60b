"""Joins the fast lane to the broker: what it needs from it, and everything that makes it forget.

Invariant: no change of a topic, a group, a subscription or a permission is answered before the lane has forgotten what
it knew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core import fast_lane
from rocketpy._core.command import quote
from rocketpy._core.guarded_lane import GuardedLane
from rocketpy._core.lane import Lane
from rocketpy.broker.lane_rules import LaneRules
from rocketpy.broker.reply_gate import ReplyGate
from rocketpy.remoting.server import configured_serialize_type
from rocketpy.store.put_rules import host_bytes

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker

JSON = 0


class FastLane:
    """The lane of a broker whose store is loaded; `core` is what the server gives its frames to."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        times = broker.stats.send_times
        self._gate = ReplyGate(lambda: broker.store_config.sync_flush_timeout, broker.clock, times)
        self._lane = fast_lane.FastLane(
            broker.store.writer,
            broker.holds.holds,
            LaneRules(broker),
            self._gate,
            host_bytes(broker.store_host),
            _middle(broker.region_ext),
            broker.stats.puts,
            broker.stats.gets,
        )
        self._lane.send_times, self._lane.pull_times = times, broker.stats.pull_times
        broker.store.flusher.on_durable.append(self._gate.open)
        broker.store.flusher.on_refused.append(self._gate.refuse)
        broker.topics.on_change.append(lambda _topic, _config: self.forget_rules())
        broker.groups.on_change.append(self.forget_rules)
        broker.consumers.on_change.append(self.forget_rules)
        broker.filters.on_change.append(lambda _topic: self.forget_rules())
        broker.stats.on_forgotten.append(self.forget_rules)

    @property
    def core(self) -> Lane:
        """The lane, behind access control if there is any; one that serves nothing where replies need ROCKETMQ headers,
        which it does not write.
        """
        if configured_serialize_type() != JSON:
            return Lane()
        access = self._broker.access
        return self._lane if access is None else GuardedLane(self._lane, access)

    @property
    def served(self) -> int:
        """Requests that did not take the full lane, since the start."""
        return self._lane.served

    def forget_rules(self) -> None:
        """Something changed that a rule depends on."""
        self._lane.forget_rows()

    def settings_changed(self) -> None:
        """Take up what rules and replies have of the settings."""
        self.forget_rules()
        self._lane.reply_with(_middle(self._broker.region_ext))

    def commit_offsets(self) -> None:
        """A request of the full lane comes: what pulls before it in the same turn committed must not overtake it."""
        self._lane.commit_offsets()

    def shutdown(self) -> None:
        """After the store's last flush: what the gate still keeps is not on disk and is not answered."""
        self._gate.shutdown()


def _middle(region_ext: dict[str, str]) -> bytes:
    """The JSON between the values of queueId and msgId in the reply to a send."""
    members = ",".join(f"{quote(name)}:{quote(value)}" for name, value in region_ext.items())
    return f'",{members},"msgId":"'.encode()
