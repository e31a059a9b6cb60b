"""Builds the scenario programs and resolves jars, once per content: a second run finds all of it in the cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit import tools
from tests import needs

HERE = Path(__file__).resolve().parent.parent
JAVA = HERE / "java"
JAVA_NEWER = HERE / "java_newer"
UPSTREAM = HERE / "upstream"
GO = HERE / "go"
CPP = HERE / "cpp"
CPP_PACKAGE = "rocketmq==0.4.4"
UPSTREAM_VERSION = "4.5.2"
BUILD_TIMEOUT_S = 600
# Short JVM start and little memory matter here, speed in the long run does not. Netty 4.0 looks into these packages;
# JDK 8 has no such flags, and the first one lets it pass over them.
JVM = ["java", "-XX:+IgnoreUnrecognizedVMOptions", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
       "-Xshare:auto",
       *(f"--add-opens=java.base/{package}=ALL-UNNAMED"
         for package in ("java.nio", "sun.nio.ch", "java.lang", "jdk.internal.ref"))]


def cache_dir() -> Path:
    """Outside the source tree, so that a clean checkout stays clean."""
    root = os.environ.get("ROCKETPY_COMPAT_CACHE") or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(root) / "rocketpy-compat"


def class_path(project: Path, version: str = UPSTREAM_VERSION) -> str:
    """The jars of one Maven project with this version of RocketMQ's, joined with colons."""
    tools.need("java", "mvn")
    pom = project / "pom.xml"
    known = cache_dir() / f"{project.name}-{version}-{digest([pom])}.classpath"
    if not known.exists() or not all(Path(jar).exists() for jar in known.read_text().split(":")):
        known.parent.mkdir(parents=True, exist_ok=True)
        scratch = known.with_suffix(f".{os.getpid()}")
        run(["mvn", "-B", "-q", "-f", str(pom), "dependency:build-classpath", f"-Drocketmq.version={version}",
             f"-Dmdep.outputFile={scratch}"])
        scratch.rename(known)
    return known.read_text().strip()


def java_program(project: Path = JAVA) -> str:
    """Class path of a project's compiled sources, put ahead of its jars."""
    return compiled(project, project / "src", class_path(project))


def newer_java_program(version: str) -> str:
    """The scenarios with the client of a later release alone; what it has no more of they are only compiled against."""
    client = class_path(JAVA_NEWER, version)
    classes, *_ = compiled(JAVA, JAVA / "src", f"{client}:{class_path(JAVA)}", version).split(":")
    return f"{classes}:{client}"


def upstream_program() -> str:
    """Class path of the compiled programs that ask upstream's own classes, with the broker's jars."""
    return compiled(UPSTREAM, UPSTREAM / "oracle", class_path(UPSTREAM))


def compiled(project: Path, folder: Path, jars: str, version: str = UPSTREAM_VERSION) -> str:
    tools.need("javac")
    sources = sorted(folder.rglob("*.java"))
    classes = cache_dir() / f"{project.name}-{version}-{digest([project / 'pom.xml', *sources])}"
    if not classes.exists():
        scratch = classes.with_suffix(f".{os.getpid()}")
        flags = ["-nowarn", "-source", "8", "-target", "8", "-Xlint:-options"]  # JDK 8 does not know --release
        run(["javac", *flags, "-cp", jars, "-d", str(scratch), *map(str, sources)])
        scratch.rename(classes)
    return f"{classes}:{jars}"


def go_program() -> Path:
    """Path of the compiled Go scenarios."""
    tools.need("go")
    sources = [*sorted(GO.glob("*.go")), GO / "go.mod", GO / "go.sum"]
    program = cache_dir() / f"go-{digest(sources)}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        scratch = program.with_suffix(f".{os.getpid()}")
        run(["go", "build", "-o", str(scratch), "."], cwd=GO)
        scratch.rename(program)
    return program


def cpp_package() -> Path:
    """The folder of the Python package that carries the C++ core; the test is skipped where the core does not load.

    It is no dependency of the tests: its wheel is for glibc on x86_64 only, and of 2019.
    """
    package = cache_dir() / CPP_PACKAGE.replace("==", "-")
    if not package.exists():
        scratch = package.with_suffix(f".{os.getpid()}")
        run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(scratch), CPP_PACKAGE])
        scratch.rename(package)
    tried = subprocess.run(
        [sys.executable, "-c", "import rocketmq.client"], env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True, text=True, timeout=60, check=False,
    )
    if tried.returncode != 0:
        reason = f"the C++ client core does not load here: {tried.stderr.strip().splitlines()[-1]}"
        needs.missing["librocketmq"] = reason
        pytest.skip(reason)
    return package


def digest(files: list[Path]) -> str:
    sha = hashlib.sha256()
    for file in files:
        sha.update(file.name.encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()[:16]


def run(command: list[str], cwd: Path | None = None) -> None:
    """Runs a build; its whole output is in the error when it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} … gave {done.returncode}:\n{done.stdout}\n{done.stderr}")
