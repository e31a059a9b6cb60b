"""The whole broker over loopback: wiring, order of start and stop, and what only the whole shows."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import pytest

import rocketpy.testing
from rocketpy._core.command import request
from rocketpy.broker.broker import Broker
from rocketpy.client import Admin, BrokerRefused, Producer, PullConsumer, PullStatus, new_message
from rocketpy.config import (
    BrokerConfig,
    BrokerRole,
    FlushDiskType,
    MessageStoreConfig,
    NettyClientConfig,
    NettyServerConfig,
)
from rocketpy.errors import StartRefused
from rocketpy.protocol.bodies import MessageQueue, TopicConfig
from rocketpy.quickstart import Cluster, Quickstart
from tests.ports import free_broker_port, free_port

AT_MOST_BEFORE = 3  # questions that are answered before a pull whose time has come


def queue_of(topic: str, queue_id: int = 0) -> MessageQueue:
    return MessageQueue(topic, "quickstart", queue_id)


async def send(addr: str, *messages, queue=None):
    async with Producer(addr, "PG") as producer:
        return [await producer.send(message, queue) for message in messages]


def test_a_send_makes_the_topic_and_every_queue_can_be_read():
    async def scenario(addr):
        sent = await send(addr, *[new_message("Fresh", b"%d" % number) for number in range(8)])
        async with PullConsumer(addr, "CG") as consumer:
            queues = await consumer.queues("Fresh")
            pulled = [await consumer.pull(queue, 0) for queue in queues]
        return sent, queues, pulled

    with rocketpy.testing.cluster() as cluster:
        sent, queues, pulled = asyncio.run(scenario(cluster.namesrv_addr))
    assert len(queues) == 4
    bodies = sorted(message.body for result in pulled for message in result.messages)
    assert bodies == [b"%d" % number for number in range(8)]
    assert {result.queue for result in sent} == set(queues)


def test_a_long_poll_is_woken_by_the_message_itself():
    async def scenario(addr):
        async with PullConsumer(addr, "CG") as consumer:
            pulling = asyncio.ensure_future(consumer.pull(queue_of("Quick"), 0, tags="Wanted", poll_ms=15_000))
            while not len(cluster.broker.holds):
                await asyncio.sleep(0.001)
            await send(addr, new_message("Quick", b"no", tags="Other"), queue=queue_of("Quick"))
            await asyncio.sleep(0.05)
            assert not pulling.done()
            await send(addr, new_message("Quick", b"yes", tags="Wanted"), queue=queue_of("Quick"))
            return await answered_next(pulling, consumer, queue_of("Quick"))

    with rocketpy.testing.cluster() as cluster:
        cluster.create_topic("Quick", queue_nums=1)
        found = asyncio.run(scenario(cluster.namesrv_addr))
    assert [message.body for message in found.messages] == [b"yes"]


async def answered_next(pulling, consumer, queue):
    """What a pull was answered, which is the next that the broker does: held against its other answers, not a clock."""
    for _ in range(AT_MOST_BEFORE):
        if not pulling.done():
            await consumer.max_offset(queue)
    assert pulling.done()
    return pulling.result()


def test_a_poll_in_vain_ends_when_its_time_is_over():
    async def scenario(addr):
        async with PullConsumer(addr, "CG") as consumer:
            begin = time.monotonic()
            pulling = asyncio.ensure_future(consumer.pull(queue_of("Silent"), 0, poll_ms=300))
            await asyncio.wait([pulling], timeout=0.35)
            found = await answered_next(pulling, consumer, queue_of("Silent"))
            return found, time.monotonic() - begin

    with rocketpy.testing.cluster() as cluster:
        cluster.create_topic("Silent", queue_nums=1)
        found, took_s = asyncio.run(scenario(cluster.namesrv_addr))
    assert (found.status, found.next_offset) == (PullStatus.NO_NEW_MSG, 0)
    assert took_s > 0.29


def test_sent_back_it_comes_again_and_ends_as_a_dead_letter():
    retry, dead = queue_of("%RETRY%CG"), queue_of("%DLQ%CG")

    async def scenario(cluster):
        addr = cluster.namesrv_addr
        [sent] = await send(addr, new_message("Hard", b"work", tags="T"))
        async with PullConsumer(addr, "CG") as consumer, Admin(addr) as admin:
            [first] = (await consumer.pull(sent.queue, 0)).messages
            await consumer.send_back(first, sent.queue)
            [again] = (await consumer.pull(retry, 0, poll_ms=5000)).messages
            await consumer.send_back(again, retry, delay_level=-1)
            with pytest.raises(BrokerRefused) as refused:
                await consumer.pull(dead, 0)
            readable = TopicConfig("%DLQ%CG", read_queue_nums=1, write_queue_nums=1, perm=6)
            await admin.create_topic(cluster.broker_addr, readable)
            [letter] = (await consumer.pull(dead, 0, poll_ms=5000)).messages
        return sent, first, again, refused.value, letter

    with rocketpy.testing.cluster(message_delay_level="1s 1s 1s 1s") as cluster:
        sent, first, again, refused, letter = asyncio.run(scenario(cluster))
    assert (first.reconsume_times, again.reconsume_times, letter.reconsume_times) == (0, 1, 2)
    assert again.store_timestamp - first.store_timestamp >= 1000
    assert again.properties["RETRY_TOPIC"] == letter.properties["RETRY_TOPIC"] == "Hard"
    assert again.properties["ORIGIN_MESSAGE_ID"] == letter.properties["ORIGIN_MESSAGE_ID"] == sent.offset_msg_id
    assert refused.code == 16
    assert letter.body == b"work"


def test_offsets_and_messages_outlive_a_restart(tmp_path):
    async def consume(addr):
        [sent] = await send(addr, new_message("Kept", b"one"))
        async with PullConsumer(addr, "CG") as consumer:
            assert await consumer.committed(sent.queue) == 0
            await consumer.commit(sent.queue, 1)
        return sent.queue

    async def look(addr, queue):
        await send(addr, new_message("Kept", b"two"), queue=queue)
        async with PullConsumer(addr, "CG") as consumer:
            offset = await consumer.committed(queue)
            return offset, (await consumer.pull(queue, 0)).messages

    with rocketpy.testing.cluster(store=tmp_path) as cluster:
        queue = asyncio.run(consume(cluster.namesrv_addr))
    assert not (tmp_path / "broker" / "abort").exists()
    offsets = json.loads((tmp_path / "broker/config/consumerOffset.json").read_text().replace("{0:", '{"0":'))
    assert "Kept@CG" in offsets["offsetTable"] or queue.queue_id
    with rocketpy.testing.cluster(store=tmp_path) as cluster:
        offset, messages = asyncio.run(look(cluster.namesrv_addr, queue))
    assert offset == 1
    assert [message.body for message in messages] == [b"one", b"two"]


def test_the_async_iterator_follows_all_queues():
    async def scenario(addr):
        bodies = []
        await send(addr, *[new_message("Stream", b"%d" % number) for number in range(6)])
        async with PullConsumer(addr, "CG") as consumer:
            async for message in consumer.messages("Stream"):
                bodies.append(message.body)
                if len(bodies) == 6:
                    break
        return sorted(bodies)

    with rocketpy.testing.cluster() as cluster:
        assert asyncio.run(scenario(cluster.namesrv_addr)) == [b"%d" % number for number in range(6)]


def test_batches_large_bodies_and_one_way_sends():
    async def scenario(addr):
        queue = queue_of("Mixed")
        async with Producer(addr, "PG") as producer, PullConsumer(addr, "CG") as consumer:
            batch = await producer.send_batch([new_message("Mixed", b"%d" % number) for number in range(3)], queue)
            large = await producer.send(new_message("Mixed", bytes(64 * 1024)), queue)
            await producer.send_oneway(new_message("Mixed", b"last"))
            found = await consumer.pull(queue, 0)
            if len(found.messages) < 5:
                late = await consumer.pull(queue, found.next_offset, poll_ms=5000)
                return batch, large, found.messages + late.messages
            return batch, large, found.messages

    with rocketpy.testing.cluster() as cluster:
        cluster.create_topic("Mixed", queue_nums=1)
        batch, large, messages = asyncio.run(scenario(cluster.namesrv_addr))
    assert len(batch.offset_msg_id.split(",")) == 3 and large.queue_offset == 3
    assert [message.decompressed_body() for message in messages] == [b"0", b"1", b"2", bytes(64 * 1024), b"last"]


def test_sync_flush_answers_after_the_disk():
    with rocketpy.testing.cluster(flush_disk_type=FlushDiskType.SYNC_FLUSH) as cluster:
        [sent] = asyncio.run(send(cluster.namesrv_addr, new_message("Safe", b"x")))
        assert sent.status.name == "SEND_OK"


def test_a_sync_master_without_slave_says_so_and_stores():
    with rocketpy.testing.cluster(broker_role=BrokerRole.SYNC_MASTER) as cluster:
        [sent] = asyncio.run(send(cluster.namesrv_addr, new_message("Lonely", b"x")))
        assert sent.status.name == "SLAVE_NOT_AVAILABLE"


def test_unknown_codes_are_answered_and_the_vip_port_serves_all():
    async def scenario(cluster):
        host, port = cluster.broker_addr.split(":")
        async with Admin(cluster.namesrv_addr) as admin:
            unknown = await admin.call(cluster.broker_addr, request(9999))
            vip = f"{host}:{int(port) - 2}"
            on_vip = await admin.call(vip, request(11, {}))
            offsets = await admin.call(vip, request(30, {"topic": "T", "queueId": "0"}))
        return unknown, on_vip, offsets

    with rocketpy.testing.cluster() as cluster:
        unknown, on_vip, offsets = asyncio.run(scenario(cluster))
    assert (unknown.code, unknown.remark) == (3, " request type 9999 not supported")
    assert (on_vip.code, on_vip.remark) == (1, "the custom field <consumerGroup> is missing")
    assert offsets.code == 0


# -- starts that are refused


def quickstart(tmp_path: Path, name: str) -> Quickstart:
    return Quickstart(free_port(), free_broker_port(), tmp_path / name, "127.0.0.1")


def test_a_port_in_use_refuses_the_start_and_touches_no_message_file(tmp_path):
    asked = quickstart(tmp_path, "store")

    async def start():
        cluster = Cluster(asked)
        with pytest.raises(StartRefused) as refusal:
            await cluster.start()
        return str(refusal.value)

    with socket.socket() as taken:
        taken.bind(("0.0.0.0", asked.port))
        taken.listen()
        message = asyncio.run(start())
    assert str(asked.port) in message
    left = [path.name for path in (asked.store / "broker").rglob("*") if path.is_file()]
    assert left == ["lock"]


def test_a_store_in_use_refuses_the_second_broker(tmp_path):
    first, second = quickstart(tmp_path, "one"), quickstart(tmp_path, "one")

    async def start_both():
        running, late = Cluster(first), Cluster(second)
        await running.start()
        try:
            with pytest.raises(StartRefused) as refusal:
                await late.start()
            [sent] = await send(first.namesrv_addr, new_message("T", b"still served"))
        finally:
            await running.stop()
        return str(refusal.value), sent

    message, sent = asyncio.run(start_both())
    assert "lock" in message and sent.status.name == "SEND_OK"


def test_damaged_state_refuses_the_start_and_stays_as_it_is(tmp_path):
    asked = quickstart(tmp_path, "store")
    config = asked.store / "broker" / "config"
    config.mkdir(parents=True)
    for name in ("consumerOffset.json", "consumerOffset.json.bak"):
        (config / name).write_text("{not json")

    async def start():
        with pytest.raises(StartRefused):
            await Cluster(asked).start()
        again = Cluster(asked)  # what it had taken was given back
        with pytest.raises(StartRefused, match="consumerOffset"):
            await again.start()

    asyncio.run(start())
    assert (config / "consumerOffset.json.bak").read_text() == "{not json"


def test_a_topic_that_the_disk_refuses_is_no_success_to_the_operator(monkeypatch):
    def no_space(path, text):
        raise OSError(28, "No space left on device")

    async def scenario(cluster):
        async with Admin(cluster.namesrv_addr) as admin:
            await admin.create_topic(cluster.broker_addr, TopicConfig("T"))

    with rocketpy.testing.cluster() as cluster, monkeypatch.context() as patched:
        patched.setattr("rocketpy.json_file.persist", no_space)
        with pytest.raises(BrokerRefused, match=r"not on disk: .*topics\.json not written: No space left"):
            asyncio.run(scenario(cluster))


def broker_of(folder, port=10911, extra=None, **settings):
    config = BrokerConfig(broker_ip1="127.0.0.1", broker_ip2="127.0.0.1", **settings)
    config.extra.update(extra or {})
    store = MessageStoreConfig(store_path_root_dir=str(folder), **rocketpy.testing.TINY_STORE)
    return Broker(config, NettyServerConfig(listen_port=port), NettyClientConfig(), store)


def test_the_address_server_is_asked_only_when_it_shall_be_and_nobody_names_name_servers(tmp_path, monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    assert broker_of(tmp_path).address_server is None
    asks = {"fetch_namesrv_addr_by_address_server": True}
    assert broker_of(tmp_path, namesrv_addr="127.0.0.1:9876", **asks).address_server is None
    keys = {"rmqAddressServerDomain": "ns.example:80", "rmqAddressServerSubGroup": "mine"}
    assert broker_of(tmp_path, **asks).address_server.url == "http://jmenv.tbsite.net:8080/rocketmq/nsaddr"
    assert broker_of(tmp_path, extra=keys, **asks).address_server.url == "http://ns.example:80/rocketmq/mine"


def test_a_broker_registers_with_the_name_servers_of_the_address_server(address_server, tmp_path, monkeypatch):
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    keys = {"rmqAddressServerDomain": address_server.domain}

    async def scenario():
        port = free_broker_port()
        broker = broker_of(tmp_path, port, keys, fetch_namesrv_addr_by_address_server=True)
        await broker.start()
        registered = broker.namesrv.registered_with
        await broker.stop()
        return registered

    with rocketpy.testing.cluster() as cluster:
        address_server.pages["/rocketmq/nsaddr"] = cluster.namesrv_addr
        assert asyncio.run(scenario()) == [cluster.namesrv_addr]
    assert address_server.asked == ["/rocketmq/nsaddr"]
