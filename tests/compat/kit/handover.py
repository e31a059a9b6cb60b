"""One store folder on which two kinds of broker take turns, and all that can be said of it at the moment of change."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oracle.broker_scenarios import GET_MAX_OFFSET, QUERY_CONSUMER_OFFSET

from kit import wire
from kit.clients import Event
from kit.cluster import Cluster
from kit.process import wait_until
from kit.servers import Servers, rocketpy_python
from tests.ports import free_broker_port
from tests.store_files import config, log_records

SCHEDULE = "SCHEDULE_TOPIC_XXXX"
ENDED = "RMQ_SYS_TRANS_OP_HALF_TOPIC"  # a message for each transaction that was committed or rolled back
CHECK_TIMEOUT_S = 60
PLACES = ("brokerName", "namesrvAddr", "listenPort", "haListenPort", "storePathRootDir", "storePathCommitLog",
          "brokerIP1", "brokerIP2", "diskMaxUsedSpaceRatio", "waitTimeMillsInSendQueue", "osPageCacheBusyTimeOutMills",
          "autoCreateTopicEnable", "autoCreateSubscriptionGroup", "defaultTopicQueueNums")


@dataclass
class Handover:
    """Starts brokers on one folder, one after the other, all at the same address: message ids name it."""

    root: Path
    servers: Callable[[str], Servers]
    settings: dict[str, object]
    base: str = ""  # text of a properties file behind which only PLACES are added
    started: list[Cluster] = field(default_factory=list)
    port: int = field(default_factory=free_broker_port)

    @property
    def store(self) -> Path:
        return self.root / "store"

    def start(self, kind: str, **more: object) -> Cluster:
        paths = {"storePathRootDir": self.store, "storePathCommitLog": self.store / "commitlog"}
        home = self.root / f"{len(self.started)}-{kind}"
        settings = {**self.settings, **paths, "listenPort": self.port, **more}
        self.started.append(Cluster(self.servers(kind), home, ("broker-a",), **settings))
        if self.base:
            file = self.started[-1].a.properties
            own = [row for row in file.read_text().splitlines() if row.split("=")[0] in PLACES]
            file.write_text("\n".join([self.base, *own, ""]))
        return self.started[-1].start()

    def close(self) -> None:
        for cluster in self.started:
            cluster.kill()

    def records(self) -> list[bytes]:
        return log_records(self.store)

    def leave(self, how: str) -> list[bytes]:
        """Stops or kills the broker; gives the records of its log, which must agree with all the rest of the folder."""
        broker = self.started[-1].a
        getattr(broker, how)()
        assert (self.store / "abort").exists() == (how == "kill")
        if how == "stop":
            check(self.store, broker.properties)
        return self.records()


def check(store: Path, properties: Path) -> None:
    """`rocketpy-store check` finds nothing, neither of ours nor of upstream's writing."""
    command = [sys.executable, "-m", "rocketpy.store_tool", "check", str(store), "-c", str(properties), "--json"]
    env = {"PATH": "", "PYTHONPATH": rocketpy_python()["PYTHONPATH"]}
    done = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_TIMEOUT_S, env=env, check=False)
    assert done.returncode in (0, 1), done.stderr
    told = json.loads(done.stdout)
    assert told["clean"], json.dumps([told["findings"], told["notes"]], indent=1)


def wait_delivered(store: Path, due: Iterable[int]) -> None:
    """Until every delayed message of these levels stands in its own topic too, and the progress on disk says so.

    Upstream writes delayOffset.json by the clock only, first after 10 s, and not when it stops.
    """
    levels = set(due)

    def is_so() -> bool:
        waiting, arrived = delayed(store)
        table = config(store).get("delayOffset", {}).get("offsetTable", {})
        return all(
            arrived.get(level, 0) >= count and table.get(str(level)) == count
            for level, count in waiting.items() if level in levels
        )

    wait_until(is_so, f"delayed messages of the levels {sorted(levels)} delivered", 40, every_s=0.2)


def delayed(store: Path) -> tuple[dict[int, int], dict[int, int]]:
    """How many records of each delay level wait, or waited, and how many of each have arrived in their topics."""
    waiting: dict[int, int] = {}
    arrived: dict[int, int] = {}
    for record in map(wire.record, log_records(store)):
        level = int(dict(record.properties).get("DELAY", 0))
        if record.topic == SCHEDULE:
            waiting[record.queue_id + 1] = waiting.get(record.queue_id + 1, 0) + 1
        elif record.topic == dict(record.properties).get("REAL_TOPIC"):
            arrived[level] = arrived.get(level, 0) + 1
    return waiting, arrived


def wait_consumed(cluster: Cluster, group: str, topic: str, queues: int) -> None:
    """Until the group has committed all of a topic on every broker: a client that quits sooner may leave out the last.

    A listener speaks before its client has noted the offset, and a client that shuts down does not wait for that.
    """
    for broker in cluster.brokers.values():
        with wire.Peer(broker.address) as peer:
            def behind(peer: wire.Peer = peer) -> list[int]:
                return [queue for queue in range(queues)
                        if (committed(peer, group, topic, queue) or 0) != end_of(peer, topic, queue)]

            wait_until(lambda left=behind: not left(), f"{group} has committed {topic} on {broker.name}", 40,
                       every_s=0.2)


def end_of(peer: wire.Peer, topic: str, queue: int) -> int:
    """Where the queue's next message will stand."""
    return int((peer.ask(GET_MAX_OFFSET, {"topic": topic, "queueId": queue}).ext or {})["offset"])


def wait_ended(cluster: Cluster, count: int) -> None:
    """Until so many transactions have ended on all brokers: ends are one-way, and lost with a broker that goes."""
    def ended() -> int:
        total = 0
        for broker in cluster.brokers.values():
            with wire.Peer(broker.address) as peer:
                total += end_of(peer, ENDED, 0)
        return total

    wait_until(lambda: ended() == count, f"{count} transactions ended", 20)


def wait_offsets_on_disk(cluster: Cluster, store: Path, group: str, topic: str, queues: int) -> None:
    """Until consumerOffset.json holds what the broker answers."""
    with wire.Peer(cluster.a.address) as peer:
        def is_so() -> bool:
            row = config(store).get("consumerOffset", {}).get("offsetTable", {}).get(f"{topic}@{group}", {})
            return all(row.get(str(queue)) == committed(peer, group, topic, queue) for queue in range(queues))

        wait_until(is_so, f"offsets of {group} on disk", 25, every_s=0.2)


def committed(peer: wire.Peer, group: str, topic: str, queue: int) -> int | None:
    """The group's offset, None when it has none."""
    answer = peer.ask(QUERY_CONSUMER_OFFSET, {"consumerGroup": group, "topic": topic, "queueId": queue})
    return int((answer.ext or {})["offset"]) if answer.code == 0 else None


def by_what(events: Iterable[Event]) -> dict[str, Any]:
    """A snapshot's events by what they tell of."""
    found: dict[str, Any] = {}
    for event in events:
        kind = event["event"]
        if kind == "queue":
            found[f"queue {event['queue']['topic']} {event['queue']['queue_id']}"] = event
        elif kind in ("message", "by_id"):
            found[f"{kind} at {event['message']['physical_offset']}"] = event["message"]
        elif kind == "key":
            rows = sorted(event.get("found", ()), key=lambda row: row["physical_offset"])
            found[f"key {event['key']} of {event['topic']}"] = rows
    return found
