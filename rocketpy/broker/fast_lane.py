"""Joins the fast lane to the broker: what it needs from it, and everything that makes it forget.

Invariant: no change of a topic, a group, a subscription or a permission is answered before the lane has forgotten what
it knew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core.command import quote
from rocketpy._core.fast_lane import FastLane
from rocketpy.broker.lane_rules import LaneRules
from rocketpy.broker.reply_gate import ReplyGate
from rocketpy.store.message_store import host_bytes

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker


def join_fast_lane(broker: Broker) -> FastLane:
    """The lane of a broker whose store is loaded."""
    gate = ReplyGate(broker.store_config.sync_flush_timeout, broker.clock)
    broker.store.flusher.on_durable.append(gate.open)
    lane = FastLane(
        broker.store.writer,
        broker.holds.holds,
        LaneRules(broker),
        gate,
        host_bytes(broker.store_host),
        _middle(broker.region_ext),
    )
    broker.topics.on_change.append(lambda _topic, _config: lane.forget_rows())
    broker.groups.on_change.append(lane.forget_rows)
    broker.consumers.on_change.append(lane.forget_rows)
    broker.stats.before_sample.append(lambda: _bring_counts_in(broker, lane))
    return lane


def _middle(region_ext: dict[str, str]) -> bytes:
    """The JSON between the values of queueId and msgId in the reply to a send."""
    members = ",".join(f"{quote(name)}:{quote(value)}" for name, value in region_ext.items())
    return f'",{members},"msgId":"'.encode()


def _bring_counts_in(broker: Broker, lane: FastLane) -> None:
    counts, missed = lane.take_counts()
    for names, nums, size_bytes, times in counts:
        if len(names) == 1:
            broker.stats.put(names[0], nums, size_bytes)
        else:
            broker.stats.got(names[0], names[1], nums, size_bytes, times)
    broker.stats.missed(missed)
