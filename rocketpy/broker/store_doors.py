"""The store as the delay schedule and the cleaner see it.

Both know only the few things they need; here stands which part of the store each of them is.
"""

from __future__ import annotations

from collections.abc import Iterable

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.message import Message, decode_messages
from rocketpy.protocol.names import SCHEDULE_TOPIC
from rocketpy.store.index import IndexFolder
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import PutResult
from rocketpy.store.running_flags import Running
from rocketpy.store.schedule import DelayQueue

CANDIDATES = 64          # messages with the hash of one unique key: more than there will ever be
END_OF_TIME = 2**62
_SCHEDULE = SCHEDULE_TOPIC.encode()


class DelayDoor:
    """What the schedule needs: the queues of delayed messages, and to put what is due."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store

    def delay_queues(self) -> dict[int, DelayQueue]:
        """The queues of the schedule topic by queue id."""
        queues = self._store.writer.queues.items()
        return {queue_id: queue for (topic, queue_id), queue in queues if topic == _SCHEDULE}

    def delay_queue(self, queue_id: int) -> DelayQueue | None:
        """One of them: a store may have very many other queues."""
        return self._store.writer.queues.get((_SCHEDULE, queue_id))

    def message_at(self, physical_offset: int) -> Message | None:
        """The delayed message."""
        return self._store.message_at(physical_offset)

    def is_in_memory(self, physical_offset: int) -> bool:
        """Whether that message can be read without the disk."""
        return self._store.is_in_memory(physical_offset)

    async def bring_in(self, queue_id: int, index: int) -> None:
        """Read delayed messages from the disk."""
        await self._store.bring_in(SCHEDULE_TOPIC, queue_id, index)

    @property
    def last_store_timestamp(self) -> int:
        """Store time of the last message in the log."""
        return self._store.writer.timestamps[0]

    def was_put(self, message: Message, after: int) -> bool:
        """Whether this very message stands behind `after`: found by its unique key, compared whole."""
        uniq_key = message.get_property("UNIQ_KEY")
        if uniq_key is None:
            return False
        found = decode_messages(self._store.query(message.topic, uniq_key, CANDIDATES, 0, END_OF_TIME).records)
        return any(each.physical_offset > after and _content(each) == _content(message) for each in found)

    def put_due(self, message: Message) -> PutResult:
        """Put it to its real queue; its DELAY does not count any more."""
        return self._store.put_due(message)

    def put_due_plainly(self, queue_id: int, offset: int, most: int, after_ms: int) -> int:
        """Put many at once, as far as nothing about them is odd."""
        queue = self._store.writer.queues[_SCHEDULE, queue_id]
        return self._store.put_due_plainly(queue, offset, most, after_ms)

    def sync_log(self) -> None:
        """Bring what was put to the disk; OSError when it refuses."""
        self._store.flusher.sync_now()


def _content(message: Message) -> tuple[int, bytes, bytes, int, int]:
    """What a message keeps from the schedule topic to its own."""
    return (
        message.queue_id, message.body, message.properties_raw, message.born_timestamp, message.reconsume_times
    )


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
