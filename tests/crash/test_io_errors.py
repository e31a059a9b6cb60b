"""A disk that refuses costs nobody a message: the broker says so, stays up, and stops; nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import errno
import itertools
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.protocol.codes import ResponseCode
from tests.crash.broker import (
    BrokerProcess,
    Ledger,
    Producers,
    keys_found,
    killed_at_the_end,
    offsets_in_log,
    stored,
    wait_for_delayed,
)
from tests.crash.fault_layer import READ_ONLY, Faults, layer

__all__ = ["layer"]

EIO, ENOSPC = errno.EIO, errno.ENOSPC
REFUSED_S = 30
pytestmark = pytest.mark.timeout(180)


class Sick:
    """A broker on a disk that can be made to refuse, and what was sent to it."""

    def __init__(self, broker: BrokerProcess, faults: Faults) -> None:
        self.broker, self.faults, self.ledger = broker, faults, Ledger()
        self._numbers, self._chance = itertools.count(1), random.Random(1)

    def send(self, count: int = 20) -> list[tuple[int, str]]:
        """So many requests a connection; (code, remark) of those that were refused."""
        self.ledger.refusals.clear()
        writers = Producers(self.broker, self.ledger, self._chance, self._numbers)
        asyncio.run(writers.run_some(count))
        return list(self.ledger.refusals)

    def look(self) -> None:
        """All that was acknowledged can be pulled."""
        found = asyncio.run(stored(self.broker.address))
        for number, place in self.ledger.placed.items():
            assert found[place.topic][number].queue_offset == place.queue_offset

    def look_after_restart(self) -> None:
        """Healthy again and started anew: all of it, once, with keys, and the delayed ones."""
        self.faults.heal()
        self.broker.start()
        self.look()
        asyncio.run(wait_for_delayed(self.broker.address, set(self.ledger.delayed)))
        asyncio.run(keys_found(self.broker.address, self.ledger, sorted(self.ledger.placed)[-20:]))
        assert not self.send()
        assert self.broker.stop() == 0
        in_log = offsets_in_log(self.broker.store)
        assert all(in_log[number] == [place.physical_offset] for number, place in self.ledger.placed.items())


@pytest.fixture
def flush() -> str:
    """Tests name the flushDiskType they mean; SYNC_FLUSH otherwise."""
    return "SYNC_FLUSH"


@pytest.fixture
def sick(flush: str, layer: Path, tmp_path: Path) -> Iterator[Sick]:
    home = tmp_path / "home"
    faults = Faults(layer, home)
    broker = BrokerProcess(home, flushDiskType=flush, flushIntervalConsumeQueue=50, flushIntervalCommitLog=50,
                           flushConsumeQueueThoroughInterval=100, flushCommitLogThoroughInterval=100)
    with killed_at_the_end(broker):
        broker.start(faults.env)
        yield Sick(broker, faults)


def send_until_refused(sick: Sick) -> list[tuple[int, str]]:
    deadline = time.monotonic() + REFUSED_S
    while time.monotonic() < deadline:
        refusals = sick.send(5)
        if refusals:
            return refusals
    raise AssertionError("never refused")


@pytest.mark.parametrize(
    ("flush", "part"),
    [("SYNC_FLUSH", "/commitlog/"), ("ASYNC_FLUSH", "/commitlog/"), ("ASYNC_FLUSH", "/consumequeue/"),
     ("SYNC_FLUSH", "/index/")],
)
def test_a_failed_sync_is_never_swallowed(sick: Sick, part: str) -> None:
    assert not sick.send()
    sick.faults.refuse(("sync", part, EIO))
    send_until_refused(sick)
    sick.faults.heal()                                 # the next sync would answer as if all were well
    refusals = sick.send()
    assert {code for code, _ in refusals} == {ResponseCode.SERVICE_NOT_AVAILABLE}
    assert all(part.rstrip("/") in remark and "Input/output error" in remark for _, remark in refusals)
    assert sick.broker.log_text.count("puts are refused until the broker is started anew") == 1
    sick.look()
    assert sick.broker.stop() == 253
    assert "not all is on disk" in sick.broker.output
    assert (sick.broker.store / "abort").exists()
    sick.look_after_restart()


@pytest.mark.parametrize(
    ("call", "part", "number"),
    [("fallocate", "/commitlog/", EIO), ("fallocate", "/consumequeue/", ENOSPC), ("create", "/commitlog/", ENOSPC),
     ("create", "/index/", EIO)],
)
def test_no_room_refuses_until_there_is_some(sick: Sick, call: str, part: str, number: int) -> None:
    sick.send()
    sick.faults.refuse((call, part, number))
    code, remark = send_until_refused(sick)[-1]
    wanted = ResponseCode.SERVICE_NOT_AVAILABLE if number == ENOSPC else ResponseCode.SYSTEM_ERROR
    assert code == wanted
    assert part.strip("/") in remark and {EIO: "Input/output error", ENOSPC: "No space left"}[number] in remark
    sick.look()
    sick.faults.heal()
    assert not sick.send()
    assert sick.broker.stop() == 0
    sick.look_after_restart()


@pytest.mark.parametrize(
    ("call", "part"),
    [("sync", "/checkpoint"), ("open", "/queueEnds"), ("rename", "/config/"), ("sync", "/config/")],
)
def test_what_can_be_made_anew_refuses_nobody(sick: Sick, part: str, call: str) -> None:
    sick.send(5)
    sick.faults.refuse((call, part, EIO))
    assert not sick.send(30)
    sick.look()
    sick.broker.kill()
    sick.look_after_restart()


@pytest.mark.parametrize("flush", ["SYNC_FLUSH", "ASYNC_FLUSH"])
def test_a_disk_gone_read_only_refuses_and_lets_read(sick: Sick) -> None:
    assert not sick.send()
    sick.faults.refuse(*READ_ONLY)
    code, remark = send_until_refused(sick)[-1]
    assert code in (ResponseCode.SERVICE_NOT_AVAILABLE, ResponseCode.SYSTEM_ERROR)
    assert "Read-only file system" in remark
    sick.look()
    assert sick.broker.stop() == 253
    sick.look_after_restart()
