"""What is not in memory is read in threads, and only there; whoever must wait for it gets all of it all the same."""

import asyncio
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rocketpy._core.cold_parts import log_parts
from rocketpy._core.mapped_files import read_in
from rocketpy._core.message import Message, decode_messages
from rocketpy.store.cold_reads import ColdReads
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import GetMessageStatus

OpenStore = Callable[..., MessageStore]
COUNT = 16_000                  # of about 1.2 KB in five files: more than what counts as just written
COLD = 2300                     # index of a message in the second file, which opening the store does not touch
SIZES = {
    "mapped_file_size_commit_log": 4 << 20, "mapped_file_size_consume_queue": 20 * 20_000,
    "max_hash_slot_num": 10_000, "max_index_num": 50_000,
}  # fmt: skip


def forget(folder: Path) -> None:
    """Let the kernel forget the pages of all files, which it does but on a tmpfs."""
    gc.collect()                # maps of stores that are shut down
    for path in [*folder.rglob("0*")]:
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@pytest.fixture
def cold_store(open_store: OpenStore, tmp_path: Path) -> MessageStore:
    """A store whose older messages are on disk only."""
    store = open_store(**SIZES)
    for number in range(COUNT):
        body, properties = b"%d " % number + b"x" * 1100, {"KEYS": f"k{number}"}
        store.put(Message("Cold", body, queue_id=number % 2, properties=properties))
    store.shutdown()
    writer = store.writer
    writer.log.close()
    for queue in writer.queues.values():
        queue.files.close()
    del store, writer, queue
    forget(tmp_path / "store")
    again = open_store(**SIZES)
    if again.is_in_memory(entry_of(again, COLD)):
        pytest.skip(f"the file system of {tmp_path} keeps everything in memory")
    return again


def entry_of(store: MessageStore, index: int) -> int:
    """Physical offset of a message of queue 1."""
    entry = store.queue("Cold", 1).entry(index)
    assert entry is not None
    return entry[0]


def pull_patiently(store: MessageStore, queue_id: int) -> tuple[list[int], int]:
    """Numbers of the messages, and how often the disk was read."""

    async def pull() -> tuple[list[int], int]:
        numbers: list[int] = []
        reads = offset = 0
        may_wait = False
        while True:
            got = store.get("Cold", queue_id, offset, 32, may_wait=may_wait)
            may_wait = got.status is GetMessageStatus.NOT_IN_MEMORY
            if may_wait:
                reads += 1
                await store.bring_in("Cold", queue_id, offset)
            elif got.status is GetMessageStatus.FOUND:
                numbers += [int(each.body.split(b" ")[0]) for each in decode_messages(got.body)]
                offset = got.next_begin_offset
            else:
                assert got.status is GetMessageStatus.OFFSET_OVERFLOW_ONE
                return numbers, reads

    return asyncio.run(pull())


def test_a_reader_from_the_start_gets_everything_in_few_reads(cold_store: MessageStore) -> None:
    numbers, reads = pull_patiently(cold_store, 1)
    assert numbers == list(range(1, COUNT, 2))
    assert 1 <= reads <= 6          # 4 MiB at a time
    assert pull_patiently(cold_store, 1) == (numbers, 0)


def test_the_end_of_the_log_is_never_asked_for(cold_store: MessageStore) -> None:
    cold_store.put(Message("Cold", b"%d " % COUNT, queue_id=0))
    got = cold_store.get("Cold", 0, cold_store.max_offset("Cold", 0) - 1, 32, may_wait=False)
    assert (got.status, got.count) == (GetMessageStatus.FOUND, 1)


def test_who_may_wait_needs_nothing_brought_in(cold_store: MessageStore) -> None:
    assert cold_store.get("Cold", 0, 0, 32).count == 32


def test_lookups_bring_in_what_they_need(cold_store: MessageStore) -> None:
    async def look_up() -> None:
        at = entry_of(cold_store, COLD)
        assert not cold_store.is_in_memory(at)
        found = await cold_store.query_patiently("Cold", f"k{2 * COLD + 1}", 32, 0, 2**62)
        assert [each.body.split(b" ")[0] for each in decode_messages(found.records)] == [b"%d" % (2 * COLD + 1)]
        assert cold_store.is_in_memory(at)
        middle = cold_store.store_time("Cold", 0, 2000)
        patient = await cold_store.offset_by_time_patiently("Cold", 0, middle)
        assert patient == cold_store.offset_by_time("Cold", 0, middle)

    asyncio.run(look_up())


def test_parts_join_what_stands_near_and_end_with_their_file(open_store: OpenStore) -> None:
    store = open_store(mapped_file_size_commit_log=1 << 20)
    for number in range(2000):
        store.put(Message("T", bytes(1000), queue_id=number % 2))
    queue = store.queue("T", 0)
    entries = Path(queue.files.paths[0]).read_bytes()[: 20 * 20]
    assert len(log_parts(store.writer, entries, 1 << 20)) == 1
    entries = b"".join(Path(path).read_bytes() for path in queue.files.paths)
    parts = log_parts(store.writer, entries, 1 << 30)
    assert len(parts) == 3                                                      # one a file
    assert log_parts(store.writer, entries, 50_000)[0][1] < 60_000
    assert log_parts(store.writer, bytes(400), 1 << 30) == []


def test_a_file_that_cannot_be_read_is_an_error_of_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(bytes(5000))
    read_in(str(path), 0, 5000)
    with pytest.raises(OSError, match="short"):
        read_in(str(path), 0, 1 << 20)          # pages behind the end: a read through a map would be a SIGBUS
    with pytest.raises(FileNotFoundError):
        read_in(str(tmp_path / "none"), 0, 10)


def test_idle_queues_give_their_maps_back_and_go_on(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store()
    for number in range(60):
        store.put(Message("T", b"%d" % number, queue_id=number % 20))
    assert maps_of(store) == 20
    assert store.writer.unmap_idle(20) == 0
    assert store.writer.unmap_idle(5) == 0                                      # all were used; from now on it counts
    store.put(Message("T", b"60", queue_id=0))
    assert store.get("T", 1, 0, 1).count == 1
    assert store.writer.unmap_idle(5) == 18
    assert maps_of(store) == 2
    for number in range(61, 121):
        assert store.put(Message("T", b"%d" % number, queue_id=number % 20)).is_ok
    assert store.flush_all()
    for queue_id in range(20):
        bodies = [int(each.body) for each in decode_messages(store.get("T", queue_id, 0, 32).body)]
        assert bodies == [number for number in range(121) if number % 20 == queue_id]


def maps_of(store: MessageStore) -> int:
    folder = str(store.paths.consume_queue)
    return sum(folder in line for line in Path("/proc/self/maps").read_text().splitlines())


def test_the_threads_end_with_the_store(open_store: OpenStore) -> None:
    store = open_store()
    reads: Any = store.cold_reads
    assert isinstance(reads, ColdReads)
    store.shutdown()
    with pytest.raises(RuntimeError):
        asyncio.run(reads.run(lambda: None))
