"""A power loss: what the disk holds when everything that was not synced is forgotten, or reaches it in any order.

The model, strict where POSIX is and ext4 and xfs are kinder:
- A byte is durable once msync, fsync, fdatasync or syncfs that covers it has returned; so is then the file's length.
- A name is durable once its folder was fsynced (or the file system synced), whoever made, renamed or removed it; a
  synced file whose name was not is gone, and so is all below a folder whose name was not.
- A rename is one change of a folder: the old file or the new one, never neither.
- Anything else may have reached the disk or not, page by page and name by name: `cut` decides with its random source.
  A page of 4096 bytes is whole or old; the checkpoint's 24 bytes lie in one sector.
Kept apart from the model: bytes written to a page after its sync began may be in the image, as they may be on a disk.
"""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

PAGE = 4096


@dataclass(frozen=True)
class Name:
    """One durable name of a folder."""

    inode: int
    is_folder: bool


class PowerLoss:
    """The durable image of one home folder, kept by layer.c while a process runs on it."""

    def __init__(self, layer: Path, home: Path) -> None:
        self._layer, self.home = layer, home
        self._image = home.with_name(home.name + ".image")

    def begin(self) -> dict[str, str]:
        """What is there now is durable; the environment of the process whose syncs count from now on."""
        shutil.rmtree(self._image, ignore_errors=True)
        for name in ("inodes", "folders", "held"):
            (self._image / name).mkdir(parents=True)
        self._keep(self.home)
        return {"LD_PRELOAD": str(self._layer), "FAULT_ROOT": str(self.home), "FAULT_IMAGE": str(self._image)}

    def _keep(self, folder: Path) -> None:
        lines = []
        for path in sorted(folder.iterdir()):
            is_folder = path.is_dir()
            lines.append(f"{path.stat().st_ino} {'d' if is_folder else 'f'} {path.name}\n")
            if is_folder:
                self._keep(path)
            else:
                shutil.copyfile(path, self._inode(path.stat().st_ino))
        (self._image / "folders" / str(folder.stat().st_ino)).write_text("".join(lines))

    def _inode(self, inode: int) -> Path:
        return self._image / "inodes" / str(inode)

    def cut(self, chance: random.Random) -> None:
        """The process was killed: make the home folder what the disk holds. 0 of the rest reached it, all, or some."""
        after = self.home.with_name(self.home.name + ".after")
        shutil.rmtree(after, ignore_errors=True)
        reached = chance.choice((0.0, 0.0, 0.2, 0.5, 0.8, 1.0))
        self._build(self.home, self.home.stat().st_ino, after, chance, reached)
        shutil.rmtree(self.home)
        after.rename(self.home)

    def _build(self, folder: Path | None, inode: int, into: Path, chance: random.Random, reached: float) -> None:
        into.mkdir()
        durable, now = self._durable_names(inode), names_now(folder)
        for name in sorted({*durable, *now}):
            entry = durable.get(name)
            if name not in durable or now.get(name) != entry:
                entry = now.get(name) if chance.random() < reached else entry
            if entry is None:
                continue
            present = folder / name if folder is not None and now.get(name) == entry else None
            if entry.is_folder:
                self._build(present, entry.inode, into / name, chance, reached)
            else:
                self._build_file(present, entry.inode, into / name, chance, reached)

    def _durable_names(self, inode: int) -> dict[str, Name]:
        listed = self._image / "folders" / str(inode)
        if not listed.exists():
            return {}
        rows = [line.split(" ", 2) for line in listed.read_text().splitlines()]
        return {name: Name(int(number), kind == "d") for number, kind, name in rows}

    def _build_file(
        self, present: Path | None, inode: int, into: Path, chance: random.Random, reached: float
    ) -> None:
        kept, held = self._inode(inode), self._image / "held" / str(inode)
        durable = kept.read_bytes() if kept.exists() else b""
        now = next((path.read_bytes() for path in (present, held) if path is not None and path.exists()), durable)
        into.write_bytes(b"")
        os.truncate(into, len(now) if chance.random() < reached else len(durable))
        length = into.stat().st_size
        with into.open("r+b") as file:
            for at in range(0, length, PAGE):
                old, new = durable[at : at + PAGE], now[at : at + PAGE]
                page = new if old != new and chance.random() < reached else old
                if page.strip(b"\0"):
                    file.seek(at)
                    file.write(page[: length - at])


def names_now(folder: Path | None) -> dict[str, Name]:
    if folder is None:
        return {}
    return {path.name: Name(path.stat().st_ino, path.is_dir()) for path in folder.iterdir()}
