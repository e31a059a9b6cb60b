"""A lane behind access control."""

from collections.abc import Callable

from rocketpy._core.command import Command
from rocketpy._core.lane import Lane, LanePeer

class GuardedLane(Lane):
    """Hands frames of `inner`'s codes to it once `check(peer, command)` has returned; what it raises is answered."""

    def __init__(self, inner: Lane, check: Callable[[LanePeer, Command], None]) -> None: ...
