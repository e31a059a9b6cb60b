from typing import Protocol

from rocketpy._core.holds import Holds
from rocketpy._core.lane import Lane
from rocketpy._core.store_writer import StoreWriter
from rocketpy.broker.lane_rules import LaneRules
from rocketpy.broker.reply_gate import ReplyGate

class FastLane(Lane):
    """Serves plain sends and pulls from the read buffer."""

    sent: int
    pulled: int

    def __init__(
        self, writer: StoreWriter, holds: Holds, rules: LaneRules, gate: ReplyGate, store_host: bytes, middle: bytes
    ) -> None:
        """`store_host`: IPv4 and i32 port, 8 bytes as on disk. `middle`: the reply's JSON between the values of queueId
        and msgId, where TRACE_ON and MSG_REGION stand.
        """

    def forget_rows(self) -> None:
        """A topic, group, subscription or permission changed: the rules are asked anew."""
