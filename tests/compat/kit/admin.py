"""The operator's Java library of 4.5.2, and mqadmin with it, as programs that take calls one after the other."""

from __future__ import annotations

import json
from pathlib import Path

from kit import builds, tools
from kit.clients import Event, Session

ADMIN = builds.HERE / "admin"
SHARED = builds.JAVA / "src/main/java/compat"  # how the client's program reads options and prints events


class AdminClient:
    """DefaultMQAdminExt, or another program of tests/compat/admin: Mqadmin, EveryCall, Live."""

    def __init__(self, main: str = "Admin") -> None:
        self.name = main.lower()
        self.prefix: list[str] = []
        self._main = f"compat.{main}"
        self._class_path = program()

    def command(self, home: Path) -> list[str]:
        (home / "conf").mkdir(parents=True, exist_ok=True)
        (home / "conf" / "logback_tools.xml").write_text("<configuration/>")   # mqadmin ends without such a file
        return [*builds.JVM, f"-Duser.home={home}", f"-Drocketmq.home.dir={home}",
                "-Drocketmq.client.logUseSlf4j=false", "-Drocketmq.client.rebalance.waitInterval=1000",
                "-cp", self._class_path, self._main]


def program() -> str:
    """Class path of the compiled program with the library's jars."""
    tools.need("javac")
    jars = builds.class_path(ADMIN)
    sources = [*sorted((ADMIN / "src").rglob("*.java")), SHARED / "Events.java", SHARED / "Options.java"]
    classes = builds.cache_dir() / f"admin-{builds.digest([ADMIN / 'pom.xml', *sources])}"
    if not classes.exists():
        scratch = classes.with_suffix(".scratch")
        flags = ["-nowarn", "-source", "8", "-target", "8", "-Xlint:-options"]
        builds.run(["javac", *flags, "-cp", jars, "-d", str(scratch), *map(str, sources)])
        scratch.rename(classes)
    return f"{classes}:{jars}"


def call(session: Session, command: str, timeout_s: float = 20, **options: object) -> Event:
    """One call and its outcome: `code`, and `result` or `error`."""
    return tell(session, " ".join([command, *(f"{key}={value}" for key, value in options.items())]), timeout_s)


def mqadmin(session: Session, words: list[str], limit_s: int = 30, enough: str = "") -> Event:
    """One command line of upstream's mqadmin: what it printed, `out` and `err`, and whether it `ended` by itself.

    It is stopped when its output has the pattern `enough`.
    """
    return tell(session, json.dumps([str(limit_s), enough, *words]), limit_s + 30)


def tell(session: Session, line: str, timeout_s: float = 20) -> Event:
    """A line for a program, and the outcome it answers with."""
    before = len(session.of("did"))
    session.tell(line)
    session.wait_for("did", before + 1, timeout_s)
    return session.of("did")[-1]
