"""What happens to a store folder between a crash and the next start, on real machines.

Each takes the folder and a random source, and returns the log offset from which on nothing needs to be there any more:
`WHOLE` where the log itself was left alone.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

WHOLE = 1 << 62
PAGE = 4096
SECTOR = 512

Damage = Callable[[Path, random.Random], int]


def only_the_kill(store: Path, chance: random.Random) -> int:
    return WHOLE


def log_tail_truncated(store: Path, chance: random.Random) -> int:
    path, at = somewhere_in_the_last_page(store, chance)
    with path.open("r+b") as file:
        file.truncate(at)
    return int(path.name) + at


def log_tail_zeroed(store: Path, chance: random.Random) -> int:
    """As a disk leaves it that wrote some sectors and not the others."""
    path, at = somewhere_in_the_last_page(store, chance)
    at -= at % SECTOR
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(min(PAGE, path.stat().st_size - at)))
    return int(path.name) + at


def log_tail_garbled(store: Path, chance: random.Random) -> int:
    path, at = somewhere_in_the_last_page(store, chance)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(chance.randbytes(min(PAGE, path.stat().st_size - at)))
    return int(path.name) + at


def somewhere_in_the_last_page(store: Path, chance: random.Random) -> tuple[Path, int]:
    for path in sorted((store / "commitlog").glob("0*"), reverse=True):
        end = len(path.read_bytes().rstrip(b"\0"))
        if end:
            return path, max(0, end - chance.randrange(1, PAGE))
    raise AssertionError("the log is empty")


def any_file(folder: Path, chance: random.Random) -> Path | None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return chance.choice(files) if files else None


def spoil(path: Path | None, chance: random.Random) -> int:
    """Remove, truncate or garble a file."""
    if path is None or not path.is_file():
        return WHOLE
    data = path.read_bytes()
    at = chance.randrange(len(data)) if data else 0
    how = chance.randrange(3)
    if how == 0:
        path.unlink()
    elif how == 1:
        path.write_bytes(data[:at])
    else:
        path.write_bytes(data[:at] + chance.randbytes(len(data) - at))
    return WHOLE


def queue_file_spoiled(store: Path, chance: random.Random) -> int:
    return spoil(any_file(store / "consumequeue", chance), chance)


def queue_folder_removed(store: Path, chance: random.Random) -> int:
    folders = sorted((store / "consumequeue").glob("*/*"))
    if folders:
        shutil.rmtree(chance.choice(folders))
    return WHOLE


def queues_removed(store: Path, chance: random.Random) -> int:
    shutil.rmtree(store / "consumequeue", ignore_errors=True)
    return WHOLE


def index_file_spoiled(store: Path, chance: random.Random) -> int:
    """The newest: what a crash meets half written. Garbage within a closed file is another matter."""
    files = sorted((store / "index").glob("2*"))
    return spoil(files[-1] if files else None, chance)


def index_file_removed(store: Path, chance: random.Random) -> int:
    path = any_file(store / "index", chance)
    if path is not None:
        path.unlink()
    return WHOLE


def index_removed(store: Path, chance: random.Random) -> int:
    shutil.rmtree(store / "index", ignore_errors=True)
    return WHOLE


def checkpoint_spoiled(store: Path, chance: random.Random) -> int:
    return spoil(store / "checkpoint", chance)


def queue_ends_spoiled(store: Path, chance: random.Random) -> int:
    return spoil(store / "queueEnds", chance)


def config_file_spoiled(store: Path, chance: random.Random) -> int:
    files = sorted((store / "config").glob("*.json"))
    return spoil(chance.choice(files), chance) if files else WHOLE


def abort_removed(store: Path, chance: random.Random) -> int:
    (store / "abort").unlink(missing_ok=True)
    return WHOLE


DAMAGES: list[Damage] = [
    only_the_kill, log_tail_garbled, queue_folder_removed, log_tail_zeroed, index_file_spoiled, checkpoint_spoiled,
    log_tail_truncated, queue_file_spoiled, abort_removed, index_removed, config_file_spoiled, queues_removed,
    queue_ends_spoiled, index_file_removed,
]
