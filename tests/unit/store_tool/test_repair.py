"""A repair makes queues and index whole from the log, never touches the log, and loses nothing when interrupted."""

import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from rocketpy.errors import StartRefused, StoreError
from rocketpy.store_tool import repair as repair_module
from rocketpy.store_tool.check import StoreFolder, check_store
from rocketpy.store_tool.cli import main
from rocketpy.store_tool.repair import repair
from tests.unit.store_tool.stores import LOG_FILE, QUEUE_FILE, fill, first_queue, flip, opened, settings


def log_state(root: Path) -> list[tuple[str, int, str]]:
    files = sorted((root / "commitlog").iterdir())
    return [(path.name, path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]


def mend(root: Path) -> None:
    repair(StoreFolder.at(root), lambda _: None)


def queue_bytes(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in (root / "consumequeue").glob("*/*/*")}


def spoil(root: Path) -> None:
    flip(first_queue(root), 3)
    shutil.rmtree(root / "consumequeue" / "Topic1" / "1")
    sorted((root / "index").iterdir())[0].unlink()


def test_a_damaged_store_is_clean_again_and_its_log_untouched(root: Path) -> None:
    queues, log = queue_bytes(root), log_state(root)
    spoil(root)
    assert not check_store(root).clean
    mend(root)
    assert check_store(root).findings == []
    assert queue_bytes(root) == queues
    assert log_state(root) == log
    assert sorted(path.name for path in root.iterdir() if "repair" in path.name) == []


def test_it_is_opened_and_read_afterwards(root: Path) -> None:
    spoil(root)
    mend(root)
    store = opened(root)
    assert store.query("Topic1", "k7", 5, 0, 2**62).records
    store.shutdown()
    assert check_store(root).findings == []


def test_a_damaged_record_is_passed_over_and_stays(root: Path) -> None:
    path = sorted((root / "commitlog").iterdir())[1]
    flip(path, 4)
    log = log_state(root)
    mend(root)
    assert log_state(root) == log
    assert [finding.kind for finding in check_store(root).findings] == ["log-damaged"]


def test_a_store_in_use_is_refused(root: Path) -> None:
    store = opened(root)
    before = queue_bytes(root)
    with pytest.raises(StartRefused, match="is locked by process"):
        mend(root)
    assert queue_bytes(root) == before
    store.shutdown()


def test_a_log_that_opening_would_change_is_refused(root: Path) -> None:
    path = sorted((root / "commitlog").iterdir())[1]
    path.write_bytes(path.read_bytes()[:-10])
    log = log_state(root)
    with pytest.raises(StoreError, match="has 4086 bytes, 4096 are right; start a broker"):
        mend(root)
    assert log_state(root) == log


@pytest.mark.parametrize("interrupted", ["_keep_ends", "replace"])
def test_what_interrupts_it_loses_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, interrupted: str) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    before = queue_bytes(root)
    spoil(root)
    spoilt = queue_bytes(root)
    owner = repair_module.Repair if interrupted == "_keep_ends" else repair_module
    monkeypatch.setattr(owner, interrupted, fails)
    with pytest.raises(OSError, match="No space"):
        mend(root)
    assert queue_bytes(root) == spoilt
    monkeypatch.undo()
    mend(root)
    assert queue_bytes(root) == before
    assert check_store(root).clean


@pytest.mark.parametrize("new_is_in_place", [False, True])
def test_a_crash_between_the_renames_is_settled(root: Path, new_is_in_place: bool) -> None:
    before = queue_bytes(root)
    old = root / "consumequeue.before-repair"
    (root / "consumequeue").rename(old)
    if new_is_in_place:
        shutil.copytree(old, root / "consumequeue")
    mend(root)
    assert queue_bytes(root) == before
    assert not old.exists()


def test_a_queue_without_messages_in_the_log_goes_on_where_it_was(tmp_path: Path) -> None:
    root = tmp_path / "store"
    fill(root, 3)
    store = opened(root)
    ends = {key: store.max_offset(*key) for key in store.queues()}
    store.shutdown()
    for path in (root / "commitlog").iterdir():
        path.rename(path.with_name(f"{LOG_FILE * 50:020d}"))
        with path.with_name(f"{LOG_FILE * 50:020d}").open("r+b") as file:
            file.truncate(0)
            file.truncate(LOG_FILE)
    mend(root)
    store = opened(root)
    assert {key: store.max_offset(*key) for key in store.queues()} == ends
    store.shutdown()


def test_sizes_in_force_are_kept(root: Path) -> None:
    mend(root)
    assert {path.stat().st_size for path in (root / "consumequeue").glob("*/*/*")} == {QUEUE_FILE}
    assert {path.stat().st_size for path in (root / "index").iterdir()} == {40 + 4 * 50 + 20 * 100}
    assert settings(root).max_index_num == 100


def test_the_command_says_and_does(root: Path) -> None:
    spoil(root)
    spoilt = queue_bytes(root)
    run = CliRunner()
    told = run.invoke(main, ["repair", str(root)])
    assert told.exit_code == 1
    assert "--write would make the consume queues and the index anew from 130 records" in told.output
    assert queue_bytes(root) == spoilt
    done = run.invoke(main, ["repair", "--write", str(root)])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "clean")
    again = run.invoke(main, ["check", str(root)])
    assert again.exit_code == 0
