"""Topics and messages by hand, quicker than a client starts: for tests whose subject is who consumes them."""

from __future__ import annotations

from kit import wire
from kit.cluster import Broker, Cluster
from kit.process import wait_until

SEND_MESSAGE, UPDATE_AND_CREATE_TOPIC, GET_ROUTE = 10, 17, 105
QUEUES = 4  # of a topic on one broker


def make_topic(cluster: Cluster, topic: str) -> None:
    """A topic on every master; returns when the name server knows all of them, in the order of their names."""
    ext = {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": QUEUES, "writeQueueNums": QUEUES, "perm": 6,
           "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": False}
    with wire.Peer(cluster.namesrv_addr) as namesrv:
        for broker in cluster.brokers.values():
            with wire.Peer(broker.address) as peer:
                assert peer.ask(UPDATE_AND_CREATE_TOPIC, ext).code == 0
            wait_until(lambda wanted=broker.name: wanted in known(namesrv, topic), f"{topic} on {broker.name}", 20)


def wait_known(cluster: Cluster, topic: str, masters: set[str]) -> None:
    """Until the name server tells of a topic on these: who sends or consumes before that meets some of them only."""
    if masters:
        with wire.Peer(cluster.namesrv_addr, tls=cluster.tls) as namesrv:
            wait_until(lambda: known(namesrv, topic) >= masters, f"{topic} on {masters}", 20)


def known(namesrv: wire.Peer, topic: str) -> set[str]:
    """The masters on which a name server knows a topic."""
    answer = namesrv.ask(GET_ROUTE, {"topic": topic})
    return {row["brokerName"] for row in answer.json()["brokerDatas"]} if answer.code == 0 else set()


def send(broker: Broker, topic: str, first: int, count: int) -> list[str]:
    """Messages with indexes from `first` on, in turn to the topic's queues; their ids."""
    with wire.Peer(broker.address) as peer:
        answers = [peer.ask(SEND_MESSAGE, header(topic, index % QUEUES), f"{index}:")
                   for index in range(first, first + count)]
    assert {answer.code for answer in answers} == {0}
    return [(answer.ext or {})["msgId"] for answer in answers]


def header(topic: str, queue: int) -> dict[str, object]:
    return {"producerGroup": "PG", "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": QUEUES,
            "queueId": queue, "sysFlag": 0, "bornTimestamp": 1, "flag": 0, "reconsumeTimes": 0, "unitMode": False,
            "batch": False, "properties": ""}
