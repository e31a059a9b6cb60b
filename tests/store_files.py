"""Compares two store folders file by file, and reads a commit log by hand: no code shared with rocketpy.

Everything must be equal but what stands here as a mask, each with its reason:

- behind the 8 bytes of a blank, to the end of a commit log file: upstream leaves what its buffer held before;
- names of index files: the local time they were made at; they are compared in their order;
- RMQ_SYS_TRANS_HALF_TOPIC in topics.json: upstream's rounds of checking make it, RocketPy keeps no half messages yet;
- `dataVersion` of topics.json and subscriptionGroup.json: a time;
- the order of rows in `config/*.json`: upstream prints maps in the order of their hash tables, readers do not look;
- the commit log's time in the checkpoint: upstream sets it with its thorough flush (10 s), not when it stops; ours may
  not be less;
- `queueEnds`, `*.bak` and `*.tmp`: RocketPy's own file, and states before the last.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

BLANK_MAGIC, RECORD_MAGIC = 0xCBD43194, 0xDAA320A7
HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC"
CONFIG = ("topics", "subscriptionGroup", "consumerOffset", "delayOffset")


def records(log_file: bytes) -> Iterator[tuple[int, int]]:
    """(position, size) of each record of one commit log file; a last pair with size 0 says where a blank stands."""
    at = 0
    while at + 8 <= len(log_file):
        size, magic = struct.unpack_from(">iI", log_file, at)
        if magic != RECORD_MAGIC:
            if magic == BLANK_MAGIC:
                yield at, 0
            return
        yield at, size
        at += size


def log_records(store: Path) -> list[bytes]:
    """Every record of the commit log in its order."""
    found = []
    for path in sorted((store / "commitlog").iterdir()):
        data = path.read_bytes()
        found += [data[at:at + size] for at, size in records(data) if size]
    return found


def masked_log_file(data: bytes) -> bytes:
    """The file with zeros behind its blank."""
    last = list(records(data))[-1:]
    if last and last[0][1] == 0:
        end = last[0][0] + 8
        return data[:end] + bytes(len(data) - end)
    return data


def files(store: Path) -> dict[str, bytes]:
    """What is compared, by name; index files are numbered."""
    found = {f"commitlog/{path.name}": masked_log_file(path.read_bytes())
             for path in (store / "commitlog").iterdir() if path.is_file()}
    for path in sorted((store / "consumequeue").rglob("*")):
        if path.is_file():
            found[str(path.relative_to(store))] = path.read_bytes()
    index = store / "index"
    for number, path in enumerate(sorted(index.iterdir()) if index.exists() else ()):
        found[f"index/{number}"] = path.read_bytes()
    for name in ("checkpoint", "lock", "abort"):
        if (store / name).exists():
            found[name] = (store / name).read_bytes()
    found["checkpoint"] = bytes(8) + found["checkpoint"][8:]
    return found


def log_time(store: Path) -> int:
    """The commit log's time in the checkpoint, ms."""
    return int.from_bytes((store / "checkpoint").read_bytes()[:8], "big")


def config(store: Path) -> dict[str, Any]:
    """The config files as values, without the versions."""
    found = {}
    for name in CONFIG:
        with suppress(FileNotFoundError):   # upstream removes a file before it puts the next state in its place
            text = (store / "config" / f"{name}.json").read_text()
            value = json.loads(re.sub(r"([{,]\s*)(-?\d+):", r'\1"\2":', text))
            value.pop("dataVersion", None)
            value.get("topicConfigTable", {}).pop(HALF_TOPIC, None)
            found[name] = value
    return found


def rows(store: Path) -> dict[str, list[str]]:
    """The same as text, row by row, so that spelling and indents count."""
    found = {}
    for name in CONFIG:
        path = store / "config" / f"{name}.json"
        if path.exists():
            pieces = re.split(r"\n\t\t(?=\")", re.sub(r',?\n\t"dataVersion":\{[^}]*\},?', "", path.read_text()))
            found[name] = sorted(piece.rstrip(",\n\t}") for piece in pieces if HALF_TOPIC not in piece)
    return found


def differences(theirs: Path, ours: Path) -> list[str]:
    """One line for each file that is not the same; a file that only one side has is named too."""
    left, right = files(theirs), files(ours)
    found = [f"{name}: only in {'theirs' if name in left else 'ours'}" for name in sorted(left.keys() ^ right.keys())]
    for name in sorted(left.keys() & right.keys()):
        if left[name] != right[name]:
            found.append(f"{name}: {_first_difference(left[name], right[name])}")
    if log_time(theirs) > log_time(ours):
        found.append(f"checkpoint: log up to {log_time(theirs)}, ours up to {log_time(ours)}")
    for read in (config, rows):
        a, b = read(theirs), read(ours)
        unlike = [name for name in CONFIG if a.get(name) != b.get(name)]
        found += [f"config/{name}: {_unlike(a.get(name), b.get(name))}" for name in unlike]
    return found


def _unlike(left: Any, right: Any) -> str:
    if isinstance(left, list) and isinstance(right, list):
        left, right = ([row for row in a if row not in b] for a, b in ((left, right), (right, left)))
    return f"{left} | {right}"


def _first_difference(left: bytes, right: bytes) -> str:
    at = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    around = slice(max(0, at - 40), at + 40)
    return f"{len(left)} and {len(right)} bytes, from byte {at}: {left[around]!r} | {right[around]!r}"
