"""The fuzz targets of tests/fuzz in every run: seeds are taken, changed ones and garbage too, or refused by name."""

import inspect
import logging
import random
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import Target, load_all

TARGETS = load_all()
JSON = [target for target in TARGETS.values() if any(seed.lstrip()[:1] in (b"{", b"[") for seed in target.seeds)]
NUMBER = re.compile(rb"(?<=[:\[,])-?\d+(?=[,}\]\s])")
EDGES = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"{", b"[", b'"', b"\\", b"\1", b"\2", b"-", b"9" * 30)
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 3), st.binary(max_size=4)), max_size=4)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What is told of bad input is not asked for."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def changed(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """`data` with some bytes replaced, inserted, taken out, or all that follows cut off."""
    for place, kind, piece in changes:
        at = place % (len(data) + 1)
        rest = data[at + (len(piece) if kind == 0 else 0) :]
        data = data[:at] + (b"" if kind == 2 else piece) + (rest[1 + len(piece) :] if kind == 2 else rest)
        data = data[:at] if kind == 3 else data
    return data


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_seeds_are_taken(target: Target) -> None:
    """A seed that is refused would make all its changes worth little."""
    for seed in target.seeds:
        target.run(seed)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
@settings(max_examples=15)
@given(data=st.data())
def test_a_changed_seed_is_taken_or_refused(target: Target, data: st.DataObject) -> None:
    target(changed(data.draw(st.sampled_from(target.seeds)), data.draw(CHANGES)))


@pytest.mark.parametrize("target", JSON, ids=lambda target: target.name)
@pytest.mark.parametrize("number", [b"1e999", b"NaN", b"9" * 40, b"1.5", b"null", b'""'], ids=bytes.decode)
def test_a_number_that_is_none_is_taken_or_refused(target: Target, number: bytes) -> None:
    for seed in target.seeds:
        places = list(NUMBER.finditer(seed))
        for found in random.Random(target.name).sample(places, min(10, len(places))):
            target(seed[: found.start()] + number + seed[found.end() :])


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_garbage_is_taken_or_refused(target: Target) -> None:
    chance = random.Random(target.name)
    for _ in range(20):
        seed = bytearray(chance.choice(target.seeds)[:600])
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(seed) + 1)
            seed[at : at + chance.randint(0, 3)] = chance.choice(EDGES)
        target(bytes(seed))
        target(chance.randbytes(chance.randint(0, 40)))


def test_every_target_says_how_it_refuses() -> None:
    for target in TARGETS.values():
        assert Exception not in target.refusals
        assert inspect.isfunction(target.run)
