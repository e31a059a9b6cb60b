from collections.abc import Callable, Collection

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.message_filter import MessageFilter
from rocketpy._core.store_writer import StoreWriter

class Hold:
    """One held pull."""

class Holds:
    """Every pull that waits; `on_first` is called when the first comes: `expire` must be called from then on."""

    def __init__(self, writer: StoreWriter, on_first: Callable[[], None]) -> None: ...
    def __len__(self) -> int: ...
    def hold(
        self,
        queue: ConsumeQueue,
        offset: int,
        tags: Collection[int] | None,
        deadline_ms: int,
        wake: Callable[[], None],
        wanted: MessageFilter | None = None,
    ) -> Hold:
        """Call `wake` once, when an entry at or behind `offset` matches or `deadline_ms` (monotonic) has come.

        `tags` are hash codes, None is every message; `wanted` is asked with the properties of each that is left.
        """

    def release(self, held: Hold) -> None:
        """Forget a hold without waking it; a hold that is over already is none of its concern."""

    def wake_arrivals(self) -> None:
        """Answer or wake the holds of queues that got entries since the last call."""

    def end_topic(self, topic: bytes) -> None:
        """Answer or wake every hold of a topic that is about to go: no message would find it any more."""

    def expire(self, now_ms: int) -> None:
        """Answer or wake every hold whose deadline is at or before `now_ms` (monotonic)."""
