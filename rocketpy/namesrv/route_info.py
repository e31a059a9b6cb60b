"""Which broker serves which topic, as the brokers last told.

Five tables, as in upstream's RouteInfoManager: topics, brokers, clusters, live brokers, filter servers. Invariant: a
broker name stands in `brokers` exactly while it has an address, and only such a name has queues in `topics` or a place
in `clusters`; a topic without queues and a cluster without names are dropped at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from rocketpy.clock import Clock
from rocketpy.protocol.bodies import BrokerData, ClusterInfo, DataVersion, QueueData, TopicConfig, TopicRouteData
from rocketpy.protocol.names import MASTER_ID
from rocketpy.protocol.perm import WRITE

log = logging.getLogger("RocketmqNamesrv")

BROKER_EXPIRES_MS = 120_000


class Channel(Protocol):
    """What the tables need of a broker's connection."""

    def close(self) -> None: ...


@dataclass(slots=True)
class BrokerLive:
    """The last registration of one broker address."""

    last_update_ms: int
    data_version: DataVersion
    connection: Channel
    ha_server_addr: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What one REGISTER_BROKER says; `filter_servers` is None where the body has no such list."""

    cluster: str
    broker_name: str
    broker_id: int
    broker_addr: str
    ha_server_addr: str
    data_version: DataVersion
    topics: Iterable[TopicConfig]
    filter_servers: list[str] | None = None


class RouteInfo:
    """The tables and what changes them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # A topic has at most one queue entry a broker name; the order is that of the last change.
        self.topics: dict[str, dict[str, QueueData]] = {}
        self.brokers: dict[str, BrokerData] = {}
        self.clusters: dict[str, dict[str, None]] = {}
        self.live: dict[str, BrokerLive] = {}
        self.filter_servers: dict[str, list[str]] = {}
        self.changes = 0  # how often a broker or a topic's queues came, changed or went

    # -- registration

    def register(self, said: Registration, connection: Channel) -> tuple[str, str] | None:
        """Take a broker in; a slave is told (haServerAddr, address) of its live master."""
        self.clusters.setdefault(said.cluster, {})[said.broker_name] = None
        self._tell_twin(said, connection)
        first = self._put_address(said)
        if said.broker_id == MASTER_ID and (first or self.is_changed(said.broker_addr, said.data_version)):
            for config in filter(lambda topic: topic.topic_name, said.topics):
                self._put_queue(said.broker_name, config)
        self._put_live(said, connection)
        return None if said.broker_id == MASTER_ID else self._master_of(said.broker_name)

    def _tell_twin(self, said: Registration, connection: Channel) -> None:
        """Two brokers under one name and id push each other out of the table, and nothing else says why."""
        broker = self.brokers.get(said.broker_name)
        former = broker.broker_addrs.get(said.broker_id, "") if broker else ""
        live = self.live.get(former) if former != said.broker_addr else None
        if live is not None and live.connection is not connection:
            log.warning(
                "broker %s:%d registers at %s while the one at %s is alive: clients find only the one that spoke last; "
                "give each broker a brokerName of its own",
                said.broker_name, said.broker_id, said.broker_addr, former,
            )  # fmt: skip

    def _put_address(self, said: Registration) -> bool:
        """Put id -> address; True when the name or the id is new."""
        broker = self.brokers.get(said.broker_name)
        if broker is None:
            broker = BrokerData(cluster=said.cluster, broker_name=said.broker_name, broker_addrs={})
            self.brokers[said.broker_name] = broker
        addrs = broker.broker_addrs
        # A slave promoted to master comes back under id 0: one address stands under one id only.
        for other in [id for id, addr in addrs.items() if addr == said.broker_addr and id != said.broker_id]:
            del addrs[other]
        first = said.broker_id not in addrs
        addrs[said.broker_id] = said.broker_addr
        self.changes += first
        return first

    def _put_queue(self, broker_name: str, config: TopicConfig) -> None:
        queue = QueueData(
            broker_name=broker_name,
            read_queue_nums=config.read_queue_nums,
            write_queue_nums=config.write_queue_nums,
            perm=config.perm,
            topic_syn_flag=config.topic_sys_flag,
        )
        queues = self.topics.get(config.topic_name)
        if queues is None:
            self.changes += 1
            self.topics[config.topic_name] = {broker_name: queue}
            log.info("new topic registered, %s %s", config.topic_name, queue)
            return
        old = queues.get(broker_name)
        if old == queue:
            return
        if old is not None:
            log.info("topic changed, %s OLD: %s NEW: %s", config.topic_name, old, queue)
            del queues[broker_name]
        queues[broker_name] = queue
        self.changes += 1

    def _put_live(self, said: Registration, connection: Channel) -> None:
        if said.broker_addr not in self.live:
            log.info("new broker registered, %s HAServer: %s", said.broker_addr, said.ha_server_addr)
        self.live[said.broker_addr] = BrokerLive(
            self._clock.now_ms(), said.data_version, connection, said.ha_server_addr
        )
        if said.filter_servers:
            self.filter_servers[said.broker_addr] = said.filter_servers
        elif said.filter_servers is not None:
            self.filter_servers.pop(said.broker_addr, None)

    def _master_of(self, broker_name: str) -> tuple[str, str] | None:
        addr = self.brokers[broker_name].broker_addrs.get(MASTER_ID)
        live = None if addr is None else self.live.get(addr)
        return None if addr is None or live is None else (live.ha_server_addr, addr)

    def is_changed(self, broker_addr: str, data_version: DataVersion) -> bool:
        """Whether the broker has to register again: unknown here, or another version."""
        live = self.live.get(broker_addr)
        return live is None or live.data_version != data_version

    def refresh(self, broker_addr: str) -> None:
        """The broker asked and nothing has changed: it is alive."""
        live = self.live.get(broker_addr)
        if live is not None:
            live.last_update_ms = self._clock.now_ms()

    # -- leaving

    def unregister(self, broker_name: str, broker_id: int, broker_addr: str) -> None:
        """The broker says good-bye."""
        known = self.live.pop(broker_addr, None) is not None
        self.filter_servers.pop(broker_addr, None)
        log.info("unregisterBroker %s, %s %s", "OK" if known else "Failed", broker_name, broker_addr)
        broker = self.brokers.get(broker_name)
        if broker is None:
            return
        self.changes += broker.broker_addrs.pop(broker_id, None) is not None
        if not broker.broker_addrs:
            self._forget_name(broker_name)

    def connection_closed(self, connection: Channel, remote_addr: str) -> None:
        """Forget at once every broker that registered on this connection."""
        gone = [addr for addr, live in self.live.items() if live.connection is connection]
        if gone:
            log.warning("the broker's channel destroyed, %s, clean it's data structure at once", ", ".join(gone))
        for addr in gone or [remote_addr]:
            self._forget_address(addr)

    def expire(self) -> None:
        """Forget the brokers not heard of for 120 s, and close their connections."""
        now_ms = self._clock.now_ms()
        for addr, live in list(self.live.items()):
            if live.last_update_ms + BROKER_EXPIRES_MS < now_ms:
                log.warning("The broker channel expired, %s %sms", addr, BROKER_EXPIRES_MS)
                self._forget_address(addr)
                live.connection.close()

    def _forget_address(self, broker_addr: str) -> None:
        self.live.pop(broker_addr, None)
        self.filter_servers.pop(broker_addr, None)
        for name, broker in self.brokers.items():
            ids = [id for id, addr in broker.broker_addrs.items() if addr == broker_addr]
            if ids:
                del broker.broker_addrs[ids[0]]
                self.changes += 1
                log.info("remove brokerAddr[%s, %s] from brokerAddrTable", ids[0], broker_addr)
                if not broker.broker_addrs:
                    self._forget_name(name)
                return

    def _forget_name(self, broker_name: str) -> None:
        """The last address is gone: so is the name, in whichever clusters it stood."""
        del self.brokers[broker_name]
        for cluster, names in list(self.clusters.items()):
            names.pop(broker_name, None)
            if not names:
                del self.clusters[cluster]
        self._drop_queues(broker_name)

    def _drop_queues(self, broker_name: str) -> None:
        touched = [topic for topic, queues in self.topics.items() if queues.pop(broker_name, None) is not None]
        for topic in touched:
            if not self.topics[topic]:
                del self.topics[topic]
        log.info("remove brokerName[%s] with its queues of %d topics", broker_name, len(touched))

    # -- commands of an operator

    def wipe_write_perm(self, broker_name: str) -> int:
        """Take the write bit from every topic of a broker, until it registers with a changed version."""
        wiped = 0
        for queues in self.topics.values():
            queue = queues.get(broker_name)
            if queue is not None:
                queues[broker_name] = replace(queue, perm=queue.perm & ~WRITE)
                wiped += 1
        self.changes += wiped
        return wiped

    def delete_topic(self, topic: str) -> None:
        """Forget a topic; a broker that still has it brings it back with its next changed version."""
        self.changes += self.topics.pop(topic, None) is not None

    # -- questions

    def route(self, topic: str) -> TopicRouteData | None:
        """Queues and brokers of a topic; None unless it has both."""
        queues = self.topics.get(topic, {})
        brokers = [self.brokers[name] for name in queues if name in self.brokers]
        if not brokers:
            return None
        addrs = (addr for broker in brokers for addr in broker.broker_addrs.values())
        return TopicRouteData(
            queue_datas=list(queues.values()),
            broker_datas=[replace(broker, broker_addrs=dict(broker.broker_addrs)) for broker in brokers],
            filter_server_table={addr: self.filter_servers[addr] for addr in addrs if addr in self.filter_servers},
        )

    def cluster_info(self) -> ClusterInfo:
        """All brokers by name, and the names of each cluster."""
        return ClusterInfo(
            broker_addr_table=dict(self.brokers),
            cluster_addr_table={cluster: list(names) for cluster, names in self.clusters.items()},
        )

    def system_topics(self) -> tuple[list[str], str | None]:
        """Each cluster's and broker's own topic, and the address of some broker."""
        names = [name for cluster, brokers in self.clusters.items() for name in (cluster, *brokers)]
        addrs = (addr for broker in self.brokers.values() for addr in broker.broker_addrs.values())
        return list(dict.fromkeys(names)), next(addrs, None)

    def topics_of_cluster(self, cluster: str) -> list[str]:
        """Topics with a queue on a broker of that cluster."""
        names = self.clusters.get(cluster, {}).keys()
        return [topic for topic, queues in self.topics.items() if not names.isdisjoint(queues)]

    def topics_by_sys_flag(self, all_of: int, none_of: int = 0) -> Iterator[str]:
        """Topics whose first queue entry has these bits of topicSynFlag."""
        for topic, queues in self.topics.items():
            flag = next(iter(queues.values())).topic_syn_flag
            if flag & all_of == all_of and not flag & none_of:
                yield topic
