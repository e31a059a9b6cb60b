"""Files of broker state (`config/*.json`): written so that a crash leaves the old or the new, read back with .bak.

Invariant: at every moment the file or its .bak holds a whole state, and what was persisted is on disk when `persist`
returns. A damaged file is set aside as .damaged before anything replaces it, so that it never becomes the .bak.
"""

import contextlib
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rocketpy.errors import ProtocolError, StartRefused
from rocketpy.protocol import fastjson

log = logging.getLogger("RocketmqCommon")


class Damaged(Exception):
    """A file is there but holds no JSON; its text says why."""


def load(path: str | Path) -> str | None:
    """The text of the file, else of its .bak, or None when there is neither; StartRefused when no copy can be read."""
    path = Path(path)
    try:
        text = whole_text(path)
    except Damaged as damage:
        return load_instead_of(path, damage)
    if text is not None:
        return text
    return load_bak(path, f"{path} is missing")


def is_whole(path: str | Path) -> bool:
    """Whether the file itself, not its .bak, can be read."""
    try:
        return whole_text(Path(path)) is not None
    except (Damaged, StartRefused):
        return False


def load_instead_of(path: Path, damage: Damaged) -> str | None:
    """The .bak of a damaged file; the damaged one is kept under another name for whoever wants to look."""
    text = load_bak(path, f"{path} is damaged ({damage})")
    aside = path.with_name(path.name + ".damaged")
    with contextlib.suppress(OSError):
        path.replace(aside)
    if text is None:
        log.error("%s is damaged (%s) and has no .bak: kept as %s, going on without", path, damage, aside)
    return text


def load_bak(path: Path, why: str) -> str | None:
    bak = bak_of(path)
    try:
        text = whole_text(bak)
    except Damaged as damage:
        raise StartRefused(
            f"{why} and {bak} is damaged too ({damage}): restore one of them, or remove both to start without"
        ) from None
    if text is not None:
        log.warning("%s: using %s", why, bak)
    return text


def whole_text(path: Path) -> str | None:
    """The text of a file that holds JSON; None when it is missing or empty, as upstream takes it."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartRefused(f"{path} cannot be read: {error.strerror}; make it a readable file") from None
    if not data:
        return None
    try:
        text = data.decode()
        fastjson.loads(text)
    except (ProtocolError, UnicodeDecodeError) as error:
        raise Damaged(str(error)) from None
    return text


def persist(path: str | Path, text: str, mode: int | None = None) -> None:
    """Replace the file by `text`, keeping the old one as .bak; on disk when this returns. `mode`: who may read it."""
    path = Path(path)
    make_folder(path.parent)
    tmp = path.with_name(path.name + ".tmp")
    write_synced(tmp, text.encode(), mode)
    keep_as_bak(path)
    tmp.replace(path)
    sync_folder(path.parent)


def write_synced(path: Path, data: bytes, mode: int | None = None) -> None:
    with path.open("wb") as file:
        if mode is not None:                         # before there is anything to read
            os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def keep_as_bak(path: Path) -> None:
    """Give the present file the name .bak as well: it keeps its own until the new one takes it over."""
    link = path.with_name(path.name + ".bak.tmp")
    link.unlink(missing_ok=True)
    try:
        os.link(path, link)
    except FileNotFoundError:
        return
    except OSError:                                  # no hard links here
        shutil.copyfile(path, link)
        with contextlib.suppress(OSError):           # who may read it stays; a disk without links may have no modes
            shutil.copymode(path, link)
    link.replace(bak_of(path))


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, their names on disk when this returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk; OSError names the folder."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from None
    finally:
        os.close(fd)


def bak_of(path: Path) -> Path:
    return path.with_name(path.name + ".bak")


def remedy(path: Path) -> str:
    """What to do about JSON that means nothing here."""
    return f"restore it from {bak_of(path).name}, or remove it"


def pretty(value: Any) -> str:
    """JSON as fastjson prints it with PrettyFormat: what stands in `config/*.json`, byte for byte."""
    return "".join(pretty_parts(value, 0))


def pretty_parts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        return pretty_map(value, depth)
    if isinstance(value, list | tuple) and not all(isinstance(item, int) for item in value):
        return pretty_list(value, depth)
    return iter((scalar(value),))


def pretty_map(value: Mapping[Any, Any], depth: int) -> Iterator[str]:
    """A string key begins a line; any other key does not, but the closing brace always does (an oddity of fastjson)."""
    indent = "\n" + "\t" * (depth + 1)
    before = "{"
    for key, member in value.items():
        if member is None:
            continue
        yield before
        before = ","
        if isinstance(key, str):
            yield indent
        yield scalar(key) + ":"
        yield from pretty_parts(member, depth + 1)
    if before == "{":
        yield before
    if value:
        yield "\n" + "\t" * depth
    yield "}"


def pretty_list(value: list[Any] | tuple[Any, ...], depth: int) -> Iterator[str]:
    indent = "\n" + "\t" * (depth + 1)
    before = "["
    for item in value:
        yield before + indent
        before = ","
        yield from pretty_parts(item, depth + 1)
    yield "\n" + "\t" * depth + "]"


def scalar(value: Any) -> str:
    return fastjson.text_of(value)
