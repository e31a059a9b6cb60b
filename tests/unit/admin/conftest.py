"""mqadmin as a script calls it, and one cluster for all tests of a module."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import rocketpy.testing
from rocketpy.admin import cli


@dataclass
class Run:
    """What one call of the tool left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def rows(self) -> list[Any]:
        """The objects of --json."""
        return [json.loads(line) for line in self.lines]


class Mqadmin:
    """`mqadmin("topicList", "-c")`, with -n of the cluster unless it says otherwise."""

    def __init__(self, namesrv_addr: str = "") -> None:
        self.namesrv_addr = namesrv_addr

    def __call__(self, *words: str) -> Run:
        given = ("-n", self.namesrv_addr) if self.namesrv_addr and len(words) and "-n" not in words else ()
        return self.bare(*words, *given)

    def bare(self, *words: str) -> Run:
        """Exactly these words."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.guarded(words)
        return Run(code, out.getvalue(), err.getvalue())


@pytest.fixture
def no_servers(monkeypatch: pytest.MonkeyPatch) -> Mqadmin:
    """The tool where nothing says which name servers there are."""
    for name in ("NAMESRV_ADDR", "JAVA_OPT", "JAVA_OPT_EXT", "ROCKETMQ_HOME"):
        monkeypatch.delenv(name, raising=False)
    return Mqadmin()


@pytest.fixture(scope="module")
def cluster() -> Iterator[rocketpy.testing.RunningCluster]:
    with rocketpy.testing.cluster() as cluster:
        yield cluster


@pytest.fixture
def mqadmin(cluster: rocketpy.testing.RunningCluster, monkeypatch: pytest.MonkeyPatch) -> Mqadmin:
    monkeypatch.delenv("ROCKETMQ_HOME", raising=False)
    return Mqadmin(cluster.namesrv_addr)
