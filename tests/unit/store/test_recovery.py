"""Whatever happened to the folder: what the log holds is there after the next start; one line says what was wrong."""

import errno
import logging
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy._core.message import Message, decode_messages
from rocketpy.clock import ManualClock
from rocketpy.errors import StartRefused
from rocketpy.store.message_store import MessageStore
from rocketpy.store.recovery import STALE_MS, Recovery
from rocketpy.store.results import GetMessageStatus

OpenStore = Callable[..., MessageStore]


def put(store: MessageStore, count: int, queues: int = 2, size: int = 100) -> None:
    for number in range(count):
        body = f"{number:05d}".encode() + b"x" * size
        message = Message("TopicTest", body, queue_id=number % queues, properties={"KEYS": f"k{number}"})
        assert store.put(message).is_ok


def bodies(store: MessageStore, queue_id: int) -> list[int]:
    """Numbers of the messages of a queue; their queue offsets are in order without gaps."""
    got: list[Message] = []
    offset = store.min_offset("TopicTest", queue_id)
    while (found := store.get("TopicTest", queue_id, offset, 32)).status is not GetMessageStatus.OFFSET_OVERFLOW_ONE:
        if found.next_begin_offset == offset:
            break
        got += decode_messages(found.body)
        offset = found.next_begin_offset
    return [int(each.body[:5]) for each in got]


def crash(store: MessageStore) -> None:
    """Stop like a killed process: nothing flushed, nothing tidied, `abort` stays."""
    store._allocator.stop()
    store.flusher.stop()
    store.writer.wake_through(-1, -1)
    store.flusher.close()
    store._allocator.close()
    del store._allocator
    store.unlock()


def last_file(store: MessageStore) -> tuple[Path, int]:
    """Path of the file appended to, and where its end is."""
    files = store.writer.log
    return Path(files.paths[files.tail]), files.end_offset - files.file_starts[files.tail]


@pytest.mark.parametrize("stop", [crash, MessageStore.shutdown])
def test_everything_is_there_after_a_stop(open_store: OpenStore, stop: Callable[[MessageStore], None]) -> None:
    store = open_store()
    put(store, 200)
    stop(store)
    again = open_store()
    assert [bodies(again, queue_id) for queue_id in (0, 1)] == [list(range(0, 200, 2)), list(range(1, 200, 2))]
    put(again, 10)
    assert bodies(again, 0)[100:] == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("cut", [30, 50, 100, 150, 190])
def test_a_torn_tail_is_cut(open_store: OpenStore, cut: int) -> None:
    store = open_store()
    put(store, 21, queues=1)
    path, end = last_file(store)
    crash(store)
    with path.open("r+b") as file:
        file.seek(end - cut)
        file.write(bytes(cut))
    again = open_store()
    assert bodies(again, 0) == list(range(20))
    put(again, 1, queues=1)
    assert bodies(again, 0) == [*range(20), 0]


def test_stale_bytes_behind_a_cut_never_come_back(open_store: OpenStore) -> None:
    store = open_store(mapped_file_size_commit_log=65536)
    put(store, 30, queues=1)
    path, end = last_file(store)
    crash(store)
    size = end // 30
    with path.open("r+b") as file:                      # the 20th record is damaged, nothing says it was on disk
        file.seek(19 * size + 90)
        file.write(b"garbage")
    again = open_store(mapped_file_size_commit_log=65536)
    assert bodies(again, 0) == list(range(19))
    put(again, 1, queues=1)                             # as long as the damaged one: the old records would follow it
    crash(again)
    assert bodies(open_store(mapped_file_size_commit_log=65536), 0) == [*range(19), 0]


def test_damage_in_a_closed_file_is_reported_and_stepped_over(
    open_store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    store = open_store(clock=clock)
    put(store, 20, queues=1)
    clock.advance(STALE_MS + 1)                         # no flush is that late
    put(store, 80, queues=1)
    first = Path(store.writer.log.paths[1])
    crash(store)
    with first.open("r+b") as file:
        file.seek(90)
        file.write(b"garbage")
    with caplog.at_level(logging.WARNING):
        again = open_store(clock=clock)
    assert caplog.text.count(f"{first}: damaged at offset 4096") == 1
    assert again.max_offset("TopicTest", 0) == 100
    assert again.record_at(4096 + 214) is not None


def test_a_tear_in_a_file_that_was_closed_before_it_was_synced_ends_the_log(open_store: OpenStore) -> None:
    """A power loss may keep a later file's pages; without this messages would be missing in the middle of a queue."""
    store = open_store()
    put(store, 100, queues=1)
    path, torn = Path(store.writer.log.paths[1]), (store.queue("TopicTest", 0).entry(20) or ())[0]
    crash(store)
    with path.open("r+b") as file:
        file.seek(torn - 4096)
        file.write(b"garbage")
    again = open_store()
    assert again.max_offset("TopicTest", 0) == 20
    assert bodies(again, 0) == list(range(20))


def test_damage_that_was_on_disk_is_stepped_over_in_the_last_file(open_store: OpenStore) -> None:
    clock = ManualClock()
    store = open_store(clock=clock, mapped_file_size_commit_log=65536)
    put(store, 30, queues=1)
    store.flusher.stop()
    assert store.flush_all()
    clock.advance(10_000)
    put(store, 10, queues=1)
    path, _ = last_file(store)
    entries = [store.queue("TopicTest", 0).entry(index) for index in (9, 35)]
    crash(store)
    with path.open("r+b") as file:
        for entry in entries:                           # the checkpoint vouches for the first thirty only
            assert entry is not None
            file.seek(entry[0])
            file.write(b"garbage")
    again = open_store(clock=clock, mapped_file_size_commit_log=65536)
    assert again.max_offset("TopicTest", 0) == 35
    assert bodies(again, 0) == [*range(9), *range(10, 30), *range(5)]


def test_what_the_checkpoints_own_millisecond_stored_behind_the_sync_is_cut_at_a_tear(open_store: OpenStore) -> None:
    """Otherwise messages would be missing in the middle of a queue."""
    clock = ManualClock()
    store = open_store(clock=clock, mapped_file_size_commit_log=65536)
    put(store, 10, queues=1)
    store.flusher.stop()
    assert store.flush_all()
    put(store, 10, queues=1)                            # of the same millisecond
    path, _ = last_file(store)
    places = [(store.queue("TopicTest", 0).entry(index) or ())[0] for index in (5, 14)]
    crash(store)
    with path.open("r+b") as file:
        for at in places:                               # one was on disk, of the other nobody knows
            file.seek(at)
            file.write(b"garbage")
    again = open_store(clock=clock, mapped_file_size_commit_log=65536)
    assert again.max_offset("TopicTest", 0) == 14
    assert bodies(again, 0) == [*range(5), *range(6, 10), *range(4)]


def garble(path: Path, start: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\x00\x00\x00\x00\x00\x12\x34\x56" * (size // 8 + 1))


def zero(path: Path, start: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(bytes(size))


@pytest.mark.parametrize("stop", [crash, MessageStore.shutdown])
@pytest.mark.parametrize("damage", [garble, zero])
def test_a_damaged_queue_tail_is_made_anew(
    open_store: OpenStore, stop: Callable[[MessageStore], None], damage: Callable[[Path, int, int], None]
) -> None:
    store = open_store(mapped_file_size_consume_queue=6000)
    put(store, 200)
    path = Path(store.queue("TopicTest", 0).files.paths[0])
    stop(store)
    damage(path, 60 * 20, 40 * 20)
    again = open_store(mapped_file_size_consume_queue=6000)
    assert bodies(again, 0) == list(range(0, 200, 2))


@pytest.mark.parametrize("stop", [crash, MessageStore.shutdown])
def test_a_lost_queue_folder_is_made_anew(open_store: OpenStore, stop: Callable[[MessageStore], None]) -> None:
    store = open_store()
    put(store, 200)
    for _ in range(100):
        assert store.put(Message("Other", b"z" * 100)).is_ok
    stop(store)
    shutil.rmtree(store.paths.consume_queue / "TopicTest")
    again = open_store()
    assert bodies(again, 1) == list(range(1, 200, 2))


@pytest.mark.parametrize("stop", [crash, MessageStore.shutdown])
def test_a_lost_index_is_made_anew(open_store: OpenStore, stop: Callable[[MessageStore], None]) -> None:
    store = open_store()
    put(store, 200)
    stop(store)
    shutil.rmtree(store.paths.index)
    again = open_store()
    for number in (0, 77, 199):
        records = again.query("TopicTest", f"k{number}", 5, 0, 2**62).records
        assert any(int(each.body[:5]) == number for each in decode_messages(records))


@pytest.mark.parametrize("name", ["checkpoint", "index", "consumequeue"])
def test_any_other_part_may_be_lost(open_store: OpenStore, name: str) -> None:
    store = open_store()
    put(store, 100)
    crash(store)
    path = store.paths.root / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    again = open_store()
    assert bodies(again, 0) == list(range(0, 100, 2))


@pytest.mark.parametrize("length", [4096 - 512, 4096 + 512, 1, 0])
def test_a_log_file_of_a_wrong_length_is_set_right(open_store: OpenStore, length: int) -> None:
    store = open_store()
    put(store, 100)
    store.shutdown()
    paths = sorted(store.paths.commit_log.iterdir())
    with paths[1].open("r+b") as file:
        file.truncate(length)
    again = open_store()
    assert paths[1].stat().st_size == 4096
    got = len(bodies(again, 0)) + len(bodies(again, 1))
    assert got == 100 if length > 4096 else 80 < got < 100
    assert bodies(again, 0)[-1] == 98


@pytest.mark.parametrize("length", [1000, 1, 0])
def test_the_last_log_file_may_be_cut_short(open_store: OpenStore, length: int) -> None:
    store = open_store()
    put(store, 100, queues=1)
    store.shutdown()
    with sorted(store.paths.commit_log.iterdir())[-1].open("r+b") as file:
        file.truncate(length)
    again = open_store()
    got = bodies(again, 0)
    assert got == list(range(len(got)))
    assert 90 < len(got) < 100
    put(again, 2, queues=1)
    assert bodies(again, 0) == [*got, 0, 1]


def test_a_record_whose_last_page_is_zeros_is_torn(open_store: OpenStore) -> None:
    store = open_store(mapped_file_size_commit_log=65536)
    message = Message("TopicTest", b"00000" + b"x" * 3990, properties={"name": "value" * 20})
    result = store.put(message)                         # topic and body on the first page, properties reach the second
    assert result.size > 4096
    path, _ = last_file(store)
    crash(store)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(result.size - 4096))
    again = open_store(mapped_file_size_commit_log=65536)
    assert again.commit_log_max_offset == 0


@pytest.mark.parametrize(("properties", "lost"), [({"KEYS": "k", "TAGS": "a"}, 1), ({"KEYS": "k"}, 5), ({}, 3)])
def test_a_record_that_crosses_the_end_of_a_truncated_file_is_torn(
    open_store: OpenStore, properties: dict[str, str], lost: int
) -> None:
    """Body and CRC stand, topic or properties do not."""
    store = open_store()
    put(store, 3, queues=1)
    result = store.put(Message("TopicTest", b"3", properties=properties))
    path, _ = last_file(store)
    crash(store)
    os.truncate(path, (result.end_offset - lost) % 4096)
    again = open_store()
    assert again.commit_log_max_offset == result.physical_offset
    assert bodies(again, 0) == [0, 1, 2]


def test_an_acknowledged_message_may_end_with_zeros(open_store: OpenStore) -> None:
    store = open_store()
    result = store.put(Message("TopicTest", b"3", properties_raw=b"a\x01b\0\0"))
    crash(store)
    assert open_store().commit_log_max_offset == result.end_offset


def test_a_record_whose_last_sector_is_zeros_is_torn(open_store: OpenStore) -> None:
    store = open_store()
    result = store.put(Message("TopicTest", b"0" + b"x" * 350, properties={"name": "value" * 20}))
    assert 512 < result.size < 600              # topic and body in the first sector, properties reach the second
    path, _ = last_file(store)
    crash(store)
    with path.open("r+b") as file:
        file.seek(512)
        file.write(bytes(result.size - 512))
    assert open_store().commit_log_max_offset == 0


@pytest.mark.parametrize("topic", [b"a\0b", b"../../out", b"/tmp/out", b"..", b""])
def test_names_that_lead_out_of_the_folder_keep_nobody_from_starting(
    open_store: OpenStore, tmp_path: Path, topic: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Java 4.5.2 stored such messages (CVE-2019-17572)."""
    store = open_store()
    put(store, 2, queues=1)
    record = bytearray(store.record_at(0) or b"")
    at = store.commit_log_max_offset
    end = record.index(b"\x09TopicTest")
    del record[end : end + 10]
    record[end:end] = bytes([len(topic)]) + topic
    record[0:4] = len(record).to_bytes(4, "big")
    record[20:28] = bytes(8)
    record[28:36] = at.to_bytes(8, "big")
    store.shutdown()
    path = sorted(store.paths.commit_log.iterdir())[0]
    with path.open("r+b") as file:
        file.seek(at)
        file.write(record)
    store.paths.abort.touch()
    again = open_store()
    put(again, 2, queues=1)
    assert bodies(again, 0) == [0, 1, 0, 1]
    told = f"the message at {at} is to topic {topic!r}, queue 0, which cannot be a folder's name"
    assert caplog.text.count(told) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_a_queue_offset_that_cannot_be_is_damage(open_store: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    """No CRC covers it: believed, it would fill the disk with fillers."""
    store = open_store()
    put(store, 10, queues=1)
    at = (store.queue("TopicTest", 0).entry(4) or ())[0]
    store.shutdown()
    path = sorted(store.paths.commit_log.iterdir())[0]
    with path.open("r+b") as file:
        file.seek(at + 20)
        file.write((1 << 40).to_bytes(8, "big"))
    shutil.rmtree(store.paths.consume_queue)
    again = open_store()
    assert bodies(again, 0) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert f"damaged at offset {at} (BAD_OFFSET)" in caplog.text


def test_a_log_that_cannot_be_mapped_refuses_the_start_and_stays(open_store: OpenStore) -> None:
    """An error of the machine says nothing of what is in the file: taken for its end, it would be cut."""
    size = 1 << 30
    store = open_store(mapped_file_size_commit_log=size)
    put(store, 10, queues=1)
    store.shutdown()
    store.writer.log.close()
    store.paths.abort.touch()
    address_space = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space + size // 2, limits[1]))
    try:
        with pytest.raises(StartRefused, match=r"commitlog/0+: Cannot allocate memory"):
            open_store(mapped_file_size_commit_log=size)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert bodies(open_store(mapped_file_size_commit_log=size), 0) == list(range(10))


def test_a_record_without_properties_is_whole(open_store: OpenStore) -> None:
    store = open_store()
    result = store.put(Message("TopicTest", b"3"))
    crash(store)
    assert open_store().commit_log_max_offset == result.end_offset


def test_a_queue_file_of_a_wrong_length_is_set_right(open_store: OpenStore) -> None:
    store = open_store()
    put(store, 100)
    store.shutdown()
    path = sorted((store.paths.consume_queue / "TopicTest" / "0").iterdir())[-1]
    with path.open("r+b") as file:
        file.truncate(30)
    assert bodies(open_store(), 0) == list(range(0, 100, 2))


def test_stray_files_are_left_alone(open_store: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store()
    put(store, 100)
    store.shutdown()
    queue_folder = store.paths.consume_queue / "TopicTest" / "0"
    strays = [store.paths.commit_log / "notes.txt", queue_folder / "00000000000000000007"]
    for stray in strays:
        stray.write_bytes(b"mine")
    (store.paths.consume_queue / "TopicTest" / "readme").mkdir()
    with caplog.at_level(logging.WARNING):
        again = open_store()
    assert bodies(again, 0) == list(range(0, 100, 2))
    assert all(stray.read_bytes() == b"mine" and str(stray) in caplog.text for stray in strays)


def test_a_missing_file_in_the_middle_loses_only_its_messages(open_store: OpenStore) -> None:
    store = open_store()
    put(store, 100, queues=1)
    store.shutdown()
    sorted(store.paths.commit_log.iterdir())[1].unlink()
    again = open_store()
    got = bodies(again, 0)
    assert got[-1] == 99
    assert 75 < len(got) < 100


def test_the_size_of_existing_files_stays_in_force(open_store: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store()
    put(store, 100)
    store.shutdown()
    with caplog.at_level(logging.WARNING):
        again = open_store(mapped_file_size_commit_log=8192, mapped_file_size_consume_queue=6000)
    assert "mappedFileSizeCommitLog=8192 has no effect" in caplog.text
    assert "mappedFileSizeConsumeQueue=6000 has no effect" in caplog.text
    assert bodies(again, 0) == list(range(0, 100, 2))
    put(again, 100)
    assert {path.stat().st_size for path in again.paths.commit_log.iterdir()} == {4096}


def test_a_log_whose_first_files_were_cleaned_rebuilds_queues_from_where_it_begins(open_store: OpenStore) -> None:
    store = open_store()
    put(store, 100, queues=1)
    for _ in range(3):
        store.writer.log.delete_first()
    store.correct_min_offsets()
    least = store.min_offset("TopicTest", 0)
    assert least > 30
    crash(store)
    shutil.rmtree(store.paths.consume_queue)
    again = open_store()
    assert again.min_offset("TopicTest", 0) == least
    assert bodies(again, 0) == list(range(least, 100))


def test_a_disk_that_refuses_recovery_is_named(open_store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store()
    put(store, 10)
    store.shutdown()

    def refuse(recovery: Recovery, start: int) -> int:
        raise OSError(errno.EIO, "Input/output error", "/the/log")

    monkeypatch.setattr(Recovery, "find_end", refuse)
    with pytest.raises(StartRefused, match="/the/log: Input/output error"):
        open_store()


def test_times_of_delivery_of_other_levels_stay(open_store: OpenStore) -> None:
    """As upstream: a changed messageDelayLevel counts for messages that come from then on."""
    store = open_store(message_delay_level="5s")
    store.put(Message("T", b"x", properties={"DELAY": "1"}))
    due = (store.queue("SCHEDULE_TOPIC_XXXX", 0).entry(0) or ())[2]
    store.shutdown()
    store.paths.abort.touch()
    store.paths.checkpoint.unlink()
    store = open_store(message_delay_level="9s")
    assert (store.queue("SCHEDULE_TOPIC_XXXX", 0).entry(0) or ())[2] == due
    store.shutdown()
    shutil.rmtree(store.paths.consume_queue)
    store = open_store(message_delay_level="9s")
    assert (store.queue("SCHEDULE_TOPIC_XXXX", 0).entry(0) or ())[2] == due + 4000


def test_a_single_log_file_that_was_cut_off_is_no_choice_of_size(open_store: OpenStore) -> None:
    store = open_store(mapped_file_size_commit_log=65536)
    put(store, 100, queues=1)
    store.shutdown()
    os.truncate(sorted(store.paths.commit_log.iterdir())[0], 16384)
    again = open_store(mapped_file_size_commit_log=65536)
    assert again.writer.log.file_size == 65536
    assert bodies(again, 0) == list(range(len(bodies(again, 0))))
    assert again.put(Message("TopicTest", bytes(20_000))).is_ok


def test_a_queue_file_that_was_cut_off_decides_for_no_other(open_store: OpenStore) -> None:
    store = open_store(mapped_file_size_consume_queue=4000)
    put(store, 20)
    store.shutdown()
    cut, other = (store.paths.consume_queue / "TopicTest" / name / f"{0:020d}" for name in "01")
    os.truncate(cut, 2000)
    again = open_store(mapped_file_size_consume_queue=4000)
    assert (cut.stat().st_size, other.stat().st_size) == (4000, 4000)
    assert bodies(again, 0) == list(range(0, 20, 2))


def test_a_stray_name_far_ahead_makes_no_files(open_store: OpenStore, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store()
    put(store, 100, queues=1)
    store.shutdown()
    before = sorted(store.paths.commit_log.iterdir())
    for name in ("00000000001048576000", "09007199254740992000", "18446744073709551616"):
        (store.paths.commit_log / name).write_bytes(bytes(4096))
    again = open_store()
    assert bodies(again, 0) == list(range(100))
    put(again, 1, queues=1)
    files = [path for path in sorted(again.paths.commit_log.iterdir()) if path.name < "00000000001048576000"]
    assert len(files) <= len(before) + 2
    assert "00000000001048576000 stands behind a gap and holds nothing of this sequence: left alone" in caplog.text


def test_after_a_clean_stop_nothing_behind_damage_is_cut(open_store: OpenStore) -> None:
    store = open_store(mapped_file_size_commit_log=65536)
    put(store, 100, queues=1)
    at = (store.queue("TopicTest", 0).entry(20) or ())[0]
    store.shutdown()
    path = sorted(store.paths.commit_log.iterdir())[0]
    with path.open("r+b") as file:
        file.seek(at + 95)
        file.write(b"?")
    (store.paths.root / "checkpoint").unlink()
    shutil.rmtree(store.paths.consume_queue)
    assert bodies(open_store(mapped_file_size_commit_log=65536), 0) == [*range(20), *range(21, 100)]


def test_a_damaged_checkpoint_is_written_anew_at_the_start(open_store: OpenStore) -> None:
    store = open_store()
    put(store, 3)
    crash(store)
    store.paths.checkpoint.write_bytes(b"?" * 4096)
    assert open_store().paths.checkpoint.read_bytes() == bytes(4096)


@pytest.mark.parametrize("length", [1830, 5000])
def test_a_checkpoint_of_another_length_has_its_own_again_at_the_start(open_store: OpenStore, length: int) -> None:
    store = open_store()
    put(store, 3)
    store.shutdown()
    whole = store.paths.checkpoint.read_bytes()
    store.paths.checkpoint.write_bytes(whole[:length].ljust(length, b"\0"))
    assert open_store().paths.checkpoint.read_bytes() == whole


def test_the_last_message_before_a_blank_is_whole(open_store: OpenStore) -> None:
    """The process dies between the file's end and the first record of the next one."""
    store = open_store()
    size = 0
    while store.commit_log_max_offset + 900 < 4096:
        size = store.put(Message("TopicTest", b"x" * 100)).size
    store.put(Message("TopicTest", b"y" * 1000))
    files = store.writer.log.file_starts
    assert store.commit_log_max_offset > files[1] == 4096
    crash(store)
    sorted(store.paths.commit_log.iterdir())[1].write_bytes(bytes(4096))
    again = open_store()
    assert again.max_offset("TopicTest", 0) == (4096 - 900) // size + 1


@pytest.mark.parametrize("stop", [crash, MessageStore.shutdown])
def test_a_queue_whose_first_file_is_lost_is_made_anew(
    open_store: OpenStore, stop: Callable[[MessageStore], None]
) -> None:
    store = open_store()
    put(store, 100, queues=1)
    stop(store)
    sorted((store.paths.consume_queue / "TopicTest" / "0").iterdir())[0].unlink()
    again = open_store()
    assert again.min_offset("TopicTest", 0) == 0
    assert bodies(again, 0) == list(range(100))
