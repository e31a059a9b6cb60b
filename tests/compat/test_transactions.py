"""Transactions of the official clients: commit, rollback, checks that decide, immunity, giving up, restarts."""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from kit import wire
from kit.clients import Session
from kit.cluster import Cluster, unique
from kit.handover import wait_ended
from kit.process import wait_until
from oracle.broker_scenarios import GET_MAX_OFFSET, PULL_MESSAGE, pull_ext

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
HALF, GIVEN_UP = "RMQ_SYS_TRANS_HALF_TOPIC", "TRANS_CHECK_MAX_TIME_TOPIC"
# A round later who has not answered is asked again: a busy machine may take a second or two for an answer.
QUICK = {"transactionCheckInterval": 3000, "transactionTimeOut": 1000, "transactionCheckMax": 3}
PATIENCE_S = 40
RESUME_CHECK_HALF_MESSAGE = 323


@pytest.fixture(scope="module")
def quick(server_kind: str, launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two masters that check often."""
    cluster = Cluster(launcher(server_kind), tmp_path_factory.mktemp(f"quick-{server_kind}"), **QUICK)
    try:
        yield cluster.start()
    finally:
        cluster.kill()


def delivered(session: Session) -> Counter[int]:
    return Counter(session.indexes("consumed"))


def records_of(cluster: Cluster, topic: str, queue: int = 0) -> list[wire.Record]:
    """Everything in one queue of both masters."""
    found: list[wire.Record] = []
    for broker in cluster.brokers.values():
        with wire.Peer(broker.address) as peer:
            at = 0
            while (answer := peer.ask(PULL_MESSAGE, pull_ext(topic, queue, at))).code == 0:
                found += wire.records(answer.body)
                at = int((answer.ext or {})["nextBeginOffset"])
    return found


@pytest.mark.parametrize("size", [0, 20_000])
def test_what_is_committed_is_delivered_and_what_is_rolled_back_is_not(open_session, run, client, java, quick, size):
    topic, group = unique("TxEnds"), unique("CG")
    run(java, quick, "create-topic", topic=topic, queues=2)
    consumer = open_session(java, quick, "consume", topic=topic, group=group)
    producer = run(client, quick, "transact", topic=topic, group=unique("PG"), count=12, size=size,
                   local="commit,rollback,commit")
    assert {event["status"] for event in producer.of("sent")} == {"SEND_OK"}
    assert {event["broker"] for event in producer.of("sent")} == {"broker-a", "broker-b"}
    committed = [index for index in range(12) if index % 3 != 1]
    consumer.wait_for("consumed", len(committed))
    places = {event["index"]: (event["broker"], event["queue_id"]) for event in producer.of("sent")}
    for event in consumer.of("consumed"):
        assert (event["broker"], event["queue_id"]) == places[event["index"]]
        assert (event["keys"], event["owner"], event["size"] >= size) == (f"k{event['index']}", "transact", True)
    assert delivered(consumer) == Counter(committed)
    consumer.stop()


def test_a_check_decides_what_the_producer_left_open(open_session, run, client, java, quick):
    topic, group = unique("TxOpen"), unique("CG")
    run(java, quick, "create-topic", topic=topic, queues=2)
    consumer = open_session(java, quick, "consume", topic=topic, group=group)
    producer = open_session(client, quick, "transact", topic=topic, group=unique("PG"), count=12, local="unknown",
                            check="commit,rollback", stay="true")
    producer.wait(lambda: set(producer.indexes("checked")) == set(range(12)), "each is asked about", PATIENCE_S)
    consumer.wait(lambda: set(delivered(consumer)) == set(range(0, 12, 2)), "what checks commit arrives", PATIENCE_S)
    for event in producer.of("checked"):
        assert (event["topic"], event["keys"], event["owner"]) == (topic, f"k{event['index']}", "transact")
        assert event["times"] == "1"
    seen = len(producer.of("checked"))
    wait_rounds(quick, 2)
    assert len(producer.of("checked")) == seen == 12
    assert delivered(consumer) == Counter(range(0, 12, 2))
    producer.stop()
    consumer.stop()


def wait_rounds(cluster: Cluster, rounds: int) -> None:
    """Until one that is sent now was asked about so many times: what was open before would have been too."""
    with wire.Peer(cluster.a.address) as peer, wire.Peer(cluster.b.address) as other:
        for each in (peer, other):
            probe(each)
        for each in (peer, other):
            wait_until(lambda each=each: times_asked(each) >= rounds, f"{rounds} rounds", PATIENCE_S, every_s=0.2)


def probe(peer: wire.Peer) -> None:
    """A half message of nobody."""
    ext = {"producerGroup": "PG_probe", "topic": "TxProbe", "defaultTopic": "TBW102", "defaultTopicQueueNums": 1,
           "queueId": 0, "sysFlag": 4, "bornTimestamp": int(time.time() * 1000), "flag": 0,
           "properties": "TRAN_MSG\x01true\x02PGROUP\x01PG_probe\x02", "reconsumeTimes": 0, "unitMode": False}
    assert peer.ask(10, ext, "probe").code == 0


def times_asked(peer: wire.Peer) -> int:
    end = int((peer.ask(GET_MAX_OFFSET, {"topic": HALF, "queueId": 0}).ext or {})["offset"])
    answer = peer.ask(PULL_MESSAGE, pull_ext(HALF, 0, max(0, end - 8)))
    probes = [dict(each.properties) for each in wire.records(answer.body) if each.body == b"probe"]
    return max((int(each.get("TRANSACTION_CHECK_TIMES", 0)) for each in probes), default=0)


def test_what_no_check_decides_is_given_up_and_can_be_taken_up_again(open_session, run, java, quick):
    topic, group, producers = unique("TxLost"), unique("CG"), unique("PG")
    run(java, quick, "create-topic", topic=topic, queues=1)
    producer = open_session(java, quick, "transact", topic=topic, group=producers, count=2, local="unknown",
                            check="unknown", stay="true")
    producer.wait(lambda: Counter(producer.indexes("checked")) == {0: 3, 1: 3}, "asked about 3 times", PATIENCE_S)
    assert sorted(event["times"] for event in producer.of("checked")) == ["1", "1", "2", "2", "3", "3"]

    def given_up() -> list[wire.Record]:
        return [each for each in records_of(quick, GIVEN_UP) if dict(each.properties)["REAL_TOPIC"] == topic]

    wait_until(lambda: len(given_up()) == 2, "both are given up", PATIENCE_S, every_s=0.3)
    producer.stop()
    for record in given_up():
        assert (record.topic, record.queue_id) == (GIVEN_UP, 0)
        assert dict(record.properties)["TRANSACTION_CHECK_TIMES"] == "3"
    again = open_session(java, quick, "transact", topic=topic, group=producers, count=0, check="commit", stay="true")
    again.wait_for("started")
    for record in given_up():
        with wire.Peer(record.store_host) as peer:
            assert peer.ask(RESUME_CHECK_HALF_MESSAGE, {"msgId": id_of(record)}).code == 0
    again.wait(lambda: set(again.indexes("checked")) == {0, 1}, "both are asked about again", PATIENCE_S)
    consumer = open_session(java, quick, "consume", topic=topic, group=group)
    consumer.wait_for("consumed", 2)
    again.stop()
    consumer.stop()


def id_of(record: wire.Record) -> str:
    """The broker's id of a record."""
    host, port = record.store_host.split(":")
    return (socket.inet_aton(host) + struct.pack(">iq", int(port), record.physical_offset)).hex().upper()


def test_nobody_asks_during_an_immunity(open_session, run, java, quick):
    # Two rounds at most: upstream counts rounds of immunity as checks, and gives up after three.
    topic, group = unique("TxImmune"), unique("CG")
    run(java, quick, "create-topic", topic=topic, queues=1)
    consumer = open_session(java, quick, "consume", topic=topic, group=group)
    producer = open_session(java, quick, "transact", topic=topic, group=unique("PG"), count=2, local="unknown",
                            check="commit", immunity=2, stay="true")
    producer.wait(lambda: set(producer.indexes("checked")) == {0, 1}, "asked about in the end", PATIENCE_S)
    for event in producer.of("checked"):
        assert event["at"] - event["born_timestamp"] >= 2_000
    consumer.wait(lambda: set(delivered(consumer)) == {0, 1}, "committed by the check", PATIENCE_S)
    producer.stop()
    consumer.stop()


def test_open_transactions_outlive_their_brokers_and_their_producer(open_session, run, java, new_cluster):
    # Asked about only when all that end by themselves have: a question puts a copy of the half message back, which an
    # end on its way does not end.
    times = {"transactionCheckInterval": 4000, "transactionTimeOut": 6000, "transactionCheckMax": 15}
    cluster = new_cluster(**{**QUICK, **times})
    topic, group, producers = unique("TxStop"), unique("CG"), unique("PG")
    run(java, cluster, "create-topic", topic=topic, queues=2)
    sent = run(java, cluster, "transact", topic=topic, group=producers, count=18,
               local="unknown,commit,rollback").of("sent")
    assert {event["broker"] for event in sent} == {"broker-a", "broker-b"}
    wait_ended(cluster, 12)
    cluster.a.stop()
    cluster.b.kill()
    for broker in cluster.brokers.values():
        broker.start()
    cluster.wait_registered("broker-a", "broker-b")
    producer = open_session(java, cluster, "transact", topic=topic, group=producers, count=0, stay="true",
                            check="commit,commit,commit,rollback,rollback,rollback")
    still_open = set(range(0, 18, 3))
    producer.wait(lambda: set(producer.indexes("checked")) >= still_open, "open ones are asked about", PATIENCE_S)
    assert set(producer.indexes("checked")) == still_open
    consumer = open_session(java, cluster, "consume", topic=topic, group=group)
    expected = set(range(1, 18, 3)) | {0, 6, 12}
    consumer.wait(lambda: set(delivered(consumer)) == expected, "what was and is committed", PATIENCE_S)
    producer.stop()
    consumer.stop()


def test_a_compressed_message_is_checked_as_it_was_sent(open_session, run, java, quick):
    """Upstream stores its copies decompressed but marked as compressed: its questions cannot be read, nor can the
    copies, so that its rounds end there from the second one on.
    """
    topic, group = unique("TxPacked"), unique("CG")
    run(java, quick, "create-topic", topic=topic, queues=1)
    consumer = open_session(java, quick, "consume", topic=topic, group=group)
    producer = open_session(java, quick, "transact", topic=topic, group=unique("PG"), count=2, size=20_000, flag=5,
                            local="unknown", check="unknown,commit", stay="true")
    producer.wait_for("started")
    if quick.kind == "upstream":
        wait_rounds(quick, 1)
        assert producer.of("checked") == []
        return
    producer.wait(lambda: Counter(producer.indexes("checked"))[0] >= 2, "asked about again and again", PATIENCE_S)
    assert {(event["size"], event["flag"]) for event in producer.of("checked")} == {(20_000, 5)}
    consumer.wait(lambda: set(delivered(consumer)) == {1}, "what the check commits arrives", PATIENCE_S)
    assert consumer.of("consumed")[0]["size"] == 20_000
    producer.stop()
    consumer.stop()
