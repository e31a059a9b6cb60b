"""Every extension has its doors: a .pxd with its fields and a .pyi with what Python sees."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "rocketpy"
EXTENSIONS = sorted(PACKAGE.rglob("*.pyx"))
CIMPORTS = "\n".join(path.read_text() for end in ("pyx", "pxd") for path in PACKAGE.rglob(f"*.{end}"))


@pytest.mark.parametrize("path", EXTENSIONS, ids=lambda path: path.stem)
def test_an_extension_has_its_doors(path: Path) -> None:
    text = path.read_text()
    if re.search(r"^cdef class ", text, re.MULTILINE) or f"_core.{path.stem} cimport" in CIMPORTS:
        assert path.with_suffix(".pxd").exists()
    if re.search(r"^(def |cpdef |    def (?!__))", text, re.MULTILINE):
        assert path.with_suffix(".pyi").exists()


@pytest.mark.parametrize("path", EXTENSIONS, ids=lambda path: path.stem)
def test_an_extension_is_plain_cython_of_today(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert not line.startswith(("include ", "DEF ", "IF "))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_what_it_is(path: Path) -> None:
    assert path.read_text().lstrip().startswith(('"""', 'r"""'))
