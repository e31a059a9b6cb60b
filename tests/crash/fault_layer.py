"""The file layer that refuses and forgets (layer.c), built once a run, and the environment that puts a process on it.

Invariant: a refusal holds from the moment `refuse` returns: the layer looks at the control file before every call.
"""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path

import pytest

from tests.needs import lack

SOURCE = Path(__file__).with_name("layer.c")


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared object."""
    built = tmp_path_factory.mktemp("layer") / "layer.so"
    command = ["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", str(built), str(SOURCE), "-ldl", "-lpthread"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        lack("cc", "the file layer is C: install gcc")
    return built


class Faults:
    """What the layer refuses below a folder."""

    def __init__(self, layer: Path, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._control = home.with_name(home.name + ".faults")
        self.env = {"LD_PRELOAD": str(layer), "FAULT_ROOT": str(home), "FAULT_CONTROL": str(self._control)}
        self.heal()

    def refuse(self, *rules: tuple[str, str, int]) -> None:
        """(call, part of the path, errno) each; they take the place of earlier ones."""
        self._replace("".join(f"{call} {part} {number}\n" for call, part, number in rules))

    def heal(self) -> None:
        """The disk is well again."""
        self._replace("")

    def _replace(self, text: str) -> None:
        new = self._control.with_name(self._control.name + ".new")
        new.write_text(text)
        new.replace(self._control)


READ_ONLY = tuple(
    (call, "/store/", errno.EROFS)
    for call in ("open", "create", "write", "fallocate", "truncate", "sync", "rename", "unlink")
)
