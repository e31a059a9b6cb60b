"""Cleaning: what a round decides from the hour and the disk, and what then goes, and in which order."""

import asyncio
import errno
import os
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.mapped_files import MappedFiles
from rocketpy.clock import ManualClock
from rocketpy.config import Environment, MessageStoreConfig
from rocketpy.store.checkpoint import Checkpoint
from rocketpy.store.clean import (
    Cleaner,
    DiskLevels,
    DiskUsage,
    decide,
    is_time,
    refusal_remark,
    used_ratio,
)
from rocketpy.store.index import IndexFolder
from rocketpy.store.paths import StorePaths
from tests.symptoms import said

FILE_SIZE = 4096
HOUR_MS = 3_600_000


def at_hour(hour: int) -> int:
    """ms of a day's local hour."""
    return int(time.mktime((2019, 8, 5, hour, 30, 0, 0, 0, -1))) * 1000


@pytest.mark.parametrize(
    ("delete_when", "hours"),
    [("04", {4}), ("04;16", {4, 16}), ("4", {4}), ("00;23", {0, 23}), ("", set()), ("x;5", {5})],
)
def test_the_hour(delete_when: str, hours: set[int]) -> None:
    assert {hour for hour in range(24) if is_time(delete_when, at_hour(hour))} == hours


@pytest.fixture
def config(tmp_path: Path) -> MessageStoreConfig:
    return MessageStoreConfig(
        store_path_root_dir=str(tmp_path), store_path_commit_log=str(tmp_path / "commitlog"), delete_when="04"
    )


@pytest.mark.parametrize(
    ("log", "queue", "short", "at_once", "full"),
    [
        (0.10, 0.10, False, False, False),
        (0.75, 0.10, False, False, False),
        (0.76, 0.10, True, False, False),
        (0.10, 0.76, True, False, False),
        (-1.0, 0.10, True, False, False),
        (0.10, -1.0, True, False, False),
        (0.85, 0.10, True, False, False),
        (0.86, 0.10, True, True, None),
        (0.10, 0.90, True, True, None),
        (0.91, 0.10, True, True, True),
        (0.10, 0.91, True, True, True),
        (0.91, -1.0, True, True, True),
    ],
)
def test_the_disk(
    config: MessageStoreConfig, log: float, queue: float, short: bool, at_once: bool, full: bool | None
) -> None:
    decision = decide(config, DiskLevels(), DiskUsage(log, queue), at_hour(5), manual=False)
    assert (decision.is_space_short, decision.at_once, decision.disk_full) == (short, at_once, full)
    assert decision.is_round == short


def test_other_reasons_for_a_round(config: MessageStoreConfig) -> None:
    little = DiskUsage(0.1, 0.1)
    assert decide(config, DiskLevels(), little, at_hour(4), manual=False).is_round
    assert decide(config, DiskLevels(), little, at_hour(5), manual=True).is_round
    patient = MessageStoreConfig(clean_file_forcibly_enable=False)
    assert not decide(patient, DiskLevels(), DiskUsage(0.95, 0.95), at_hour(4), manual=False).at_once


def test_levels_from_the_surroundings() -> None:
    assert DiskLevels.of(Environment(variables={})) == DiskLevels(0.90, 0.85)
    options = "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.98 -Drocketmq.broker.diskSpaceCleanForciblyRatio=0.97"
    assert DiskLevels.of(Environment(variables={"JAVA_OPT": options})) == DiskLevels(0.98, 0.97)
    variables = {"ROCKETMQ_BROKER_DISK_SPACE_WARNING_LEVEL_RATIO": "0.99", "JAVA_OPT": ""}
    assert DiskLevels.of(Environment(variables=variables)) == DiskLevels(0.99, 0.85)
    wrong = {"ROCKETMQ_BROKER_DISK_SPACE_WARNING_LEVEL_RATIO": "full"}
    assert DiskLevels.of(Environment(variables=wrong)) == DiskLevels(0.90, 0.85)


def test_used_ratio(tmp_path: Path) -> None:
    assert 0 < used_ratio(tmp_path) < 1
    assert used_ratio(tmp_path / "absent") == -1


def test_a_refusal_names_path_and_figures(config: MessageStoreConfig) -> None:
    paths = StorePaths.of(config)
    remark = refusal_remark(paths, DiskLevels(), lambda path: 0.934 if path == paths.commit_log else 0.5)
    assert remark == (
        "service not available now, maybe disk full, CL:  0.93 CQ:  0.50 INDEX:  0.50, "
        "maybe your broker machine memory too small. "
        f"{paths.commit_log} is on a disk 93.4% full, writing stops above 90.0%"
    )


def count_files(folder: str) -> int:
    return len(list(Path(folder).iterdir()))


class Store:
    """A commit log of four full files and one begun, one queue with an entry of 20 bytes a log file page, an index."""

    def __init__(self, folder: Path, config: MessageStoreConfig) -> None:
        self.clock = ManualClock(at_hour(5))
        self.config = config
        self.log_files = MappedFiles(str(folder / "commitlog"), FILE_SIZE)
        self.queue = ConsumeQueue(b"T", 0, str(folder / "consumequeue" / "T" / "0"), 40)
        self.index = IndexFolder(
            folder / "index", 8, 3, self.clock, Checkpoint(folder / "checkpoint", self.clock), lambda call: call()
        )
        for number in range(9):
            at = self.log_files.append(b"x" * (FILE_SIZE // 2))
            self.queue.append(at, 100, 0)
            self.index.writer.put("T", f"k{number}", None, at, self.clock.now_ms())
        self.used = {"commitlog": 0.1, "consumequeue": 0.1}
        self.full = False
        self.told: list[bool] = []
        self.pauses: list[int] = []
        self.set_age(1)
        self.cleaner = Cleaner(config, self, self.clock, DiskLevels(), self.used_ratio, self.pause)

    def consume_queues(self) -> Iterable[ConsumeQueue]:
        return [self.queue]

    def mark_disk_full(self, full: bool) -> bool:
        changed = full != self.full
        self.full = full
        return changed

    def used_ratio(self, path: Path) -> float:
        return self.used.get(path.name, 0.1)

    async def pause(self, pause_ms: int) -> None:
        self.pauses.append(pause_ms)
        await asyncio.sleep(0)

    def set_age(self, hours: int, count: int = 9) -> None:
        """Let the first `count` files have been written so long ago."""
        seconds = self.clock.now_ms() / 1000 - hours * 3600
        for path in self.log_files.paths[:count]:
            os.utime(path, (seconds, seconds))

    def clean(self) -> None:
        asyncio.run(self.cleaner.clean())

    @property
    def log_count(self) -> int:
        return count_files(self.log_files.folder)


@pytest.fixture
def store(tmp_path: Path, config: MessageStoreConfig) -> Store:
    return Store(tmp_path, config)


def test_nothing_goes_outside_the_hour(store: Store) -> None:
    store.set_age(100)
    store.clean()
    assert store.log_count == 5


def test_expired_files_go_at_the_hour(store: Store) -> None:
    store.set_age(72, count=2)
    store.clock.advance(23 * HOUR_MS)
    store.clean()
    assert store.log_count == 3
    assert store.log_files.first_offset == 2 * FILE_SIZE
    assert store.pauses[0] == 100


def test_queues_and_index_follow(store: Store) -> None:
    store.set_age(100, count=3)
    store.clock.advance(23 * HOUR_MS)
    store.clean()
    assert store.queue.min_offset == 6
    assert count_files(store.queue.files.folder) == 2
    assert [file.begin_physical_offset for file in store.index.files] == [3 * FILE_SIZE, 4 * FILE_SIZE]
    assert len(list(store.index.folder.iterdir())) == 2


def test_a_young_file_keeps_those_behind_it(store: Store) -> None:
    store.set_age(100)
    os.utime(store.log_files.paths[1], None)
    store.clock.advance(23 * HOUR_MS)
    os.utime(store.log_files.paths[1], (store.clock.now_ms() / 1000,) * 2)
    store.clean()
    assert store.log_count == 4


def test_the_last_file_stays(store: Store) -> None:
    store.used["commitlog"] = 0.99
    store.clean()
    assert store.log_count == 1
    store.clean()
    assert store.log_count == 1
    assert store.queue.min_offset == 8
    assert count_files(store.queue.files.folder) == 1


def test_little_space_lets_expired_files_go_at_any_hour(store: Store) -> None:
    store.used["consumequeue"] = 0.8
    store.set_age(72, count=1)
    store.clean()
    assert store.log_count == 4


def told_short(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in caplog.messages if "no file of the log may go" in line]


def test_little_space_with_nothing_to_go_is_told_once(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.used["commitlog"] = 0.8
    store.clean()
    store.clean()
    assert told_short(caplog) == [
        "the disk is 80.0 % full, more than diskMaxUsedSpaceRatio=75, and no file of the log may go: all are "
        "younger than fileReservedTime=72 hours"
    ]
    store.used["commitlog"] = 0.1
    store.clean()
    store.used["commitlog"] = 0.95
    store.clean()
    store.clean()
    assert [line.rpartition(": ")[2] for line in told_short(caplog)[1:]] == ["there is but the one that is written"]


def test_a_store_without_queues_has_room(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """As every one has before its first message; upstream warns of space each ten seconds."""
    store.used["consumequeue"] = -1.0
    store.clean()
    assert told_short(caplog) == []


def test_what_went_is_told_with_its_reason(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    store.used["commitlog"] = 0.95
    store.clean()
    why = "oldest files, whatever their age (little space)"
    assert f"4 commit log files removed: {why}; the log begins at {4 * FILE_SIZE}" in caplog.messages


def test_the_disk_full_flag_comes_and_goes(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.used["commitlog"] = 0.95
    store.clean()
    assert store.full
    assert "commitlog is 95.0 % full: puts are refused" in caplog.text
    remark = refusal_remark(StorePaths.of(store.config), DiskLevels(), lambda path: store.used.get(path.name, 0.5))
    full = [line for line in caplog.messages if line.endswith("puts are refused until files are removed")]
    said("service not available now, maybe disk full, CL: 0.9", f"answer 14: {remark}", *full)
    store.used["commitlog"] = 0.87
    store.clean()
    assert store.full
    store.used["commitlog"] = 0.85
    store.clean()
    assert not store.full


def test_a_disk_that_is_full_at_the_start_is_known_before_any_round(store: Store) -> None:
    async def main() -> None:
        store.cleaner.start(asyncio.get_running_loop())
        await asyncio.sleep(0)
        store.cleaner.shutdown()

    store.used["commitlog"] = 0.95
    asyncio.run(main())
    assert store.full
    assert store.pauses == [10_000]
    assert store.log_count == 5


def test_a_file_removed_by_hand_does_not_stop_the_cleaning(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    first = Path(store.log_files.paths[0])
    store.set_age(72, count=2)
    first.unlink()
    store.cleaner.delete_manually()
    store.clean()
    assert store.log_files.first_offset == 2 * FILE_SIZE
    assert caplog.text.count(f"{first} was removed by hand") == 1


def test_forcible_cleaning_can_be_switched_off(tmp_path: Path) -> None:
    config = MessageStoreConfig(store_path_root_dir=str(tmp_path), clean_file_forcibly_enable=False)
    store = Store(tmp_path, config)
    store.used["commitlog"] = 0.99
    store.clean()
    assert (store.log_count, store.full) == (5, True)


@pytest.mark.parametrize("ratio, count", [(0.89, 1), (0.86, 5)])
def test_files_go_until_puts_are_taken_again(tmp_path: Path, ratio: float, count: int) -> None:
    """diskMaxUsedSpaceRatio=88 stands between the levels: only while puts are refused do files go below it."""
    store = Store(tmp_path, MessageStoreConfig(store_path_root_dir=str(tmp_path), disk_max_used_space_ratio=88))
    store.used["commitlog"] = ratio
    store.clean()
    assert (store.log_count, store.full) == (count, False)


def test_a_refusing_store_is_cleaned_below_the_ratio_for_any_hour(tmp_path: Path) -> None:
    config = MessageStoreConfig(
        store_path_root_dir=str(tmp_path), disk_max_used_space_ratio=95, clean_file_forcibly_enable=False
    )
    store = Store(tmp_path, config)
    store.used["commitlog"] = 0.91
    store.clean()
    assert (store.log_count, store.full) == (5, True)
    store.used["commitlog"] = 0.86
    store.set_age(72, count=2)
    store.clean()
    assert (store.log_count, store.full) == (3, True)


def test_manual_rounds(store: Store) -> None:
    store.cleaner.delete_manually()
    for _ in range(20):
        store.clean()
    store.set_age(72)
    store.clean()
    assert store.log_count == 5
    store.cleaner.delete_manually()
    store.clean()
    assert store.log_count == 1


def test_a_file_that_stays_is_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    store.set_age(72, count=1)
    store.cleaner.delete_manually()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        store.clean()
    assert (store.log_count, store.log_files.first_offset) == (5, FILE_SIZE)
    store.clean()
    assert store.log_count == 5
    store.clock.advance(120_001)
    store.clean()
    assert store.log_count == 4


def test_rounds_go_on_after_an_error(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    rounds = 0

    async def main() -> None:
        store.cleaner.start(asyncio.get_running_loop())
        while store.pauses.count(10_000) < 3:
            await asyncio.sleep(0)
        store.cleaner.shutdown()

    def fail(path: Path) -> float:
        nonlocal rounds
        rounds += 1
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    store.cleaner._used = fail
    asyncio.run(main())
    assert set(store.pauses) == {10_000}
    assert rounds >= 3
    assert "cleaning failed and is tried again" in caplog.text
