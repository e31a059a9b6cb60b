from typing import Any, Protocol

from rocketpy._core.histogram import Histogram
from rocketpy._core.holds import Holds
from rocketpy._core.lane import Lane, LanePeer
from rocketpy._core.store_writer import StoreWriter
from rocketpy._core.traffic import Items

class Rules(Protocol):
    """Who decides what is plain; broker/lane_rules.py says what each answer means."""

    def send_rule(self, topic: str) -> Any | None: ...
    def pull_rule(self, group: str, topic: str) -> Any | None: ...
    def may_hold(self, held: int) -> bool: ...
    def deadline_ms(self, suspend_timeout_ms: int) -> int: ...
    def commit(self, group: str, topic: str, queue_id: int, offset: int) -> None: ...
    def delayed(self, queue_id: int) -> None: ...

class Gate(Protocol):
    """Who keeps the replies to `sends` sends until the log is on disk up to `offset`."""

    def hold(self, offset: int, frames: bytes, peer: LanePeer, sends: int) -> None: ...

class FastLane(Lane):
    """Serves plain sends and pulls from the read buffer."""

    def __init__(
        self, writer: StoreWriter, holds: Holds, rules: Rules, gate: Gate, store_host: bytes, middle: bytes,
        puts: Items, gets: Items,
    ) -> None:
        """`store_host`: IPv4 and i32 port, 8 bytes as on disk. `middle`: the reply's JSON between the values of queueId
        and msgId, where TRACE_ON and MSG_REGION stand. `puts` counts by topic, `gets` by `topic@group`.
        """

    send_times: Histogram
    """Of sends, from what was read to replies that are ready to be written; whoever else answers sends adds to it."""

    pull_times: Histogram
    """Of pulls that were not held, likewise."""

    served: int
    """Requests, since the start."""

    def forget_rows(self) -> None:
        """A topic, group, subscription or permission changed: the rules are asked anew."""

    def reply_with(self, middle: bytes) -> None:
        """Replies to sends have this `middle` from now on."""

    def commit_offsets(self) -> None:
        """Hand over the offsets that pulls of this turn have brought so far."""
