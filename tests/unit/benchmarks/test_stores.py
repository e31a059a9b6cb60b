"""A store is what its fill says, or it is not measured; a make that cannot does not keep the other from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from benchmarks import stores
from benchmarks.cases import Case
from benchmarks.choice import choose
from benchmarks.load import Load, Sample
from benchmarks.processes import Failed
from benchmarks.servers import Servers
from benchmarks.store_cases import COLD, QUEUES, store_cases
from benchmarks.store_measures import MEASURES
from benchmarks.store_runner import StoreRunner
from benchmarks.stores import Fill, KeptStore, topics_of

FILL = Fill("some", (Load("send", 128, 1, 1, 6, topic="T", queues=3, topics=2),))


class Stopped:
    """Servers whose store stands in a folder, with or without `abort`."""

    make = "rocketpy"

    def __init__(self, store: Path, ends_clean: bool = True) -> None:
        self.store, self.ends_clean, self.ports = store, ends_clean, {"broker": 1}
        self.settings: dict[str, str] = {}
        (store / "abort").parent.mkdir(parents=True, exist_ok=True)
        (store / "abort").touch()

    def start_both(self) -> None:
        pass

    def pid(self) -> int:
        return 1

    def stop(self, program: str, timeout_s: float) -> None:
        if self.ends_clean:
            (self.store / "abort").unlink()

    def kill(self, program: str) -> None:
        pass


def kept(folder: Path, fill: Fill, ends_clean: bool = True) -> KeptStore:
    return KeptStore(cast(Servers, Stopped(folder, ends_clean)), fill)


def filled(store: KeptStore, queues: int) -> Callable[..., Sample]:
    def run(load: Load, *_: object) -> Sample:
        for topic in topics_of(load):
            for queue in range(queues):
                (store.servers.store / "consumequeue" / topic / str(queue)).mkdir(parents=True)
        return {"total": float(load.count)}

    return run


@pytest.fixture(autouse=True)
def nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "make_topics", lambda *_: None)
    monkeypatch.setattr(stores, "settle", lambda: None)
    monkeypatch.setattr(stores, "DISPATCH_S", 0)


def test_several_topics_have_their_number_behind_the_name() -> None:
    assert topics_of(FILL.loads[0]) == ["T000", "T001"]
    assert topics_of(COLD.loads[0]) == ["ColdOne"]


def test_fifty_thousand_queues_get_a_message_each() -> None:
    (load,) = QUEUES.loads
    assert load.topics * load.queues == load.count == 50_000


def test_a_fill_is_scaled_but_not_below_what_it_is_for() -> None:
    assert QUEUES.scaled(0.1).loads[0].count == 5_000
    assert COLD.scaled(0.1) == COLD


def test_a_fill_s_settings_are_its_broker_s(tmp_path: Path) -> None:
    store = kept(tmp_path, Fill("some", FILL.loads, settings=(("deleteWhen", "05"),)))
    assert store.servers.settings == {"deleteWhen": "05"}


def test_a_store_with_every_queue_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = kept(tmp_path, FILL)
    monkeypatch.setattr(stores, "run_load", filled(store, 3))
    store.build()
    assert store.topic == "T000"


def test_a_store_that_lacks_a_queue_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = kept(tmp_path, FILL)
    monkeypatch.setattr(stores, "run_load", filled(store, 2))
    with pytest.raises(Failed, match="T was not filled: 6 messages in 4 queues"):
        store.build()


@pytest.mark.parametrize("crashes", [True, False])
def test_a_broker_ends_as_asked(tmp_path: Path, crashes: bool) -> None:
    store = kept(tmp_path, FILL)
    store.end(crashes)
    assert store.is_crashed() is crashes


@pytest.mark.parametrize("crashed", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_store_is_started_once_more_only_if_it_ended_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crashed: bool, wanted: bool
) -> None:
    starts: list[KeptStore] = []
    monkeypatch.setattr(KeptStore, "start", lambda store: starts.append(store) or (tmp_path / "abort").touch())
    store = kept(tmp_path, FILL)
    store.end(crashed)
    store.prepare(wanted)
    assert store.is_crashed() is wanted
    assert len(starts) == (crashed is not wanted)


def test_a_broker_that_was_to_stop_cleanly_and_did_not_fails_the_case(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="did not end by a clean stop"):
        kept(tmp_path, FILL, ends_clean=False).end(crashes=False)


class Folders:
    """Stands for `Servers` in a `with` block; upstream's store cannot be filled."""

    def __init__(self, make: str, left: list[str]) -> None:
        self.make, self.left, self.settings = make, left, {}

    def __enter__(self) -> Folders:
        return self

    def __exit__(self, *_: object) -> None:
        self.left.append(self.make)


def test_a_make_that_cannot_fill_is_reported_and_the_other_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(store: KeptStore, cpus: str | None) -> float:
        if store.servers.make == "upstream":
            raise Failed("too many files")
        return 1.0

    monkeypatch.setattr(KeptStore, "build", build)
    monkeypatch.setattr(KeptStore, "end", lambda store, crashes: None)
    monkeypatch.setattr(KeptStore, "disk_mb", lambda store: 1.0)
    monkeypatch.setitem(MEASURES, "restart", lambda store, case, cpus: {"serving_s": 2.0})
    left: list[str] = []
    failures: list[str] = []
    measured: list[tuple[str, tuple[str, ...], Sample]] = []

    def pairwise(case: Case, makes: tuple[str, ...], measure: Callable[[str], Sample]) -> None:
        measured.append((case.name, makes, measure(makes[0])))

    servers = cast(Callable[[str], Servers], lambda make: Folders(make, left))
    runner = StoreRunner(("rocketpy", "upstream"), 1.0, None, servers, pairwise, failures, Console(quiet=True))
    runner.run([Case("a", "restart", "one", fill=FILL), Case("b", "restart", "two", fill=FILL)])
    assert measured == [(name, ("rocketpy",), {"serving_s": 2.0}) for name in "ab"]
    assert failures == ["a, b, upstream: not filled: too many files"]
    assert sorted(left) == ["rocketpy", "upstream"]


def test_every_case_of_a_store_has_a_measure() -> None:
    assert {case.kind for case in store_cases()} == set(MEASURES)


def test_cases_on_stores_are_taken_only_when_asked_for() -> None:
    assert all(case.fill for case in choose((), full=False, store=True))
    assert not any(case.fill for full in (True, False) for case in choose((), full=full, store=False))
    assert [case.name for case in choose(("restart*",), full=False, store=False)] == ["restart-8g"]
