"""Upstream's mqadmin and RocketPy's, each against both servers: the same command lines print the same lines. And each
public method of the library below upstream's comes to the same on both.

What is masked stands in fourway/outcome.py and answers.py, what may differ in fourway/differences.py with its reason.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from fourway import page
from fourway.answers import called
from fourway.calls import CALLS
from fourway.cases import CASES, LIMIT_S, NOTHING, Case
from fourway.differences import BASELINE, CALL_ROWS, DID_NOT_FAIL, ROWS, Differs, side, unexplained
from fourway.outcome import Outcome, outcome
from fourway.tools import Ours, Tool, Upstream
from fourway.world import World, worlds
from kit.clients import Event
from kit.servers import REPO

SERVERS = ("upstream", "rocketpy")  # the second is upstream once more when the oracle is held against itself
FOLLOWS_S = 15.0
COMMANDS = list(dict.fromkeys(case.command for case in CASES))
Outcomes = dict[str, Outcome]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def both(launcher, compared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    """One world on each server."""
    kinds = (launcher(compared[0]), launcher(compared[1]))
    with worlds(kinds, tmp_path_factory.mktemp("fourway")) as pair:
        yield pair


@pytest.fixture(scope="module")
def results(both: tuple[World, World], tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Outcomes]:
    """What each tool printed on each server."""
    homes = [tmp_path_factory.mktemp("tool") for _ in range(2)]
    tools: list[Tool] = [Upstream(homes[0]), Ours(homes[1])]
    try:
        return {case: settled(case, tools, both) for case in CASES}
    finally:
        for tool in tools:
            tool.close()


@pytest.fixture(scope="module")
def answers(results, both: tuple[World, World], tmp_path_factory: pytest.TempPathFactory) -> list[list[Event]]:
    """The methods there are, then what each of CALLS came to, on each server; behind the command lines."""
    return called(both, [tmp_path_factory.mktemp("caller") for _ in both])


def settled(case: Case, tools: list[Tool], both: tuple[World, World]) -> Outcomes:
    """Every side's outcome; a question is asked again until a change before it has come everywhere."""
    until = time.monotonic() + FOLLOWS_S
    while True:
        outcomes = {side(tool.name, server): run(case, tool, world)
                    for tool in tools for server, world in zip(SERVERS, both, strict=True)}
        if not case.is_read or time.monotonic() > until or not problems(case, outcomes, set()):
            return outcomes
        time.sleep(0.2)


def run(case: Case, tool: Tool, world: World) -> Outcome:
    out, err = tool.run(case.words(world.names, tool.word), LIMIT_S, case.enough)
    return outcome(world, out, err, case.figures, case.rounds)


def problems(case: Case, outcomes: Outcomes, used: set[Differs]) -> list[str]:
    """Every line that differs from upstream's tool on upstream and that no row explains."""
    expected = outcomes[BASELINE]
    told = [] if case.is_shown(expected.lines) else [f"{case.line}: does not show {case.shows!r}: {expected.lines}"]
    for where, found in outcomes.items():
        different = expected.difference(found, case.in_any_order)
        different += [DID_NOT_FAIL] if expected.failed and not found.failed else []
        told += [f"{case.line}: {where}: {line}" for line in unexplained(case, where, different, used)]
    return told


@pytest.mark.parametrize("command", COMMANDS)
def test_a_subcommand_prints_the_same_everywhere(command: str, results: dict[Case, Outcomes]):
    found = [line for case, outcomes in results.items() if case.command == command
             for line in problems(case, outcomes, set())]
    assert not found, "\n" + "\n".join(found)


def test_every_stated_difference_is_there(results: dict[Case, Outcomes], compared: tuple[str, str]):
    if compared[1] == "upstream":
        pytest.skip("upstream against itself")
    used: set[Differs] = set()
    for case, outcomes in results.items():
        problems(case, outcomes, used)
    assert [row for row in ROWS if row not in used] == []


def test_no_subcommand_is_left_out(results: dict[Case, Outcomes]):
    (listed,) = (outcomes[BASELINE] for case, outcomes in results.items() if case.line == NOTHING)
    there = {line.split()[0].lower() for line in listed.out if line.startswith("   ")}
    assert len(there) == 47
    assert there - set(COMMANDS) == set()


def test_no_method_is_left_out(answers: list[list[Event]]):
    assert set(answers[0][0]["methods"]) - {method for method, _ in CALLS} == set()


def test_every_method_comes_to_the_same(answers: list[list[Event]], compared: tuple[str, str]):
    found, used = [], set()
    for number, (method, arguments) in enumerate(CALLS, 1):
        theirs, ours = answers[number]
        row = next((row for row in CALL_ROWS if row.explains(method, arguments, theirs, ours)), None)
        used.add(row)
        if theirs != ours and row is None:
            found.append(f"{method} {arguments}\n   upstream {theirs}\n   rocketpy {ours}")
    assert not found, "\n" + "\n".join(found)
    assert compared[1] == "upstream" or [row for row in CALL_ROWS if row not in used] == []


def test_the_page_says_so(results: dict[Case, Outcomes], compared: tuple[str, str]):
    """ROCKETPY_WRITE_PAGES=1 writes it."""
    if compared[1] == "upstream":
        pytest.skip("upstream against itself")
    text = page.table(results, problems)
    file = REPO / "docs/mqadmin-table.md"
    if os.environ.get("ROCKETPY_WRITE_PAGES") == "1":
        file.write_text(text)
    assert file.read_text() == text, "run once more with ROCKETPY_WRITE_PAGES=1"
