"""Runs the suite: several JVMs at a time, each takes one test class after the other, the longest first.

Every class has one future, which always ends: one that hangs is cut off with its JVM, and its open tests have failed.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from kit import builds

from upstream_its import suite
from upstream_its.suite import Outcome

JOBS = 4
TRIES = 4  # of a class whose failures all stand among the flaky ones
# Against a machine that is busy, not against a broker that is slow: the client's own limit is 3 s.
SEND_TIMEOUT_MS = 10_000
CONSUME_TIME_MS = 60_000
# How often a client looks after its queues and their locks: of its own 20 s some tests have just 30.
REBALANCE_MS = 5_000
LEAST_LIMIT_S = 100.0  # of a class, with three times what it took when it was recorded on top


def program() -> str:
    """Class path: our base classes, then upstream's jars."""
    return builds.java_program(suite.HERE)


class JvmEnded(Exception):
    """A JVM ended, or was ended, in the middle of a class: what had ended before, and what is known of the rest."""


class Worker:
    """One JVM and what it says about one class."""

    def __init__(self, namesrv: str, home: Path, class_path: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._log = (home / "tests.log").open("ab")
        self._process = subprocess.Popen(
            [*builds.JVM, "-Xmx512m", "-ea", f"-Duser.home={home}", f"-Dits.namesrv={namesrv}",
             f"-Dits.sendTimeoutMs={SEND_TIMEOUT_MS}", f"-Dits.consumeTimeMs={CONSUME_TIME_MS}",
             f"-Drocketmq.client.rebalance.waitInterval={REBALANCE_MS}",
             f"-Drocketmq.client.rebalance.lockInterval={REBALANCE_MS}", "-cp", class_path, "its.Worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, cwd=home,
            env={**os.environ, "HOME": str(home), "NAMESRV_ADDR": ""},
        )

    def run(self, class_name: str, limit_s: float) -> tuple[list[Outcome], str]:
        """Outcomes of the tests that ended, and what is wrong with the class itself; JvmEnded carries the same."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(class_name + "\n")
        self._process.stdin.flush()
        ended: list[Outcome] = []
        cut = threading.Timer(limit_s, self._process.kill)
        cut.start()
        try:
            for line in self._process.stdout:
                event = json.loads(line)
                if event["event"] == "class":
                    return ended, event["trace"]
                if event["event"] != "start":
                    ended.append(Outcome(event["name"], event["event"], event["seconds"], event["trace"]))
        finally:
            cut.cancel()
        raise JvmEnded(ended, f"its JVM ended before the class did (it had {limit_s:.0f} s)\n{self._last_lines()}")

    def _last_lines(self) -> str:
        return "\n".join(Path(self._log.name).read_text(errors="replace").splitlines()[-30:])

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        for stream in (self._process.stdin, self._process.stdout, self._log):
            assert stream
            stream.close()


class SuiteRun:
    """The whole suite on its way; `outcome` waits for one test."""

    def __init__(self, namesrv: str, home: Path, tests: Iterable[Outcome], jobs: int = JOBS) -> None:
        self._namesrv, self._home, self._class_path = namesrv, home, program()
        self._full_names = suite.published()
        self._flaky = suite.flaky()
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._workers: list[Worker] = []
        self._numbers = itertools.count()
        self._pool = ThreadPoolExecutor(jobs)
        self._expected: dict[str, list[Outcome]] = {}
        for test in tests:
            self._expected.setdefault(test.class_name, []).append(test)
        longest_first = sorted(self._expected, key=self._expected_seconds, reverse=True)
        self._futures: dict[str, Future[list[Outcome]]] = {
            name: self._pool.submit(self._until_steady, name) for name in longest_first
        }

    def _expected_seconds(self, class_name: str) -> float:
        return sum(test.seconds for test in self._expected[class_name])

    def outcome(self, test: str, timeout_s: float) -> Outcome:
        """How this test ended, as soon as its class has."""
        return {each.test: each for each in self._futures[test.partition("#")[0]].result(timeout_s)}[test]

    def outcomes(self, timeout_s: float) -> list[Outcome]:
        """How every test ended, also one that nobody expected."""
        return [each for future in self._futures.values() for each in future.result(timeout_s)]

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()
        self._pool.shutdown()

    def _until_steady(self, class_name: str) -> list[Outcome]:
        for _ in range(TRIES - 1):
            outcomes = self._once(class_name)
            failed = {each.test for each in outcomes if each.verdict == "fail"}
            if not failed or failed - self._flaky.keys():
                return outcomes
        return self._once(class_name)

    def _once(self, class_name: str) -> list[Outcome]:
        worker = self._worker()
        limit_s = LEAST_LIMIT_S + 3 * self._expected_seconds(class_name)
        try:
            ended, problem = worker.run(self._full_names[class_name], limit_s)
            self._idle.put(worker)
        except JvmEnded as cut:
            ended, problem = cut.args
        missing = {each.test for each in self._expected[class_name]} - {each.test for each in ended}
        outcomes = [*ended, *(Outcome(test, "fail", 0.0, problem or "it was not run") for test in sorted(missing))]
        if problem and not missing:  # a failure of the class itself is nobody's own: every test of it has it
            outcomes = [Outcome(each.test, "fail", each.seconds, each.trace + problem) for each in outcomes]
        return outcomes

    def _worker(self) -> Worker:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            worker = Worker(self._namesrv, self._home / f"jvm-{next(self._numbers)}", self._class_path)
            self._workers.append(worker)
            return worker
