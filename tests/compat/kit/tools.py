"""Finds the tools a compat test needs; a missing one is named with the command that installs it, never passed over."""

from __future__ import annotations

import os
import shutil

import pytest

INSTALL = {
    "java": "apt-get install default-jdk-headless",
    "javac": "apt-get install default-jdk-headless",
    "mvn": "apt-get install maven",
    "go": "apt-get install golang-go",
    "ip": "apt-get install iproute2",
    "nsenter": "apt-get install util-linux",
    "unshare": "apt-get install util-linux",
}
REQUIRE = "ROCKETPY_REQUIRE_TOOLS"

missing: dict[str, str] = {}


def need(*names: str) -> None:
    """Skips the test when a tool is missing, or fails it when ROCKETPY_REQUIRE_TOOLS=1."""
    for name in names:
        if shutil.which(name) is None:
            lack(name, f"{name} is missing; install it with: {INSTALL[name]}")


def lack(what: str, reason: str) -> None:
    """The test cannot run here for this reason: a skip, or a failure where everything must run."""
    missing[what] = reason
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{reason} ({REQUIRE}=1)", pytrace=False)
    pytest.skip(reason)
