"""Both servers are asked the same raw requests: every field of every answer is the same, or a table says why not.

What is masked stands in oracle/transcript.py; one broker and one name server a side, both sides fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit.cluster import Cluster
from oracle import broker_scenarios, namesrv_scenarios
from oracle.transcript import SILENCE, Differs, Scenario, Side, compare

NULL = r"java\.lang\.NullPointerException.*"
SILENT = "an unknown code is answered at once instead of letting the caller time out"


def unknown(code: int) -> Differs:
    return Differs(SILENT, SILENCE, {"code": 3, "remark": f" request type {code} not supported"})


# Scenario -> step -> the difference. Nothing else may differ, and what stands here must differ just so.
DIFFERENCES: dict[str, dict[str, Differs]] = {
    "unknown_codes": {
        "code 9999": unknown(9999),
        "code 13": unknown(13),
        "code 27": unknown(27),
        "code 9999 in binary": unknown(9999),
    },
    "routes_refused": {
        "code 9999": unknown(9999),
        "code 10": unknown(10),
        "code 34": unknown(34),
    },
}


Sides = tuple[Cluster, Cluster]


@contextmanager
def both(launcher, compared: tuple[str, str], root: Path, names: tuple[str, ...]) -> Iterator[Sides]:
    clusters = [Cluster(launcher(kind), root / f"{number}-{kind}", names) for number, kind in enumerate(compared)]
    try:
        for cluster in clusters:
            cluster.start()
        yield clusters[0], clusters[1]
    finally:
        for cluster in clusters:
            cluster.kill()


@pytest.fixture(scope="module")
def brokers(launcher, compared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """One broker with its name server a side."""
    with both(launcher, compared, tmp_path_factory.mktemp("oracle"), ("broker-a",)) as sides:
        yield sides


@pytest.fixture(scope="module")
def name_servers(launcher, compared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    """One name server a side that no broker knows."""
    with both(launcher, compared, tmp_path_factory.mktemp("oracle-names"), ()) as sides:
        yield sides


def agree(sides: Sides, scenario: Scenario) -> None:
    transcripts = []
    for cluster in sides:
        side = Side(cluster)
        try:
            scenario(side)
        finally:
            side.close()
        transcripts.append(side.transcript)
    differences = {} if sides[1].kind == "upstream" else DIFFERENCES.get(scenario.__name__, {})
    problems = compare(*transcripts, differences)
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize("scenario", broker_scenarios.SCENARIOS, ids=lambda each: each.__name__)
def test_a_broker_answers_as_upstream_does(brokers: Sides, scenario: Scenario):
    agree(brokers, scenario)


@pytest.mark.parametrize("scenario", namesrv_scenarios.SCENARIOS, ids=lambda each: each.__name__)
def test_a_name_server_answers_as_upstream_does(name_servers: Sides, scenario: Scenario):
    agree(name_servers, scenario)


def test_every_stated_difference_belongs_to_a_scenario():
    known = {each.__name__ for each in [*broker_scenarios.SCENARIOS, *namesrv_scenarios.SCENARIOS]}
    assert set(DIFFERENCES) <= known
