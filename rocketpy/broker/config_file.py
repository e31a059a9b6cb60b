"""A file of `config/*.json` that follows its table without holding up the loop.

A change marks the file stale; one thread job at a time writes it, and what changed meanwhile is one more job. Who must
not be answered before the change is on disk waits for `saved`. Without a running loop (a start, a test) it is written
at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rocketpy import json_file
from rocketpy.errors import RequestRefused, StartRefused
from rocketpy.protocol.body import Body

log = logging.getLogger("RocketmqBroker")

B = TypeVar("B", bound=Body)


class ConfigFile:
    """One file and the text it should have."""

    def __init__(self, path: Path, text: Callable[[], str]) -> None:
        self._path = path
        self._text = text
        self._stale = False
        self._job: asyncio.Task[None] | None = None

    def load(self, body: type[B]) -> B | None:
        """What is stored; None when nothing is. StartRefused when it is JSON of something else."""
        text = json_file.load(self._path)
        try:
            return None if text is None else body.decode(text.encode())
        except RequestRefused as refusal:
            message = f"{self._path}: {refusal.remark}; restore it from {self._path.name}.bak, or remove it"
            raise StartRefused(message) from None

    def changed(self) -> None:
        """The text is another one: write it."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write(self._text())
            return
        self._stale = True
        if self._job is None:
            self._job = loop.create_task(self._write_while_stale())

    @property
    def is_saved(self) -> bool:
        """Whether the file has the text."""
        return self._job is None

    async def saved(self) -> None:
        """Wait until all that changed before is on disk."""
        while self._job is not None:
            await asyncio.shield(self._job)

    async def _write_while_stale(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._stale:
                self._stale = False
                await loop.run_in_executor(None, self._write, self._text())
        finally:
            self._job = None

    def _write(self, text: str) -> None:
        """A disk that refuses is told; the next change tries again."""
        try:
            json_file.persist(self._path, text)
        except OSError as error:
            log.error("%s not written: %s", self._path, error)
