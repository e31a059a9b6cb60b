"""One broker with some of everything, and its metrics endpoint."""

import http.client
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

import rocketpy.testing
from rocketpy.broker.clients import Client
from rocketpy.client import Producer, PullConsumer, new_message
from rocketpy.measured import broker_sources
from rocketpy.metrics.endpoint import Endpoint
from rocketpy.metrics.exposition import Exposition
from rocketpy.protocol.bodies import ConsumerData, ConsumeType, MessageModel, SubscriptionData
from rocketpy.stats import Span
from rocketpy.testing import RunningCluster

TOPIC, GROUP, ASIDE, LOUD = "Orders", "billing", "idle", "loud"
SENT, CONSUMED = 20, 5
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(eq=False)
class Peer:
    """A client's connection, as far as the registries need one."""

    address: str
    is_open: bool = True
    is_writable: bool = True
    sent: list[object] = field(default_factory=list)

    def send(self, command: object) -> None:
        self.sent.append(command)

    def close(self) -> None:
        self.is_open = False


@dataclass
class Metered:
    """A running cluster, and what its broker's endpoint says."""

    cluster: RunningCluster
    port: int

    def get(self, path: str = "/metrics", accept: str = "") -> tuple[http.client.HTTPResponse, str]:
        """One request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Accept": accept} if accept else {})
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()

    def families(self) -> dict[str, Metric]:
        """Everything by name, as Prometheus sees it."""
        return {family.name: family for family in parse_text(self.get()[1])}

    def openmetrics(self) -> dict[str, Metric]:
        """The same by the other format."""
        return {family.name: family for family in parse_openmetrics(self.get(accept=OPENMETRICS)[1])}

    def values(self, name: str, **labels: str) -> dict[tuple[str, ...], float]:
        """Samples of a metric with these labels: values of its other labels, in the order of their names."""
        found = {}
        family = self.families()[name.removesuffix("_total")]
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                rest = tuple(sample.labels[label] for label in sorted(sample.labels.keys() - labels.keys()))
                found[rest] = sample.value
        return found

    def value(self, name: str, **labels: str) -> float:
        """The one sample of a metric with these labels."""
        (value,) = self.values(name, **labels).values()
        return value


@pytest.fixture(scope="session")
def metered() -> Iterator[Metered]:
    with rocketpy.testing.cluster() as cluster:
        cluster.run(traffic(cluster))
        endpoint, port = cluster.run(listen(cluster))
        yield Metered(cluster, port)
        cluster.run(endpoint.stop())


async def listen(cluster: RunningCluster) -> tuple[Endpoint, int]:
    endpoint = Endpoint(Exposition(broker_sources(cluster.broker)), logging.getLogger("RocketmqBroker"))
    sock = socket.create_server(("127.0.0.1", 0))
    await endpoint.start(sock)
    return endpoint, sock.getsockname()[1]


async def traffic(cluster: RunningCluster) -> None:
    """Messages, of which two groups have consumed some; delayed ones, half ones, one to retry and a dead letter."""
    async with Producer(cluster.namesrv_addr, "shop") as producer:
        for number in range(SENT):
            await producer.send(new_message(TOPIC, b"%03d" % number))
        late = new_message(TOPIC, b"later")
        late.put_property("DELAY", "9")
        await producer.send(late)
    async with PullConsumer(cluster.namesrv_addr, GROUP) as consumer:
        queues = await consumer.queues(TOPIC)
        pulled = [await consumer.pull(queue, 0) for queue in queues]
        await consumer.commit(queues[0], CONSUMED)
        message = pulled[0].messages[0]
        await consumer.send_back(message, queues[0], delay_level=-1)
        await consumer.send_back(message, queues[0], delay_level=18)
    async with PullConsumer(cluster.namesrv_addr, ASIDE) as consumer:
        await consumer.commit(queues[0], 0)
    come_online(cluster)
    await cluster.broker.stats.sample(Span.MINUTE)


def come_online(cluster: RunningCluster) -> None:
    """Heartbeats of two consumers, of one that broadcasts, and of a producer."""
    broker = cluster.broker
    for number, (group, model) in enumerate(
        [(GROUP, MessageModel.CLUSTERING), (GROUP, MessageModel.CLUSTERING), (LOUD, MessageModel.BROADCASTING)]
    ):
        said = ConsumerData(group, ConsumeType.CONSUME_PASSIVELY, model)
        topics = (TOPIC,) if model is MessageModel.BROADCASTING else (TOPIC, f"%RETRY%{group}")
        said.subscription_data_set = [SubscriptionData(topic=topic, sub_string="*") for topic in topics]
        broker.consumers.register(said, Client(Peer(f"10.0.0.{number}:1"), f"client{number}"))
    broker.producers.register("shop", Client(Peer("10.0.1.1:1"), "shop1"))
    broker.offsets.commit(LOUD, TOPIC, 0, 1)
