"""Power is lost at any moment: SYNC_FLUSH loses nothing acknowledged, ASYNC_FLUSH what its interval allows.

The disk of `power.py` forgets what was not synced. ROCKETPY_SEED repeats a failure.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import pytest

from tests.crash.broker import (
    DELAYED,
    BrokerProcess,
    Ledger,
    Producers,
    keys_found,
    killed_at_the_end,
    offsets_in_log,
    stored,
    wait_for_delayed,
)
from tests.crash.fault_layer import layer
from tests.crash.power import PowerLoss

__all__ = ["layer"]

FLUSH_INTERVAL_MS = 100
ALIVE_S = 0.05                      # four connections are answered more often than that
SYNC_S = 1.5                        # a sync's own time on a machine that has much else to do


class Losses:
    """Rounds on one store: write, lose power, start, look."""

    def __init__(self, home: Path, layer: Path, flush: str, seed: str) -> None:
        self.chance = random.Random(seed)
        self.is_sync = flush == "SYNC_FLUSH"
        self.broker = BrokerProcess(
            home, flushDiskType=flush, flushIntervalCommitLog=FLUSH_INTERVAL_MS, flushCommitLogThoroughInterval=0,
            flushIntervalConsumeQueue=50, flushDelayOffsetInterval=100, flushConsumeQueueThoroughInterval=100,
        )
        self.power = PowerLoss(layer, home)
        self.ledger = Ledger()
        self.numbers = itertools.count(1)
        self.lost = 0

    def start(self) -> None:
        self.broker.home.mkdir(exist_ok=True)
        self.broker.start(self.power.begin())

    async def write_and_lose_power(self) -> None:
        writers = Producers(self.broker, self.ledger, random.Random(1), self.numbers)
        self.begun_s = time.monotonic()
        await writers.run(self.chance.uniform(0.1, 2.0))
        self.cut_s = time.monotonic()
        self.acks_s = sorted(place.at_s for place in (*self.ledger.placed.values(), *self.ledger.delayed.values()))
        self.power.cut(self.chance)

    async def look(self) -> None:
        """What had to be on disk is there; what the flush interval allows to be lost is forgotten."""
        found = await stored(self.broker.address)
        in_log = offsets_in_log(self.broker.store)
        for number, place in list(self.ledger.placed.items()):
            message = found[place.topic].get(number)
            if message is None and self.may_be_lost(place.at_s):
                del self.ledger.placed[number]
                self.lost += 1
                continue
            assert message is not None, f"{number} at {place} is lost, {self.cut_s - place.at_s:.3f} s before the cut"
            assert message.physical_offset == place.physical_offset
            assert message.queue_offset == place.queue_offset
            assert in_log[number] == [place.physical_offset]
        for number, place in list(self.ledger.delayed.items()):
            if number not in found[DELAYED] and self.may_be_lost(place.at_s):
                del self.ledger.delayed[number]
        known = sorted(self.ledger.placed)
        await keys_found(self.broker.address, self.ledger, self.chance.sample(known, min(10, len(known))))
        await wait_for_delayed(self.broker.address, set(self.ledger.delayed))

    def may_be_lost(self, at_s: float) -> bool:
        """Nothing that an earlier cut has left."""
        if self.is_sync or at_s < self.begun_s:
            return False
        return self.served_s(at_s) < FLUSH_INTERVAL_MS / 1000 + SYNC_S

    def served_s(self, since_s: float) -> float:
        """The time until the cut, less that in which the machine let nobody answer or send: then nobody synced, too."""
        times = [since_s, *self.acks_s[bisect_right(self.acks_s, since_s):], self.cut_s]
        return sum(min(later - earlier, ALIVE_S) for earlier, later in pairwise(times))

    async def run(self, rounds: int) -> None:
        with killed_at_the_end(self.broker):
            self.start()
            for _ in range(rounds):
                await self.write_and_lose_power()
                self.start()
                await self.look()
            assert self.broker.stop() == 0


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("flush", ["SYNC_FLUSH", "ASYNC_FLUSH"])
def test_a_power_loss_costs_what_the_flush_allows(
    tmp_path: Path, layer: Path, flush: str, request: pytest.FixtureRequest
) -> None:
    seed = os.environ.get("ROCKETPY_SEED", "1")
    losses = Losses(tmp_path / "home", layer, flush, seed)
    rounds = max(1, request.config.getoption("--rounds") // 4)  # one copies the whole image, so it takes longer
    try:
        asyncio.run(losses.run(rounds))
    except AssertionError as error:
        error.add_note(f"ROCKETPY_SEED={seed}, {flush}")
        raise
    acknowledged = len(losses.ledger) + losses.lost
    print(f"{flush}: {rounds} cuts, {acknowledged} acknowledged, {losses.lost} lost within the interval")
    assert losses.ledger.placed
