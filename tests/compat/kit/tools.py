"""Finds the tools a compat test needs; a missing one is named with the command that installs it, never passed over."""

from __future__ import annotations

import shutil

from tests.needs import lack

INSTALL = {
    "java": "apt-get install default-jdk-headless",
    "javac": "apt-get install default-jdk-headless",
    "mvn": "apt-get install maven",
    "go": "apt-get install golang-go",
    "ip": "apt-get install iproute2",
    "openssl": "apt-get install openssl",
    "nsenter": "apt-get install util-linux",
    "unshare": "apt-get install util-linux",
}


def need(*names: str) -> None:
    """Skips the test when a tool is missing, or fails it when ROCKETPY_REQUIRE_TOOLS=1."""
    for name in names:
        if shutil.which(name) is None:
            lack(name, f"{name} is missing; install it with: {INSTALL[name]}")
