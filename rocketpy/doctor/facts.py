"""What a running cluster says of itself; gathered by `collect`, judged by the checks.

A fact that could not be had is empty, and why stands in the `fault` of its server or in `untold`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite

from rocketpy.protocol.admin_bodies import ConsumerConnection, OffsetWrapper, TopicOffset
from rocketpy.protocol.bodies import ClusterInfo, MessageQueue, SubscriptionData, SubscriptionGroupConfig, TopicConfig
from rocketpy.protocol.names import MASTER_ID

Progress = dict[str, dict[MessageQueue, OffsetWrapper]]     # group -> queue -> how far it is


@dataclass
class Limits:
    """From where on a figure is worth a finding; options of the command."""

    lag: int = 10_000               # messages that a group is behind in one topic
    dead_letters: int = 1           # messages in a %DLQ% topic
    half_messages: int = 1_000      # half messages that wait for their end, on one broker
    clock_skew_ms: int = 5_000
    clients: int = 5_000            # clients of consumer groups that one broker holds
    stuck_ms: int = 60_000          # how old the last consumed message is of a queue that stands still
    timeout_ms: int = 3_000         # one call
    watch_ms: int = 6_000           # between two looks at offsets: consumers commit theirs every 5 s
    budget_ms: int = 25_000         # all calls together


@dataclass
class NameServerFacts:
    """What one name server knows."""

    address: str
    fault: str = ""
    cluster: ClusterInfo = field(default_factory=ClusterInfo)
    topics: frozenset[str] = frozenset()
    order_conf: dict[str, str] = field(default_factory=dict)        # KV namespace ORDER_TOPIC_CONFIG


@dataclass
class BrokerFacts:
    """One broker as it is registered, and what it says itself."""

    name: str
    broker_id: int
    address: str
    cluster: str = ""
    fault: str = ""                                                 # why it could not be asked at all
    closed_ports: dict[str, str] = field(default_factory=dict)      # VIP, HA -> why
    doubt: str = ""                                                 # why clients may not reach its address
    untold: dict[str, str] = field(default_factory=dict)            # what it did not answer -> why
    version: int = 0
    runtime: dict[str, str] = field(default_factory=dict)
    asked_ms: tuple[int, int] = (0, 0)                              # our time before and after it told `runtime`
    config: dict[str, str] = field(default_factory=dict)
    topics: dict[str, TopicConfig] = field(default_factory=dict)
    groups: dict[str, SubscriptionGroupConfig] = field(default_factory=dict)
    progress: Progress = field(default_factory=dict)
    later: Progress | None = None                                   # the same, `Limits.watch_ms` afterwards
    half: OffsetWrapper | None = None                               # the transaction check's own progress
    dead_letters: dict[str, TopicOffset] = field(default_factory=dict)  # summed over the queues of a %DLQ% topic
    members: dict[str, ConsumerConnection] = field(default_factory=dict)    # group -> its clients here

    @property
    def is_master(self) -> bool:
        return self.broker_id == MASTER_ID

    @property
    def subject(self) -> str:
        """How findings call it."""
        return f"broker {self.name}:{self.broker_id} {self.address}"

    def is_behind(self, group: str) -> bool:
        """Whether messages wait for a group."""
        return any(queue.broker_offset > queue.consumer_offset for queue in self.progress.get(group, {}).values())

    def number(self, key: str, default: float = 0.0) -> float:
        """A figure of its runtime info or configuration; the default where it is absent or none."""
        text = self.runtime.get(key, self.config.get(key, ""))
        try:
            number = float(text)
        except ValueError:
            return default
        return number if isfinite(number) else default

    def is_on(self, key: str) -> bool:
        """A boolean of its configuration."""
        return self.config.get(key) == "true"


@dataclass
class ClusterFacts:
    """All of it."""

    name_servers: list[NameServerFacts] = field(default_factory=list)
    brokers: list[BrokerFacts] = field(default_factory=list)
    wanted: dict[str, dict[str, frozenset[tuple[str, str, str]]]] = field(default_factory=dict)
    # group -> client id -> (topic, expression, its type) as each client says itself
    asked_topics: tuple[str, ...] = ()      # topics to be explained even if nobody knows them
    now_ms: int = 0
    left_out: list[str] = field(default_factory=list)   # what was not asked, since there is too much of it
    limits: Limits = field(default_factory=Limits)

    @cached_property
    def told(self) -> list[BrokerFacts]:
        """Brokers that answered."""
        return [broker for broker in self.brokers if not broker.fault]

    @cached_property
    def masters(self) -> list[BrokerFacts]:
        """Masters that answered."""
        return [broker for broker in self.told if broker.is_master]

    @cached_property
    def answering(self) -> list[NameServerFacts]:
        """Name servers that answered."""
        return [server for server in self.name_servers if not server.fault]

    @cached_property
    def is_whole(self) -> bool:
        """Whether every name server and broker answered, so that what is not there is nowhere."""
        return len(self.answering) == len(self.name_servers) and len(self.told) == len(self.brokers)

    def holders(self, topic: str) -> list[BrokerFacts]:
        """Masters that have the topic."""
        return [broker for broker in self.masters if topic in broker.topics]

    def subscriptions(self) -> dict[str, dict[str, SubscriptionData]]:
        """Group -> topic -> what of it the group wants, as brokers have it."""
        found: dict[str, dict[str, SubscriptionData]] = {}
        for broker in self.told:
            for group, connection in broker.members.items():
                found.setdefault(group, {}).update(connection.subscription_table)
        return found
