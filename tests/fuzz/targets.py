"""Every decoder as a function of bytes: it takes them or refuses them by name; anything else that it raises is a fault.

Invariant: a target is deterministic and leaves nothing behind, so that an input found once shows the fault again.
`seeds` are inputs that the decoder takes, from which others are made. tests/property/test_fuzz_targets.py gives each
target some changed seeds in every run; atheris (tests/fuzz/__main__.py) does so for hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Run = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """A decoder, how it may refuse, and inputs to begin with."""

    name: str
    run: Run
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def __call__(self, data: bytes) -> None:
        """Decode; a refusal is as good as a value."""
        try:
            self.run(data)
        except self.refusals:
            return


TARGETS: dict[str, Target] = {}


def target(name: str, *refusals: type[Exception], seeds: Iterable[bytes]) -> Callable[[Run], Run]:
    """Makes a function the target `name`; `refusals` are what it may raise."""

    def add(run: Run) -> Run:
        assert name not in TARGETS, name
        TARGETS[name] = Target(name, run, refusals, tuple(seeds))
        return run

    return add


def load_all() -> dict[str, Target]:
    """The targets of every module of this folder."""
    from tests.fuzz import files, messages, texts, wire  # noqa: F401  # each adds its own

    return TARGETS
