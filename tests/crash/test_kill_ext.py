"""Units beside the queues over kills: whatever became of them, a filter by tag finds what it must, and no more.

`--rounds` sets how often. The setting is switched now and then, and after a kill something happens to the units.
"""

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rocketpy._core.consume_queue_ext import is_address
from rocketpy._core.hashing import java_hash_of
from rocketpy._core.message import decode_messages
from rocketpy._core.store_reader import store_time
from rocketpy.store.message_store import MessageStore
from tests.crash.ext_writer import TAGS, TOPIC, open_store
from tests.crash.test_kill import rounds_of

WRITER = Path(__file__).with_name("ext_writer.py")
ROOT = Path(__file__).parents[2]


def write_and_kill(folder: Path, first: int, units: bool, after_s: float) -> dict[int, int]:
    """Queue offsets of what was acknowledged before the kill."""
    command = [sys.executable, str(WRITER), str(folder), str(first), str(int(units))]
    with subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        subprocess.run(["sleep", str(after_s)], check=True)
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().decode().splitlines(keepends=True)
    pairs = (line.split() for line in lines if line.endswith("\n"))
    return {int(number): int(offset) for number, offset in pairs}


def found(store: MessageStore, tags: frozenset[int] | None) -> dict[int, int]:
    """Queue offsets of all messages a filter lets through."""
    got: dict[int, int] = {}
    offset = 0
    while offset < store.max_offset(TOPIC, 0):
        result = store.get(TOPIC, 0, offset, 32, tags)
        got |= {int(message.body): message.queue_offset for message in decode_messages(result.body)}
        offset = result.next_begin_offset
    return got


def damage(folder: Path, chance: random.Random) -> None:
    """Nothing, or a file of units lost, or zeros or garbage from somewhere in the last one on."""
    files = sorted((folder / "consumequeue_ext" / TOPIC / "0").glob("0*"))
    kind = chance.choice(("nothing", "lost", "all lost", "zeros", "garbage"))
    if not files or kind == "nothing":
        return
    if kind == "all lost":
        shutil.rmtree(folder / "consumequeue_ext")
    elif kind == "lost":
        chance.choice(files).unlink()
    else:
        data = files[-1].read_bytes()
        at = chance.randint(0, len(data))  # a file that the kill left empty has nothing to garble
        behind = len(data) - at
        files[-1].write_bytes(data[:at] + (bytes(behind) if kind == "zeros" else chance.randbytes(behind)))


@pytest.mark.timeout(3600)
def test_filters_by_tag_survive_kills(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    chance = random.Random(7)
    acked: dict[int, int] = {}
    for number in range(rounds_of(request)):
        units = chance.random() < 0.8
        acked |= write_and_kill(tmp_path / "store", number * 3_000_000, units, chance.uniform(0.02, 0.3))
        damage(tmp_path / "store", chance)
        store = open_store(str(tmp_path / "store"), units=chance.random() < 0.5)
        try:
            everything = found(store, None)
            assert {each: everything.get(each) for each in acked} == acked
            for index, tag in enumerate(TAGS):
                wanted = {each: offset for each, offset in everything.items() if each % 3 == index}
                assert found(store, frozenset({java_hash_of(tag)})) == wanted
            check_units(store)
        finally:
            store.shutdown()
    assert acked


def check_units(store: MessageStore) -> None:
    """Every address leads to the message's own unit, each behind the one before."""
    queue = store.queue(TOPIC, 0)
    last = -(1 << 63) - 1
    for entry in filter(None, map(queue.stored_entry, range(queue.max_offset))):
        if is_address(entry[2]):
            unit = None if queue.ext is None else queue.ext.unit(entry[2])
            assert unit is not None and unit[1] == store_time(store.writer, entry[0])
            assert entry[2] > last
            last = entry[2]
