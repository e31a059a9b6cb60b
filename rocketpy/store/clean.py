"""Expired files go, and a full disk is noticed in time.

`decide` says what a round does, from figures alone; `Cleaner` does it: the loop takes files out of the store, a thread
unlinks them, so that no reader loses what it reads and the loop never waits for the disk. Invariant: the last file of
a sequence is never taken.
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rocketpy.clock import Clock
from rocketpy.config import Environment, MessageStoreConfig
from rocketpy.store.paths import StorePaths
from rocketpy.store.queue_ext import take_expired

if TYPE_CHECKING:
    from rocketpy._core.consume_queue import ConsumeQueue
    from rocketpy._core.mapped_files import MappedFiles
    from rocketpy.store.index import IndexFolder

log = logging.getLogger("RocketmqStore")

FILES_A_ROUND = 10
MANUAL_ROUNDS = 20
QUEUES_A_TURN = 200
HOUR_MS = 3_600_000
NO_SUCH_PATH = -1.0

UsedRatio = Callable[[Path], float]


@dataclass(frozen=True)
class DiskLevels:
    """Used parts of a disk at which puts are refused, and at which files go before their time."""

    warning: float = 0.90
    clean_forcibly: float = 0.85

    @classmethod
    def of(cls, environment: Environment) -> "DiskLevels":
        """As JVM property in JAVA_OPT, or as environment variable."""
        return cls(
            level_of(environment, "diskSpaceWarningLevelRatio", "DISK_SPACE_WARNING_LEVEL_RATIO", cls.warning),
            level_of(environment, "diskSpaceCleanForciblyRatio", "DISK_SPACE_CLEAN_FORCIBLY_RATIO", cls.clean_forcibly),
        )


@dataclass(frozen=True)
class DiskUsage:
    """Used parts of the disks, 0 to 1; NO_SUCH_PATH where there is no folder yet."""

    commit_log: float
    consume_queue: float
    index: float = NO_SUCH_PATH

    @property
    def worst(self) -> float:
        return max(self.commit_log, self.consume_queue)

    @property
    def least(self) -> float:
        return min(self.commit_log, self.consume_queue)


@dataclass(frozen=True)
class Decision:
    """What a round does, and why."""

    is_time: bool
    is_space_short: bool
    is_manual: bool
    at_once: bool                   # not only expired files
    disk_full: bool | None          # None: as it was

    @property
    def is_round(self) -> bool:
        return self.is_time or self.is_space_short or self.is_manual

    @property
    def why(self) -> str:
        """In an operator's words."""
        reasons = {"the hour of deleteWhen": self.is_time, "little space": self.is_space_short, "asked": self.is_manual}
        which = "oldest files, whatever their age" if self.at_once else "files older than fileReservedTime"
        return f"{which} ({', '.join(name for name, holds in reasons.items() if holds)})"


def decide(
    config: MessageStoreConfig, levels: DiskLevels, usage: DiskUsage, now_ms: int, manual: bool, refusing: bool = False
) -> Decision:
    """The round that is due now; `refusing`: puts are refused already.

    While puts are refused, files go until they are taken again, also where diskMaxUsedSpaceRatio is above the levels:
    upstream then refuses until the hour of deleteWhen.
    """
    forcibly = usage.worst > levels.clean_forcibly or usage.worst > levels.warning
    refusing = usage.worst > levels.warning or (refusing and forcibly)
    return Decision(
        is_time=is_time(config.delete_when, now_ms),
        is_space_short=usage.least < 0 or usage.worst > config.disk_max_used_space_ratio / 100 or refusing,
        is_manual=manual,
        at_once=config.clean_file_forcibly_enable and forcibly,
        disk_full=True if usage.worst > levels.warning else None if forcibly else False,
    )


def is_time(delete_when: str, now_ms: int) -> bool:
    """Whether the local hour is one of deleteWhen's, such as `04` or `04;16`."""
    hour = time.localtime(now_ms // 1000).tm_hour
    return any(word.strip().isdecimal() and int(word) == hour for word in delete_when.split(";"))


def used_ratio(path: Path) -> float:
    """The used part of the disk a folder is on, as upstream counts it: what is reserved for root counts as free."""
    try:
        disk = os.statvfs(path)
    except OSError:
        return NO_SUCH_PATH
    return (disk.f_blocks - disk.f_bfree) / disk.f_blocks if disk.f_blocks else NO_SUCH_PATH


def level_of(environment: Environment, name: str, variable: str, default: float) -> float:
    text = environment.lookup(f"rocketmq.broker.{name}", f"ROCKETMQ_BROKER_{variable}")
    try:
        return default if text is None else float(text)
    except ValueError:
        log.warning("rocketmq.broker.%s=%s is no number: %.2f is in force", name, text, default)
        return default


def refusal_remark(paths: StorePaths, levels: DiskLevels, used: UsedRatio = used_ratio) -> str:
    """What a put refused as SERVICE_NOT_AVAILABLE is told: upstream's words, then the path and figures behind them."""
    usage = usage_of(paths, used)
    remark = (
        "service not available now, maybe disk full, "
        f"CL: {usage.commit_log:5.2f} CQ: {usage.consume_queue:5.2f} INDEX: {usage.index:5.2f}, "
        "maybe your broker machine memory too small."
    )
    full = [(path, ratio) for path, ratio in disks(paths, usage) if ratio > levels.warning]
    causes = [f"{path} is on a disk {ratio:.1%} full, writing stops above {levels.warning:.1%}" for path, ratio in full]
    return " ".join((remark, *causes))


def usage_of(paths: StorePaths, used: UsedRatio = used_ratio) -> DiskUsage:
    return DiskUsage(used(paths.commit_log), used(paths.consume_queue), used(paths.index))


def disks(paths: StorePaths, usage: DiskUsage) -> list[tuple[Path, float]]:
    return [(paths.commit_log, usage.commit_log), (paths.consume_queue, usage.consume_queue)]


class CleanedStore(Protocol):
    """What is cleaned, and who hears of a full disk."""

    @property
    def log_files(self) -> "MappedFiles": ...
    def consume_queues(self) -> "Iterable[ConsumeQueue]": ...
    @property
    def index(self) -> "IndexFolder | None": ...
    def mark_disk_full(self, full: bool) -> bool:
        """Set or clear the disk-full flag; whether it changed."""


async def sleep_ms(pause_ms: int) -> None:
    await asyncio.sleep(pause_ms / 1000)


class Cleaner:
    """Looks at the disk and the files' age every cleanResourceInterval."""

    def __init__(
        self,
        config: MessageStoreConfig,
        store: CleanedStore,
        clock: Clock,
        levels: DiskLevels | None = None,
        used: UsedRatio = used_ratio,
        pause: Callable[[int], Awaitable[None]] = sleep_ms,
    ) -> None:
        self.levels = levels or DiskLevels.of(Environment())
        self.paths = StorePaths.of(config)
        self._config = config
        self._store = store
        self._clock = clock
        self._used = used
        self._pause = pause
        self._manual_rounds = 0
        self._short_told = False                    # that the disk has little space, and nothing may go
        self._refusing = False                      # the disk was too full, and is not yet empty enough
        self._log_start = 0                         # the queues and the index were cleaned up to here
        self._hanging: list[str] = []               # files whose removal failed
        self._hanging_since_ms = 0
        self._task: asyncio.Task[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._run(), name="clean")

    def shutdown(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def delete_manually(self) -> None:
        """Let the next rounds remove expired files at any hour."""
        self._manual_rounds = MANUAL_ROUNDS

    async def _run(self) -> None:
        await self._try(self._look)
        while True:
            await self._pause(self._config.clean_resource_interval)
            await self._try(self.clean)

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except OSError as error:
            log.warning("cleaning failed and is tried again: %s", error)
        except Exception:
            log.exception("cleaning failed and is tried again")

    async def _look(self) -> None:
        """A disk that is full at the start is known before the first put: upstream finds out after a minute."""
        usage = usage_of(self.paths, self._used)
        self._tell_disk_full(self._decide(usage), usage)

    def _decide(self, usage: DiskUsage) -> Decision:
        now_ms = self._clock.now_ms()
        return decide(self._config, self.levels, usage, now_ms, self._manual_rounds > 0, self._refusing)

    async def clean(self) -> None:
        """One round: the disk-full flag, the commit log, then what pointed into it."""
        usage = usage_of(self.paths, self._used)
        decision = self._decide(usage)
        self._tell_disk_full(decision, usage)
        deleted = 0
        if decision.is_round:
            self._manual_rounds = max(0, self._manual_rounds - 1)
            deleted = await self._clean_log(decision)
        self._tell_short(usage, deleted)
        await self._remove_hanging()
        if self._store.log_files.first_offset > self._log_start:
            self._log_start = self._store.log_files.first_offset
            await self._clean_queues(self._log_start)
            if self._store.index is not None:
                self._store.index.delete_expired(self._log_start)

    def _tell_disk_full(self, decision: Decision, usage: DiskUsage) -> None:
        if decision.disk_full is None:
            return
        self._refusing = decision.disk_full
        if not self._store.mark_disk_full(decision.disk_full):
            return
        for path, ratio in disks(self.paths, usage):
            if ratio > self.levels.warning:
                log.error("disk of %s is %.1f %% full: puts are refused until files are removed", path, ratio * 100)
            elif not decision.disk_full:
                log.info("disk of %s is %.1f %% full: puts are taken again", path, ratio * 100)

    async def _clean_log(self, decision: Decision) -> int:
        """How many files went."""
        files = self._store.log_files
        deleted = 0
        while deleted < FILES_A_ROUND and self._is_first_expired(decision):
            if deleted:
                await self._pause(self._config.delete_commit_log_files_interval)
            await self._remove(files.detach_first())
            deleted += 1
        if deleted:
            log.info("%d commit log files removed: %s; the log begins at %d", deleted, decision.why, files.first_offset)
        return deleted

    def _tell_short(self, usage: DiskUsage, deleted: int) -> None:
        """Little space, and no file that may go: told once, until some went or there is room. No folder is no lack."""
        limit = self._config.disk_max_used_space_ratio
        is_short = usage.worst > limit / 100 and not deleted
        if is_short and not self._short_told:
            young = f"all are younger than fileReservedTime={self._config.file_reserved_time} hours"
            why = young if self._store.log_files.tail else "there is but the one that is written"
            what = "the disk is %.1f %% full, more than diskMaxUsedSpaceRatio=%d, and no file of the log may go: %s"
            log.warning(what, usage.worst * 100, limit, why)
        self._short_told = is_short

    def _is_first_expired(self, decision: Decision) -> bool:
        files = self._store.log_files
        if files.tail < 1:
            return False
        try:
            last_modified_ms = Path(files.paths[0]).stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            log.warning("%s was removed by hand: its messages are gone", files.paths[0])
            return True
        return decision.at_once or self._clock.now_ms() >= last_modified_ms + self._config.file_reserved_time * HOUR_MS

    async def _clean_queues(self, log_start: int) -> None:
        for number, queue in enumerate(list(self._store.consume_queues())):
            gone = []
            while is_first_expired(queue, log_start):
                gone.append(queue.files.detach_first())
            queue.correct_min_offset(log_start)
            gone += take_expired(queue)
            for path in gone:
                await self._remove(path)
            if gone:
                await self._pause(self._config.delete_consume_queue_files_interval)
            elif number % QUEUES_A_TURN == 0:
                await asyncio.sleep(0)

    async def _remove(self, path: str) -> None:
        if not await asyncio.get_running_loop().run_in_executor(None, removed, path):
            if not self._hanging:
                self._hanging_since_ms = self._clock.now_ms()
            self._hanging.append(path)

    async def _remove_hanging(self) -> None:
        """Try again, every redeleteHangedFileInterval, what could not be removed."""
        due_ms = self._hanging_since_ms + self._config.redelete_hanged_file_interval
        if self._hanging and self._clock.now_ms() > due_ms:
            hanging, self._hanging = self._hanging, []
            for path in hanging:
                await self._remove(path)


def is_first_expired(queue: "ConsumeQueue", log_start: int) -> bool:
    """Whether all messages of the queue's oldest file have left the log, and it is not the only file."""
    if queue.files.tail < 1:
        return False
    last = queue.last_entry_of_first_file()
    return last is not None and last[0] < log_start


def removed(path: str) -> bool:
    """Unlink; False, and a line in the log, when the file is still there."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        log.error("file %s cannot be removed, tried again later: %s", path, error.strerror)
        return False
    log.info("file %s is removed", path)
    return True
