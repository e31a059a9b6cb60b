"""Files that commands write: reports of clients, bodies of messages.

Invariant: a name from the wire becomes a file in the folder that is meant, or none; a link that lies there already is
not followed, because other users can write in the folders upstream uses.
"""

from __future__ import annotations

import os
from pathlib import Path

from rocketpy.admin.command import CommandFailed

LONGEST = 255


def as_file_name(name: str) -> str:
    """The name again. CommandFailed when it names anything but a file of the folder it is put into."""
    if name in ("", ".", "..") or any(letter in "/\\" or not letter.isprintable() for letter in name):
        raise CommandFailed(f"{name[:64]!r} cannot be the name of a file, so none is written")
    if len(name.encode()) > LONGEST:
        raise CommandFailed(f"{name[:64]!r}… is too long for the name of a file, so none is written")
    return name


def write_anew(path: Path, content: bytes) -> None:
    """Write a file and the folders above it. CommandFailed with the path and the reason when that does not work."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror or error}") from None
