"""A dump of callgrind is read to own costs by object file and to calls by function."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.allocations import Count, Counted
from benchmarks.callgrind import Profile, read_profile

DUMP = """# callgrind format
positions: line
events: Ir

ob=(1) /usr/bin/python3.11
fl=(1) ???
fn=(1) PyTuple_New
10 7
+2 3
cfn=(2) _Py_NewReference
calls=5 0
* 20
-1 1

fn=(2)
0 20

ob=(2) /lib/rocketpy/_core/frame.so
fn=(3) scan'2
cob=(1)
cfn=(2)
calls=1 0
0 0
0 100
"""


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    (tmp_path / "dump").write_text(DUMP)
    return read_profile(tmp_path / "dump")


def test_costs_are_a_function_s_own(profile: Profile) -> None:
    assert profile.instructions_in("/python3") == 7 + 3 + 1 + 20
    assert profile.instructions["/lib/rocketpy/_core/frame.so", "scan"] == 100
    assert profile.total == 131


def test_calls_are_summed_over_callers(profile: Profile) -> None:
    assert profile.calls_of_any("NewReference") == 6


def test_calls_of_a_leaf_are_told_by_their_cost(profile: Profile) -> None:
    assert profile.leaf_calls("_Py_NewReference") == 5  # the sixth was counted, but outside of what is collected


def test_connections_turns_and_messages_are_told_apart() -> None:
    def count(depth: int, messages: int, turns: int) -> Count:
        return Count(depth, messages, turns, 50 + 6 * turns + 2 * messages, 0, 0, 0)

    counted = Counted(count(1, 1, 1), [count(1, 640, 640), count(8, 640, 100), count(64, 640, 17)])
    assert counted.split("objects") == (pytest.approx(6), pytest.approx(2))
