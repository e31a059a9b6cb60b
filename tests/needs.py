"""What a test needs of the machine it runs on; what is not there is named with the reason, never passed over.

A tool can be installed, so with ROCKETPY_REQUIRE_TOOLS=1 its want is a failure. Root's powers cannot: a run without
them is a whole run, and these tests are skipped in it. Both are told once more at the end of the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

REQUIRE = "ROCKETPY_REQUIRE_TOOLS"
LOOK_TIMEOUT_S = 10

missing: dict[str, str] = {}


def lack(what: str, reason: str) -> None:
    """The test cannot run here for want of a tool: a skip, or a failure where everything must run."""
    missing[what] = reason
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{reason} ({REQUIRE}=1)", pytrace=False)
    pytest.skip(reason)


def need_root(purpose: str) -> None:
    """Skips a test that mounts or makes namespaces where this process may not; `purpose` says what for."""
    reason = why_no_namespaces()
    if reason:
        missing["root"] = reason
        pytest.skip(f"{purpose}: {reason}")


def why_no_namespaces() -> str:
    """Why this process cannot have namespaces of its own; empty when it can."""
    if os.geteuid() != 0:
        return "root is missing; run it as root (sudo)"
    program = shutil.which("unshare")
    if program is None:
        return "unshare is missing; install it with: apt-get install util-linux"
    command = [program, "--mount", "--net", "--pid", "--fork", "true"]
    tried = subprocess.run(command, capture_output=True, text=True, timeout=LOOK_TIMEOUT_S, check=False)
    if tried.returncode == 0:
        return ""
    return f"root may not make namespaces here ({tried.stderr.strip()}); a container needs --privileged for it"
