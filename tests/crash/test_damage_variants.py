"""Every variant of damage to a store's files: nothing the log holds is lost, and one line says what was done.

Here without a broker around the store, so that they are quick; test_damage.py has one of each through a real one.
"""

import os
import random
import shutil
from collections.abc import Callable

import pytest

from tests.crash.damaged import LOG_SIZE, QUEUE_SIZE, TOPIC, overwrite, used
from tests.crash.damaged_store import DamagedStore

Stop = Callable[[DamagedStore], None]
stopped_or_killed = pytest.mark.parametrize("stop", [DamagedStore.stop, DamagedStore.kill], ids=["stopped", "killed"])
any_file = pytest.mark.parametrize("number", [0, 1, -1], ids=["first", "second", "last"])


def filled(damaged: DamagedStore, count: int = 900) -> DamagedStore:
    """Messages over many files of log and queues, and several of the index."""
    damaged.start().send(count)
    return damaged


@stopped_or_killed
@any_file
def test_a_log_file_longer_than_its_size(damaged: DamagedStore, stop: Stop, number: int) -> None:
    filled(damaged)
    stop(damaged)
    path = damaged.log_files()[number]
    os.truncate(path, LOG_SIZE * 2 if number else LOG_SIZE + 1)
    damaged.start().holds()
    assert damaged.says_once(str(path), f"instead of {LOG_SIZE}")
    assert path.stat().st_size == LOG_SIZE


def test_a_log_file_shorter_than_its_size(damaged: DamagedStore) -> None:
    """The last one, cut where nothing stood yet: everything the log holds is there."""
    filled(damaged).stop()
    path = damaged.log_files()[-1]
    os.truncate(path, used(path) + 1)
    damaged.start().holds()
    assert damaged.says_once(str(path), f"instead of {LOG_SIZE}")


@pytest.mark.parametrize("number", [0, 2])
def test_a_log_file_cut_short_costs_only_what_stood_there(damaged: DamagedStore, number: int) -> None:
    filled(damaged).stop()
    path = damaged.log_files()[number]
    os.truncate(path, LOG_SIZE // 2)
    damaged.start()
    present = damaged.pulled()
    lost = len(damaged.acked) - len(present)
    assert 20 < lost < 45
    damaged.holds(lost)
    assert damaged.says_once(str(path), f"instead of {LOG_SIZE}")
    assert damaged.says_once(str(path), "damaged at offset")


@stopped_or_killed
@any_file
@pytest.mark.parametrize("length", [0, 1, QUEUE_SIZE - 1, QUEUE_SIZE + 1, 2 * QUEUE_SIZE])
def test_a_queue_file_of_another_length(damaged: DamagedStore, stop: Stop, number: int, length: int) -> None:
    filled(damaged)
    stop(damaged)
    path = damaged.queue_files()[number]
    os.truncate(path, length)
    damaged.start().holds()
    assert damaged.says_once(str(path), f"has {length} bytes instead of {QUEUE_SIZE}")


def test_stray_files_and_folders(damaged: DamagedStore) -> None:
    filled(damaged).stop()
    strays = []
    for folder in (damaged.store / "commitlog", damaged.store / "consumequeue" / TOPIC / "0"):
        for name in ("notes.txt", ".hidden", "00000000000000000007", "0" * 19):
            strays.append(folder / name)
            (folder / name).write_bytes(b"mine")
        strays.append(folder / "lost+found")
        strays[-1].mkdir()
    (damaged.store / "index" / "notes.txt").write_bytes(b"mine")
    damaged.start().holds()
    assert all(stray.exists() and damaged.says_once(f"{stray} ") for stray in strays)


@stopped_or_killed
@pytest.mark.parametrize("data", [bytes(600), random.Random(1).randbytes(600)], ids=["zeroed", "garbled"])
def test_entries_at_a_queue_s_tail(damaged: DamagedStore, stop: Stop, data: bytes) -> None:
    filled(damaged)
    stop(damaged)
    path = damaged.queue_files()[-1]
    overwrite(path, max(0, used(path) - 600), data)
    damaged.start().holds()
    assert damaged.says_queues_are_mended()


GARBLED = {
    "zeros": bytes(20),
    "far": (2**50).to_bytes(8, "big") + (100).to_bytes(4, "big") + bytes(8),
    "negative": b"\xff" * 20,
    "another's": (0).to_bytes(8, "big") + (1040).to_bytes(4, "big") + bytes(8),
}


@stopped_or_killed
@pytest.mark.parametrize("data", GARBLED.values(), ids=list(GARBLED))
@pytest.mark.parametrize("number", [0, -1])
def test_an_entry_in_the_middle_of_a_queue(damaged: DamagedStore, stop: Stop, data: bytes, number: int) -> None:
    filled(damaged)
    stop(damaged)
    path = damaged.queue_files()[number]
    overwrite(path, 20 * (used(path) // 20 // 2), data)
    damaged.start().holds()
    assert damaged.says_queues_are_mended()


@stopped_or_killed
def test_a_queue_folder_that_is_gone(damaged: DamagedStore, stop: Stop) -> None:
    filled(damaged)
    stop(damaged)
    shutil.rmtree(damaged.store / "consumequeue" / TOPIC / "1")
    damaged.start().holds()
    assert damaged.says_queues_are_mended()


def test_all_queues_gone(damaged: DamagedStore) -> None:
    filled(damaged).stop()
    shutil.rmtree(damaged.store / "consumequeue")
    damaged.start().holds()
    assert damaged.says_queues_are_mended()


@stopped_or_killed
@pytest.mark.parametrize("number", [0, -1])
def test_an_index_file_that_is_gone(damaged: DamagedStore, stop: Stop, number: int) -> None:
    filled(damaged)
    stop(damaged)
    damaged.index_files()[number].unlink()
    damaged.start().holds()


INDEX_PARTS = {"header": (0, 40), "slots": (40, 400), "chains": (440, 8000), "all": (0, 8440), "middle": (1000, 200)}


@stopped_or_killed
@pytest.mark.parametrize("part", INDEX_PARTS.values(), ids=list(INDEX_PARTS))
@pytest.mark.parametrize("number", [0, -1])
def test_a_garbled_index_file(damaged: DamagedStore, stop: Stop, part: tuple[int, int], number: int) -> None:
    filled(damaged)
    stop(damaged)
    at, size = part
    path = damaged.index_files()[number]
    overwrite(path, at, random.Random(size).randbytes(size))
    damaged.start().holds()
    assert damaged.says_once(str(path))


CHECKPOINTS = {
    "random": random.Random(2).randbytes(4096),
    "future": (2**62).to_bytes(8, "big") * 3 + bytes(4072),
    "short": b"\0\0",
    "empty": b"",
}


@stopped_or_killed
@pytest.mark.parametrize("data", CHECKPOINTS.values(), ids=list(CHECKPOINTS))
def test_a_garbled_checkpoint(damaged: DamagedStore, stop: Stop, data: bytes) -> None:
    filled(damaged)
    stop(damaged)
    path = damaged.store / "checkpoint"
    path.write_bytes(data)
    damaged.start().holds()
    assert damaged.says_once(str(path), "everything is recovered")


@stopped_or_killed
@pytest.mark.parametrize("data", [b"", b"garbage", random.Random(3).randbytes(90), b"5\n3 0 Damage\nend\n"])
def test_garbled_queue_ends(damaged: DamagedStore, stop: Stop, data: bytes) -> None:
    filled(damaged)
    stop(damaged)
    (damaged.store / "queueEnds").write_bytes(data)
    damaged.start().holds()
