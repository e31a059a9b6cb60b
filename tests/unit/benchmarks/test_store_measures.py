"""A check is timed with its greatest memory, and a store that it finds damaged fails the case."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from benchmarks import store_measures
from benchmarks.cases import Case
from benchmarks.processes import Failed
from benchmarks.store_cases import CHECK
from benchmarks.stores import KeptStore

CASE = Case("check", "check", "a check", fill=CHECK)


@pytest.fixture
def kept(tmp_path: Path) -> KeptStore:
    return cast(KeptStore, SimpleNamespace(servers=SimpleNamespace(folder=tmp_path, store=tmp_path / "store")))


def checked_by(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(store_measures, "CHECKER", ("-c", code))


def test_the_greatest_memory_of_a_check_is_kept(kept: KeptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    checked_by(monkeypatch, "held = b'x' * (64 << 20); sum(range(2_000_000)); del held; sum(range(2_000_000))")
    sample = store_measures.check(kept, CASE, None)
    assert 64 < sample["anonymous_mb"] <= sample["rss_mb"] < 128
    assert 0 < sample["check_s"] < 60


def test_a_check_that_finds_damage_fails_the_case(kept: KeptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    checked_by(monkeypatch, "import sys; print('queue entry 7 of', sys.argv[-1], 'is wrong'); sys.exit(1)")
    with pytest.raises(Failed, match=r"ended with 1:\nqueue entry 7 of .*/store is wrong"):
        store_measures.check(kept, CASE, None)


def test_a_check_that_does_not_end_is_ended(kept: KeptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    checked_by(monkeypatch, "import signal; signal.pause()")
    monkeypatch.setattr(store_measures, "CHECK_S", 0.05)
    with pytest.raises(Failed, match="not done"):
        store_measures.check(kept, CASE, None)


class Starts:
    """A kept store that is only started and ended."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.seconds = iter((3.0, 1.0, 8.0))

    def prepare(self, crashes: bool) -> None:
        self.calls.append(f"prepare {crashes}")

    def files(self) -> list[Path]:
        return []

    def start(self) -> float:
        self.calls.append("start")
        return next(self.seconds)

    def end(self, crashes: bool) -> None:
        self.calls.append(f"end {crashes}")


def test_a_sample_is_the_middle_of_its_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_measures, "_held", lambda kept: {"rss_mb": 5.0})
    starts = Starts()
    case = Case("r", "restart", "a restart", fill=CHECK, crashes=True, cache="warm", starts=3)
    assert store_measures.restart(cast(KeptStore, starts), case, None) == {"serving_s": 3.0, "rss_mb": 5.0}
    assert starts.calls == ["prepare True", *["start", "end True"] * 3]
