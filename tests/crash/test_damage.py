"""Each damage that RocketMQ 4.5.2 does not survive, done to the folder of a real broker: nothing the log holds is lost.

One line says what was wrong and what is done about it, and the broker serves as before. More of each kind:
test_damage_variants.py; messages that do damage: test_damage_messages.py; the configuration: test_damage_config.py.
"""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash.damaged import LOG_SIZE, QUEUE_SIZE, DamagedBroker, overwrite, used


def filled(broker: DamagedBroker, count: int = 300) -> DamagedBroker:
    """A broker with messages over several files of log, queues and index."""
    broker.start().send(count)
    return broker


@pytest.mark.parametrize("change", [-1, 1])
def test_a_commit_log_file_of_another_length(broker: DamagedBroker, change: int) -> None:
    filled(broker).stop()
    path = broker.log_files()[-1]
    os.truncate(path, used(path) + 1 if change < 0 else LOG_SIZE + 1)
    broker.start().holds()
    assert broker.says_once(str(path), f"instead of {LOG_SIZE}", "set right")


@pytest.mark.parametrize("change", [-1, 1])
def test_a_queue_file_of_another_length(broker: DamagedBroker, change: int) -> None:
    filled(broker).stop()
    path = broker.queue_files()[-1]
    os.truncate(path, QUEUE_SIZE + change)
    broker.start().holds()
    assert broker.says_once(str(path), f"has {QUEUE_SIZE + change} bytes instead of {QUEUE_SIZE}", "set right")


def test_stray_files_in_the_folders(broker: DamagedBroker) -> None:
    filled(broker).stop()
    strays = [broker.store / "commitlog" / "notes.txt", broker.queue_files()[0].parent / ("0" * 19 + "7")]
    for stray in strays:
        stray.write_bytes(b"mine")
    broker.start().holds()
    assert all(stray.read_bytes() == b"mine" and broker.says_once(str(stray), "left alone") for stray in strays)


@pytest.mark.parametrize("length", [0, 8])
def test_a_folder_where_a_file_of_the_log_must_be(broker: DamagedBroker, length: int) -> None:
    filled(broker, 10).stop()
    folder = broker.store / "commitlog" / f"{LOG_SIZE * 7:020d}"
    folder.mkdir()
    for number in range(length):
        (folder / str(number)).touch()
    line = broker.refusal()
    assert (line.count("\n"), f"{folder} is a folder where a file must be" in line) == (1, True)
    shutil.rmtree(folder)
    broker.start().holds()


@pytest.mark.parametrize("data", [bytes(600), random.Random(1).randbytes(600)], ids=["zeroed", "garbled"])
def test_the_entries_at_a_queue_s_tail(broker: DamagedBroker, data: bytes) -> None:
    filled(broker).stop()
    path = broker.queue_files()[-1]
    overwrite(path, max(0, used(path) - 600), data)
    broker.start().holds()
    assert broker.says_queues_are_mended()


def test_a_queue_folder_gone_after_a_clean_stop(broker: DamagedBroker) -> None:
    filled(broker).stop()
    shutil.rmtree(broker.queue_files(1)[0].parent)
    broker.start().holds()
    assert broker.says_once("queue 1 of Damage had 150 entries and has 0", "compared with the whole commit log")


def test_an_index_file_deleted(broker: DamagedBroker) -> None:
    filled(broker).stop()
    broker.index_files()[-1].unlink()
    broker.start().holds()
    assert broker.says_once(str(broker.store / "index"), "made anew")


def test_an_index_file_garbled(broker: DamagedBroker) -> None:
    filled(broker).stop()
    path = broker.index_files()[-1]
    path.write_bytes(random.Random(4).randbytes(path.stat().st_size))
    broker.start().holds()
    assert broker.says_once(str(path), "made anew")


def test_a_garbled_checkpoint(broker: DamagedBroker) -> None:
    filled(broker).kill()
    path = broker.store / "checkpoint"
    path.write_bytes(random.Random(2).randbytes(4096))
    broker.start().holds()
    assert broker.says_once(str(path), "garbled", "everything is recovered")


def test_a_folder_where_the_checkpoint_must_be(broker: DamagedBroker) -> None:
    filled(broker, 10).kill()
    path = broker.store / "checkpoint"
    path.unlink(missing_ok=True)
    path.mkdir()
    line = broker.refusal()
    assert (line.count("\n"), f"{path} is a folder where a file must be" in line) == (1, True)
    path.rmdir()
    broker.start().holds()


def test_stale_bytes_behind_a_cut_tail_never_come_back(broker: DamagedBroker) -> None:
    """The tail is cut at a torn record; the whole records behind it must not be messages again after the next crash."""
    filled(broker, 20).kill()
    path = broker.log_files()[-1]
    size = used(path) // 20
    overwrite(path, 12 * size + 95, b"torn")
    broker.start()
    kept = broker.pulled()
    assert 10 <= len(kept) <= 13
    assert broker.says_once(str(path), "torn at", "the log ends here")
    broker.acked = kept
    broker.send(1)
    broker.kill()
    broker.start()
    assert sorted(each.body for each in broker.pulled()) == sorted(each.body for each in broker.acked)
    broker.kill()
    broker.start().holds()


def test_a_record_damaged_in_a_closed_file(broker: DamagedBroker) -> None:
    """It is reported with file and offset, and what follows stays readable: a checkpoint says it was on disk."""
    filled(broker).stop()
    broker.start().send(50)
    broker.kill()
    path = broker.log_files()[1]
    overwrite(path, 0, b"damaged!")
    broker.start().holds(lost=1)
    assert broker.says_once(str(path), f"damaged at offset {int(path.name)}", "those behind it can")


def test_a_second_broker_on_the_same_folder(broker: DamagedBroker, tmp_path: Path) -> None:
    filled(broker, 50)
    (tmp_path / "other").mkdir()
    second = DamagedBroker(tmp_path / "other", broker.store)
    for _ in range(2):
        line = second.refusal()
        assert (line.count("\n"), f"{broker.store / 'lock'} is locked by process" in line) == (1, True)
        broker.send(50)
    broker.holds()
    broker.stop()
    broker.start().holds()
    assert not any(broker.lines(word) for word in ("compared", "torn", "damaged", "made anew", "set right"))


def test_two_brokers_started_at_once(broker: DamagedBroker, tmp_path: Path) -> None:
    filled(broker, 50).stop()
    (tmp_path / "other").mkdir()
    second = DamagedBroker(tmp_path / "other", broker.store)
    second.acked = broker.acked
    both = (broker, second)
    try:
        for each in both:
            each.launch()
        served = [each for each in both if each.is_up()]
        assert len(served) == 1
        served[0].holds()
    finally:
        second.close()


@pytest.mark.parametrize("order", [sorted, lambda paths: sorted(paths, reverse=True)], ids=["forward", "backward"])
def test_a_store_copied_while_it_is_written_to(
    broker: DamagedBroker, tmp_path: Path, order: Callable[[list[Path]], list[Path]]
) -> None:
    """The copy has what was acknowledged before the copying began, whatever was written meanwhile."""
    filled(broker)
    before = list(broker.acked)
    copy = tmp_path / "copied" / "store"
    for path in order([path for path in broker.store.rglob("*") if path.is_file() and path.name != "lock"]):
        target = copy / path.relative_to(broker.store)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        broker.send(3)
    broker.stop()
    copied = DamagedBroker(tmp_path / "copied")
    try:
        found = copied.start().pulled()
        assert set(before) <= set(found) <= set(broker.acked)
        copied.acked = found
        copied.holds()
    finally:
        copied.close()
