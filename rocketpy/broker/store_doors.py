"""The store as the delay schedule and the cleaner see it.

Both know only the few things they need; here stands which part of the store each of them is.
"""

from __future__ import annotations

from collections.abc import Iterable

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.message import Message
from rocketpy.protocol.names import SCHEDULE_TOPIC
from rocketpy.store.index import IndexFolder
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutResult
from rocketpy.store.running_flags import Running
from rocketpy.store.schedule import DelayQueue

_SCHEDULE = SCHEDULE_TOPIC.encode()


class DelayDoor:
    """What the schedule needs: the queues of delayed messages, and to put what is due."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store

    def delay_queues(self) -> dict[int, DelayQueue]:
        """The queues of the schedule topic by queue id."""
        queues = self._store.writer.queues.items()
        return {queue_id: queue for (topic, queue_id), queue in queues if topic == _SCHEDULE}

    def message_at(self, physical_offset: int) -> Message | None:
        """The delayed message."""
        return self._store.message_at(physical_offset)

    def put_due(self, message: Message) -> PutResult:
        """Put it to its real queue; its DELAY does not count any more."""
        return self._store.put_due(message)


class CleanDoor:
    """What the cleaner needs: files, queues, index, and the flag of a full disk."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store

    @property
    def log_files(self) -> MappedFiles:
        """The commit log."""
        return self._store.writer.log

    @property
    def index(self) -> IndexFolder | None:
        """The index files, when there are any."""
        return self._store.index

    def consume_queues(self) -> Iterable[ConsumeQueue]:
        """Every consume queue."""
        return self._store.writer.queues.values()

    def mark_disk_full(self, is_full: bool) -> bool:
        """Refuse or allow puts; True when that is news."""
        flags = self._store.flags
        return flags.set(Running.DISK_FULL) if is_full else flags.clear(Running.DISK_FULL)
