"""The state of the page cache is told from the kernel's own words, and only what is to be cold is paged out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import page_cache
from benchmarks.processes import Failed
from benchmarks.store_measures import closed_files

MAPS = """\
7f00a0000000-7f00e0000000 rw-s 00000000 fe:00 123                        /s/commitlog/00000000000000000000
7f00e0000000-7f00e0001000 rw-s 00000000 fe:00 124                        /s/commitlog/00000000001073741824
7f00e0002000-7f00e0003000 r-xp 00000000 fe:00 125                        /usr/lib/libc.so.6
7f00e0004000-7f00e0006000 rw-p 00000000 00:00 0
7f00e0008000-7f00e000a000 rw-s 00000000 fe:00 126                        /s/a folder/000
"""


def test_mappings_of_the_named_files_are_found() -> None:
    log, spaced = Path("/s/commitlog/00000000000000000000"), Path("/s/a folder/000")
    assert page_cache.ranges_of(MAPS, {log, spaced}) == [(0x7F00A0000000, 1 << 30), (0x7F00E0008000, 0x2000)]


def test_the_newest_file_of_each_folder_is_not_closed() -> None:
    log = [Path(f"/s/commitlog/{start:020}") for start in (0, 1 << 30, 2 << 30)]
    queue = Path("/s/consumequeue/T/0/00000000000000000000")
    assert closed_files([log[2], queue, log[0], log[1]]) == {log[0], log[1]}


def test_holes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.seek(4 << 20)
        file.write(b"x" * 4096)
        file.truncate(8 << 20)
    with path.open("rb") as file:
        assert list(page_cache.data_of(file.fileno())) == [(4 << 20, (4 << 20) + 4096)]


def test_a_file_that_was_read_is_resident_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(1 << 20))
    page_cache.warm([path])
    assert page_cache.resident_share([path]) == 1
    with path.open("r+b") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if not page_cache.resident_share([path]):
        return
    pytest.skip("the file system keeps its pages")  # as tmpfs does


def test_no_file_has_no_share() -> None:
    assert page_cache.resident_share([]) == 0


def test_who_may_not_drop_the_cache_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "DROP", tmp_path / "none" / "drop_caches")
    monkeypatch.setattr(os, "sync", lambda: None)
    with pytest.raises(Failed, match="run as root"):
        page_cache.drop()
