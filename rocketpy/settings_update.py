"""Changes settings by request (codes 25 and 318): checked whole, kept on disk, then in force, one request at a time.

Invariant: what is refused, by a rule or by the disk, has changed nothing; what is answered with success is on disk.
What no request may change, and what waits for a restart, says its row of the settings table.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from rocketpy.clock import Clock
from rocketpy.config.apply import nearest
from rocketpy.config.old_keys import READ_AT_START, SPELLINGS
from rocketpy.config.properties import parse_properties
from rocketpy.config.setting import Setting, Settings
from rocketpy.errors import RequestRefused
from rocketpy.protocol.bodies import DataVersion
from rocketpy.protocol.codes import ResponseCode
from rocketpy.settings_file import SettingsFile

BODY_LIMIT = 1 << 14  # all settings together have 5 KB; a body is read on the event loop, at 7 ms a kilobyte at worst
REMARKS_TOLD = 16

Values = dict[str, str]
Step = Callable[[Values], Awaitable[None]]


class SettingsUpdate:
    """Updates of one server's settings; the first of `settings` keeps the keys of the file that are no settings."""

    def __init__(
        self, settings: Sequence[Settings], file: SettingsFile | None, clock: Clock, log: logging.Logger, name: str
    ) -> None:
        self._settings = settings
        self._file = file
        self._clock = clock
        self._log = log
        self._name = name
        self._one_at_a_time = asyncio.Lock()
        self.version = DataVersion(counter=0, timestamp=clock.now_ms())

    async def take(self, body: bytes | None, peer: str, check: Step, act: Step) -> str | None:
        """Change what the lines of `body` say; `act` hears what is in force at once. Returns what there is to say.

        RequestRefused with SYSTEM_ERROR for an unknown name or a value that is none (as `check` does, for what only the
        server knows) and for a disk that refuses; with NO_PERMISSION for what no request may change.
        """
        if body is None:
            return None
        async with self._one_at_a_time:
            values = self._read(body, peer)
            await check(values)
            news = [name for name, text in values.items() if text != self._text(name)]
            told = await self._keep(values, news)
            self._apply(values, peer)
            self.version = DataVersion(counter=self.version.counter + 1, timestamp=self._clock.now_ms())
            await act({name: text for name, text in values.items() if self._is_hot(name)})
            return told

    def _read(self, body: bytes, peer: str) -> Values:
        """The values to set, each of them allowed and sound."""
        if len(body) > BODY_LIMIT:
            raise _refused(f"the body has {len(body)} bytes, more than {BODY_LIMIT}: send what changes only")
        try:
            given = parse_properties(f"{self._name} of {peer}", body.decode())
        except UnicodeDecodeError:
            raise _refused("the body is no text in UTF-8") from None
        for remark in given.remarks[:REMARKS_TOLD]:
            self._log.warning("%s", remark)
        if len(given.remarks) > REMARKS_TOLD:
            self._log.warning("%s of %s: %d remarks more", self._name, peer, len(given.remarks) - REMARKS_TOLD)
        values = {key: entry.value for key, entry in given.in_force().items()}
        return {name: text for name, text in values.items() if self._may_be_set(name, text)}

    def _may_be_set(self, name: str, text: str) -> bool:
        """RequestRefused unless it may; False for what stays as it is, since none of it may change."""
        rows = self._rows(name)
        if not rows and name not in self._settings[0].extra:
            near = nearest(name, {known for config in self._settings for known in config.rows})
            raise _refused(f"{name}: there is no such setting" + (f"; the nearest one is {near}" if near else ""))
        if not text.isprintable():
            raise _refused(f"{name}: the value has characters that cannot be printed")
        for row in rows:
            if row.fixed:
                if text == self._text(name):
                    return False
                remark = f"{name} can not be updated from afar, {row.fixed}: change it in the -c file and restart"
                raise RequestRefused(ResponseCode.NO_PERMISSION, remark)
            _check_value(row, text)
        return True

    async def _keep(self, values: Values, news: Sequence[str]) -> str | None:
        file = self._file
        if file is None:
            return "in force until the server stops: no file keeps its settings"
        try:
            await asyncio.to_thread(file.change, values, news)
        except OSError as error:
            raise self._not_kept(f"{error.filename or file.path}: {error.strerror or error}") from None
        except ValueError as fault:
            raise self._not_kept(str(fault)) from None
        return None if file.is_read else f"kept in {file.path}, which the next start reads with -c {file.path}"

    def _not_kept(self, why: str) -> RequestRefused:
        self._log.error("%s: nothing is changed, the settings cannot be kept: %s", self._name, why)
        return _refused(f"nothing is changed, the settings cannot be kept: {why}")

    def _apply(self, values: Values, peer: str) -> None:
        for name, text in values.items():
            before = self._text(name)
            for config in self._settings:
                row = config.rows.get(name)
                if row is not None and row.hot:
                    config.set(name, text, self._name)
                elif row is not None:
                    config.set_later(name, text)
            if name in self._settings[0].extra:
                self._settings[0].extra[name] = text
            when = self._when(name)
            self._log.info("%s called by %s: %s=%s (was %s), %s", self._name, peer, name, text, before, when)

    def _rows(self, name: str) -> list[Setting]:
        return [config.rows[name] for config in self._settings if name in config.rows]

    def _is_hot(self, name: str) -> bool:
        return any(row.hot for row in self._rows(name))

    def _when(self, name: str) -> str:
        rows = self._rows(name)
        idle = next((row.no_effect or row.not_yet for row in rows if not row.acts), "")
        if not rows and name not in SPELLINGS and name not in READ_AT_START:
            idle = "it is no setting, and only kept with the file"
        if idle:
            return f"without effect: {idle}"
        return "in force now" if self._is_hot(name) else "in force after a restart"

    def _text(self, name: str) -> str:
        known = (config.text(name) for config in self._settings if name in config.rows)
        return next(known, self._settings[0].extra.get(name, ""))


def _check_value(row: Setting, text: str) -> None:
    """Stricter than a start is with a file, which goes on with what is no value."""
    if row.java_type == "boolean" and text.lower() not in ("true", "false"):
        raise _refused(f"{row.name}: {text} is neither true nor false")
    try:
        value = row.parse(text)
        if row.in_force is not None:
            row.in_force(value)
    except ValueError as fault:
        raise _refused(" ".join(filter(None, (f"{row.name}:", text, str(fault))))) from None


def _refused(remark: str) -> RequestRefused:
    return RequestRefused(ResponseCode.SYSTEM_ERROR, remark)


async def nothing(values: Values) -> None:
    """A step of `take` for servers that have none."""
