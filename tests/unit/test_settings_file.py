"""The file of the settings: what stays of it, and what a disk that refuses leaves."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from rocketpy import settings_file
from rocketpy.settings_file import SettingsFile

BEFORE = "# Gr\u00fc\u00dfe\na=1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "broker.conf"
    path.write_text(BEFORE)
    return path


def change(path: Path, **values: str) -> None:
    SettingsFile(path).change(values, values.keys())


def test_the_value_changes_and_the_old_file_is_the_bak(path: Path) -> None:
    change(path, a="2")
    assert path.read_text() == BEFORE.replace("a=1", "a=2")
    assert path.with_name("broker.conf.bak").read_text() == BEFORE
    assert sorted(each.name for each in path.parent.iterdir()) == ["broker.conf", "broker.conf.bak"]


def test_mode_and_link_stay(path: Path, tmp_path: Path) -> None:
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to("broker.conf")
    change(link, a="2")
    assert link.is_symlink() and link.read_text() == path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(path: Path) -> None:
    os.chown(path, 1234, 2345)
    change(path, a="2")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_a_latin_1_file_stays_one(path: Path) -> None:
    path.write_bytes(BEFORE.encode("latin-1"))
    change(path, a="\u00fc")
    assert path.read_bytes() == "# Gr\u00fc\u00dfe\na=\\u00FC\n".encode("latin-1")


def test_nothing_new_writes_nothing(path: Path) -> None:
    before = path.stat().st_ino
    change(path, a="1")
    assert path.stat().st_ino == before


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    change(tmp_path / "store" / "broker.properties", a="2")
    assert (tmp_path / "store" / "broker.properties").read_text() == "# set by request\na=2\n"


def test_a_file_that_no_start_would_read_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="more than"):
        change(path, a="x" * (1 << 20))
    assert path.read_text() == BEFORE
    path.write_bytes(b"\0")
    with pytest.raises(ValueError, match="no text"):
        change(path, a="2")


def refusing(number: int) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number), "/the/file")

    return refuse


def test_a_full_disk_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_file, "_write_like", refusing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space"):
        change(path, a="2")
    assert path.read_text() == BEFORE


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EROFS, errno.EPERM])
def test_a_file_that_cannot_be_replaced_is_written_in_place(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As one that is mounted by itself into a container."""
    inode = path.stat().st_ino
    monkeypatch.setattr(Path, "replace", refusing(number))
    monkeypatch.setattr(settings_file.json_file, "keep_as_bak", lambda _: None)
    change(path, a="2")
    assert path.read_text() == BEFORE.replace("a=1", "a=2")
    assert path.stat().st_ino == inode and not path.with_name("broker.conf.tmp").exists()


def test_a_disk_that_refuses_in_place_leaves_the_old(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, failing = settings_file._write_in_place, iter([True, False])

    def torn(path: Path, content: bytes) -> None:
        write(path, content)
        if next(failing):
            raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(Path, "replace", refusing(errno.EBUSY))
    monkeypatch.setattr(settings_file.json_file, "keep_as_bak", lambda _: None)
    monkeypatch.setattr(settings_file, "_write_in_place", torn)
    with pytest.raises(OSError, match="Input/output"):
        change(path, a="2")
    assert path.read_text() == BEFORE
