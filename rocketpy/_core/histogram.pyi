"""Counts how long things took, in fixed buckets."""

class Histogram:
    """Times of one kind since the start."""

    bounds_ns: tuple[int, ...]
    """Upper ends of the buckets, nanoseconds, 21 from 10 µs to 10 s; the bound itself belongs to the next bucket."""

    def note(self, ns: int, count: int = 1) -> None:
        """`count` things took `ns` each."""

    @property
    def counts(self) -> tuple[int, ...]:
        """How many fell into each bucket, each for itself; one more than bounds: the last took longer than all."""

    @property
    def sum_ns(self) -> int:
        """All times together."""

    @property
    def max_ns(self) -> int:
        """The longest."""
