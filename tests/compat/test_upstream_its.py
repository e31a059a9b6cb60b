"""Upstream's own integration tests, unmodified, on two masters: what passes on upstream's servers passes on RocketPy.

They run against RocketPy, with --server=upstream against upstream; what they gave stands in upstream_its/results.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from kit.cluster import Cluster
from upstream_its import page, suite
from upstream_its.run import SuiteRun

UPSTREAM = suite.recorded("upstream")
SUITE_TIMEOUT_S = 1500  # a class that hangs has a limit of its own
pytestmark = [pytest.mark.slow, pytest.mark.timeout(SUITE_TIMEOUT_S)]


@pytest.fixture(scope="module")
def suite_kind(pytestconfig: pytest.Config) -> str:
    return "upstream" if pytestconfig.getoption("--server") == "upstream" else "rocketpy"


@pytest.fixture(scope="module")
def suite_run(
    request: pytest.FixtureRequest, suite_kind: str, launcher, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SuiteRun]:
    """The classes of all selected tests on their way; --record-its writes down how they ended."""
    root = tmp_path_factory.mktemp(f"its-{suite_kind}")
    cluster = Cluster(launcher(suite_kind), root, **suite.SETTINGS)
    with ExitStack() as at_end:
        at_end.callback(cluster.kill)
        run = SuiteRun(cluster.start().namesrv_addr, root, selected(request.session.items))
        at_end.callback(run.close)
        yield run
        if request.config.getoption("--record-its"):
            suite.record(suite_kind, run.outcomes(SUITE_TIMEOUT_S))
            page.PAGE.write_text(page.with_table(page.PAGE.read_text()))


def selected(items: list[pytest.Item]) -> list[suite.Outcome]:
    """What was recorded of every test of a class that this run asks for."""
    names = [item.callspec.params["test"] for item in items if getattr(item, "originalname", "") == "test_of_upstream"]
    classes = {UPSTREAM[name].class_name for name in names}
    return [test for test in UPSTREAM.values() if test.class_name in classes]


def test_every_class_that_upstream_publishes_is_run():
    ours = {test.class_name for test in UPSTREAM.values()}
    assert suite.published().keys() == ours | suite.LEFT_OUT.keys()


def test_the_page_tells_what_was_recorded():
    assert page.PAGE.read_text().endswith(page.table()), "run with --record-its"
    assert suite.recorded("rocketpy").keys() == UPSTREAM.keys()


@pytest.mark.parametrize("test", UPSTREAM)
def test_of_upstream(suite_run: SuiteRun, test: str):
    outcome = suite_run.outcome(test, SUITE_TIMEOUT_S)
    assert outcome.verdict == UPSTREAM[test].verdict, outcome.trace


def test_no_test_ended_that_is_not_written_down(suite_run: SuiteRun):
    assert {outcome.test for outcome in suite_run.outcomes(SUITE_TIMEOUT_S)} <= UPSTREAM.keys()
