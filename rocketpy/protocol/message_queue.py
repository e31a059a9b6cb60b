"""One queue of one topic on one broker: what clients balance, lock and keep offsets for."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class MessageQueue:
    """Identity of a queue; a key of JSON maps and a member of JSON lists."""

    topic: str = ""
    broker_name: str = ""
    queue_id: int = 0
