"""Settings that act at once, on a running broker: what name servers and clients hear of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import rocketpy.testing
from rocketpy._core.command import Command, request
from rocketpy.client import Admin, BrokerRefused
from rocketpy.protocol.bodies import TopicRouteData
from rocketpy.testing import RunningCluster

UPDATE, ROUTE, SEND_V2 = 25, 105, 310


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    with rocketpy.testing.cluster() as cluster:
        cluster.create_topic("Made")
        yield cluster


def call(address: str, code: int, ext: dict[str, str] | None = None, body: bytes | None = None) -> Command:
    async def ask() -> Command:
        async with Admin("127.0.0.1:1") as admin:
            return await admin.call(address, request(code, ext or {}, body))

    return asyncio.run(ask())


def update(cluster: RunningCluster, **values: object) -> Command:
    return call(cluster.broker_addr, UPDATE, None, "".join(f"{k}={v}\n" for k, v in values.items()).encode())


def route(cluster: RunningCluster, topic: str = "Made") -> TopicRouteData:
    return TopicRouteData.decode(call(cluster.namesrv_addr, ROUTE, {"topic": topic}).body or b"")


def test_a_permission_is_in_the_routes_of_all_topics(cluster: RunningCluster) -> None:
    assert update(cluster, brokerPermission=4).code == 0
    assert [queues.perm for queues in route(cluster).queue_datas] == [4]
    assert update(cluster, brokerPermission=6).code == 0
    assert [queues.perm for queues in route(cluster).queue_datas] == [6]


def test_another_address_is_in_the_routes_and_the_old_one_gone(cluster: RunningCluster) -> None:
    old = cluster.broker_addr
    new = old.replace("127.0.0.1", "127.0.0.2")
    try:
        assert update(cluster, brokerIP1="127.0.0.2").code == 0
        assert [broker.broker_addrs for broker in route(cluster).broker_datas] == [{0: new}]
        assert [queues.perm for queues in route(cluster).queue_datas] == [6]
        assert call(new, 26).code == 0
    finally:
        update(cluster, brokerIP1="127.0.0.1")
    assert [broker.broker_addrs for broker in route(cluster).broker_datas] == [{0: old}]


def test_name_servers_that_are_added_know_the_broker(cluster: RunningCluster) -> None:
    """The same one under another name: it hears of the broker twice, and goes on knowing it by the first."""
    port = cluster.namesrv_addr.partition(":")[2]
    assert update(cluster, namesrvAddr=f"{cluster.namesrv_addr};127.0.0.2:{port}").code == 0

    async def registered() -> list[str]:
        link = cluster.broker.namesrv
        async with asyncio.timeout(5):
            while len(link.registered_with) < 2:
                await asyncio.sleep(0.01)
        return link.registered_with

    assert cluster.run(registered()) == [cluster.namesrv_addr, f"127.0.0.2:{port}"]
    update(cluster, namesrvAddr=cluster.namesrv_addr)


def test_the_fast_lane_replies_with_the_region_of_now(cluster: RunningCluster) -> None:
    header = dict(zip("abcdefghijkm", ("PG", "Made", "TBW102", "4", "0", "0", "1", "0", "", "0", "false", "false"),
                      strict=True))  # fmt: skip
    before = cluster.run(served(cluster))
    for region in ("hall-3", "DefaultRegion"):
        assert update(cluster, regionId=region).code == 0
        answers = [call(cluster.broker_addr, SEND_V2, header, b"x") for _ in range(2)]
        assert [(answer.ext or {})["MSG_REGION"] for answer in answers] == [region, region]
    assert cluster.run(served(cluster)) > before


async def served(cluster: RunningCluster) -> int:
    return cluster.broker.lane.served


def test_the_fast_lane_refuses_what_is_not_allowed_any_more(cluster: RunningCluster) -> None:
    """A group that pulls in the lane, and a broker that may not be read from the next pull on."""
    from rocketpy.client import PullConsumer
    from rocketpy.protocol.bodies import MessageQueue

    async def scenario() -> list[object]:
        seen: list[object] = []
        async with PullConsumer(cluster.namesrv_addr, "CG") as consumer:
            queue = MessageQueue("Made", "quickstart", 0)
            for permission in (6, 2, 6):
                async with Admin(cluster.namesrv_addr) as admin:
                    body = f"brokerPermission={permission}".encode()
                    await admin.call(cluster.broker_addr, request(UPDATE, {}, body))
                try:
                    for _ in range(2):
                        await consumer.pull(queue, 0)
                    seen.append("served")
                except BrokerRefused as refused:
                    seen.append(refused.code)
        return seen

    assert asyncio.run(scenario()) == ["served", 16, "served"]
