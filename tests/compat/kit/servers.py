"""Three ways to run a name server and a broker from a properties file: RocketPy, upstream's jars, upstream's image.

All of them are given a home folder (store, logs and caches land there) and never touch the user's own.
"""

from __future__ import annotations

import copy
import importlib.util
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kit import builds
from kit.process import Program

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

REPO = builds.HERE.parent.parent
IMAGE = "apache/rocketmq:4.5.2"
RULES = Path("conf") / "plain_acl.yml"  # of a server's home, where a test has put some: for aclEnable=true
LOGBACK = builds.UPSTREAM / "logback.xml"


def with_options(servers: Servers, *options: str) -> Servers:
    """The same servers, started with these words for the JVM (`-Dname=value`)."""
    changed = copy.copy(servers)
    changed.options = options
    return changed


class Running(Protocol):
    """One server that was started."""

    @property
    def is_running(self) -> bool: ...
    def wait_ready(self, ready: Callable[[], bool], what: str, timeout_s: float) -> None: ...
    def stop(self) -> int: ...
    def kill(self) -> None: ...
    def tail(self, lines: int = 30) -> str: ...


class Servers(Protocol):
    """Starts the two programs; `name` is rocketpy or upstream."""

    name: str
    options: tuple[str, ...]  # of the JVM, or what stands for them

    def namesrv(self, home: Path, properties: Path) -> Running: ...
    def broker(self, home: Path, properties: Path) -> Running: ...


def rocketpy_python() -> dict[str, str]:
    """The environment in which the scripts of bin/ run the very rocketpy that this test run imports."""
    spec = importlib.util.find_spec("rocketpy")
    assert spec and spec.origin, "rocketpy is neither installed nor beside the tests"
    return {"ROCKETPY_PYTHON": sys.executable, "PYTHONPATH": str(Path(spec.origin).parent.parent)}


class RocketpyServers:
    """bin/mqnamesrv and bin/mqbroker of this checkout."""

    name = "rocketpy"
    options: tuple[str, ...] = ()

    def namesrv(self, home: Path, properties: Path) -> Running:
        return self._start("mqnamesrv", home, properties)

    def broker(self, home: Path, properties: Path) -> Running:
        return self._start("mqbroker", home, properties)

    def _start(self, script: str, home: Path, properties: Path) -> Program:
        release = home if (home / RULES).exists() else REPO
        env = {"HOME": str(home), "NAMESRV_ADDR": "", "ROCKETMQ_HOME": str(release), **rocketpy_python()}
        if self.options:
            env["JAVA_OPT"] = " ".join(self.options)
        return Program(["sh", str(REPO / "bin" / script), "-c", str(properties)], home / f"{script}.out", env, home)


class UpstreamJars:
    """The jars of 4.5.2 from Maven's cache, in a JVM of their own."""

    name = "upstream"
    options: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._class_path = builds.class_path(builds.UPSTREAM)

    def namesrv(self, home: Path, properties: Path) -> Running:
        return self._start("org.apache.rocketmq.namesrv.NamesrvStartup", home, properties)

    def broker(self, home: Path, properties: Path) -> Running:
        return self._start("org.apache.rocketmq.broker.BrokerStartup", home, properties)

    def _start(self, main: str, home: Path, properties: Path) -> Program:
        conf = home / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        for program in ("namesrv", "broker"):
            shutil.copy(LOGBACK, conf / f"logback_{program}.xml")
        command = [
            *builds.JVM, *self.options,
            "-XX:MaxDirectMemorySize=512m", f"-Duser.home={home}", f"-Drocketmq.home.dir={home}",
            "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.98", "-cp", self._class_path, main, "-c", str(properties),
        ]
        env = {"ROCKETMQ_HOME": str(home), "NAMESRV_ADDR": ""}
        return Program(command, home / f"{main.rsplit('.', 1)[1]}.out", env, home)


class UpstreamImage:
    """The apache/rocketmq image on the host's network; the run's folders are mounted at their own paths."""

    name = "upstream"
    options: tuple[str, ...] = ()

    def __init__(self, engine: docker.DockerClient) -> None:
        self._engine = engine
        self._engine.images.pull(*IMAGE.split(":"))

    def namesrv(self, home: Path, properties: Path) -> Running:
        return self._start("mqnamesrv", home, properties)

    def broker(self, home: Path, properties: Path) -> Running:
        return self._start("mqbroker", home, properties)

    def _start(self, script: str, home: Path, properties: Path) -> Container:
        shared = str(home.parents[1])  # a store may lie beside the cluster's folder
        rules = f" -Drocketmq.acl.plain.file=/../../../..{home / RULES}" if (home / RULES).exists() else ""
        return Container(self._engine.containers.run(
            IMAGE, ["sh", script, "-c", str(properties)], detach=True, network_mode="host",
            user=f"{os.getuid()}:{os.getgid()}", volumes={shared: {"bind": shared, "mode": "rw"}},
            environment={
                "JAVA_OPT_EXT": " ".join(["-Xms256m -Xmx256m -Xmn96m", f"-Duser.home={home}{rules}", *self.options]),
                "HOME": str(home),
            },
        ))


class Container:
    """A container with the manners of a Program."""

    def __init__(self, container: docker.models.containers.Container) -> None:
        self._container = container

    @property
    def is_running(self) -> bool:
        self._container.reload()
        return self._container.status in ("created", "running")

    def wait_ready(self, ready: Callable[[], bool], what: str, timeout_s: float) -> None:
        Program.wait_ready(self, ready, what, timeout_s)  # type: ignore[arg-type]

    def stop(self) -> int:
        if self.is_running:
            self._container.stop(timeout=25)
        code = int(self._container.wait()["StatusCode"])
        self._container.remove(force=True)
        return code

    def kill(self) -> None:
        self._container.remove(force=True)

    def tail(self, lines: int = 30) -> str:
        return str(self._container.logs(tail=lines).decode(errors="replace"))


def upstream() -> Servers:
    """The image where a Docker engine answers and can give it, else the jars."""
    try:
        return UpstreamImage(engine())
    except Exception as reason:  # no SDK, no engine, no image: each is a fine reason for the jars
        print(f"no {IMAGE} image ({reason}): upstream runs from its jars")
        return UpstreamJars()


def engine() -> docker.DockerClient:
    """The Docker engine; its socket is tried first: the SDK leaves an unclosed one behind when nobody answers."""
    import docker

    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(host.removeprefix("unix://"))
    return docker.from_env(timeout=60)


def by_name(name: str) -> Servers:
    return upstream() if name == "upstream" else RocketpyServers()
