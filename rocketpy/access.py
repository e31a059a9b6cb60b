"""Access control of a running server: reads plain_acl.yml, follows it, rewrites it, and stands before a request table.

Invariant: rules in force are always whole. A file that goes missing or wrong changes nothing and is told once; a change
by request is on disk, and in force, before it is answered.
"""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rocketpy import json_file
from rocketpy._core.command import Command
from rocketpy.acl.edit import for_java, put_version
from rocketpy.acl.errors import AccessDenied, AclError
from rocketpy.acl.guard import NO_CODES, Guard
from rocketpy.acl.rules import DataVersion, Rules, rules_of
from rocketpy.acl.yaml_text import dump_text, load_text
from rocketpy.clock import Clock
from rocketpy.config.environment import Environment
from rocketpy.config.namesrv import rocketmq_home
from rocketpy.errors import StartRefused

DEFAULT_FILE = "/conf/plain_acl.yml"
TELL_MS = 1000  # refusals are logged no more often
SHOWN = 200  # characters of a refusal in the log

Served = TypeVar("Served")
Serve = Callable[[Any, Command], Served]
Change = Callable[[dict[str, Any]], bool]


def acl_file(environment: Environment) -> Path:
    """Where the rules are: `-Drocketmq.acl.plain.file`, else conf/plain_acl.yml, in the release's folder."""
    name = environment.system_properties.get("rocketmq.acl.plain.file") or DEFAULT_FILE
    return Path(f"{rocketmq_home(environment) or ''}/{name}")


class Access:
    """The rules of one server. `strict` are the codes that need an admin's signature from wherever they come."""

    watch_ms = 500  # how often `poll` is to be called: upstream's

    def __init__(self, path: Path, clock: Clock, log: logging.Logger, strict: frozenset[int] = NO_CODES) -> None:
        self.path = path
        self._clock = clock
        self._log = log
        self._version = DataVersion(0, clock.now_ms())
        self._guard = Guard(Rules(), strict)
        self._seen: bytes | None = None  # the file as it was last looked at, None: it could not be read
        self.is_white, self.allows = self._guard.is_white, self._guard.allows
        self._changing = asyncio.Lock()
        self._told_ms = -TELL_MS
        self._untold = 0

    def load(self, setting: str) -> None:
        """Read the rules for the first time. StartRefused with path and remedy when there are none; `setting` asks."""
        try:
            self._seen = self.path.read_bytes()
            self._take(self._seen)
        except OSError as error:
            why, remedy = error.strerror, "put the rules there (conf/plain_acl.yml is a sample)"
        except AclError as error:
            why, remedy = str(error), "correct it"
        else:
            return
        other = "name another file in $ROCKETMQ_HOME with -Drocketmq.acl.plain.file"
        raise StartRefused(f"{setting}: {self.path}: {why}; {remedy}, or {other}")

    def poll(self) -> None:
        """Follow a change of the file's content; to be called every `watch_ms`."""
        if self._changing.locked():
            return
        try:
            data, fault = self.path.read_bytes(), ""
            if data != self._seen:
                self._take(data)
        except OSError as error:
            data, fault = None, error.strerror or str(error)
        except AclError as error:
            fault = str(error)
        if data != self._seen and fault:
            self._log.error("%s: %s; the rules that were in force stay so", self.path, fault)
        self._seen = data

    def _take(self, data: bytes) -> None:
        rules = rules_of(load_text(data))
        self._guard.rules = rules
        self._version = rules.data_version or self._version
        for remark in rules.remarks:
            self._log.warning("%s: %s", self.path, remark)
        self._log.info(
            "%s: %d accounts and %d global white addresses in force", self.path, len(rules.accounts), len(rules.white)
        )

    @property
    def version_text(self) -> str:
        """The version of the rules, as code 52 answers it."""
        return self._version.json()

    async def change(self, change: Change) -> bool:
        """Rewrite the file. False when the change found nothing to change; AclError when it may or can not be."""
        async with self._changing:
            try:
                document = load_text(self.path.read_bytes())
                if not change(document):
                    return False
                version = DataVersion(self._version.counter + 1, self._clock.now_ms())
                put_version(document, version)
                text = dump_text(for_java(document))
                await asyncio.to_thread(self._persist, text)
            except OSError as error:
                raise AclError(f"{self.path} cannot be written: {error.strerror}") from None
            self._seen = text.encode()
            self._take(self._seen)
            return True

    def _persist(self, text: str) -> None:
        """Keep a link a link and who may read it: it holds secrets."""
        path = self.path.resolve()
        json_file.persist(path, text, mode=stat.S_IMODE(path.stat().st_mode))

    # -- before the processors

    def guarded(self, table: Mapping[int, Serve[Served]]) -> dict[int, Serve[Served]]:
        """The request table with every function behind the check."""
        return {code: self._behind_check(serve) for code, serve in table.items()}

    def _behind_check(self, serve: Serve[Served]) -> Serve[Served]:
        def answer(connection: Any, request: Command) -> Served:
            self.check(connection, request)
            return serve(connection, request)

        return answer

    def check(self, connection: Any, request: Command) -> None:
        """AccessDenied, which is answered and told, when the peer may not send this request."""
        try:
            self._guard.check(connection, request)
        except AccessDenied as denied:
            self._tell(f"{connection.address}: request code {request.code}: {denied.remark}")
            raise

    def _tell(self, line: str) -> None:
        """One-way requests have no answer to see it in; a peer that asks again and again must not fill the log."""
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._told_ms < TELL_MS:
            self._untold += 1
            return
        more = f" ({self._untold} refusals before it were not logged)" if self._untold else ""
        self._log.warning("refused %s%s", line[:SHOWN], more)
        self._told_ms, self._untold = now_ms, 0
