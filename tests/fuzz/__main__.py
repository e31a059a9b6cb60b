"""Runs fuzz targets with atheris, coverage-guided: `python -m tests.fuzz [--seconds 60] [--corpus DIR] [target…]`.

Each target has a process of its own, so that one that dies or hangs is told and the next one runs. What libFuzzer knows
of coverage is that of Python code; an input that finds a fault is kept in the corpus folder as crash-…, and named.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.scratch import memory
from tests.fuzz.targets import load_all

HANG_S = 10
MEMORY_MB = 1024
CHILD = "--child"


def child(name: str, options: list[str]) -> None:
    """Fuzz one target in this process until libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["rocketpy"]):
        run = load_all()[name]
    logging.disable()  # what is told of bad input is not asked for
    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()


def fuzz(name: str, seconds: int, corpus: Path) -> bool:
    """Fuzz one target for some seconds; whether nothing was found."""
    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(load_all()[name].seeds):
        (folder / f"seed-{number}").write_bytes(data)
    options = [f"-max_total_time={seconds}", f"-timeout={HANG_S}", f"-rss_limit_mb={MEMORY_MB}", "-max_len=4096",
               f"-artifact_prefix={folder}/", "-print_final_stats=1", str(folder)]  # fmt: skip
    command = [sys.executable, "-m", "tests.fuzz", CHILD, name, *options]
    with TemporaryDirectory(prefix="fuzz-", dir=memory()) as scratch:  # libFuzzer ends a process before it can clean up
        environment = {**os.environ, "TMPDIR": scratch}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    stats = dict(line[6:].split(":", 1) for line in done.stderr.splitlines() if line.startswith("stat::"))
    print(f"{name:24}{'ok' if done.returncode == 0 else 'FOUND A FAULT':15}"
          f"{stats.get('number_of_executed_units', '?').strip():>10} runs,"
          f" {stats.get('peak_rss_mb', '?').strip()} MB at most", flush=True)  # fmt: skip
    if done.returncode:
        print(done.stderr[-3000:], flush=True)
    return done.returncode == 0


def main() -> int:
    """Fuzz the targets that are named, or all; 1 when a fault was found."""
    if sys.argv[1:2] == [CHILD]:
        child(sys.argv[2], sys.argv[3:])
        return 0
    options = argparse.ArgumentParser(prog="python -m tests.fuzz")
    options.add_argument("--seconds", type=int, default=60, help="for each target")
    options.add_argument("--corpus", type=Path, default=Path("fuzz-corpus"), help="inputs found so far, kept")
    options.add_argument("targets", nargs="*", help="all when none is named", metavar="target")
    asked = options.parse_args()
    unknown = set(asked.targets) - load_all().keys()
    if unknown:
        options.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(load_all())}")
    found = [name for name in asked.targets or load_all() if not fuzz(name, asked.seconds, asked.corpus)]
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
