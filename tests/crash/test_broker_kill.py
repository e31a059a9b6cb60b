"""A broker killed while producers write has all it acknowledged, once, in order, whatever happened to its files; and
`rocketpy-store check` finds its store in order after each start.

`--rounds` sets how often, in stores of at most `ROUNDS_A_STORE` rounds. The seed stands in every failure:
ROCKETPY_SEED repeats it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from pathlib import Path

import pytest

from rocketpy.store_tool.check import check_store
from tests.crash.broker import (
    DELAYED,
    TOPICS,
    BrokerProcess,
    Ledger,
    Producers,
    keys_found,
    killed_at_the_end,
    offsets_in_log,
    record_size,
    stored,
    wait_for_delayed,
)
from tests.crash.damages import DAMAGES, WHOLE, Damage, log_tail_garbled

ROUNDS_A_STORE = 5               # every look reads the whole store
KEYS_A_ROUND = 20


class Rounds:
    """Rounds on one store: write and kill, damage, start, look."""

    def __init__(self, home: Path, flush: str, seed: str) -> None:
        self.chance, self._senders = random.Random(seed), random.Random(seed)   # what is damaged depends on no timing
        self.broker = BrokerProcess(home, flushDiskType=flush)
        self.ledger = Ledger()
        self.numbers = itertools.count(1)
        self.torn = 0                                       # acknowledged, and behind a tear
        self.done: list[str] = []
        self.may_have_other_keys = False

    async def write_and_kill(self) -> None:
        writers = Producers(self.broker, self.ledger, self._senders, self.numbers)
        await writers.run(self.chance.uniform(0.1, 0.7))

    def damage(self, damage: Damage) -> set[int]:
        """Damage the folder; ids that may be gone."""
        in_log, sizes = offsets_in_log(self.broker.store), self.sizes()
        self.done.append(damage.__name__)
        cut = damage(self.broker.store, self.chance)
        if cut == WHOLE:
            return set()
        self.may_have_other_keys |= damage is log_tail_garbled
        behind = {number for number, end in sizes.items() if end > cut}
        delivered = {number for number, offsets in in_log.items() if max(offsets) >= cut - 8192}
        return behind | (delivered & set(self.ledger.delayed))

    def sizes(self) -> dict[int, int]:
        places = {**self.ledger.placed, **self.ledger.delayed}
        return {
            number: place.physical_offset + record_size(self.broker.store, place.physical_offset)
            for number, place in places.items()
        }

    async def look(self, may_be_gone: set[int]) -> None:
        """Everything acknowledged is there, over the wire."""
        found = await stored(self.broker.address)
        for number, place in list(self.ledger.placed.items()):
            message = found[place.topic].get(number)
            if message is None and number in may_be_gone:
                del self.ledger.placed[number]
                self.torn += 1
                continue
            assert message is not None, f"{number} at {place} is lost"
            there = (message.queue_id, message.queue_offset, message.physical_offset)
            assert there == (place.queue_id, place.queue_offset, place.physical_offset), number
        for number in may_be_gone & set(self.ledger.delayed) - set(found[DELAYED]):
            del self.ledger.delayed[number]
            self.torn += 1
        known = sorted(self.ledger.placed)
        await keys_found(self.broker.address, self.ledger, self.chance.sample(known, min(KEYS_A_ROUND, len(known))))

    def look_at_the_log(self) -> None:
        """Everything acknowledged stands once in the files."""
        in_log = offsets_in_log(self.broker.store)
        for number, place in self.ledger.placed.items():
            assert in_log[number] == [place.physical_offset], number
        assert all(len(offsets) == 1 for offsets in in_log.values())

    def check(self) -> None:
        """The store is in order. Where garbage begins within a record's properties no CRC tells: it has other keys."""
        findings = check_store(self.broker.store).findings
        if self.may_have_other_keys:
            findings = [each for each in findings if not each.kind.startswith("index-")]
        assert findings == []

    async def run(self, first: int, rounds: int) -> None:
        with killed_at_the_end(self.broker):
            self.broker.start()
            for number in range(first, first + rounds):
                await self.write_and_kill()
                may_be_gone = self.damage(DAMAGES[number % len(DAMAGES)])
                self.broker.start()
                await self.look(may_be_gone)
                self.check()
            await wait_for_delayed(self.broker.address, set(self.ledger.delayed))
            assert self.broker.stop() == 0
        self.look_at_the_log()
        self.check()


@pytest.mark.timeout(7200)
def test_a_killed_broker_loses_nothing_acknowledged(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    rounds = request.config.getoption("--rounds")
    seed = os.environ.get("ROCKETPY_SEED", "1")
    acknowledged = torn = 0
    for store, first in enumerate(range(0, rounds, ROUNDS_A_STORE)):
        flush = ("ASYNC_FLUSH", "SYNC_FLUSH")[store % 2]
        named = f"{seed}-{store}"
        at = Rounds(tmp_path / f"store{store}", flush, named)
        try:
            asyncio.run(at.run(first, min(ROUNDS_A_STORE, rounds - first)))
        except AssertionError as error:
            error.add_note(f"ROCKETPY_SEED={seed}, store {store}, {flush}: {' '.join(at.done)}, {at.broker.home}")
            raise
        acknowledged, torn = acknowledged + len(at.ledger) + at.torn, torn + at.torn
        print(f"{first}..: {flush}, {acknowledged} acknowledged, {torn} of them behind a tear, 0 lost")
    assert acknowledged and TOPICS
