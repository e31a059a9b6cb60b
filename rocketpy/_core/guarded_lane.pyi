"""A lane behind access control."""

from typing import Any, Protocol

from rocketpy._core.command import Command
from rocketpy._core.lane import Lane

class Gate(Protocol):
    """Who decides; a peer is a LanePeer with an address."""

    def is_white(self, peer: Any) -> bool:
        """Whether this peer needs no signature."""

    def allows(self, code: int, key: str, signature: bytes, content: bytes, topic: str, group: str) -> bool:
        """Whether a send or a pull with this signature of this content may be served; False: ask `check`."""

    def check(self, peer: Any, command: Command) -> None:
        """Return when it may be served; what is raised is answered."""

class GuardedLane(Lane):
    """Hands sends and pulls to `inner` once the gate has let them pass."""

    def __init__(self, inner: Lane, gate: Gate) -> None: ...
