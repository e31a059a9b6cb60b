"""Families of samples in slices, so that making a long one never holds up the loop for long.

A family comes as one or more metrics of the same name, one behind the other, and always as at least one: its name and
help are told also while it has no samples.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import accumulate, islice
from math import isinf
from typing import Protocol, TypeAlias

from prometheus_client.core import HistogramMetricFamily, Metric

ROWS_A_SLICE = 10  # a millisecond's worth, on a slow machine

Row: TypeAlias = tuple[tuple[str, ...], float]
"""Label values in the order of the family's label names, and the value. None among rows is a place that was looked at
in vain: it counts for the slice, since looking took time.
"""


class Source(Protocol):
    """Who has something to tell."""

    def families(self) -> AsyncIterator[Metric]:
        """Every family, in slices; slices of one family follow each other."""


def gauges(name: str, text: str, labels: Sequence[str] = (), rows: Iterable[Row | None] = ()) -> Iterator[Metric]:
    """Values that go up and down."""
    return _slices(name, text, "gauge", labels, rows, name)


async def gauges_later(
    name: str, text: str, labels: Sequence[str], rows: AsyncIterator[Row | None]
) -> AsyncIterator[Metric]:
    """The same of rows that may have to be waited for."""
    taken: list[Row | None] = []
    async for row in rows:
        taken.append(row)
        if len(taken) == ROWS_A_SLICE:
            for part in gauges(name, text, labels, taken):
                yield part
            taken.clear()
    for part in gauges(name, text, labels, taken):
        yield part


def gauge(name: str, text: str, value: float) -> Iterator[Metric]:
    """One value without labels."""
    return gauges(name, text, (), [((), value)])


def counters(name: str, text: str, labels: Sequence[str] = (), rows: Iterable[Row | None] = ()) -> Iterator[Metric]:
    """Values that only grow while the process lives; `name` ends with `_total`."""
    return _slices(name.removesuffix("_total"), text, "counter", labels, rows, name)


def counter(name: str, text: str, value: float) -> Iterator[Metric]:
    """One counter without labels."""
    return counters(name, text, (), [((), value)])


def histogram(name: str, text: str, buckets: Sequence[tuple[float, int]], total: float) -> Iterator[Metric]:
    """How often values lay where: `buckets` are (upper bound, count within it and above the bound before), the last
    bound is infinite; `total` is the sum of all values.
    """
    family = HistogramMetricFamily(name, text)
    counts = accumulate(count for _, count in buckets)
    bounds = ("+Inf" if isinf(bound) else str(bound) for bound, _ in buckets)
    family.add_metric((), list(zip(bounds, map(float, counts), strict=True)), total)
    yield family


def _slices(
    name: str, text: str, kind: str, labels: Sequence[str], rows: Iterable[Row | None], sample_name: str
) -> Iterator[Metric]:
    left = iter(rows)
    while True:
        taken = list(islice(left, ROWS_A_SLICE))
        part = Metric(name, text, kind)
        for row in filter(None, taken):
            part.add_sample(sample_name, dict(zip(labels, row[0], strict=True)), row[1])
        yield part
        if len(taken) < ROWS_A_SLICE:
            return
