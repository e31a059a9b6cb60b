"""Which messages a group wants, by their properties, and the bitmaps that tell it ahead."""

from collections.abc import Iterable, Mapping, Sequence

from rocketpy._core.sql_filter import Filter

class MessageFilter:
    """A test of messages by their properties."""

    @property
    def is_retired(self) -> bool:
        """Whether another expression has taken its place: pulls that wait for it ask again."""
    def retire(self) -> None:
        """Another expression has taken its place."""
    def matches(self, properties: bytes) -> bool:
        """Whether a message with these properties, as they are stored, is wanted."""
    def allows(self, store_time_ms: int, bitmap: bytes) -> bool:
        """What the bitmap of a message says: False when it is not wanted."""

class ExpressionFilter(MessageFilter):
    """An expression, and where bitmaps of messages tell its outcome."""

    def __init__(
        self, filter: Filter, positions: Sequence[int] = (), bitmap_bytes: int = 0, born_ms: int = 0
    ) -> None:
        """`positions`: its bits in bitmaps of `bitmap_bytes`, made after `born_ms`; none: it has no bits."""

class RetryFilter(MessageFilter):
    """For a group's retry topic: each message by the filter of the topic it first was in (its RETRY_TOPIC)."""

    def __init__(self, filters: Mapping[bytes, MessageFilter]) -> None:
        """`filters`: by topic, UTF-8; a message of any other topic is wanted."""

class FilterBitmaps:
    """Makes the bitmaps of one topic's messages."""

    def use(self, filters: Iterable[MessageFilter], bitmap_bytes: int) -> None:
        """From now on each message gets a bitmap of these filters, all made for `bitmap_bytes`; of none: none."""
    def bitmap(self, properties: bytes) -> bytes:
        """The bitmap of a message with these properties."""
