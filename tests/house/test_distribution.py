"""What is shipped: a source distribution builds what the checkout builds, an installation holds no sources of C."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
SOURCES = ("pyx", "pxd", "pyi", "py", "typed")
FOLDERS = ("bin", "conf", "docker")
FILES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE", "Dockerfile")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout without what was built in it."""
    pytest.importorskip("setuptools", reason="setuptools is missing; install it with: pip install -e '.[lint]'")
    copy = tmp_path_factory.mktemp("sdist")
    shutil.copytree(REPO / "rocketpy", copy / "rocketpy", ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
    for folder in FOLDERS:
        shutil.copytree(REPO / folder, copy / folder)
    for file in FILES:
        shutil.copy(REPO / file, copy)
    return copy


def setup(copy: Path, *arguments: str) -> None:
    """Run setup.py, for one of the extensions only."""
    command = [sys.executable, "-W", "ignore", "setup.py", "-q", *arguments]
    environment = {**os.environ, "ROCKETPY_EXT": "hashing"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def names(copy: Path) -> set[str]:
    """The files of a source distribution."""
    setup(copy, "sdist", "-d", "out")
    (archive,) = (copy / "out").iterdir()
    with tarfile.open(archive) as tar:
        return {member.name.partition("/")[2] for member in tar.getmembers() if member.isfile()}


def test_a_source_distribution_holds_all_sources(names: set[str]) -> None:
    package = {path for end in SOURCES for path in (REPO / "rocketpy").rglob(f"*.{end}")}
    scripts = {path for folder in FOLDERS for path in (REPO / folder).rglob("*") if path.is_file()}
    assert {str(path.relative_to(REPO)) for path in package | scripts} | set(FILES) <= names


def test_a_source_distribution_holds_no_generated_files(names: set[str]) -> None:
    assert [name for name in names if name.endswith((".c", ".so", ".pyc"))] == []


def test_an_installation_holds_what_python_and_cimport_need(copy: Path) -> None:
    setup(copy, "build_py", "--build-lib", "installed")
    installed = {path.relative_to(copy / "installed") for path in (copy / "installed").rglob("*") if path.is_file()}
    wanted = {path for end in SOURCES if end != "pyx" for path in (REPO / "rocketpy").rglob(f"*.{end}")}
    assert installed == {path.relative_to(REPO) for path in wanted}
