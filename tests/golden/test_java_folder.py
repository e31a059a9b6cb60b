"""A whole folder of a Java 4.5.2 broker, and what it was asked: asked the same at the same times, ours is equal.

Sends of both codes, batches, one-way sends, delays, messages sent back, dead letters and offsets, over seven log files
and nine index files. What is not compared stands in tests/store_files.py; the recording comes from
tests/compat/test_store_bytes.py, which makes a new one in every run.
"""

import shutil
import struct
from pathlib import Path

import pytest

from rocketpy._core.message import decode_message, decode_messages
from rocketpy.clock import ManualClock
from rocketpy.config import MessageStoreConfig
from rocketpy.store.message_store import MessageStore
from tests.replay import Recording, replay
from tests.store_files import differences, files, log_records

FOLDER = Path(__file__).parent / "data" / "store" / "java_folder"
JAVAS = FOLDER / "store"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording.read(FOLDER / "recording.json")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(JAVAS, tmp_path / "store"))


def opened(root: Path, recording: Recording) -> MessageStore:
    paths = {"store_path_root_dir": str(root), "store_path_commit_log": str(root / "commitlog")}
    clock = ManualClock(recording.steps[-1].at_ms + 60_000)
    store = MessageStore(MessageStoreConfig(**paths, **recording.store), clock)
    store.lock()
    store.load()
    store.start()
    return store


def test_the_recording_has_every_kind(recording: Recording) -> None:
    assert {10, 310, 320, 36, 15} <= {step.code for step in recording.steps}
    assert any(step.flag == 2 for step in recording.steps)
    assert {step.level for step in recording.steps} >= {0, 1, 3}
    topics = {decode_message(record).topic for record in log_records(JAVAS)}
    assert {"SCHEDULE_TOPIC_XXXX", "%RETRY%CG_bytes", "%DLQ%CG_bytes"} <= topics


def test_every_file_is_the_same(recording: Recording, tmp_path: Path) -> None:
    replay(recording, tmp_path / "ours", over_the_wire=False)
    assert not differences(JAVAS, tmp_path / "ours")


def test_opened_and_closed_it_is_as_it_was(recording: Recording, copied: Path) -> None:
    store = opened(copied, recording)
    assert decode_messages(b"".join(log_records(JAVAS)))[-1].physical_offset < store.commit_log_max_offset
    store.shutdown()
    assert not differences(JAVAS, copied)


@pytest.mark.parametrize("lost", ["consumequeue", "index", "checkpoint"])
def test_what_is_made_anew_from_the_log_is_the_same(recording: Recording, copied: Path, lost: str) -> None:
    path = copied / lost
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    opened(copied, recording).shutdown()
    ours, theirs = files(copied), files(JAVAS)
    # The index is closed anew, so its time is known again as well, unless nothing of it was written.
    if lost == "checkpoint":
        struct.unpack_from(">qq", ours[lost])
        del ours[lost], theirs[lost]
    assert ours == theirs
