"""A name server and a broker of either make, started alike: own folders, free ports, the same properties.

Both listen on the loopback address and store in the run's folder; the only difference is the command. Invariant:
leaving the `with` block stops both programs and removes their folder.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from benchmarks.build import ROOT, jars, java
from benchmarks.processes import Child, Failed, free_port
from benchmarks.syncs import SyncCount

HEAP = ("-Xms1g", "-Xmx1g", "-Xmn512m")
# Upstream's servers reach into these, closed since JDK 9. JDK 8 has no such flags and is told to pass over them.
OPENED = ("java.base/java.nio", "java.base/sun.nio.ch", "java.base/java.lang", "java.base/jdk.internal.ref")
OPENS = ("-XX:+IgnoreUnrecognizedVMOptions", *(f"--add-opens={package}=ALL-UNNAMED" for package in OPENED))
MAIN_CLASS = {
    "namesrv": "org.apache.rocketmq.namesrv.NamesrvStartup",
    "broker": "org.apache.rocketmq.broker.BrokerStartup",
}
LOGBACK = """<configuration>
  <appender name="file" class="ch.qos.logback.core.FileAppender">
    <file>{folder}/logs/{program}.log</file>
    <encoder><pattern>%d %p %t - %m%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="file"/></root>
</configuration>
"""

Command = Callable[[str, Path, Path], tuple[list[str], dict[str, str]]]


def upstream_command(program: str, properties: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Upstream's main class on this machine's JDK, at home in `folder`."""
    conf = folder / "conf"
    conf.mkdir(exist_ok=True)
    (folder / "logs").mkdir(exist_ok=True)
    (conf / f"logback_{program}.xml").write_text(LOGBACK.format(folder=folder, program=program))
    # The ratio keeps a fairly full disk from stopping a run.
    settings = [f"-Duser.home={folder}", "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.98"]
    command = [java(), *HEAP, *OPENS, *settings, "-cp", jars(), MAIN_CLASS[program], "-c", str(properties)]
    return command, {"ROCKETMQ_HOME": str(folder)}


def rocketpy_command(program: str, properties: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """RocketPy's command on the Python that runs this, as bin/ starts it, at home in `folder`."""
    command = [sys.executable, "-m", "rocketpy.cli", program, "-c", str(properties)]
    return command, {"ROCKETMQ_HOME": str(ROOT), "PYTHONPATH": str(ROOT)}


COMMANDS: dict[str, Command] = {"rocketpy": rocketpy_command, "upstream": upstream_command}


@dataclass
class Servers:
    """The name server and broker of one make."""

    make: str
    base: Path  # on the disk that is to be measured
    flush: str = "ASYNC_FLUSH"
    cpus: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    syncs: SyncCount | None = None  # of the broker, when its syncs are counted

    def __enter__(self) -> Servers:
        self.base.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.make}-", dir=self.base.resolve()))
        self.children: dict[str, Child] = {}
        self.ports = {"namesrv": free_port(), "broker": free_port((-2, 1))}
        if self.flush == "SYNC_FLUSH":
            self.syncs = SyncCount(self.folder / "syncs")
        return self

    @property
    def store(self) -> Path:
        """The broker's storePathRootDir."""
        return self.folder / "store"

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for program in ("broker", "namesrv"):
            if child := self.children.pop(program, None):
                child.stop()
        if not isinstance(error, Failed):  # else its logs are wanted
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, program: str, under: list[str] | None = None) -> float:
        """Starts one program, `under` another one if wanted. Seconds from exec to listening."""
        return self.spawn(program, under).wait_listening(self.ports[program])

    def spawn(self, program: str, under: list[str] | None = None) -> Child:
        """Starts one program and waits for nothing."""
        command, extra = COMMANDS[self.make](program, self._write_properties(program), self.folder)
        counting = self.syncs.environment if self.syncs and program == "broker" else {}
        env = {**os.environ, "HOME": str(self.folder), **extra, **counting}
        child = Child([*(under or []), *command], self.folder / f"{program}.out", env, self.folder, self.cpus)
        self.children[program] = child
        return child

    def start_both(self) -> Servers:
        """Starts name server and broker, in the order that lets the broker register at once."""
        self.start("namesrv")
        self.start("broker")
        return self

    def stop(self, program: str, timeout_s: float = 20) -> None:
        """Stops one program, so that it can be started again."""
        self.children.pop(program).stop(timeout_s)

    def kill(self, program: str) -> None:
        """Ends one program as a crash does."""
        self.children.pop(program).kill()

    def pid(self, program: str = "broker") -> int:
        """The program's process."""
        return self.children[program].pid

    def _write_properties(self, program: str) -> Path:
        port = self.ports[program]
        rows = {"listenPort": str(port)}
        if program == "broker":
            rows |= {
                "brokerClusterName": "BenchCluster",
                "brokerName": "bench-a",
                "brokerId": "0",
                "brokerIP1": "127.0.0.1",
                "namesrvAddr": f"127.0.0.1:{self.ports['namesrv']}",
                "storePathRootDir": str(self.store),
                "storePathCommitLog": str(self.store / "commitlog"),
                "haListenPort": str(port + 1),
                "flushDiskType": self.flush,
                "enablePropertyFilter": "true",
                **self.settings,
            }
        path = self.folder / f"{program}.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in rows.items()))
        return path
