"""Reads what callgrind wrote: instructions by object file and function, and how often each function was called.

Only what the counts here need of the format: one event (Ir), names given once as `(id) name` and later as `(id)`.
Invariant: a function's cost is its own, never that of what it called; levels of recursion (`name'2`) count together.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

NAMED = re.compile(r"(?P<key>\w+)=\((?P<id>\d+)\)(?: (?P<name>.*))?")


@dataclass
class Profile:
    """Own instructions by (object file, function), calls by function, and the dearest call of each function."""

    instructions: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    dearest: dict[str, float] = field(default_factory=dict)

    def instructions_in(self, *marks: str) -> int:
        """Instructions of object files whose path holds one of the marks."""
        return sum(cost for (path, _), cost in self.instructions.items() if any(mark in path for mark in marks))

    def leaf_calls(self, name: str) -> float:
        """How often a function was called that calls nothing and runs straight through.

        With --toggle-collect callgrind also counts some calls of other threads, but not their cost: cost tells.
        """
        own = sum(cost for (_, function), cost in self.instructions.items() if function == name)
        return own / self.dearest[name] if own else 0.0

    def calls_of_any(self, ending: str) -> int:
        """How often functions whose names end so were called."""
        return sum(count for name, count in self.calls.items() if name.endswith(ending))

    @property
    def total(self) -> int:
        """All instructions."""
        return self.instructions.total()


def read_profile(path: Path) -> Profile:
    """One dump."""
    profile = Profile()
    names: dict[tuple[str, str], str] = {}
    at = {"ob": "", "fn": "", "cfn": ""}
    calls = 0  # of the `calls=` line just read: the line after it is what they cost, with all that they called
    for line in path.read_text().splitlines():
        if found := NAMED.match(line):
            key = found["key"]
            space = "fn" if key in ("fn", "cfn") else "ob" if key in ("ob", "cob") else "fl"
            at[key] = names.setdefault((space, found["id"]), (found["name"] or "").partition("'")[0])
        elif line.startswith("calls="):
            calls = int(line[6:].split()[0])
            profile.calls[at["cfn"]] += calls
        elif line[:1].isdigit() or line[:1] in "+-*":
            cost = line.split()
            if calls:
                profile.dearest[at["cfn"]] = max(profile.dearest.get(at["cfn"], 0.0), int(cost[1]) / calls)
            elif len(cost) > 1:
                profile.instructions[at["ob"], at["fn"]] += int(cost[1])
            calls = 0
    return profile


class Callgrind:
    """Steers a program that runs under callgrind and began without counting."""

    def __init__(self, pid: int, dumps: Path) -> None:
        self.pid, self.dumps, self.taken = pid, dumps, 0

    @staticmethod
    def command(dumps: Path, inside: str) -> list[str]:
        """What stands before the program's own command; counted is what happens inside of the named function."""
        quiet = ["-q", "--tool=callgrind", "--instr-atstart=no", f"--toggle-collect={inside}"]
        return ["valgrind", *quiet, f"--callgrind-out-file={dumps}"]

    def _control(self, *words: str) -> None:
        subprocess.run(["callgrind_control", *words, str(self.pid)], check=True, capture_output=True, timeout=60)

    def start(self) -> None:
        """Counts from here on."""
        self._control("-i", "on")
        self._control("-z")

    def stop(self) -> Profile:
        """What was counted since `start`."""
        self._control("-d")
        self._control("-i", "off")
        self.taken += 1
        return read_profile(Path(f"{self.dumps}.{self.taken}"))
