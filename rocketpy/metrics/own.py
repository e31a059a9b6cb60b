"""RocketPy's own metrics: one row each, from which the endpoint and the table of docs/operating/metrics.md come.

Names follow Prometheus' conventions: the unit last, `_total` behind what only grows since the process started.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client.core import Metric

from rocketpy.figures import Histogram
from rocketpy.metrics.families import Row, counters, gauges, histogram

F = TypeVar("F")


@dataclass(frozen=True)
class Own(Generic[F]):
    """A metric, and how its samples are read from a server's figures."""

    name: str
    kind: str  # gauge, counter, histogram
    text: str
    labels: tuple[str, ...]
    read: Callable[[F], Iterable[Row | None] | Histogram]

    def families(self, figures: F) -> Iterator[Metric]:
        """Its samples of now."""
        found = self.read(figures)
        if isinstance(found, Histogram):
            return histogram(self.name, self.text, found.buckets, found.sum_s)
        make = counters if self.kind == "counter" else gauges
        return make(self.name, self.text, self.labels, found)


def gauge(name: str, text: str, read: Callable[[F], float]) -> Own[F]:
    """One value that goes up and down."""
    return Own(name, "gauge", text, (), lambda figures: [((), read(figures))])


def counter(name: str, text: str, read: Callable[[F], float]) -> Own[F]:
    """One value that only grows."""
    return Own(name, "counter", text, (), lambda figures: [((), read(figures))])


def table(name: str, text: str, labels: tuple[str, ...], read: Callable[[F], Iterable[Row | None]]) -> Own[F]:
    """A value for each of several things; it only grows where the name ends with `_total`."""
    return Own(name, "counter" if name.endswith("_total") else "gauge", text, labels, read)


def durations(name: str, text: str, read: Callable[[F], Histogram]) -> Own[F]:
    """How long something took, in seconds."""
    return Own(name, "histogram", text, (), read)


class OwnMetrics(Generic[F]):
    """The rows of one server, with its figures."""

    def __init__(self, rows: Sequence[Own[F]], figures: F) -> None:
        self._rows, self._figures = rows, figures

    async def families(self) -> AsyncIterator[Metric]:
        """All of them."""
        for row in self._rows:
            for family in row.families(self._figures):
                yield family
