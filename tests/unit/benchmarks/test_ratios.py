"""Ratios are taken pair by pair, their median is judged, and what misses a target says so."""

from __future__ import annotations

import pytest

from benchmarks.choice import all_cases
from benchmarks.ratios import FIGURES, Spread, rows_of
from benchmarks.report import as_json, cells, markdown
from benchmarks.targets import TARGETS

CPU = "broker_cpu_us"


def samples(ours: list[float], theirs: list[float]) -> dict[str, list[dict[str, float]]]:
    return {"rocketpy": [{CPU: value} for value in ours], "upstream": [{CPU: value} for value in theirs]}


def test_a_ratio_is_taken_within_its_pair() -> None:
    (row,) = rows_of("send-1k-8x16", samples([1, 4, 3], [10, 20, 30]))
    assert row.ratio == Spread(0.1, 0.1, 0.2)
    assert row.rocketpy == Spread(1, 3, 4)


@pytest.mark.parametrize(("ours", "reached"), [(1.25, True), (1.26, False)])
def test_the_median_is_judged(ours: float, reached: bool) -> None:
    (row,) = rows_of("send-1k-8x16", samples([9, ours, 0.1], [10, 10, 10]))
    assert [verdict.reached for verdict in row.verdicts] == [reached]
    assert ("MISSED" in cells(row)[-1]) is not reached


def test_one_broker_alone_has_no_ratio_and_no_verdict() -> None:
    (row,) = rows_of("send-1k-8x16", {"upstream": [{CPU: 5.0}]})
    assert row.rocketpy is None
    assert row.ratio is None
    assert row.verdicts == ()


def test_every_target_is_of_a_case_and_a_figure_that_exist() -> None:
    names = {case.name for case in all_cases()}
    assert len(names) == len(all_cases())
    assert {target.case for target in TARGETS} <= names
    assert {target.figure for target in TARGETS} <= set(FIGURES)


def test_the_reports_say_the_same() -> None:
    rows = rows_of("sync-1k-1x1", {"rocketpy": [{"rate": 900.0}], "upstream": [{"rate": 300.0}]})
    assert "| 3 / 3 / 3 | at least 2: reached |" in markdown(rows, "command")
    assert '"reached": true' in as_json(rows, "command")


def test_what_was_not_measured_is_in_the_reports() -> None:
    failures = ["queues-50k, upstream: not filled: 19932 queues\nand its output"]
    assert "- queues-50k, upstream: not filled: 19932 queues\n" in markdown([], "command", failures)
    assert "19932 queues" in as_json([], "command", failures)
