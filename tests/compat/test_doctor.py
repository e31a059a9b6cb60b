"""mqadmin doctor on a cluster of either kind, with official clients in it: what it says, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit.cluster import unique
from kit.process import wait_until
from kit.topics import QUEUES, make_topic, send

REPO = Path(__file__).parents[2]
TRIAL = {"broker-address"}  # its brokers advertise 127.0.0.1


@pytest.fixture
def doctor(cluster):
    """`doctor("-l", "5")`: (check, subject) -> finding of whatever is at least a warning, and the exit code."""

    def examine(*words: str) -> tuple[dict[tuple[str, str], dict[str, str]], int]:
        command = [sys.executable, "-m", "rocketpy.admin", "doctor", "-n", cluster.namesrv_addr, "--json", *words]
        done = subprocess.run(
            command, cwd=REPO, env={**os.environ, "ROCKETMQ_HOME": ""}, capture_output=True, text=True, timeout=60
        )
        assert done.stderr == ""
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert {row["severity"] for row in rows if row["check"] in TRIAL} <= {"INFO"}
        return {(row["check"], row["subject"]): row for row in rows if row["severity"] != "INFO"}, done.returncode

    return examine


def about(found, *subjects: str) -> set[str]:
    return {check for check, subject in found if subject in subjects}


def test_members_that_differ_a_group_that_is_behind_and_a_topic_that_is_not_there(doctor, open_session, java, cluster):
    topic, group = unique("Doctor"), unique("CG")
    make_topic(cluster, topic)
    consumers = [
        open_session(java, cluster, "consume", topic=topic, group=group, instance=f"i{tags}", tags=tags)
        for tags in ("TagA", "TagB")
    ]
    for consumer in consumers:
        consumer.wait_for("started")

    found, code = {}, 0

    def settled() -> bool:
        """Heartbeats reach one master before the other."""
        nonlocal found, code
        found, code = doctor("-w", "0")
        return about(found, f"group {group}", f"topic {topic}") == {"subscriptions"}

    wait_until(settled, "both are known, and nothing else is wrong", 40, every_s=1)
    what = found["subscriptions", f"group {group}"]["what"]
    assert f"{topic} by TagA" in what and f"{topic} by TagB" in what
    assert code == 2
    # Who holds a queue has asked where to begin in it, and leaves that behind as the group's offset.
    wait_until(lambda: sum(len(each.queues()) for each in consumers) == 2 * QUEUES, "they share the queues", 40)
    for consumer in consumers:
        consumer.stop()
    send(cluster.a, topic, 0, 20)
    found, _ = doctor("-l", "20", "-t", unique("Nowhere"))
    assert found["lag", f"group {group}"]["what"].startswith(f"is 20 messages behind in {topic}, and has no consumer")
    assert {check for check, subject in found if subject.startswith("topic Nowhere")} == {"no-route"}
    assert [row for (_, subject), row in found.items() if subject.startswith("broker ")] == []
