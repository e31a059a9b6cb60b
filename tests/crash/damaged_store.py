"""The same damage done to a store in this process: a start takes milliseconds, so every variant can be tried."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rocketpy._core.message import Message, decode_messages
from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import GetMessageStatus
from tests.crash.damaged import LATER, LOG_SIZE, QUEUE_IDS, QUEUE_SIZE, QUEUES, TOPIC, Acked, Damaged

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

ENDS = (GetMessageStatus.OFFSET_OVERFLOW_ONE, GetMessageStatus.NO_MESSAGE_IN_QUEUE)


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(record.getMessage())


class DamagedStore(Damaged):
    """A store without a broker."""

    def __init__(self, store: Path) -> None:
        super().__init__(store)
        self.clock = ManualClock()
        self._opened: MessageStore | None = None
        self._lines = Lines()
        logging.getLogger("RocketmqStore").addHandler(self._lines)

    @property
    def opened(self) -> MessageStore:
        """The store while it is open."""
        assert self._opened
        return self._opened

    def start(self) -> Self:
        self._lines.kept.clear()
        config = MessageStoreConfig(
            store_path_root_dir=str(self.store), mapped_file_size_commit_log=LOG_SIZE,
            mapped_file_size_consume_queue=QUEUE_SIZE, max_hash_slot_num=100, max_index_num=400,
        )
        self._opened = MessageStore(config, self.clock)
        self._opened.lock()
        self._opened.load()
        self._opened.start()
        return self

    def stop(self) -> None:
        self.opened.shutdown()
        self._opened = None

    def kill(self) -> None:
        """Nothing flushed, nothing tidied, `abort` stays."""
        store, self._opened = self.opened, None
        store._allocator.stop()
        store._queue_flusher.stop()
        store.flusher.stop()
        store.writer.wake_through(-1, -1)
        store.flusher.close()
        store._allocator.close()
        del store._allocator
        store.unlock()

    def close(self) -> None:
        """Let go of it, however the test went."""
        logging.getLogger("RocketmqStore").removeHandler(self._lines)
        if self._opened is not None:
            self.stop()

    def logged(self) -> list[str]:
        return list(self._lines.kept)

    def send(self, count: int, size: int = 900, queue_ids: tuple[int, ...] = QUEUE_IDS) -> None:
        for _ in range(count):
            number = len(self.acked)
            key, body, queue_id = f"k{number}", f"{number} ".encode() + b"x" * size, queue_ids[number % len(queue_ids)]
            result = self.opened.put(Message(TOPIC, body, queue_id=queue_id, properties={"KEYS": key}))
            assert result.is_ok
            self.acked.append(Acked(queue_id, result.queue_offset, body, key))
            self.clock.advance(1)

    def pulled(self) -> list[Acked]:
        found = []
        for queue_id in range(QUEUES):
            offset = 0
            while (got := self.opened.get(TOPIC, queue_id, offset, 32)).status not in ENDS:
                assert got.next_begin_offset > offset
                offset = got.next_begin_offset
                for each in decode_messages(got.body):
                    found.append(Acked(queue_id, each.queue_offset, each.body, each.get_property("KEYS") or ""))
        return found

    def bodies_of(self, key: str) -> list[bytes]:
        return [each.body for each in decode_messages(self.opened.query(TOPIC, key, 32, 0, LATER).records)]
