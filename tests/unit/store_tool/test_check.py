"""A healthy store is clean; each kind of damage gives its finding, with file and offset, and nothing else."""

import os
import struct
from pathlib import Path

import pytest

from rocketpy._core.index_file import IndexFile, IndexWriter
from rocketpy._core.message import Message
from rocketpy.clock import ManualClock
from rocketpy.errors import StoreError
from rocketpy.store_tool.check import check_store
from rocketpy.store_tool.report import Report
from tests.unit.store_tool.stores import CAPACITY, MESSAGES, SLOTS, fill, first_queue, flip, opened, overwrite

RECORD = struct.Struct(">iiiiiqq")
INDEX_SLOTS = 50


def records(root: Path) -> list[tuple[Path, int, tuple[int, ...]]]:
    """(file, offset in it, fields up to the physical offset) of every record."""
    found = []
    for path in sorted((root / "commitlog").iterdir()):
        data, at = path.read_bytes(), 0
        while at + RECORD.size <= len(data):
            fields = RECORD.unpack_from(data, at)
            if fields[1] != -626843481:
                break
            found.append((path, at, fields))
            at += fields[0]
    return found


def told(report: Report) -> list[tuple[str, str, int]]:
    return [(finding.kind, Path(finding.path).name, finding.offset) for finding in report.findings]


def index_files(root: Path) -> list[Path]:
    return sorted((root / "index").iterdir())


def entry_at(number: int) -> int:
    return 40 + 4 * INDEX_SLOTS + 20 * number


def test_a_healthy_store_is_clean(root: Path) -> None:
    report = check_store(root)
    assert (report.clean, report.findings, report.notes) == (True, [], [])
    assert report.summary["log"]["records"] == MESSAGES
    types = report.summary["log"]["types"]
    assert report.summary["queues"]["entries"] == types["none"] + types["commit"]
    assert len(index_files(root)) > 2


def test_a_store_nobody_has_put_to_is_clean_and_noted(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    report = check_store(tmp_path)
    assert report.clean
    assert f"{tmp_path}/commitlog holds no commit log" in report.notes


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no folder"):
        check_store(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="holds no store"):
        check_store(tmp_path)


def test_nothing_is_touched(root: Path) -> None:
    def state() -> list[tuple[str, int, int, int]]:
        stats = ((path, path.stat()) for path in sorted(root.rglob("*")))
        return [(str(path), stat.st_mtime_ns, stat.st_size, stat.st_ctime_ns) for path, stat in stats]

    before = state()
    check_store(root)
    assert state() == before


# -- the log ------------------------------------------------------------------------


def test_a_body_that_changed(root: Path) -> None:
    path, at, _ = records(root)[20]
    flip(path, at + 88)
    assert told(check_store(root)) == [("log-crc", path.name, at)]


@pytest.mark.parametrize("field", [0, 1, 4, 7, 34, 84, 87])
def test_a_record_that_is_none_any_more(root: Path, field: int) -> None:
    path, at, _ = records(root)[20]
    flip(path, at + field)
    assert told(check_store(root)) == [("log-damaged", path.name, at)]


def test_zeros_within_the_log(root: Path) -> None:
    path, at, _ = records(root)[20]
    overwrite(path, at, bytes(4096 - at))
    assert told(check_store(root)) == [("log-damaged", path.name, at)]


def test_a_torn_record_at_the_end(root: Path) -> None:
    path, at, (size, *_) = records(root)[-1]
    overwrite(path, at + size, b"\0\0\0\x80\xda\xa3\x20\xa7half")
    report = check_store(root)
    assert told(report) == [("log-tail", path.name, at + size)]
    assert "12 bytes" in report.findings[0].message


def test_a_blank_with_a_wrong_size(root: Path) -> None:
    path = sorted((root / "commitlog").iterdir())[0]
    data = path.read_bytes()
    at = data.index(b"\xcb\xd4\x31\x94") - 4
    flip(path, at + 3)
    assert told(check_store(root)) == [("log-blank", path.name, at)]


@pytest.mark.parametrize("length", [4000, 4200])
def test_a_log_file_of_another_length(root: Path, length: int) -> None:
    path = sorted((root / "commitlog").iterdir())[1]
    os.truncate(path, length)
    assert ("log-file-size", path.name, 0) in told(check_store(root))


def test_a_log_file_that_is_gone(root: Path) -> None:
    files = sorted((root / "commitlog").iterdir())
    files[1].unlink()
    kinds = {kind for kind, _, _ in told(check_store(root))}
    assert "log-file-gap" in kinds


def test_a_stray_file_is_noted(root: Path) -> None:
    (root / "commitlog" / "core.1234").touch()
    report = check_store(root)
    assert report.clean
    assert report.notes == [f"{root}/commitlog/core.1234 is no commit log file and is left alone"]


# -- queues ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("byte", "kind"),
    [(0, "queue-wrong"), (7, "queue-wrong"), (11, "queue-size"), (15, "queue-tags"), (19, "queue-tags")],
)
def test_an_entry_that_changed(root: Path, byte: int, kind: str) -> None:
    path = first_queue(root)
    flip(path, 3 * 20 + byte)
    assert told(check_store(root)) == [(kind, path.name, 60)]


def test_entries_that_are_zeros(root: Path) -> None:
    path = first_queue(root)
    overwrite(path, 40, bytes(60))
    report = check_store(root)
    assert told(report) == [("queue-missing", path.name, 40)]
    assert "3 messages" in report.findings[0].message


def test_an_entry_behind_the_end(root: Path) -> None:
    last = sorted(first_queue(root).parent.iterdir())[-1]
    at = len(last.read_bytes().rstrip(b"\0")) // 20 * 20 + 20
    overwrite(last, at, struct.pack(">qiq", 10**9, 100, 0))
    assert told(check_store(root)) == [("queue-beyond", last.name, at)]
    overwrite(last, at, struct.pack(">qiq", 500, 100, 0))
    assert told(check_store(root)) == [("queue-stranger", last.name, at)]


def test_a_time_of_delivery_before_the_message(root: Path) -> None:
    path = root / "consumequeue" / "SCHEDULE_TOPIC_XXXX" / "2" / f"{0:020d}"
    overwrite(path, 12, struct.pack(">q", 5))
    assert told(check_store(root)) == [("queue-delivery-time", path.name, 0)]


def test_another_delay_is_only_noted(root: Path) -> None:
    path = root / "consumequeue" / "SCHEDULE_TOPIC_XXXX" / "2" / f"{0:020d}"
    overwrite(path, 12, struct.pack(">q", 1 << 45))
    report = check_store(root)
    assert report.clean
    assert "1 delayed messages" in report.notes[0]


def test_a_queue_folder_that_is_gone(root: Path) -> None:
    folder = first_queue(root).parent
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    report = check_store(root)
    assert told(report) == [("queue-folder-missing", "0", 0)]
    assert report.findings[0].path == str(folder)


def test_a_deleted_topic_is_only_noted(root: Path) -> None:
    (root / "config").mkdir()
    (root / "config" / "topics.json").write_text('{"topicConfigTable":{"Topic1":{}}}')
    store = opened(root)
    store.delete_topic("Topic0")
    store.shutdown()
    report = check_store(root)
    assert report.clean
    assert any("Topic0 was deleted" in note for note in report.notes)


def test_a_queue_file_that_is_gone(root: Path) -> None:
    files = sorted(first_queue(root).parent.iterdir())
    assert len(files) > 1
    files[0].unlink()
    assert told(check_store(root)) == [("queue-missing", files[0].name, 0)]


def test_a_queue_that_began_anew(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store = opened(root)
    for number in range(30):
        store.put(Message("T", b"%d" % number))
        if number == 20:
            store.delete_topic("T")
    assert store.max_offset("T", 0) == 9
    store.shutdown()
    report = check_store(root)
    assert report.findings == []
    assert "9 messages are of queues that were destroyed" in report.notes[-1] or "1 messages" in report.notes[-1]


# -- the index ------------------------------------------------------------------------


def test_a_message_split_over_two_files_may_be_indexed_once_more(tmp_path: Path) -> None:
    """As Java does after a crash that cost it the second file."""
    root = tmp_path / "store"
    store = opened(root)
    for number in range(49):
        store.put(Message("T", b"", properties={"UNIQ_KEY": f"u{number}", "KEYS": f"k{number}"}))
    last = store.put(Message("T", b"", properties={"UNIQ_KEY": "u", "KEYS": "k1 k2"}))
    store.shutdown()
    second = sorted((root / "index").iterdir())[1]
    second.unlink()
    file = IndexFile(str(second), SLOTS, CAPACITY, create=True)
    IndexWriter(lambda: file, file).put("T", "u", "k1 k2", last.physical_offset, last.store_timestamp)
    file.flush()
    assert file.count == 3
    assert check_store(root).findings == []



@pytest.mark.parametrize(
    ("byte", "kind"), [(3, "index-hash"), (4, "index-offset"), (15, "index-seconds"), (19, "index-chain")]
)
def test_an_index_entry_that_changed(root: Path, byte: int, kind: str) -> None:
    path = index_files(root)[1]
    flip(path, entry_at(30) + byte)
    assert told(check_store(root)) == [(kind, path.name, entry_at(30))]


def test_a_slot_that_changed(root: Path) -> None:
    path = index_files(root)[1]
    flip(path, 40 + 4 * 7 + 3)
    assert told(check_store(root)) == [("index-slot", path.name, 40 + 28)]


@pytest.mark.parametrize("place", [0, 8, 16, 24, 32])
def test_an_index_header_that_changed(root: Path, place: int) -> None:
    path = index_files(root)[1]
    flip(path, place, 1)
    assert ("index-header", path.name, place) in told(check_store(root))


def test_an_index_file_that_is_gone_is_one_finding(root: Path) -> None:
    path = index_files(root)[1]
    path.unlink()
    report = check_store(root)
    kinds = [finding.kind for finding in report.findings]
    assert kinds.count("index-missing") == 1
    assert "keys of the messages from" in report.findings[kinds.index("index-missing")].message


def test_no_index_is_noted(root: Path) -> None:
    for path in index_files(root):
        path.unlink()
    report = check_store(root)
    assert report.clean
    assert "nothing is found by key" in report.notes[0]


# -- beside the messages ------------------------------------------------------------------------


def test_a_checkpoint_that_cannot_be(root: Path) -> None:
    overwrite(root / "checkpoint", 8, struct.pack(">q", 1 << 50))
    assert told(check_store(root)) == [("checkpoint-time", "checkpoint", 8)]
    os.truncate(root / "checkpoint", 10)
    assert told(check_store(root)) == [("checkpoint-size", "checkpoint", 0)]


def test_config_files_are_read(root: Path) -> None:
    config = root / "config"
    config.mkdir()
    (config / "topics.json").write_text('{"topicConfigTable":{"Topic0":{}')
    (config / "consumerOffset.json").write_text('{"offsetTable":{"Topic0@g":{0:1000,1:2}}}')
    (config / "delayOffset.json").write_text('{"offsetTable":{3:1000}}')
    kinds = [kind for kind, _, _ in told(check_store(root))]
    assert kinds == ["config-damaged", "offset-beyond", "delay-beyond"]


def test_an_unclean_stop_is_noted(root: Path) -> None:
    (root / "abort").touch()
    report = check_store(root)
    assert report.clean
    assert "did not stop cleanly" in report.notes[0]


def test_findings_are_bounded_and_counted(root: Path) -> None:
    for path, at, _ in records(root)[::2]:
        flip(path, at + 88)
    report = check_store(root, most=5)
    assert len(report.findings) == 5
    assert report.counts["log-crc"] == len(records(root)[::2])
    assert report.untold == {"log-crc": report.counts["log-crc"] - 5}


def test_a_store_that_was_cleaned(tmp_path: Path) -> None:
    """Entries that lead before the log's first file are of messages that are gone by right."""
    root = tmp_path / "store"
    fill(root, 300)
    for path in sorted((root / "commitlog").iterdir())[:3]:
        path.unlink()
    assert check_store(root).findings == []


def test_a_filler_is_no_damage(tmp_path: Path) -> None:
    root = tmp_path / "store"
    fill(root, 100)
    for path in sorted((root / "commitlog").iterdir())[:2]:
        path.unlink()
    for folder in (root / "consumequeue").glob("*/*"):
        for path in folder.iterdir():
            path.unlink()
    (root / "abort").touch()
    store = opened(root, ManualClock())
    store.shutdown()
    assert check_store(root).findings == []


# -- consumequeue_ext ------------------------------------------------------------------------


def with_extension(root: Path) -> Path:
    """The first entry's tags code moves into the extension, as enableConsumeQueueExt=true leaves it."""
    queue = first_queue(root)
    code = queue.read_bytes()[12:20]
    path, at, _ = next(each for each in records(root) if each[2][3] == 0 and each[2][5] == 0)
    store_time = path.read_bytes()[at + 56 : at + 64]
    ext = root / "consumequeue_ext" / "Topic0" / "0" / f"{0:020d}"
    ext.parent.mkdir(parents=True)
    unit = struct.pack(">h", 34) + code + store_time + struct.pack(">h", 14) + bytes(14)
    ext.write_bytes(unit.ljust(1000, b"\0"))
    overwrite(queue, 12, struct.pack(">q", -(1 << 63)))
    return ext


def test_an_entry_that_leads_into_the_extension_is_clean(root: Path) -> None:
    with_extension(root)
    assert check_store(root).findings == []


def test_a_unit_of_the_extension_that_changed(root: Path) -> None:
    flip(with_extension(root), 9)
    assert told(check_store(root)) == [("ext-wrong", first_queue(root).name, 0)]


def test_an_extension_that_is_gone(root: Path) -> None:
    ext = with_extension(root)
    ext.unlink()
    assert told(check_store(root)) == [("ext-missing", first_queue(root).name, 0)]
