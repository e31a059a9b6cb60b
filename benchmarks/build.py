"""Makes what a run needs outside Python, once, in a cache folder: the C programs (cc) and upstream's jars (Maven)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench"
SOURCES = ROOT / "benchmarks" / "loadgen"
PRELOADED = ROOT / "benchmarks" / "preload"
POM = ROOT / "benchmarks" / "pom.xml"


class Missing(Exception):
    """A tool that a run needs is not on this machine; the text names the remedy."""


def _tool(name: str, remedy: str) -> str:
    found = shutil.which(name)
    if not found:
        raise Missing(f"{name} is missing: {remedy}")
    return found


def _compiled(source: Path, made: Path, *flags: str) -> Path:
    newest = max(file.stat().st_mtime for file in source.parent.iterdir())
    if made.exists() and made.stat().st_mtime >= newest:
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    fresh = made.with_name(f"{made.name}.{os.getpid()}")
    compiler = _tool(os.environ.get("CC", "cc"), "apt-get install gcc libc6-dev")
    common = ["-O2", "-g", "-std=gnu11", "-Wall", "-Wextra"]
    subprocess.run([compiler, *common, *flags, "-o", str(fresh), str(source)], check=True)
    return fresh.replace(made)  # a run that is under way keeps its own


def loadgen(cache: Path = CACHE) -> Path:
    """The compiled load generator, built again when a source is newer."""
    return _compiled(SOURCES / "loadgen.c", cache / "loadgen")


def sync_counter(cache: Path = CACHE) -> Path:
    """The library that counts a broker's syncs, to be preloaded."""
    return _compiled(PRELOADED / "syncs.c", cache / "syncs.so", "-shared", "-fPIC")


def java() -> str:
    """The java command."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else _tool("java", "apt-get install default-jdk-headless")


def jars(cache: Path = CACHE) -> str:
    """A class path with upstream's servers and benchmark clients, fetched from Maven Central when not yet here."""
    folder = cache / "jars"
    if not (folder / "complete").exists():
        maven = _tool("mvn", "apt-get install maven")
        copy = ["-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
        subprocess.run([maven, *copy], check=True, timeout=600)
        (folder / "complete").touch()
    return f"{folder}/*"
