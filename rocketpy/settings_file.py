"""The properties file that updates by request are kept in: a crash leaves the old or the new one, and so does a disk
that refuses. One that cannot be replaced is written in place: there a crash may leave less.

Invariant: its link, mode and owner stay, and so does every line that no update changed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

from rocketpy import json_file
from rocketpy.config.edit_properties import changed_text
from rocketpy.config.properties import SIZE_LIMIT

# A file that is mounted by itself into a container cannot be replaced, nor one in a folder of somebody else's.
ONLY_IN_PLACE = {errno.EBUSY, errno.EACCES, errno.EPERM, errno.EROFS, errno.EXDEV}


class SettingsFile:
    """One file; `is_read`: the next start reads it without being told."""

    def __init__(self, path: Path, *, is_read: bool = True) -> None:
        self.path = path
        self.is_read = is_read

    def change(self, values: Mapping[str, str], news: Collection[str]) -> None:
        """Put these values on disk; of keys that the file lacks, only the `news`. Any thread.

        OSError when the disk refuses, ValueError when the file is none that a start would read: both change nothing.
        """
        path = self.path.resolve()
        old = path.read_bytes() if path.exists() else None
        text, encoding = _decoded(old or b"")
        new = changed_text(text, values, news).encode(encoding)
        if len(new) > SIZE_LIMIT:
            raise ValueError(f"{path} would have more than {SIZE_LIMIT} bytes")
        if old is None:
            if new:
                json_file.persist(path, new.decode(encoding))
        elif new != old:
            _replace(path, old, new)


def _decoded(content: bytes) -> tuple[str, str]:
    """As a start reads it."""
    if b"\0" in content:
        raise ValueError("the file is no text in UTF-8 or Latin-1 any more")
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "latin-1"


def _replace(path: Path, old: bytes, new: bytes) -> None:
    beside = path.with_name(path.name + ".tmp")
    try:
        _write_like(path, beside, new)
        json_file.keep_as_bak(path)
        beside.replace(path)
        json_file.sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        if error.errno not in ONLY_IN_PLACE:
            raise
        _write_over(path, old, new)


def _write_like(path: Path, beside: Path, content: bytes) -> None:
    """A file with the mode and owner of another one, on disk when this returns."""
    wanted = path.stat()
    json_file.write_synced(beside, content, stat.S_IMODE(wanted.st_mode))
    made = beside.stat()
    if (made.st_uid, made.st_gid) != (wanted.st_uid, wanted.st_gid):
        os.chown(beside, wanted.st_uid, wanted.st_gid)


def _write_over(path: Path, old: bytes, new: bytes) -> None:
    try:
        _write_in_place(path, new)
    except OSError:
        with contextlib.suppress(OSError):
            _write_in_place(path, old)
        raise


def _write_in_place(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
