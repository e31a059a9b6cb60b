"""Files for decoders that read files: in a folder of the process's own, in memory where there is such a place."""

from __future__ import annotations

import atexit
import os
import tempfile
from functools import cache
from pathlib import Path
from shutil import rmtree


def memory() -> Path | None:
    """Where files are in memory alone, if there is such a place."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else None


@cache
def folder() -> Path:
    """The process's folder, gone at its end."""
    made = Path(tempfile.mkdtemp(prefix="fuzz-", dir=None if "TMPDIR" in os.environ else memory()))
    atexit.register(rmtree, made, ignore_errors=True)
    return made


def scratch(name: str, data: bytes) -> Path:
    """A file with these bytes, and no other file of its name or a name made of it."""
    path = folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob(f"{path.name}*"):
        if old.is_file():
            old.unlink()
    path.write_bytes(data)
    return path
