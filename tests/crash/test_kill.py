"""A store whose process is killed at any moment has every acknowledged message once, in order, after the next start.

`--rounds` sets how often. After each kill something else happens to the folder, as it does on real machines.
"""

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy._core.log_walk import trusted_end
from rocketpy._core.message import decode_messages
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import GetMessageStatus
from tests.crash.writer import QUEUES, open_store

WRITER = Path(__file__).with_name("writer.py")
ROOT = Path(__file__).parents[2]

Acked = dict[int, tuple[int, int]]          # id -> (queue id, queue offset)


def write_and_kill(folder: Path, flush: str, first: int, after_s: float) -> Acked:
    """What was acknowledged before the kill."""
    command = [sys.executable, str(WRITER), str(folder), flush, str(first)]
    with subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        timed = subprocess.Popen(["sleep", str(after_s)])
        timed.wait()
        process.send_signal(signal.SIGKILL)
        text = process.stdout.read().decode()
    acked = {}
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            number, queue_id, offset = map(int, line.split())
            acked[number] = (queue_id, offset)
    return acked


def stored(store: MessageStore) -> Acked:
    """What the queues lead to; offsets are contiguous from 0."""
    found: Acked = {}
    for queue_id in range(QUEUES):
        offset = 0
        while (got := store.get("Crash", queue_id, offset, 32)).status is GetMessageStatus.FOUND:
            for at, message in enumerate(decode_messages(got.body)):
                assert message.queue_offset == offset + at
                number = int(message.body.split(b" ", 1)[0])
                assert number not in found
                found[number] = (queue_id, message.queue_offset)
            offset = got.next_begin_offset
        assert got.status in (GetMessageStatus.OFFSET_OVERFLOW_ONE, GetMessageStatus.NO_MESSAGE_IN_QUEUE)
    return found


def check(folder: Path, acked: Acked) -> None:
    store = open_store(str(folder))
    try:
        found = stored(store)
        assert {number: place for number, place in found.items() if number in acked} == acked
        for queue in store.writer.queues.values():
            assert trusted_end(store.writer, queue) == queue.max_offset
        for number in random.sample(sorted(acked), min(20, len(acked))):
            records = store.query("Crash", f"k{number}", 64, 0, 2**62).records
            assert any(int(each.body.split(b" ", 1)[0]) == number for each in decode_messages(records))
    finally:
        store.shutdown()


def rounds_of(request: pytest.FixtureRequest) -> int:
    """A part of `--rounds`: the broker's own loop (test_broker_kill) has them all; every look reads a growing log."""
    return max(4, request.config.getoption("--rounds") // 4)


def nothing(folder: Path, chance: random.Random) -> None:
    """Only the kill."""


def lose_queue(folder: Path, chance: random.Random) -> None:
    shutil.rmtree(folder / "consumequeue" / "Crash" / str(chance.randrange(QUEUES)), ignore_errors=True)


def lose_index(folder: Path, chance: random.Random) -> None:
    shutil.rmtree(folder / "index", ignore_errors=True)


def lose_checkpoint(folder: Path, chance: random.Random) -> None:
    (folder / "checkpoint").unlink(missing_ok=True)


def garble_checkpoint(folder: Path, chance: random.Random) -> None:
    (folder / "checkpoint").write_bytes(chance.randbytes(4096))


def garble_queue_tail(folder: Path, chance: random.Random) -> None:
    files = sorted((folder / "consumequeue" / "Crash" / "0").glob("0*"))
    if files:
        data = bytearray(files[-1].read_bytes())
        at = chance.randrange(len(data))
        data[at:] = chance.randbytes(len(data) - at)
        files[-1].write_bytes(data)


def garbage_behind_the_log(folder: Path, chance: random.Random) -> None:
    """Bytes that no record begins with, where the log ended."""
    for path in sorted((folder / "commitlog").glob("0*"), reverse=True):
        data = path.read_bytes()
        end = len(data.rstrip(b"\0"))
        if end:
            with path.open("r+b") as file:
                file.seek(end + 40)
                file.write(chance.randbytes(min(300, max(0, len(data) - end - 40))))
            return


DAMAGES: list[Callable[[Path, random.Random], None]] = [
    nothing, lose_queue, lose_index, lose_checkpoint, garble_checkpoint, garble_queue_tail, garbage_behind_the_log,
]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("flush", ["SYNC_FLUSH", "ASYNC_FLUSH"])
def test_every_acknowledged_message_survives_kills(
    tmp_path: Path, flush: str, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(flush)
    acked: Acked = {}
    for number in range(rounds_of(request)):
        acked |= write_and_kill(tmp_path / "store", flush, number * 10_000_000, chance.uniform(0.02, 0.5))
        damage = DAMAGES[number % len(DAMAGES)]
        damage(tmp_path / "store", chance)
        check(tmp_path / "store", acked)
    assert acked


@pytest.mark.timeout(3600)
def test_a_torn_tail_costs_only_what_was_torn(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    chance = random.Random(1)
    folder = tmp_path / "store"
    for number in range(rounds_of(request)):
        shutil.rmtree(folder, ignore_errors=True)
        acked = write_and_kill(folder, "ASYNC_FLUSH", 0, chance.uniform(0.02, 0.2))
        cut = tear(folder, chance, garbled=number % 2 == 0)
        store = open_store(str(folder))
        try:
            whole = stored(store)
            assert store.commit_log_max_offset <= cut + 6000
            lost = set(acked) - set(whole)
            ends = {store.queue("Crash", queue_id).max_offset for queue_id in range(QUEUES)}
            assert all(acked[each][1] >= min(ends) for each in lost)
        finally:
            store.shutdown()


def tear(folder: Path, chance: random.Random, garbled: bool) -> int:
    """Zeros or garbage from somewhere in the last written page on; the offset where it begins."""
    for path in sorted((folder / "commitlog").glob("0*"), reverse=True):
        data = path.read_bytes()
        end = len(data.rstrip(b"\0"))
        if end:
            at = max(0, end - chance.randrange(1, 4096))
            with path.open("r+b") as file:
                file.seek(at)
                file.write(chance.randbytes(end - at) if garbled else bytes(end - at))
            return int(path.name) + at
    return 0
