"""The checkpoint: upstream's bytes, and damage that only ever makes recovery start earlier."""

import logging
import struct
from pathlib import Path

import pytest

from rocketpy.clock import ManualClock
from rocketpy.store.checkpoint import Checkpoint

GOLDEN = Path(__file__).parents[2] / "golden" / "data" / "store" / "checkpoint"
NOW_MS = 1_795_369_000_000


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(tmp_path / "store" / "checkpoint", ManualClock(NOW_MS))


def test_upstream_s_file_is_read_and_written_alike(checkpoint: Checkpoint) -> None:
    checkpoint.path.parent.mkdir()
    checkpoint.path.write_bytes(GOLDEN.read_bytes())
    checkpoint.load()
    assert checkpoint.physic_msg_timestamp == checkpoint.logics_msg_timestamp == 0x1A20452F768
    assert checkpoint.index_msg_timestamp == 0
    assert checkpoint.min_timestamp == 0x1A20452F768 - 3000
    assert checkpoint.min_timestamp_index == 0
    checkpoint.path.unlink()
    checkpoint.persist()
    assert checkpoint.path.read_bytes() == GOLDEN.read_bytes()


def test_a_missing_file_is_zeros(checkpoint: Checkpoint) -> None:
    checkpoint.load()
    assert checkpoint.min_timestamp == 0


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0" * 23, b"\xff" * 4096, struct.pack(">qqq", 1, 1, 1) + b"?",
        struct.pack(">qqq", NOW_MS, -1, 0), struct.pack(">qqq", NOW_MS, 2**62, 0),
    ],
)
def test_damage_is_zeros_and_a_line(checkpoint: Checkpoint, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint.path.parent.mkdir()
    checkpoint.path.write_bytes(data)
    checkpoint.load()
    times = (checkpoint.physic_msg_timestamp, checkpoint.logics_msg_timestamp, checkpoint.index_msg_timestamp)
    assert times == (0, 0, 0)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert not checkpoint.is_known


@pytest.mark.parametrize(("length", "is_whole"), [(24, False), (1830, False), (4096, True), (4097, False)])
def test_times_in_a_file_of_another_length_count(checkpoint: Checkpoint, length: int, is_whole: bool) -> None:
    checkpoint.path.parent.mkdir()
    checkpoint.path.write_bytes(struct.pack(">qqq", NOW_MS, NOW_MS, 0).ljust(length, b"\0"))
    checkpoint.load()
    assert (checkpoint.physic_msg_timestamp, checkpoint.is_known, checkpoint.is_whole) == (NOW_MS, True, is_whole)


def test_persist_keeps_the_size(checkpoint: Checkpoint) -> None:
    checkpoint.path.parent.mkdir()
    checkpoint.path.write_bytes(b"\xff" * 5000)
    checkpoint.physic_msg_timestamp = 5000
    checkpoint.logics_msg_timestamp = 4000
    checkpoint.persist()
    assert checkpoint.path.stat().st_size == 4096
    again = Checkpoint(checkpoint.path, ManualClock(NOW_MS))
    again.load()
    assert (again.physic_msg_timestamp, again.min_timestamp) == (5000, 1000)
