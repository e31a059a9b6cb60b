"""Hosts made of network namespaces: addresses of the test's own behind one bridge, nothing reaches the real network.

Every host may also have a private mount namespace, held open by a sleeping process, where a folder of the test stands
at the path an operator uses. `Network.close` removes all of it, also after a failure half-way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

COMMAND_TIMEOUT_S = 20


def ip(*words: str) -> None:
    call("ip", *words)


def call(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


@dataclass
class Host:
    """One network namespace with one address."""

    namespace: str
    address: str
    env: dict[str, str] = field(default_factory=dict)
    _holder: subprocess.Popen[bytes] | None = None

    @property
    def prefix(self) -> list[str]:
        """Put before a command to run it here."""
        if self._holder is None:
            return ["ip", "netns", "exec", self.namespace]
        return ["nsenter", "--target", str(self._holder.pid), "--mount", "--net"]

    def mount(self, folder: Path, at: Path) -> None:
        """Gives this host alone its own `folder` at the path `at`, which must exist as an empty folder."""
        script = f"mount --bind '{folder}' '{at}' && echo mounted && exec sleep infinity"
        self._holder = subprocess.Popen(
            [*self.prefix, "unshare", "--mount", "--propagation", "private", "sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        )
        assert self._holder.stdout
        assert self._holder.stdout.readline() == b"mounted\n"
        self._holder.stdout.close()

    def shell(self, script: str) -> None:
        """Runs a shell script as an operator logged in here would; it must come back at once."""
        subprocess.run([*self.prefix, "sh", "-c", script], env={**os.environ, **self.env}, timeout=COMMAND_TIMEOUT_S,
                       check=True, stdin=subprocess.DEVNULL)

    def processes(self) -> dict[int, str]:
        """Command lines of everything that runs here, by process id (what `jps` or `ps` would show)."""
        found = {}
        for pid in call("ip", "netns", "pids", self.namespace).split():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                continue
            found[int(pid)] = words.replace(b"\0", b" ").decode(errors="replace")
        return found

    def pid_of(self, word: str) -> int | None:
        return next((pid for pid, line in self.processes().items() if word in line and " -c nohup" not in line), None)

    def close(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self._holder:
            self._holder.wait(10)
        ip("netns", "del", self.namespace)


class Network:
    """A bridge in a namespace of its own, and hosts plugged into it."""

    def __init__(self) -> None:
        self._tag = f"rpy{os.getpid()}"
        self._switch = Host(f"{self._tag}sw", "")
        self.hosts: list[Host] = []
        ip("netns", "add", self._switch.namespace)
        try:
            ip("-n", self._switch.namespace, "link", "add", "br0", "type", "bridge")
            ip("-n", self._switch.namespace, "link", "set", "br0", "up")
        except AssertionError:
            self.close()
            raise

    def host(self, address: str) -> Host:
        port = f"p{len(self.hosts)}"
        host = Host(f"{self._tag}h{len(self.hosts)}", address)
        ip("netns", "add", host.namespace)
        self.hosts.append(host)
        ip("link", "add", "eth0", "netns", host.namespace, "type", "veth", "peer", "name", port, "netns",
           self._switch.namespace)
        ip("-n", self._switch.namespace, "link", "set", port, "master", "br0", "up")
        ip("-n", host.namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            ip("-n", host.namespace, "link", "set", device, "up")
        return host

    def close(self) -> None:
        problems = []
        for host in [*self.hosts, self._switch]:
            try:
                host.close()
            except (AssertionError, subprocess.TimeoutExpired) as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)
        time.sleep(0.1)
