"""Where remoting and the fast lane meet: frames go in, replies come out in the peer's buffers."""

class LanePeer:
    """One peer as a lane sees it; without a socket it keeps what it is given."""

    @property
    def is_open(self) -> bool: ...
    @property
    def born_host(self) -> bytes:
        """The peer's address as on disk: IPv4 and port, 8 bytes."""

    def write_late(self, frames: bytes) -> int:
        """Send whole frames now; nothing happens when the connection is gone."""

    def take_out(self) -> bytes:
        """What would be sent at the end of the turn, and an empty buffer (tests)."""

class Lane:
    """The base lane: serves nothing."""

    def offer(self, frame: bytes, peer: LanePeer, now_ms: int) -> bool:
        """Whether the lane served this frame (tests)."""

    def finish_turn(self, peer: LanePeer, took_ns: int = 0) -> None:
        """End of a turn that took so long (tests)."""
