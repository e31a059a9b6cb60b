"""The dashboard and the alerts of docs/operating ask only for what the endpoints tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rocketpy.metrics.name_server import NAME_SERVER
from tests.unit.metrics.conftest import Metered
from tests.unit.metrics.promql import problems, series

DOCS = Path(__file__).parents[3] / "docs" / "operating"
TARGET = {"instance", "job"}  # Prometheus gives them to every series of a target
GRAFANAS = {"$__rate_interval": "5m", "$instance": "broker.*", "$topic": "T.*", "$group": "G.*"}
LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)")


@pytest.fixture(scope="module")
def known(metered: Metered) -> dict[str, set[str]]:
    """Every series of both endpoints with its labels."""
    found: dict[str, set[str]] = {"up": set(TARGET)}
    for family in metered.families().values():
        for sample in family.samples:
            found.setdefault(sample.name, set(TARGET)).update(sample.labels)
    return {**found, **{row.name: {*row.labels, *TARGET} for row in NAME_SERVER}}


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DOCS / "grafana-dashboard.json").read_text())
    return loaded


def plain(expression: str) -> str:
    """Grafana's variables by values, as it does before it asks."""
    for variable, value in GRAFANAS.items():
        expression = expression.replace(variable, value)
    return expression


def targets() -> Iterator[tuple[str, str]]:
    """(expression, legend) of every panel."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], target["legendFormat"]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_panel_asks_for_what_is_there(known: dict[str, set[str]]) -> None:
    found = [
        problem
        for expression, legend in targets()
        for problem in problems(plain(expression), known, set(re.findall(r"\{\{(\w+)\}\}", legend)))
    ]
    assert found == []


def test_every_variable_has_values(known: dict[str, set[str]]) -> None:
    variables = [each["definition"] for each in dashboard()["templating"]["list"] if each["type"] == "query"]
    assert len(variables) == 3
    for definition in variables:
        match = LABEL_VALUES.fullmatch(definition)
        assert match is not None and match[2] in known[match[1]], definition


def test_every_alert_asks_for_what_is_there(known: dict[str, set[str]]) -> None:
    for rule in rules():
        used = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert problems(rule["expr"], known, used) == []


def test_the_rules_are_prometheus_rules() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"].endswith(tuple("abcdefghijklmnopqrstuvwxyz}"))
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))


def test_panels_stand_beside_each_other() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for place in (panel["gridPos"] for panel in panels):
        columns = range(place["x"], place["x"] + place["w"])
        cells = {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24
        taken |= cells


def test_the_histograms_are_shown() -> None:
    asked = {name for expression, _ in targets() for name in series(plain(expression))}
    assert {f"rocketpy_{what}_duration_seconds_bucket" for what in ("send", "pull", "flush")} <= asked


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("rocketpy_nothing", "no series rocketpy_nothing"),
        ('rocketpy_topics{topic="T"}', "rocketpy_topics has no label topic"),
        ("sum by (topic) (rocketpy_topics)", "no label topic to aggregate by"),
        ("rocketpy_topics and on (topic) rocketmq_producer_offset", "no label topic on both sides"),
        ("sum(rocketpy_topics)", "the result has no label instance"),
        ("sum(rocketpy_topics", "unclosed left parenthesis"),
    ],
)
def test_what_is_not_there_is_found(known: dict[str, set[str]], expression: str, said: str) -> None:
    assert [said in problem for problem in problems(expression, known, {"instance"})][:1] == [True]


def test_what_is_there_is_not_found(known: dict[str, set[str]]) -> None:
    expression = "topk(3, rate(rocketpy_send_duration_seconds_bucket{le='+Inf'}[5m])) > 1 or rocketpy_topics"
    assert problems(expression, known, {"instance", "le"}) == []
