"""A running broker's store: what is only on its way is no inconsistency, its lock stays, damage is still told."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import rocketpy.testing
from rocketpy.client import Producer, new_message
from rocketpy.errors import StartRefused
from rocketpy.store.lock import StoreLock, lock_holder
from rocketpy.store_tool.check import check_store
from tests.unit.store_tool.stores import first_queue, flip, opened

HOLD = """
import sys
from rocketpy.store.lock import StoreLock
StoreLock(sys.argv[1]).acquire()
print("held", flush=True)
sys.stdin.read()
"""
ROUNDS = 6


@contextmanager
def held_elsewhere(path: Path) -> Iterator[int]:
    """Another process holds the lock; its pid."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process.pid
        process.communicate()


@contextmanager
def sends(namesrv_addr: str) -> Iterator[list[int]]:
    """Messages are sent as fast as it goes until the block ends; how many there were so far."""
    stop = threading.Event()
    count = [0]

    async def send() -> None:
        async with Producer(namesrv_addr, "busy") as producer:
            while not stop.is_set():
                batch = [new_message("Busy", b"x" * (n % 700), tags="t", keys=f"k{n}") for n in range(50)]
                await asyncio.gather(*(producer.send(each) for each in batch))
                count[0] += len(batch)

    thread = threading.Thread(target=asyncio.run, args=(send(),))
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join()


@pytest.mark.timeout(120)
def test_repeated_checks_are_clean_while_sends_go_on() -> None:
    with rocketpy.testing.cluster() as cluster:
        cluster.create_topic("Busy")
        with sends(cluster.namesrv_addr) as count:
            seen: list[int] = []
            while len(seen) < ROUNDS or seen[-1] == seen[0]:  # the checks outrun a busy machine's sends
                report = check_store(cluster.store / "broker")
                assert report.findings == []
                assert report.summary["state"]["live"]
                seen.append(report.summary["log"]["records"])
        assert seen[-1] <= count[0] + 50  # the last batch is stored before it is counted
        with pytest.raises(StartRefused):  # the check has not let the broker's lock go
            StoreLock(cluster.store / "broker" / "lock").acquire()


def test_the_holder_is_named(root: Path) -> None:
    assert lock_holder(root / "lock") is None
    with held_elsewhere(root / "lock") as pid:
        assert lock_holder(root / "lock") == pid
        assert f"process {pid}" in check_store(root).notes[0]
        assert lock_holder(root / "lock") == pid


def test_damage_in_a_live_store_is_told_after_more_than_one_look(root: Path) -> None:
    flip(first_queue(root), 3)
    pauses: list[float] = []
    with held_elsewhere(root / "lock"):
        report = check_store(root, pause=pauses.append)
    assert [finding.kind for finding in report.findings] == ["queue-wrong"]
    assert len(pauses) == 2


def test_what_a_second_look_finds_in_order_is_not_told(root: Path) -> None:
    path = first_queue(root)
    flip(path, 3)
    with held_elsewhere(root / "lock"):
        report = check_store(root, pause=lambda _: flip(path, 3))
    assert report.clean


def test_a_store_of_this_process_keeps_its_lock(root: Path) -> None:
    store = opened(root)
    assert check_store(root).clean
    code = "import sys; from rocketpy.store.lock import lock_holder; from pathlib import Path\n"
    code += "print(lock_holder(Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, str(root / "lock")], capture_output=True, text=True, check=True)
    store.shutdown()
    assert done.stdout.strip() != "None"
