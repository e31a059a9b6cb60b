"""Facts of made-up clusters: one that is well, to which tests do one bad thing."""

from __future__ import annotations

from typing import Any

from rocketpy.doctor.doctor import CLUSTER_CHECKS
from rocketpy.doctor.facts import BrokerFacts, ClusterFacts, NameServerFacts
from rocketpy.doctor.finding import Finding, findings
from rocketpy.protocol.admin_bodies import Connection, ConsumerConnection, OffsetWrapper
from rocketpy.protocol.bodies import (
    BrokerData,
    ClusterInfo,
    ConsumeType,
    MessageModel,
    MessageQueue,
    SubscriptionData,
    SubscriptionGroupConfig,
    TopicConfig,
)
from rocketpy.protocol.mqversion import CURRENT_VERSION

NOW_MS = 1_700_000_000_000
GROUP, TOPIC = "orders", "TopicA"
CONFIG = {"brokerRole": "ASYNC_MASTER", "brokerPermission": "6", "autoCreateTopicEnable": "false", "brokerId": "0"}
RUNTIME = {
    "bootTimestamp": str(NOW_MS - 3_600_000),
    "runtime": "[ 0 days, 1 hours, 0 minutes, 0 seconds ]",
    "commitLogDiskRatio": "0.30",
    "consumeQueueDiskRatio": "0.30",
}


def client(client_id: str, port: int = 50000, host: str = "10.0.0.9", version: int = CURRENT_VERSION) -> Connection:
    return Connection(client_id, f"{host}:{port}", "JAVA", version)


def members(*clients: Connection, topic: str = TOPIC) -> ConsumerConnection:
    return ConsumerConnection(
        list(clients),
        {topic: SubscriptionData(topic=topic, sub_string="*")},
        ConsumeType.CONSUME_PASSIVELY,
        MessageModel.CLUSTERING,
    )


def broker(name: str, number: int, broker_id: int = 0) -> BrokerFacts:
    return BrokerFacts(
        name,
        broker_id,
        f"10.0.0.{number}:10911",
        "c",
        version=CURRENT_VERSION,
        runtime=dict(RUNTIME),
        asked_ms=(NOW_MS, NOW_MS + 5),
        config={**CONFIG, "brokerName": name, "brokerId": str(broker_id)},
        topics={TOPIC: TopicConfig(TOPIC, 4, 4)},
        groups={GROUP: SubscriptionGroupConfig(GROUP)},
        members={GROUP: members(client("a"), client("b"))},
    )


def well() -> ClusterFacts:
    """Two masters, two name servers, a topic and a group: nothing to find."""
    brokers = [broker("broker-a", 1), broker("broker-b", 2)]
    return ClusterFacts([name_server(number, brokers) for number in (8, 9)], brokers, now_ms=NOW_MS)


def name_server(number: int, brokers: list[BrokerFacts]) -> NameServerFacts:
    table: dict[str, BrokerData] = {}
    for each in brokers:
        table.setdefault(each.name, BrokerData("c", each.name)).broker_addrs[each.broker_id] = each.address
    return NameServerFacts(f"10.0.0.{number}:9876", cluster=ClusterInfo(table), topics=frozenset({TOPIC}))


def offsets(name: str, end: int, at: int, *, last_ms: int = NOW_MS, topic: str = TOPIC) -> dict[str, Any]:
    """Progress of the group in queue 0."""
    return {GROUP: {MessageQueue(topic, name, 0): OffsetWrapper(end, at, last_ms)}}


def found(facts: ClusterFacts) -> list[Finding]:
    return findings(CLUSTER_CHECKS, facts)


def only(facts: ClusterFacts) -> Finding:
    """The one finding there is."""
    (finding,) = found(facts)
    return finding
