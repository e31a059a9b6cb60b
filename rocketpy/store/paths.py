"""Where the files of a store are, and whether they can be there.

The only place where names become paths. Invariant: no name leads out of its folder, and `check` touches nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rocketpy.errors import StartRefused, StoreError

if TYPE_CHECKING:
    from rocketpy.config import MessageStoreConfig

CONFIG_FILES = ("topics", "consumerOffset", "subscriptionGroup", "delayOffset", "consumerFilter")
NAME_MAX_BYTES = 255                # of one folder or file on every file system in use


@dataclass(frozen=True)
class StorePaths:
    """The paths of one store, as upstream derives them: the commit log's folder is set apart from the root."""

    root: Path
    commit_log: Path

    @classmethod
    def of(cls, config: MessageStoreConfig) -> StorePaths:
        return cls(Path(config.store_path_root_dir), Path(config.store_path_commit_log))

    @property
    def consume_queue(self) -> Path:
        return self.root / "consumequeue"

    @property
    def consume_queue_ext(self) -> Path:
        return self.root / "consumequeue_ext"

    @property
    def removed_queues(self) -> Path:
        """Queues on their way off the disk; upstream, which reads every folder in `consumequeue`, ignores it here."""
        return self.root / "removedQueues"

    @property
    def index(self) -> Path:
        return self.root / "index"

    @property
    def checkpoint(self) -> Path:
        return self.root / "checkpoint"

    @property
    def abort(self) -> Path:
        """Present while a broker runs: found at start, the last one did not stop cleanly."""
        return self.root / "abort"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def config(self) -> Path:
        return self.root / "config"

    def config_file(self, name: str) -> Path:
        """`config/<name>.json`."""
        return self.config / f"{name}.json"

    def queue(self, topic: str, queue_id: int) -> Path:
        """The folder of one consume queue; StoreError when the topic cannot be a folder's name."""
        return self.consume_queue / folder_name(topic) / str(queue_id)

    def queue_ext(self, topic: str, queue_id: int) -> Path:
        return self.consume_queue_ext / folder_name(topic) / str(queue_id)

    def folders(self) -> Iterator[Path]:
        """Every path where only a folder can be."""
        yield from (self.root, self.commit_log, self.consume_queue, self.consume_queue_ext, self.index, self.config)

    def files(self) -> Iterator[Path]:
        """Every path where only a file can be."""
        yield from (self.checkpoint, self.abort, self.lock)
        for name in CONFIG_FILES:
            path = self.config_file(name)
            yield from (path, path.with_name(path.name + ".bak"), path.with_name(path.name + ".tmp"))
        yield from self.log_files()

    def log_files(self) -> Iterator[Path]:
        """What has the name of a commit log file: 20 digits."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            paths = sorted(self.commit_log.iterdir())
            yield from (path for path in paths if len(path.name) == 20 and path.name.isdigit())

    def check(self) -> None:
        """StartRefused, in one line with the remedy, when a path is taken by the wrong thing or cannot be written."""
        for path in self.folders():
            check_folder(path)
        for path in self.files():
            check_file(path)


def folder_name(name: str) -> str:
    """`name` as the name of one folder; StoreError for anything that would be another path."""
    if not is_folder_name(name):
        raise StoreError(f"{name!r} cannot be the name of a folder")
    return name


def is_folder_name(name: str) -> bool:
    """One plain name: no separator, no NUL, no dot folder, not too long."""
    return name not in ("", ".", "..") and not set("/\0") & set(name) and len(os.fsencode(name)) <= NAME_MAX_BYTES


def check_folder(path: Path) -> None:
    """The path is a folder one can write to, or can be made."""
    try:
        if path.is_dir():
            if not os.access(path, os.W_OK | os.X_OK):
                raise StartRefused(f"{path} cannot be written: {no_write_reason(path)}")
            return
        if os.path.lexists(path):
            raise StartRefused(f"{path} is a file where a folder must be: move it away, or set another path")
        check_can_be_made(path)
    except PermissionError:
        raise StartRefused(f"{path} cannot be reached: give the broker's user access to the folders above it") from None


def check_can_be_made(path: Path) -> None:
    parent = path.parent
    while not os.path.lexists(parent):
        parent = parent.parent
    if not parent.is_dir():
        raise StartRefused(f"{parent} is a file, but {path} needs a folder there: move it away, or set another path")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise StartRefused(f"{path} cannot be made, {parent} cannot be written: {no_write_reason(parent)}")


def check_file(path: Path) -> None:
    """The path is a file one can write to, or is free."""
    if path.is_dir():
        remedy = f"remove it: rmdir {path}" if not any(path.iterdir()) else "move it away"
        raise StartRefused(f"{path} is a folder where a file must be: {remedy}")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise StartRefused(f"{path} cannot be read and written: {no_write_reason(path)}")


def no_write_reason(path: Path) -> str:
    """Why `path` cannot be written, with the remedy."""
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return "its file system is mounted read-only; mount it read-write, or set another path"
    return f"permission denied for user {os.geteuid()}; change its owner or mode, or set another path"
