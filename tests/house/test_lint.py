"""The linters agree: ruff, mypy --strict, cython-lint, and sh reads every script."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}  # cython-lint calls pycodestyle
SCRIPTS = [
    *sorted(path for path in (REPO / "bin").iterdir() if path.is_file()),
    REPO / ".ci" / "run",
    REPO / "docker" / "docker-entrypoint.sh",
]


def lint(tool: str, *arguments: str) -> None:
    program = BIN / tool
    if not program.exists():
        pytest.skip(f"{tool} is missing; install it with: pip install -e '.[lint]'")
    done = subprocess.run([program, *arguments], cwd=REPO, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff() -> None:
    lint("ruff", "check", "--quiet", ".")


@pytest.mark.timeout(180)
def test_mypy() -> None:
    lint("mypy")


@pytest.mark.timeout(180)
def test_cython_lint() -> None:
    sources = [
        str(path.relative_to(REPO)) for end in ("pyx", "pxd") for path in sorted(REPO.rglob(f"rocketpy/**/*.{end}"))
    ]
    lint("cython-lint", *sources)


def test_hadolint() -> None:
    lint("hadolint", "Dockerfile")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_posix(path: Path) -> None:
    shell = shutil.which("dash") or "sh"
    subprocess.run([shell, "-n", path], check=True)
    text = path.read_text()
    for bashism in ("[[", "function ", "<<<", "&>", "source ", "local "):
        assert bashism not in text
