"""Takes a plan of requests on both servers step by step; invariant: the first step whose answers differ ends a run.

A plan is made beforehand from a seed, so both sides are asked the same. Its names begin with `TAG`, which each run
replaces by a word of its own, and places in the commit log are told from the run's first message on: runs on one pair
of servers do not see each other, so a plan that failed can be tried again with steps left out, until none can go.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kit import wire
from kit.cluster import Cluster

from oracle.broker_scenarios import SEND_MESSAGE, send_ext
from oracle.transcript import SILENCE, Side, Step, canonical

TAG = "dif000"
NOWHERE = 2**40
RETRY_S = 8.0           # upstream's index and queues lag behind its answers
SHRINK_RUNS, SHRINK_S, SHRINK_RETRY_S = 100, 60.0, 0.5
ID = re.compile(r"<id at (\d+)>")
PLACES = {"physical_offset", "indexLastUpdatePhyoffset", "prepared_transaction_offset", "physicOffset"}
HIDDEN = {
    "lastUpdateTimestamp", "lastTimestamp", "minTimeStamp", "maxTimeStamp", "consumeTimeStamp", "delayTime",
    "minTimeStampStr", "maxTimeStampStr", "consumeTimeStampStr", "msgStoreTime", "consumeTps", "codeSet", "tagsSet",
    "sum", "tps", "avgpt",
}


class Taken(Protocol):
    """A step of a plan."""

    is_read: bool

    def take(self, side: Recorder, number: int) -> Step: ...


class Recorder(Side):
    """One side in one run."""

    def __init__(self, cluster: Cluster, word: str) -> None:
        super().__init__(cluster)
        self.word = word
        self.stored: dict[int, wire.Answer] = {}    # step -> what was answered to its send
        self.base = 0
        if cluster.brokers:
            first = self.peer("broker").ask(SEND_MESSAGE, send_ext(f"{word}_base"), "base")
            self.base = place_of(first)

    def out(self, value: Any) -> Any:
        """What a plan says, as this run sends it."""
        if isinstance(value, At | Packed):
            return value.on(self)
        if isinstance(value, str):
            return value.replace(TAG, self.word)
        if isinstance(value, bytes):
            return value.replace(TAG.encode(), self.word.encode())
        return {key: self.out(each) for key, each in value.items()} if isinstance(value, dict) else value

    def _value(self, key: str, value: Any, hide: tuple[str, ...]) -> Any:
        if key in HIDDEN:
            return "<hidden>"
        if key in PLACES and int(value) > 0:
            return int(value) - self.base
        plain = super()._value(key, value, hide)
        # The progress of a group, a list a group: Java's hash order.
        return sorted(plain, key=canonical) if isinstance(value, list) and key.startswith(self.word) else plain

    def _text(self, text: str | None) -> str | None:
        plain = super()._text(text)
        return None if plain is None else ID.sub(self._from_base, plain.replace(self.word, TAG))

    def _from_base(self, found: Any) -> str:
        return f"<id at base+{int(found[1]) - self.base}>"


@dataclass(frozen=True)
class At:
    """The place in the commit log of the message that an earlier step stored."""

    step: int

    def on(self, side: Recorder) -> Any:
        answer = side.stored.get(self.step)
        return NOWHERE if answer is None else place_of(answer)


class QueueAt(At):
    """Its offset in its queue."""

    def on(self, side: Recorder) -> Any:
        answer = side.stored.get(self.step)
        return 0 if answer is None else int((answer.ext or {}).get("queueOffset", 0))


class MsgId(At):
    """The id that the broker gave it."""

    def on(self, side: Recorder) -> Any:
        host, port = side.address("broker").split(":")
        return wire.socket.inet_aton(host).hex().upper() + f"{int(port):08X}{super().on(side):016X}"


@dataclass(frozen=True)
class Packed:
    """A zlib stream in which names stand."""

    data: bytes = field(repr=False)

    def on(self, side: Recorder) -> bytes:
        return zlib.compress(zlib.decompress(self.data).replace(TAG.encode(), side.word.encode()))


def place_of(answer: wire.Answer) -> int:
    """Where the message of a send's answer stands, far behind the end when it stored none."""
    msg_id = (answer.ext or {}).get("msgId", "")
    return int(msg_id[16:32], 16) if msg_id else NOWHERE


@dataclass(frozen=True)
class Allowed:
    """A difference made on purpose: why, and for which step and answers."""

    why: str
    holds: Callable[[Any, Step, Step], bool]


@dataclass
class Finding:
    """The first step that differs, and all that was asked before it."""

    number: int
    step: Any
    problems: list[str]

    @property
    def kind(self) -> tuple[object, ...]:
        """What makes two findings the same, wherever they stand."""
        return getattr(self.step, "code", type(self.step).__name__), *(line.split(" is ")[0] for line in self.problems)


@dataclass
class Pair:
    """Two clusters that are asked the same."""

    sides: tuple[Cluster, Cluster]
    allowed: dict[str, Allowed]
    used: set[str] = field(default_factory=set)
    runs: int = 0
    retry_s: float = RETRY_S

    def run(self, plan: Sequence[Taken]) -> Finding | None:
        """None when every step was answered alike, or as the table allows."""
        self.runs += 1
        recorders = [Recorder(cluster, f"dif{self.runs:03d}") for cluster in self.sides]
        try:
            for number, step in enumerate(plan):
                problems = self._take(step, number, recorders)
                if problems:
                    return Finding(number, step, problems)
            return None
        finally:
            for recorder in recorders:
                recorder.close()

    def _take(self, step: Taken, number: int, recorders: Sequence[Recorder]) -> list[str]:
        until = time.monotonic() + self.retry_s
        while True:
            theirs, ours = (step.take(recorder, number) for recorder in recorders)
            problems = self._judge(step, theirs, ours)
            if not problems or not step.is_read or time.monotonic() > until:
                return problems
            time.sleep(0.05)

    def _judge(self, step: Taken, theirs: Step, ours: Step) -> list[str]:
        if theirs == ours:
            return []
        for name, allowed in self.allowed.items():
            if allowed.holds(step, theirs, ours):
                self.used.add(name)
                return []
        if SILENCE in (theirs, ours):
            return [f"answer is {theirs} upstream, {ours} here"]
        keys = sorted(theirs.keys() | ours.keys())
        return [f"{key} is {theirs.get(key)!r} upstream, {ours.get(key)!r} here"
                for key in keys if theirs.get(key) != ours.get(key)]

    def shrink(self, plan: Sequence[Taken], found: Finding) -> tuple[list[Taken], Finding]:
        """The plan up to the finding with every step left out that it does not need, as far as the time allows."""
        kept, last = list(plan[: found.number + 1]), found
        self.retry_s = SHRINK_RETRY_S
        until = time.monotonic() + SHRINK_S
        size = len(kept) // 2
        runs = 0
        while size >= 1:
            at = 0
            while at < len(kept) - 1 and runs < SHRINK_RUNS and time.monotonic() < until:
                # A step that is left out keeps its number, for others refer to it.
                tried = [*kept[:at], *[Nothing()] * len(kept[at:min(at + size, len(kept) - 1)]),
                         *kept[min(at + size, len(kept) - 1):]]
                runs += 1
                again = None if all(isinstance(each, Nothing) for each in kept[at:at + size]) else self.run(tried)
                if again is not None and again.kind == found.kind:
                    kept, last = tried, again
                at += size
            size //= 2
        return kept, last


@dataclass(frozen=True)
class Nothing:
    """A step that was left out."""

    is_read: bool = True

    def take(self, side: Recorder, number: int) -> Step:
        return {}


def report(seed: int, length: int, plan: Sequence[Taken], found: Finding) -> str:
    """What to read, and how to see it again."""
    steps = [f"  {number}: {step}" for number, step in enumerate(plan) if not isinstance(step, Nothing)]
    again = f"--differential-seeds={seed} --differential-length={length}"
    return "\n".join([f"step {found.number} differs ({again}):", *found.problems, "the shortest plan found:", *steps])
