"""The same small world on each server: topics, messages, and the producers and consumers of an application.

Everything that could differ by chance is fixed: who gets which message, the names of clients, how far a group has come.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit import wire
from kit.admin import AdminClient, call
from kit.clients import Session
from kit.cluster import CLUSTER, Cluster
from kit.process import wait_until
from kit.servers import RULES, Servers
from kit.topics import make_topic

from tests.ports import free_port

GET_CONSUME_STATS = 208
TOPICS = ("Orders", "Retried", "Shouted", "Lagged", "Quiet")
# Everybody here may do everything: what is looked at are accounts, not refusals.
ACCOUNTS = """
globalWhiteRemoteAddresses:
- 127.0.0.1
accounts:
- accessKey: operator
  secretKey: operator-secret
  admin: true
"""
WORDS = ("java", "ours")    # of the two tools, in the names of what each of them makes; one length, for the columns

GROUPS: dict[str, dict[str, object]] = {
    "CG_live": {"topic": "Orders"}, "CG_tags": {"topic": "Orders", "tags": "A"},
    "CG_retry": {"topic": "Retried", "failFirst": 1}, "CG_lagging": {"topic": "Lagged"},
    "CG_shouting": {"topic": "Shouted", "model": "BROADCASTING"},
    **{f"CG_reset_{word}": {"topic": "Orders"} for word in WORDS},
}
CONSUMED = {"CG_live": 16, "CG_tags": 8, "CG_retry": 2, "CG_lagging": 8, "CG_shouting": 8,
            **{f"CG_reset_{word}": 16 for word in WORDS}}


@dataclass
class World:
    """One cluster with its application; `names` stand in for {these} in a command line."""

    cluster: Cluster
    live: Session
    names: dict[str, str]

    @property
    def kind(self) -> str:
        return self.cluster.kind


def start(cluster: Cluster, home: Path) -> World:
    """Brings a cluster that is not running yet into its state."""
    for server in (*cluster.brokers.values(), cluster.namesrv):
        (server.home / RULES).parent.mkdir(parents=True, exist_ok=True)
        (server.home / RULES).write_text(ACCOUNTS)
    cluster.start()
    for topic in TOPICS:
        make_topic(cluster, topic)
    live = Session(AdminClient("Live"), home, cluster.namesrv_addr, "live")
    live.wait_for("started")
    return World(cluster, live, {**addresses(cluster), **populate(cluster, live)})


def addresses(cluster: Cluster) -> dict[str, str]:
    return {"ns": cluster.namesrv_addr, "a": cluster.a.address, "b": cluster.b.address, "cluster": CLUSTER,
            "nobody": f"127.0.0.1:{free_port()}", "elsewhere": str(cluster.root / "elsewhere"),
            "store_a": str(cluster.a.store), "store_b": str(cluster.b.store),
            "kv": str(cluster.namesrv.home / "kvConfig.json")}


def populate(cluster: Cluster, live: Session) -> dict[str, str]:
    """Sends and consumes until nothing moves any more; the names of what is there."""
    producer = call(live, "produce", group="PG_live")["result"]
    sent = call(live, "send", group="PG_live", topic="Orders", count=16)["result"]
    shouted = call(live, "send", group="PG_live", topic="Shouted", count=8)["result"]
    for topic, count in (("Retried", 2), ("Lagged", 8)):
        call(live, "send", group="PG_live", topic=topic, count=count)
    clients = {group: call(live, "consume", group=group, **options)["result"] for group, options in GROUPS.items()}
    for group, count in CONSUMED.items():
        wait_consumed(cluster, live, group, count)
    call(live, "leave", group="CG_lagging")
    call(live, "send", group="PG_live", topic="Lagged", first=8, count=8)
    return {"producer": producer, "client": clients["CG_live"], "id": sent[3]["offset"], "unique": sent[3]["unique"],
            "id2": sent[4]["offset"], "unique2": sent[4]["unique"], "id3": shouted[0]["offset"]}


def wait_consumed(cluster: Cluster, live: Session, group: str, count: int) -> None:
    """Until a group has consumed so many messages, and the brokers know it."""
    wait_until(lambda: call(live, "count", group=group)["result"] == count, f"{group} has consumed", 60)
    wait_until(lambda: group == "CG_shouting" or lag(cluster, group) == 0, f"{group}'s offsets are committed", 30)


def lag(cluster: Cluster, group: str) -> int:
    """Messages of all its topics that the brokers think a group has not consumed."""
    total = 0
    for broker in cluster.brokers.values():
        with wire.Peer(broker.address) as peer:
            table = peer.ask(GET_CONSUME_STATS, {"consumerGroup": group}).json()["offsetTable"]
        total += sum(at["brokerOffset"] - at["consumerOffset"] for _, at in table.items())
    return total


@contextmanager
def worlds(servers: tuple[Servers, Servers], root: Path) -> Iterator[tuple[World, World]]:
    """Both, in the same state; gone with the block."""
    clusters = [Cluster(each, root / f"{number}-{each.name}", aclEnable="true") for number, each in enumerate(servers)]
    made: list[World] = []
    try:
        for number, cluster in enumerate(clusters):
            made.append(start(cluster, root / f"live-{number}"))
        yield made[0], made[1]
    finally:
        for world in made:
            world.live.close()
        for cluster in clusters:
            cluster.kill()
