"""Writes what the sources tell as text, a little at a time; invariant: it works at most half of the time.

A scrape of ten thousand topics is some hundred thousand lines, a second's work. Slices of a millisecond are written on
the loop with pauses between them: a thread would take the interpreter away from the loop for 5 ms at a time, again and
again. Scrapers that come while a text is made get that text, so that more of them cost nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from time import perf_counter
from typing import TypeAlias

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from rocketpy._core.json_reader import join_surrogates
from rocketpy.metrics.families import Source, counter, gauge

TURN_S = 0.001
PAUSE_S = 0.001
PART_BYTES = 64 * 1024

OPENMETRICS = "application/openmetrics-text"
END = b"# EOF\n"  # of OpenMetrics; the other format just ends

Text: TypeAlias = list[bytes]
"""In parts, so that nobody joins megabytes on the loop."""


class Exposition:
    """All sources of one server."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._made: dict[str, asyncio.Task[Text]] = {}  # being made now, by content type: there are two of them
        self._scrapes = 0
        self._last_s = 0.0

    async def text(self, accept: str) -> tuple[Text, str]:
        """The text that a scraper with this Accept header takes, and its content type."""
        encode, content_type = choose_encoder(format_of(accept))
        made = self._made.get(content_type)
        if made is None:
            made = asyncio.get_running_loop().create_task(self._make(encode, content_type.startswith(OPENMETRICS)))
            self._made[content_type] = made
            made.add_done_callback(lambda _: self._made.pop(content_type))
        return await asyncio.shield(made), content_type  # who goes away must not take it from the others

    async def shutdown(self) -> None:
        """Make nothing any more."""
        for made in (unfinished := list(self._made.values())):
            made.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _make(self, encode: Encode, is_openmetrics: bool) -> Text:
        began = turn_began = perf_counter()
        text = _Parts()
        for source in (*self._sources, self):
            async for family in source.families():
                text.add(family, encode)
                if perf_counter() - turn_began > TURN_S:
                    await asyncio.sleep(PAUSE_S)
                    turn_began = perf_counter()
        self._scrapes, self._last_s = self._scrapes + 1, perf_counter() - began
        return text.end(END if is_openmetrics else b"")

    async def families(self) -> AsyncIterator[Metric]:
        """What the endpoint says of itself: figures of the scrapes before this one."""
        for family in counter("rocketpy_scrapes_total", "Texts made for scrapers.", self._scrapes):
            yield family
        for family in gauge("rocketpy_scrape_duration_seconds", "Time the last text took, pauses in it.", self._last_s):
            yield family


class _Parts:
    """The text so far; a head is written once a family."""

    def __init__(self) -> None:
        self._parts: Text = []
        self._last = bytearray()
        self._family = ""

    def add(self, family: Metric, encode: Encode) -> None:
        text = written(family, encode).removesuffix(END)
        self._last += without_head(text) if family.name == self._family else text
        self._family = family.name
        if len(self._last) >= PART_BYTES:
            self._parts.append(bytes(self._last))
            self._last.clear()

    def end(self, end: bytes) -> Text:
        return [*self._parts, bytes(self._last) + end]


class One:
    """A registry of one family, as the library's writers take it."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        """The family."""
        return (self._family,)


Encode: TypeAlias = Callable[[One], bytes]


def written(family: Metric, encode: Encode) -> bytes:
    """Its text. A client's id may hold half of a UTF-16 pair, which no UTF-8 has: it must not cost all the others."""
    try:
        return encode(One(family))
    except UnicodeEncodeError:
        whole = Metric(family.name, family.documentation, family.type)
        for sample in family.samples:
            labels = {name: join_surrogates(value) for name, value in sample.labels.items()}
            whole.add_sample(sample.name, labels, sample.value)
        return encode(One(whole))


def format_of(accept: str) -> str:
    """One of two Accept headers: what a peer writes into its own must not make texts beside each other."""
    chosen = choose_encoder(accept)[1]
    return f"{OPENMETRICS}; version=1.0.0" if chosen.startswith(OPENMETRICS) else "text/plain; version=0.0.4"


def without_head(text: bytes) -> bytes:
    """A slice behind the first one of its family."""
    while text.startswith(b"# "):
        text = text[text.index(b"\n") + 1 :]
    return text
