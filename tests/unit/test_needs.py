"""A missing tool fails the run that must have all tools; missing powers of root never do, and are told."""

import os
import subprocess

import pytest

from tests import needs


@pytest.fixture(params=["0", "1"])
def required(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(needs, "missing", {})
    monkeypatch.setenv(needs.REQUIRE, request.param)
    return request.param == "1"


def test_a_missing_tool(required: bool) -> None:
    outcome = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(outcome, match="no jdk"):
        needs.lack("javac", "no jdk")
    assert needs.missing == {"javac": "no jdk"}


def test_without_root_a_test_is_skipped_with_the_reason(required: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(pytest.skip.Exception, match="a disk is mounted: root is missing"):
        needs.need_root("a disk is mounted")
    assert list(needs.missing) == ["root"]


def test_root_of_a_container_may_lack_the_right(required: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = subprocess.CompletedProcess([], 1, "", "unshare: Operation not permitted\n")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(needs.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(needs.subprocess, "run", lambda *_, **__: refused)
    with pytest.raises(pytest.skip.Exception, match=r"Operation not permitted\); a container needs --privileged"):
        needs.need_root("a disk is mounted")


def test_with_the_right_it_runs(required: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "why_no_namespaces", lambda: "")
    needs.need_root("a disk is mounted")
    assert needs.missing == {}
