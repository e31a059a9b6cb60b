"""Pages of a log are made one by one where each sync must write little, with read-ahead elsewhere."""

from pathlib import Path

import pytest

from rocketpy._core.mapped_files import MappedFiles

SIZE = 1 << 20


def is_random(path: Path) -> bool:
    """Whether some map of this file is advised against read-ahead."""
    mine = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if line[:1].islower() or line[:1].isdigit():  # a map's own line; its fields begin with a capital
            mine = line.endswith(str(path))
        elif mine and line.startswith("VmFlags:") and "rr" in line.split():
            return True
    return False


@pytest.mark.parametrize("small_pages", [False, True])
def test_pages_are_made_one_by_one_from_the_first_on_where_asked(tmp_path: Path, small_pages: bool) -> None:
    files = MappedFiles(str(tmp_path), SIZE, small_pages=small_pages)
    files.append(b"a")
    assert is_random(tmp_path / f"{0:020d}") is small_pages


@pytest.mark.parametrize("small_pages", [False, True])
def test_pages_of_the_next_file_are_too(tmp_path: Path, small_pages: bool) -> None:
    files = MappedFiles(str(tmp_path), SIZE, small_pages=small_pages)
    files.append(b"a")
    files.make_spare(SIZE)
    assert is_random(tmp_path / f"{SIZE:020d}") is small_pages
