"""Both servers are asked the same random sequence of valid requests: every answer is the same, or a table says why not.

`--differential-seeds=1-50 --differential-length=2000` asks more than CI does; what fails is shown with the shortest
plan that fails too. What is masked stands in oracle/transcript.py and oracle/lockstep.py, what may differ in
oracle/allowed.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit.cluster import Cluster
from oracle import allowed
from oracle.lockstep import Allowed, Pair, report
from oracle.random_broker import VERBS, BrokerPlan
from oracle.random_namesrv import NamesrvPlan

from rocketpy.broker.request_table import SERVED as BROKER_SERVES
from rocketpy.namesrv.request_table import SERVED as NAME_SERVER_SERVES

FIXED = "1"
SETTINGS = {
    "messageDelayLevel": "0s 1s 1s",        # level 1 waits for nothing
    "transactionCheckInterval": 3_600_000,  # no check in between
}
NOT_ASKED = {                               # served, but not asked by a random plan, and why
    52: "upstream is silent without aclEnable",
}
REFUSED = {301}                             # asked though refused here: upstream serves it


def seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


@contextmanager
def pair(
    launcher, kinds: tuple[str, str], root: Path, names: tuple[str, ...], table: dict[str, Allowed]
) -> Iterator[Pair]:
    clusters = [
        Cluster(launcher(kind), root / f"{number}-{kind}", names, **SETTINGS) for number, kind in enumerate(kinds)
    ]
    try:
        for cluster in clusters:
            cluster.start()
        yield Pair((clusters[0], clusters[1]), {} if kinds[1] == "upstream" else table)
    finally:
        for cluster in clusters:
            cluster.kill()


def agree(pair: Pair, request: pytest.FixtureRequest, plan_of) -> None:
    """Every seed; the table of differences is used up by the seed that CI runs."""
    length = request.config.getoption("--differential-length")
    wanted = request.config.getoption("--differential-seeds")
    for seed in seeds(wanted):
        plan = plan_of(seed, length)
        found = pair.run(plan)
        if found is not None:
            pytest.fail(report(seed, length, *pair.shrink(plan, found)))
    if wanted == FIXED:
        assert set(pair.allowed) == pair.used, "rows of the table that nothing used"


def test_a_broker_answers_a_random_plan_as_upstream_does(launcher, compared, tmp_path: Path, request):
    with pair(launcher, compared, tmp_path, ("broker-a",), allowed.BROKER) as both:
        agree(both, request, lambda seed, length: BrokerPlan(seed, {*BROKER_SERVES, *REFUSED}).make(length))


def test_a_name_server_answers_a_random_plan_as_upstream_does(launcher, compared, tmp_path: Path, request):
    with pair(launcher, compared, tmp_path, (), allowed.NAME_SERVER) as both:
        agree(both, request, lambda seed, length: NamesrvPlan(seed).make(length))


def test_every_code_that_is_served_is_asked():
    broker = {step.code for step in BrokerPlan(1, BROKER_SERVES).make(700) if hasattr(step, "code")}
    assert {int(code) for code in BROKER_SERVES} - broker - set(NOT_ASKED) == set()
    names = {step.code for step in NamesrvPlan(1).make(300) if hasattr(step, "code")}
    assert {int(code) for code in NAME_SERVER_SERVES} - names == set()


def test_a_plan_is_the_same_for_the_same_seed():
    plans = [[repr(step) for step in BrokerPlan(seed, BROKER_SERVES).make(200)] for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
    assert len(VERBS) == len({verb for verb, _, _ in VERBS})
