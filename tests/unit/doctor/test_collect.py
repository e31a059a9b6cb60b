"""Facts come from servers of all kinds: well, dead, silent, and such as answer nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import rocketpy.testing
from rocketpy._core.command import Command, request, response
from rocketpy.client import Producer, new_message
from rocketpy.client.calls import Calls, addresses_of
from rocketpy.doctor.asker import Asker, NoAnswer
from rocketpy.doctor.collect import collect, doubt
from rocketpy.doctor.doctor import CLUSTER_CHECKS
from rocketpy.doctor.facts import ClusterFacts, Limits
from rocketpy.doctor.finding import Finding, findings
from rocketpy.errors import RemotingSendError
from rocketpy.protocol import sys_flag
from rocketpy.protocol.admin_bodies import ConsumerRunningInfo
from rocketpy.protocol.bodies import (
    ConsumeFromWhere,
    ConsumerData,
    ConsumeType,
    HeartbeatData,
    KVTable,
    MessageModel,
    RegisterBrokerBody,
    SubscriptionData,
)
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.headers import SendMessageRequestHeaderV2
from rocketpy.remoting.client import RemotingClient
from rocketpy.testing import RunningCluster
from tests.ports import free_port

TOPIC, GROUP = "TopicA", "orders"
ONCE = Limits(timeout_ms=10_000, watch_ms=0)  # a loaded test machine is no dead broker
QUICK = Limits(timeout_ms=1_000, watch_ms=0)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    with rocketpy.testing.cluster() as running:
        running.create_topic(TOPIC)
        yield running


async def look(name_servers: str, limits: Limits = ONCE, topics: tuple[str, ...] = ()) -> ClusterFacts:
    async with Calls(name_servers) as calls:
        return await collect(calls, addresses_of(name_servers), limits, topics)


def checks_of(facts: ClusterFacts) -> list[tuple[str, str]]:
    return [(finding.check, finding.subject) for finding in findings(CLUSTER_CHECKS, facts)]


def worst(facts: ClusterFacts, check: str) -> Finding:
    return next(finding for finding in findings(CLUSTER_CHECKS, facts) if finding.check == check)


@contextlib.asynccontextmanager
async def registered(namesrv_addr: str, name: str, address: str) -> AsyncIterator[None]:
    """A broker that a name server knows for as long as its connection is open."""
    async with Calls(namesrv_addr) as calls:
        ext = {
            "brokerName": name,
            "brokerAddr": address,
            "clusterName": "DefaultCluster",
            "haServerAddr": address,
            "brokerId": "0",
            "compressed": "false",
        }
        await calls.ask(namesrv_addr, request(RequestCode.REGISTER_BROKER, ext, RegisterBrokerBody().encode()))
        yield


def look_beside(
    cluster: RunningCluster, address: str, *name_servers: str, limits: Limits = ONCE
) -> ClusterFacts:
    """What is seen while another broker is registered at an address."""

    async def scenario() -> ClusterFacts:
        async with registered(cluster.namesrv_addr, "other", address):
            return await look(";".join((cluster.namesrv_addr, *name_servers)), limits)

    return asyncio.run(scenario())


def test_a_cluster_that_is_well(cluster: RunningCluster) -> None:
    facts = asyncio.run(look(cluster.namesrv_addr))
    assert checks_of(facts) == [("broker-address", f"broker quickstart:0 {cluster.broker_addr}")]  # loopback: a trial
    (broker,) = facts.brokers
    assert broker.config["brokerName"] == "quickstart"
    assert TOPIC in broker.topics
    assert broker.untold == {}
    assert broker.closed_ports.keys() <= {"HA"}


def test_a_dead_broker_and_a_dead_name_server(cluster: RunningCluster) -> None:
    dead = f"127.0.0.1:{free_port()}"
    facts = look_beside(cluster, dead, dead)
    assert ("namesrv-unreachable", f"name server {dead}") in checks_of(facts)
    assert worst(facts, "broker-unreachable").subject == f"broker other:0 {dead}"
    assert worst(facts, "namesrv-unreachable").what == "Connection refused"
    assert "refused" in worst(facts, "broker-unreachable").what


def test_a_broker_that_accepts_and_says_nothing_costs_its_timeout_once(cluster: RunningCluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        begin = time.monotonic()
        facts = look_beside(cluster, address, limits=QUICK)
    assert time.monotonic() - begin < 5 * QUICK.timeout_ms / 1000  # it is asked five things
    (broker,) = (each for each in facts.brokers if each.name == "other")
    assert broker.fault.startswith("takes connections and answers nothing: ")
    assert "VIP" in broker.closed_ports
    assert {check for check, subject in checks_of(facts) if address in subject} == {"broker-unreachable"}


def test_two_names_at_one_address() -> None:
    with rocketpy.testing.cluster() as own:  # its name server keeps the wrong name
        found = dict(checks_of(look_beside(own, own.broker_addr)))
    assert found["address-clash"] == f"address {own.broker_addr}"
    assert found["another-broker"] == f"broker other:0 {own.broker_addr}"


class Consumer:
    """A push consumer that says what it wants when it is asked."""

    def __init__(self, client_id: str, expression: str) -> None:
        self.client_id = client_id
        self.wanted = SubscriptionData(topic=TOPIC, sub_string=expression)
        self.remoting = RemotingClient({int(RequestCode.GET_CONSUMER_RUNNING_INFO): self.running_info})

    def running_info(self, connection: Any, command: Command) -> Command:
        return response(body=ConsumerRunningInfo(subscription_set=[self.wanted]).encode())

    async def beat(self, address: str) -> None:
        data = ConsumerData(
            GROUP,
            ConsumeType.CONSUME_PASSIVELY,
            MessageModel.CLUSTERING,
            ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET,
            [self.wanted],
        )
        body = HeartbeatData(self.client_id, [], [data]).encode()
        await self.remoting.invoke(address, request(RequestCode.HEART_BEAT, body=body))


def test_what_members_want_comes_from_themselves(cluster: RunningCluster) -> None:
    async def scenario() -> ClusterFacts:
        consumers = [Consumer("a@1", "TagA"), Consumer("b@2", "TagB")]
        for consumer in consumers:
            await consumer.beat(cluster.broker_addr)
        try:
            return await look(cluster.namesrv_addr)
        finally:
            for consumer in consumers:
                await consumer.remoting.close()

    facts = asyncio.run(scenario())
    assert facts.wanted[GROUP] == {
        "a@1": frozenset({(TOPIC, "TagA", "TAG")}),
        "b@2": frozenset({(TOPIC, "TagB", "TAG")}),
    }
    assert worst(facts, "subscriptions").subject == f"group {GROUP}"


def test_a_group_that_is_behind_is_looked_at_twice(cluster: RunningCluster) -> None:
    async def scenario() -> ClusterFacts:
        consumer = Consumer("a@1", "*")
        await consumer.beat(cluster.broker_addr)
        async with Producer(cluster.namesrv_addr, "senders") as producer:
            sent = await producer.send(new_message(TOPIC, b"x"))
        ext = {
            "consumerGroup": GROUP,
            "topic": TOPIC,
            "queueId": str(sent.queue.queue_id),
            "commitOffset": str(sent.queue_offset),
        }
        try:
            await consumer.remoting.invoke(cluster.broker_addr, request(RequestCode.UPDATE_CONSUMER_OFFSET, ext))
            return await look(cluster.namesrv_addr, Limits(timeout_ms=10_000, watch_ms=1, lag=1, stuck_ms=0))
        finally:
            await consumer.remoting.close()

    facts = asyncio.run(scenario())
    assert worst(facts, "lag").what.startswith(f"is 1 messages behind in {TOPIC}")
    assert worst(facts, "stuck").subject == f"group {GROUP}"


def test_half_messages_that_wait_for_their_end(cluster: RunningCluster) -> None:
    properties = "\x02".join(("TRAN_MSG\x01true", "PGROUP\x01senders"))
    send = SendMessageRequestHeaderV2(
        producer_group="senders",
        topic=TOPIC,
        default_topic="TBW102",
        default_topic_queue_nums=4,
        queue_id=0,
        sys_flag=sys_flag.TRANSACTION_PREPARED_TYPE,
        born_timestamp=int(time.time() * 1000),
        flag=0,
        properties=properties,
    )

    async def scenario() -> ClusterFacts:
        async with Calls(cluster.namesrv_addr) as calls:
            for _ in range(3):
                await calls.ask(cluster.broker_addr, request(RequestCode.SEND_MESSAGE_V2, send.encode(), b"x"))
        cluster.run(cluster.broker.transactions.round())  # the first makes the topic known
        return await look(cluster.namesrv_addr, Limits(timeout_ms=10_000, watch_ms=0, half_messages=3))

    assert worst(asyncio.run(scenario()), "half-messages").what.startswith("3 half messages")


class Answers:
    """Calls whose answers are given."""

    def __init__(self, answer: Command | Exception) -> None:
        self.clock = Calls("").clock
        self.answer = answer

    async def call(self, address: str, command: Command, timeout_ms: int) -> Command:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (response(body=b"no JSON"), "answered what is no KVTable"),
        (response(body=b"[1]"), "answered what is no KVTable"),
        (response(1, "why\nnot"), "refused with code 1: why"),
        (RemotingSendError("gone"), "gone"),
    ],
)
def test_what_is_no_answer(answer: Command | Exception, why: str) -> None:
    async def scenario() -> None:
        asker = Asker(Answers(answer), 100, 1_000)  # type: ignore[arg-type]
        with pytest.raises(NoAnswer, match=why):
            await asker.ask_for(KVTable, "a:1", RequestCode.GET_BROKER_RUNTIME_INFO)

    asyncio.run(scenario())


def test_nobody_is_asked_when_the_time_is_up() -> None:
    async def scenario() -> None:
        with pytest.raises(NoAnswer, match="no time was left"):
            await Asker(Answers(response()), 100, 0).ask("a:1", 28)  # type: ignore[arg-type]

    asyncio.run(scenario())


def test_a_port_behind_a_firewall_costs_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dropped(host: str, port: int) -> None:
        await asyncio.Event().wait()

    async def scenario() -> str:
        return await Asker(Answers(response()), 5, 1_000).closed("10.0.0.1", 10911)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "open_connection", dropped)
    assert "a firewall drops it" in asyncio.run(scenario())


@pytest.mark.parametrize("address", ["nonsense", "host:port", "host:99999"])
def test_an_address_that_is_none(address: str) -> None:
    async def scenario() -> str:
        return await Asker(Answers(response()), 5, 1_000).unreachable(address)  # type: ignore[arg-type]

    assert "is not host:port" in asyncio.run(scenario())


@pytest.mark.parametrize(("host", "words"), [("127.0.0.1", "loopback"), ("172.17.0.3", "Docker"), ("10.9.8.7", "")])
def test_addresses_that_clients_may_not_reach(host: str, words: str) -> None:
    assert words in doubt(host)
    assert bool(doubt(host)) is bool(words)
