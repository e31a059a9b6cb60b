"""A file of `config/*.json` that follows its table without holding up the loop.

A change makes a new version; one thread job at a time writes the newest, and what changed meanwhile is one more job.
Who must not be answered before the change is on disk waits for `saved`. A disk that refuses is told, and asked again
until it takes the file. Without a running loop (a start, a test) it is written at once.
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

RETRY_S = 5.0

B = TypeVar("B", bound=Body)


class ConfigFile:
    """One file and the text it should have."""

    def __init__(self, path: Path, text: Callable[[], str]) -> None:
        self._path = path
        self._text = text
        self.fault = ""  # why the last write failed
        self.was_whole = True  # found so by `load`: else it may be older than the rest of the store
        self._version = self._written = 0  # of the table now, and of what is on disk
        self._job: asyncio.Task[None] | None = None
        self._retry: asyncio.TimerHandle | None = None

    def load(self, body: type[B]) -> B | None:
        """What is stored; None when nothing is. StartRefused when it is JSON of something else."""
        self.was_whole = json_file.is_whole(self._path)
        text = json_file.load(self._path)
        try:
            return None if text is None else body.decode(text.encode())
        except RequestRefused as refusal:
            message = f"{self._path}: {refusal.remark}; {json_file.remedy(self._path)}"
            raise StartRefused(message) from None

    def changed(self) -> None:
        """The text is another one: write it."""
        self._version += 1
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._note(self._version, self._write(self._text()))
        else:
            self._begin(loop)

    @property
    def is_saved(self) -> bool:
        """Whether no change waits to be written; one that the disk refused is not waited for."""
        return self._job is None

    async def saved(self) -> None:
        """Wait until all that changed before is on disk, or refused."""
        wanted = self._version
        while self._written < wanted and self._job is not None:
            await asyncio.shield(self._job)

    async def shutdown(self) -> None:
        """Write what is not on disk yet; the last try."""
        if self._written < self._version:
            self._begin(asyncio.get_running_loop())
        await self.saved()
        self._stop_retry()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stop_retry()
        if self._job is None:
            self._job = loop.create_task(self._write_aside(loop))

    def _stop_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    async def _write_aside(self, loop: asyncio.AbstractEventLoop) -> None:
        version = self._version
        try:
            self._note(version, await loop.run_in_executor(None, self._write, self._text()))
        finally:
            self._job = None
        if self.fault:
            self._retry = loop.call_later(RETRY_S, self._begin, loop)
        elif version < self._version:
            self._begin(loop)

    def _note(self, version: int, fault: str) -> None:
        if fault and fault != self.fault:
            log.error("%s; tried again every %d s", fault, RETRY_S)
        self.fault = fault
        if not fault:
            self._written = version

    def _write(self, text: str) -> str:
        """Why it failed, or nothing."""
        try:
            json_file.persist(self._path, text)
        except OSError as error:
            return f"{self._path} not written: {error.strerror or error}"
        return ""
