"""The embedded cluster, driven from a plain synchronous test: what docs/testing.md promises."""

import asyncio

import rocketpy.testing
from rocketpy.client import Admin, Producer, PullConsumer, PullStatus, new_message
from rocketpy.client.admin_brokers import update_broker_config
from rocketpy.client.admin_namesrv import namesrv_config, update_namesrv_config


def test_send_and_consume_on_a_cluster_of_ones_own():
    with rocketpy.testing.cluster() as cluster:
        cluster.create_topic("Orders", queue_nums=1)

        async def scenario():
            async with Producer(cluster.namesrv_addr, "orders") as producer:
                sent = await producer.send(new_message("Orders", b"one", tags="New", keys="order-1"))
            async with PullConsumer(cluster.namesrv_addr, "billing") as consumer:
                found = await consumer.pull(sent.queue, 0, tags="New")
            async with Admin(cluster.namesrv_addr) as admin:
                by_key = await admin.query_message(cluster.broker_addr, "Orders", "order-1")
            return found, by_key

        found, by_key = asyncio.run(scenario())
    assert found.status is PullStatus.FOUND
    assert [message.body for message in found.messages] == [b"one"]
    assert [message.body for message in by_key] == [b"one"]


def test_a_store_of_ones_own_is_kept(tmp_path):
    async def send(addr):
        async with Producer(addr) as producer:
            return await producer.send(new_message("Kept", b"still here"))

    async def find(addr, sent):
        async with PullConsumer(addr, "readers") as consumer:
            return await consumer.pull(sent.queue, sent.queue_offset)

    with rocketpy.testing.cluster(store=tmp_path) as cluster:
        sent = asyncio.run(send(cluster.namesrv_addr))
    with rocketpy.testing.cluster(store=tmp_path) as cluster:
        found = asyncio.run(find(cluster.namesrv_addr, sent))
    assert found.messages[0].body == b"still here"


def test_nothing_is_written_into_the_users_home(tmp_path, monkeypatch):
    """Whatever an operator changes: a real name server may keep its settings there."""
    monkeypatch.setenv("JAVA_OPT", f"-Duser.home={tmp_path}")

    async def change(cluster):
        async with Admin(cluster.namesrv_addr) as admin:
            await update_namesrv_config(admin, cluster.namesrv_addr, {"orderMessageEnable": "true"})
            await update_broker_config(admin, cluster.broker_addr, {"traceOn": "false"})
            return await namesrv_config(admin, cluster.namesrv_addr)

    with rocketpy.testing.cluster() as cluster:
        found = asyncio.run(change(cluster))
    assert found["orderMessageEnable"] == "true"
    assert list(tmp_path.iterdir()) == []
