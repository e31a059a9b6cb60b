"""What the suite consists of: the classes in upstream's jar, what each test gave, and which fail on upstream too.

A test is told as `Class#method`, as `Class#*` where upstream leaves out a class as a whole.
"""

from __future__ import annotations

import csv
import zipfile
from dataclasses import dataclass
from pathlib import Path

from kit import builds

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"

# What upstream's base class sets for its brokers, and what its tests count on. The limit of 200 ms in the send queue is
# not among it: a machine busy with four JVMs must not look like an overloaded broker (kit.cluster has the wider one).
SETTINGS = {
    "brokerClusterName": "DefaultCluster",
    "enablePropertyFilter": "true",
    "mappedFileSizeCommitLog": 100 * 1024 * 1024,
    "maxIndexNum": 1000,
    "maxHashSlotNum": 4000,
    "defaultTopicQueueNums": 8,
    "messageDelayLevel": "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
}

LEFT_OUT = {
    "BaseBroadCastIT": "no test of its own: what the broadcasting tests share",
    "DLedgerProduceAndConsumeIT": "starts a broker inside its own JVM and looks into its Java objects",
}


@dataclass(frozen=True)
class Outcome:
    """How one test ended: pass, fail or skip, with the stack trace of a failure."""

    test: str
    verdict: str
    seconds: float = 0.0
    trace: str = ""

    @property
    def class_name(self) -> str:
        return self.test.partition("#")[0]


def published() -> dict[str, str]:
    """Full names of the classes in upstream's jar, by simple name."""
    [jar] = [jar for jar in builds.class_path(HERE).split(":") if jar.endswith("-tests.jar")]
    with zipfile.ZipFile(jar) as archive:
        entries = [name.removesuffix(".class") for name in archive.namelist() if name.endswith("IT.class")]
    return {entry.rpartition("/")[2]: entry.replace("/", ".") for entry in entries}


def recorded(kind: str) -> dict[str, Outcome]:
    """What each test gave on one kind of server when it was last written down; empty before that."""
    path = RESULTS / f"{kind}.tsv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    return {test: Outcome(test, verdict, float(seconds)) for test, verdict, seconds in rows}


def record(kind: str, outcomes: list[Outcome]) -> None:
    """Writes down what these tests gave, beside what is known of others; in the order of names."""
    RESULTS.mkdir(exist_ok=True)
    known = {**recorded(kind), **{outcome.test: outcome for outcome in outcomes}}
    lines = [f"{test}\t{known[test].verdict}\t{known[test].seconds:.1f}\n" for test in sorted(known)]
    (RESULTS / f"{kind}.tsv").write_text("".join(lines))


def flaky() -> dict[str, str]:
    """Tests that fail now and then whatever the broker does, with the reason."""
    with (HERE / "flaky.tsv").open(newline="") as file:
        return dict(csv.reader(file, delimiter="\t"))
