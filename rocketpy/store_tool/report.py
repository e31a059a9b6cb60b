"""What a check found: inconsistencies with file and offset, notes that are none, and the figures of the store."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One inconsistency; `offset` counts bytes from the start of the file at `path`."""

    kind: str
    path: str
    offset: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.offset}: {self.message}"


@dataclass
class Report:
    """The result of a check; of each kind at most `most` findings are kept, all are counted."""

    most: int
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    summary: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """No inconsistency at all."""
        return not self.counts

    def add(self, kind: str, path: object, offset: int, message: str) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= self.most:
            self.findings.append(Finding(kind, str(path), offset, message))

    def note(self, text: str) -> None:
        self.notes.append(text)

    @property
    def untold(self) -> dict[str, int]:
        """How many findings of a kind there are beyond those kept."""
        kept = Counter(finding.kind for finding in self.findings)
        return {kind: count - kept[kind] for kind, count in self.counts.items() if count > kept[kind]}

    def only_with(self, other: "Report") -> None:
        """Keep only what the other report has too: a live store, looked at twice, has the rest in order by now."""
        there = {(finding.kind, finding.path, finding.offset) for finding in other.findings}
        both = [each for each in self.findings if (each.kind, each.path, each.offset) in there]
        counts = Counter(each.kind for each in both)
        for kind in counts:
            if min(self.counts[kind], other.counts[kind]) > self.most:
                counts[kind] = min(self.counts[kind], other.counts[kind])
        self.findings, self.counts = both, counts

    def as_json(self) -> dict[str, Any]:
        """The object that --json prints."""
        return {
            "clean": self.clean,
            "summary": self.summary,
            "findings": [vars(finding) for finding in self.findings],
            "counts": dict(self.counts),
            "notes": self.notes,
        }
