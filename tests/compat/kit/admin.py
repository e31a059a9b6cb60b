"""The operator's Java library of 4.5.2 as a program: it takes calls one after the other while it runs."""

from __future__ import annotations

from pathlib import Path

from kit import builds, tools
from kit.clients import Event, Session

ADMIN = builds.HERE / "admin"
SHARED = builds.JAVA / "src/main/java/compat"  # how the client's program reads options and prints events


class AdminClient:
    """DefaultMQAdminExt."""

    name = "admin"

    def __init__(self) -> None:
        self.prefix: list[str] = []
        self._class_path = program()

    def command(self, home: Path) -> list[str]:
        return [*builds.JVM, f"-Duser.home={home}", "-Drocketmq.client.logUseSlf4j=false", "-cp", self._class_path,
                "compat.Admin"]


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
    before = len(session.of("did"))
    session.tell(" ".join([command, *(f"{key}={value}" for key, value in options.items())]))
    session.wait_for("did", before + 1, timeout_s)
    return session.of("did")[-1]
