"""Texts are made a little at a time, one for all who ask meanwhile, and read by the library's own parsers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from rocketpy.metrics import exposition
from rocketpy.metrics.exposition import Exposition, format_of, without_head
from rocketpy.metrics.families import ROWS_A_SLICE, Row, counters, gauges, gauges_later, histogram

ROWS = 50 * ROWS_A_SLICE + 3
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


class Many:
    """A source of one long family and a few short ones."""

    def __init__(self, rows: int = ROWS) -> None:
        self.rows = rows
        self.asked = 0

    async def families(self) -> AsyncIterator[Metric]:
        self.asked += 1
        rows = [((f"topic{number}",), number) for number in range(self.rows)]
        for family in gauges("long", "Many rows.", ("topic",), rows):
            yield family
        for family in counters("grows_total", 'A "quoted" help\nof two lines.', ("name",), [(('a "b"\\\n',), 3)]):
            yield family
        for family in histogram("took_seconds", "Times.", [(0.5, 2), (1.0, 1), (float("inf"), 4)], 12.5):
            yield family

        async def later() -> AsyncIterator[Row | None]:
            for row in rows:
                yield row

        async for family in gauges_later("later", "Rows to wait for.", ("topic",), later()):
            yield family


def text_of(source: Many, accept: str = "") -> tuple[str, str]:
    text, content_type = asyncio.run(Exposition([source]).text(accept))
    return b"".join(text).decode(), content_type


@pytest.mark.parametrize(("accept", "parse"), [("", parse_text), (OPENMETRICS, parse_openmetrics)])
def test_slices_are_one_family(accept: str, parse: Callable[[str], Iterator[Metric]]) -> None:
    text, _ = text_of(Many(), accept)
    families = {family.name: family for family in parse(text)}
    for name in ("long", "later"):
        assert [sample.value for sample in families[name].samples] == list(range(ROWS))
        assert text.count(f"# TYPE {name} gauge\n") == 1
    assert text.count("# EOF") == (1 if accept else 0)


@pytest.mark.parametrize(("accept", "parse"), [("", parse_text), (OPENMETRICS, parse_openmetrics)])
def test_counters_histograms_and_odd_labels(accept: str, parse: Callable[[str], Iterator[Metric]]) -> None:
    families = {family.name: family for family in parse(text_of(Many(), accept)[0])}
    (sample,) = families["grows"].samples
    assert (sample.name, sample.labels["name"], sample.value) == ("grows_total", 'a "b"\\\n', 3)
    buckets = {sample.labels.get("le", sample.name): sample.value for sample in families["took_seconds"].samples}
    assert buckets == {"0.5": 2, "1.0": 3, "+Inf": 7, "took_seconds_count": 7, "took_seconds_sum": 12.5}


def test_a_family_without_samples_is_named() -> None:
    text, _ = text_of(Many(0))
    assert "# TYPE long gauge\n" in text


def test_rows_in_vain_count_for_the_slice() -> None:
    rows: list[Row | None] = [None] * (2 * ROWS_A_SLICE) + [((), 1.0)]
    slices = list(gauges("g", "Text.", (), rows))
    assert [len(part.samples) for part in slices] == [0, 0, 1]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("text/plain; version=1.0.0; escaping=dots", "text/plain; version=0.0.4"),
        ("nonsense;;=,", "text/plain; version=0.0.4"),
        (PROMETHEUS, "application/openmetrics-text; version=1.0.0"),
        ("application/openmetrics-text; version=1.7.0", "application/openmetrics-text; version=1.0.0"),
    ],
)
def test_there_are_two_formats_whatever_is_accepted(accept: str, expected: str) -> None:
    assert format_of(accept) == expected
    assert text_of(Many(1), accept)[1].startswith(expected)


def test_all_who_ask_meanwhile_get_one_text() -> None:
    source = Many()

    async def scenario() -> list[tuple[list[bytes], str]]:
        shown = Exposition([source])
        return await asyncio.gather(*(shown.text(accept) for accept in ("", "*/*", "", OPENMETRICS, OPENMETRICS)))

    plain, *others = asyncio.run(scenario())
    assert source.asked == 2
    assert [other[0] is plain[0] for other in others] == [True, True, False, False]


def test_who_goes_away_does_not_take_the_text_from_others() -> None:
    async def scenario() -> tuple[list[bytes], str]:
        shown = Exposition([Many()])
        first, second = (asyncio.ensure_future(shown.text("")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(scenario())[0]


def test_the_loop_goes_on_while_a_long_text_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "TURN_S", 0.0)
    monkeypatch.setattr(exposition, "PAUSE_S", 0.0)
    turns = 0

    async def scenario() -> None:
        nonlocal turns
        made = asyncio.ensure_future(Exposition([Many()]).text(""))
        while not made.done():
            await asyncio.sleep(0)
            turns += 1

    asyncio.run(scenario())
    assert turns > ROWS / ROWS_A_SLICE


def test_parts_are_of_a_size_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "PART_BYTES", 1000)
    text, _ = asyncio.run(Exposition([Many()]).text(""))
    assert len(text) > 10
    assert all(len(part) < 3000 for part in text)


def test_a_head_is_cut_and_nothing_else() -> None:
    assert without_head(b"# HELP a b\n# TYPE a gauge\na 1\n") == b"a 1\n"
    assert without_head(b"# HELP a b\n# TYPE a gauge\n") == b""
    assert without_head(b'a{b="# HELP"} 1\n') == b'a{b="# HELP"} 1\n'


def test_the_endpoint_tells_of_itself() -> None:
    async def scenario() -> str:
        shown = Exposition([Many()])
        await shown.text("")
        return b"".join((await shown.text(""))[0]).decode()

    families = {family.name: family for family in parse_text(asyncio.run(scenario()))}
    assert families["rocketpy_scrapes"].samples[0].value == 1
    assert families["rocketpy_scrape_duration_seconds"].samples[0].value > 0


@pytest.mark.parametrize(("accept", "parse"), [("", parse_text), (OPENMETRICS, parse_openmetrics)])
def test_half_a_utf_16_pair_costs_no_other_row(accept: str, parse: Callable[[str], Iterator[Metric]]) -> None:
    class Odd:
        async def families(self) -> AsyncIterator[Metric]:
            for family in counters("odd_total", "Odd.", ("client",), [(("c\udc80id",), 3), (("well",), 4)]):
                yield family

    text, _ = asyncio.run(Exposition([Odd()]).text(accept))
    (odd,) = (family for family in parse(b"".join(text).decode()) if family.name == "odd")
    assert [(sample.labels["client"], sample.value) for sample in odd.samples] == [("c?id", 3), ("well", 4)]
