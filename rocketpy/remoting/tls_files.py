"""Files whose content is watched, as upstream does it: by content, so that a file touched or linked anew is no change.

Blocking: for a thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

SIZE_LIMIT = 1 << 20  # more of a file is not looked at


class WatchedFiles:
    """Files, and what they held when they were last looked at; one that is not there holds nothing."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._digests = {path: digest(path) for path in paths}

    def __bool__(self) -> bool:
        """Whether any of them was there at the last look."""
        return any(self._digests.values())

    def watch(self, paths: Iterable[str]) -> None:
        """Watch these from now on; those that were watched before keep what is known of them."""
        self._digests = {path: self._digests.get(path) or digest(path) for path in paths}

    def changed(self) -> list[str]:
        """The files that hold something else than at the last look. A file that is gone is no change: it may come."""
        found = {path: digest(path) for path in self._digests}
        news = [path for path, now in found.items() if now and now != self._digests[path]]
        self._digests.update({path: found[path] for path in news})
        return news


def digest(path: str) -> bytes:
    """A hash of the file's content, or nothing where it cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.sha256(stream.read(SIZE_LIMIT)).digest()
    except (OSError, ValueError):
        return b""
