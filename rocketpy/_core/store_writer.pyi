"""The one door for puts: a message's record, queue entry and index entries are written in one turn, all or nothing."""

from collections.abc import Sequence

from typing_extensions import Buffer

from rocketpy._core.consume_queue import ConsumeQueue
from rocketpy._core.consume_queue_ext import ConsumeQueueExt
from rocketpy._core.index_file import IndexWriter
from rocketpy._core.mapped_files import MappedFiles
from rocketpy._core.message_filter import FilterBitmaps

class StoreWriter:
    """Owns the StoreState that puts and gets work on, and the queues by (topic, queue id)."""

    log: MappedFiles
    queues: dict[tuple[bytes, int], ConsumeQueue]
    queue_folder: str
    queue_file_size: int
    ext_folder: str | None
    ext_file_size: int
    puts_units: bool
    bitmaps: dict[bytes, FilterBitmaps]  # by topic: made for the units of its messages
    durable_offset: int
    writeable: bool
    readable: bool
    sync_flush: bool

    def __init__(self, log: MappedFiles, max_message_size: int, queue_folder: str, queue_file_size: int) -> None: ...
    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """(records appended, their bytes, gets that found messages, those messages, gets that found none)."""

    def count_get(self, nums: int) -> None:
        """A get of the full lane found so many messages."""

    def limit_gets(
        self, bytes_in_memory: int, count_in_memory: int, bytes_on_disk: int, count_on_disk: int, memory_bytes: int
    ) -> None:
        """Limits of one get; `memory_bytes`: messages further behind the end count as on disk."""
    def queue(self, topic: bytes, queue_id: int) -> ConsumeQueue:
        """The queue, made if there is none: in memory only, its folder comes with the first put."""
    def put(
        self,
        topic: bytes,
        queue_id: int,
        body: Buffer,
        properties: bytes,
        *,
        store_timestamp: int,
        born_timestamp: int,
        born_host: bytes,
        store_host: bytes,
        flag: int = 0,
        sys_flag: int = 0,
        reconsume_times: int = 0,
        prepared_transaction_offset: int = 0,
        filter_bitmap: bytes = b"",
    ) -> tuple[int, int, int, int]:
        """Append one message: (PUT_… status, physical offset, size, queue offset). OSError: the disk refused.

        `filter_bitmap` goes into the message's unit in consumequeue_ext, where it gets one.
        """
    def put_batch(
        self,
        topic: bytes,
        queue_id: int,
        body: Buffer,
        *,
        store_timestamp: int,
        born_timestamp: int,
        born_host: bytes,
        store_host: bytes,
        sys_flag: int = 0,
        reconsume_times: int = 0,
    ) -> tuple[int, list[tuple[int, int]], int]:
        """Append a client's batch body: (PUT_… status, [(physical offset, size), …], first queue offset)."""
    def use_ext(self, folder: str, file_size: int, puts_units: bool) -> None:
        """Where units beside the queues are; `puts_units`: new entries get one. Before the first queue is made."""
    def bitmaps_changed(self, topic: bytes) -> None:
        """`bitmaps` has another value for this topic."""
    def load_ext(self, queue: ConsumeQueue) -> tuple[ConsumeQueueExt, list[str]]:
        """The queue's units, opened; returns them and what was odd."""
    def use_index(self, index: IndexWriter | None) -> None:
        """Where keys go from now on; None: nowhere."""
    def take_dirty(self) -> list[ConsumeQueue]:
        """Queues with entries since the last call, for the flush thread (appending thread only)."""
    def unmap_all_queues(self) -> None:
        """After recovery: few of those it mapped will be used soon."""
    def unmap_idle(self, most: int) -> int:
        """Where more than `most` queues are mapped, unmap those not used since the last call; returns how many files.

        Only between two turns of the loop.
        """
    def take_queue(self, topic: bytes, queue_id: int) -> ConsumeQueue:
        """Take a queue out, for the caller to move its files away and to close them before the next put.

        KeyError: there is no such queue.
        """
    def delete_queue(self, topic: bytes, queue_id: int) -> None:
        """Take a queue out and remove its files."""
    def set_delays(self, delays_ms: Sequence[int]) -> None:
        """Delays of the levels 1, 2, …"""
    @property
    def has_woken(self) -> bool:
        """Did queues with held pulls get entries?"""
    @property
    def memory_bytes(self) -> int:
        """More than this behind the end counts as on disk."""
    @property
    def timestamps(self) -> tuple[int, int]:
        """Store times of the last record and the last queue entry, for the checkpoint."""
    def resume(self, store_timestamp: int) -> None:
        """After recovery: store time of the last record, and what is on disk."""
    def wake_through(self, helper_fd: int, flush_fd: int) -> None:
        """eventfds of the allocator and the flush thread; -1: none."""
    def wake_helper_at(self, offset: int) -> None:
        """The allocator is told once the log's end passes `offset`."""
    def wake_flush_at(self, offset: int) -> None:
        """The flush thread is told once the log's end passes `offset`."""
    def flush_begins(self) -> bool:
        """The flush thread is about to look at the log's end: requests from now on wake it again. Was there one?"""
    def request_flush(self) -> None:
        """Wake the flush thread."""
