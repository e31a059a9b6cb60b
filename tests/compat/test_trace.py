"""Message traces of the official client: where they are written, what they tell, and how they are found again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kit import wire
from kit.cluster import Broker, Cluster, unique
from kit.handover import end_of
from kit.process import wait_until

GET_ROUTE = 105
TOPIC_NOT_EXIST = 17
TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC"


@pytest.fixture(scope="module")
def tracing(server_kind: str, launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master that makes the trace topic at its start."""
    root = tmp_path_factory.mktemp(f"tracing-{server_kind}")
    cluster = Cluster(launcher(server_kind), root, names=("broker-a",), traceTopicEnable="true")
    try:
        yield cluster.start()
    finally:
        cluster.kill()


@pytest.fixture(scope="module")
def untraced(server_kind: str, launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master that wants none of its messages traced."""
    root = tmp_path_factory.mktemp(f"untraced-{server_kind}")
    cluster = Cluster(launcher(server_kind), root, names=("broker-a",), traceOn="false")
    try:
        yield cluster.start()
    finally:
        cluster.kill()


@pytest.fixture
def traces(run, java):
    """What a trace topic tells of one message id or key: all of it, once it is this much."""
    def of(cluster: Cluster, topic: str, key: str, count: int) -> list[dict]:
        found: list[dict] = []

        def complete() -> bool:
            found[:] = run(java, cluster, "traces", topic=topic, key=key).of("trace")
            return len(found) >= count

        wait_until(complete, f"{count} traces of {key} in {topic}", 40)
        return found

    return of


def stored(broker: Broker, topic: str) -> int:
    with wire.Peer(broker.address) as peer:
        return end_of(peer, topic, 0)


def by_type(traces: list[dict], msg_id: str) -> dict[str, dict]:
    """A trace message carries several messages' traces; each kind of one message stands in it once."""
    own = [trace for trace in traces if trace["msg_id"] == msg_id]
    assert len({trace["type"] for trace in own}) == len(own)
    return {trace["type"]: trace for trace in own}


def test_trace_topic_enable_makes_the_topic_with_one_queue(tracing, cluster):
    with wire.Peer(tracing.namesrv_addr) as peer:
        [queues] = peer.ask(GET_ROUTE, {"topic": TRACE_TOPIC}).json()["queueDatas"]
    assert (queues["readQueueNums"], queues["writeQueueNums"], queues["perm"]) == (1, 1, 6)
    with wire.Peer(cluster.namesrv_addr) as peer:  # a broker makes none unless it is told to
        assert peer.ask(GET_ROUTE, {"topic": TRACE_TOPIC}).code == TOPIC_NOT_EXIST


def test_a_message_is_traced_from_its_send_to_its_consumption(open_session, traces, java, tracing):
    topic, group = unique("Traced"), unique("CG")
    key = unique("key")
    options = {"topic": topic, "keys": key, "tags": "T", "count": 1, "trace": "true", "group": "PG_traced"}
    producer = open_session(java, tracing, "produce", stay="true", **options)
    [sent] = producer.wait_for("sent")
    consumer = open_session(java, tracing, "consume", topic=topic, group=group, trace="true", failFirst=1)
    consumer.wait(lambda: any(event["accepted"] for event in consumer.of("consumed")), "consumed well", 60)
    told = traces(tracing, TRACE_TOPIC, sent["msg_id"], 5)  # while they live: clients that end do not wait for theirs
    producer.stop()
    consumer.stop()
    pub = by_type([trace for trace in told if trace["type"] == "Pub"], sent["msg_id"])["Pub"]
    assert (pub["group"], pub["region"], pub["success"]) == ("PG_traced", "DefaultRegion", True)
    assert (pub["topic"], pub["tags"], pub["keys"]) == (topic, "T", f"{key}0")
    assert (pub["offset_msg_id"], pub["store_host"]) == (sent["offset_msg_id"], tracing.a.address)
    before = [trace for trace in told if trace["type"] == "SubBefore"]
    after = {trace["request_id"]: trace for trace in told if trace["type"] == "SubAfter"}
    outcomes = [(trace["retry_times"], after[trace["request_id"]]["success"]) for trace in before]
    assert sorted(outcomes) == [(0, False), (1, True)]
    assert {trace["group"] for trace in before} == {group}
    assert traces(tracing, TRACE_TOPIC, f"{key}0", 5)  # and by the message's own key


def test_traces_go_to_a_topic_of_ones_own(run, open_session, traces, java, tracing):
    topic, own = unique("Apart"), unique("MyTraces")
    options = {"topic": topic, "count": 3, "trace": "true", "traceTopic": own, "mode": "async"}
    producer = open_session(java, tracing, "produce", stay="true", **options)
    sent = producer.wait_for("sent", 3)
    for event in sent:
        told = by_type(traces(tracing, own, event["msg_id"], 1), event["msg_id"])
        assert {kind: trace["topic"] for kind, trace in told.items()} == {"Pub": topic}
    producer.stop()
    assert run(java, tracing, "traces", topic=TRACE_TOPIC, key=sent[0]["msg_id"]).of("trace") == []


def test_a_broker_with_trace_on_false_is_not_traced(run, open_session, java, untraced, tracing):
    topic, own = unique("Untraced"), unique("NoTraces")
    for cluster, written in ((untraced, 0), (tracing, 1)):
        run(java, cluster, "create-topic", topic=own, queues=1)
        options = {"topic": topic, "count": 1, "trace": "true", "traceTopic": own, "stay": "true"}
        producer = open_session(java, cluster, "produce", **options)
        producer.wait_for("sent")
        wait_until(lambda at=cluster.a, wanted=written: stored(at, own) >= wanted, "its trace", 40)
        producer.stop()
        assert len(run(java, cluster, "pull", topic=own, group=unique("CG")).of("found")) == written
