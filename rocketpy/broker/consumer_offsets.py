"""How far each group has consumed each queue, and consumerOffset.json.

A commit is an unconditional set, as upstream: it may go backwards and may name any topic or group. The file's text is
kept row by row (a row is one topic@group) and only changed rows are encoded again, a slice of them a loop turn, so that
a hundred thousand rows do not hold up the loop; the writing itself runs in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from rocketpy import json_file
from rocketpy.broker.table_text import TableText
from rocketpy.errors import StartRefused
from rocketpy.protocol import fastjson
from rocketpy.protocol.body import to_int

log = logging.getLogger("RocketmqBroker")

ROWS_A_TURN = 1000


def _key(topic: str, group: str) -> str:
    return f"{topic}@{group}"


def split_key(key: str) -> tuple[str, str] | None:
    """(topic, group) of a row; None where a name has an `@` of its own, which upstream skips as well."""
    topic, at, group = key.partition("@")
    return (topic, group) if at and "@" not in group else None


class ConsumerOffsets:
    """The offsets and their file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.table: dict[str, dict[int, int]] = {}
        self._text = TableText("offsetTable")
        self._stale: set[str] = set()
        self._changed = False
        self._turn = asyncio.Lock()
        # The file has one writer at a time, and an older text never replaces a newer one.
        self._file = threading.Lock()
        self._version = self._written = 0

    # -- commit and query

    def commit(self, group: str, topic: str, queue_id: int, offset: int, client: str = "") -> None:
        """Set the offset; going back is done and logged."""
        key = _key(topic, group)
        queues = self.table.setdefault(key, {})
        old = queues.get(queue_id, -1)
        queues[queue_id] = offset
        if old == offset:
            return
        self._touch(key)
        if offset < old:
            log.warning(
                "update consumer offset less than store. clientHost=%s, key=%s, queueId=%d, requestOffset=%d, "
                "storeOffset=%d", client, key, queue_id, offset, old,
            )  # fmt: skip

    def query(self, group: str, topic: str, queue_id: int) -> int:
        """The offset, or -1."""
        return self.table.get(_key(topic, group), {}).get(queue_id, -1)

    def queues(self, group: str, topic: str) -> dict[int, int]:
        """Offsets by queue id; empty when there are none."""
        return dict(self.table.get(_key(topic, group), {}))

    def topics_of(self, group: str) -> list[str]:
        """Topics for which the group has offsets."""
        return [names[0] for names in map(split_key, self.table) if names and names[1] == group]

    def topics_by_group(self) -> dict[str, list[str]]:
        """The same of every group, in one look at the table."""
        topics: dict[str, list[str]] = {}
        for names in map(split_key, self.table):
            if names:
                topics.setdefault(names[1], []).append(names[0])
        return topics

    def groups_of(self, topic: str) -> list[str]:
        """Groups that have offsets of the topic."""
        return [names[1] for names in map(split_key, self.table) if names and names[0] == topic]

    def least_of_all_groups(
        self, topic: str, min_offset: Callable[[int], int], but: Collection[str] = ()
    ) -> dict[int, int]:
        """By queue id, the least offset among all groups, `but` these, that is still in the queue."""
        least: dict[int, int] = {}
        for group in set(self.groups_of(topic)) - set(but):
            for queue_id, offset in self.table[_key(topic, group)].items():
                if offset >= min_offset(queue_id):
                    least[queue_id] = min(offset, least.get(queue_id, offset))
        return least

    # -- operator's changes

    def clone(self, source_group: str, dest_group: str, topic: str) -> None:
        """Give one group the offsets of another."""
        offsets = self.table.get(_key(topic, source_group))
        if offsets is not None:
            key = _key(topic, dest_group)
            self.table[key] = dict(offsets)
            self._touch(key)

    def _touch(self, key: str) -> None:
        self._stale.add(key)
        self._changed = True

    # -- file

    def load(self) -> None:
        """Read the file; none is a fresh broker."""
        text = json_file.load(self._path)
        try:
            stored = fastjson.loads(text).get("offsetTable") or {} if text else {}
            self.table = {key: {to_int(id): to_int(at) for id, at in row.items()} for key, row in stored.items()}
        except (AttributeError, TypeError, ValueError, OverflowError):
            raise StartRefused(f"{self._path} holds no offsets: {json_file.remedy(self._path)}") from None
        self._text.clear()
        self._stale = set(self.table)
        self._changed = False

    def persist(self) -> None:
        """Write the file now: the broker stops. A disk that refuses is told, and the stop goes on."""
        self._encode(list(self._stale))
        self._changed = False
        try:
            self._write(*self._next_text())
        except OSError as error:
            log.error("consumer offsets not written to %s: %s", self._path, error)

    async def persist_changes(self) -> None:
        """Write the file if an offset has changed since it was written; the loop goes on meanwhile."""
        async with self._turn:
            if not self._changed:
                return
            self._changed = False
            stale = list(self._stale)
            for first in range(0, len(stale), ROWS_A_TURN):
                self._encode(stale[first : first + ROWS_A_TURN])
                await asyncio.sleep(0)
            try:
                await asyncio.get_running_loop().run_in_executor(None, self._write, *self._next_text())
            except OSError as error:
                self._refused(error)

    def _refused(self, error: OSError) -> None:
        self._changed = True
        log.error("consumer offsets not written to %s: %s", self._path, error)

    def _write(self, version: int, text: str) -> None:
        with self._file:
            if version > self._written:
                json_file.persist(self._path, text)
                self._written = version

    def _next_text(self) -> tuple[int, str]:
        self._version += 1
        return self._version, self._text.text()

    def _encode(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._stale.discard(key)
            offsets = ",".join(f"{queue_id}:{offset}" for queue_id, offset in sorted(self.table[key].items()))
            self._text.put_text(key, f"{{{offsets}\n\t\t}}")
