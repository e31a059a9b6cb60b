"""What the doctor says: one finding, how bad it is, what and where, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, TypeVar

Facts = TypeVar("Facts")


class Severity(IntEnum):
    """How bad; warnings and errors are also the exit code."""

    INFO = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class Finding:
    """One thing that is, or will go, wrong. `check` is a short name for scripts, `subject` where it is."""

    severity: Severity
    check: str
    subject: str
    what: str
    remedy: str

    def as_json(self) -> dict[str, Any]:
        """The members as `--json` prints them."""
        return {**asdict(self), "severity": self.severity.name}


Check = Callable[[Facts], Iterable[Finding]]


def error(check: str, subject: str, what: str, remedy: str) -> Finding:
    """It does not work now, or messages are at stake."""
    return Finding(Severity.ERROR, check, subject, what, remedy)


def warning(check: str, subject: str, what: str, remedy: str) -> Finding:
    """It works, and will not when something else happens."""
    return Finding(Severity.WARNING, check, subject, what, remedy)


def info(check: str, subject: str, what: str, remedy: str) -> Finding:
    """Worth knowing; no reason to act at once."""
    return Finding(Severity.INFO, check, subject, what, remedy)


def findings(checks: Iterable[Check[Facts]], facts: Facts) -> list[Finding]:
    """All that the checks find, the worst first, each once."""
    found: Iterator[Finding] = (finding for check in checks for finding in check(facts))
    return sorted(dict.fromkeys(found), key=lambda finding: (-finding.severity, finding.check, finding.subject))


def exit_code(found: Iterable[Finding]) -> int:
    """0 when there is nothing to do, 1 after warnings, 2 after errors."""
    return max((int(finding.severity) for finding in found), default=0)
