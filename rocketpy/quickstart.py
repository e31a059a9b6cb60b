"""`rocketpy quickstart`: a name server and a broker in one process, checked with a message, served until Ctrl-C.

Nothing needs to be configured. The store is kept: the next quickstart on the same folder has the same messages.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rocketpy.broker.broker import Broker
from rocketpy.client import Producer, PullConsumer, PullStatus, new_message
from rocketpy.config import BrokerConfig, MessageStoreConfig, NamesrvConfig, NettyClientConfig, NettyServerConfig
from rocketpy.errors import RocketPyError
from rocketpy.namesrv.name_server import NameServer
from rocketpy.quickstart_ports import BROKER_PORT, NAMESRV_PORT, check_ports

HOST = "127.0.0.1"
CHECK_TOPIC, CHECK_GROUP = "QuickstartTopic", "quickstart_check"
CHECK_POLL_MS = 5_000
# Small files: a trial needs no gibibyte of disk before its first message.
SMALL_STORE: dict[str, Any] = {
    "mapped_file_size_commit_log": 64 * 1024 * 1024,
    "mapped_file_size_consume_queue": 20 * 30_000,
    "max_hash_slot_num": 100_000,
    "max_index_num": 400_000,
}


def default_store() -> Path:
    """`~/rocketpy-quickstart`: apart from ~/store, which belongs to a broker of this user's own."""
    return Path.home() / "rocketpy-quickstart"


@dataclass
class Quickstart:
    """What is asked for on the command line."""

    namesrv_port: int = NAMESRV_PORT
    port: int = BROKER_PORT
    store: Path = field(default_factory=default_store)
    host: str = HOST
    say: Callable[[str], None] = print

    @property
    def namesrv_addr(self) -> str:
        return f"{self.host}:{self.namesrv_port}"


class Cluster:
    """One name server and one broker on this loop."""

    def __init__(self, asked: Quickstart, **store_settings: Any) -> None:
        self.asked = asked
        client_config = NettyClientConfig()
        # Nothing of a trial is written into the home of its user, where a real name server may keep its settings.
        kv_file = str(asked.store / "namesrv" / "kvConfig.json")
        namesrv_config = NamesrvConfig(kv_config_path=kv_file, config_store_path="")
        self.name_server = NameServer(namesrv_config, NettyServerConfig(listen_port=asked.namesrv_port))
        self.broker = Broker(
            BrokerConfig(
                broker_ip1=asked.host,
                broker_ip2=asked.host,
                broker_name="quickstart",
                namesrv_addr=asked.namesrv_addr,
                default_topic_queue_nums=4,
            ),
            NettyServerConfig(listen_port=asked.port),
            client_config,
            MessageStoreConfig(store_path_root_dir=str(asked.store / "broker"), **{**SMALL_STORE, **store_settings}),
        )

    async def start(self) -> None:
        """Start both; when the broker cannot, neither runs."""
        await self.name_server.start()
        try:
            await self.broker.start()
        except BaseException:
            await self.name_server.stop()
            raise

    async def stop(self) -> None:
        """Stop both, the broker first: it says good-bye to the name server."""
        await self.broker.stop()
        await self.name_server.stop()


async def check(namesrv_addr: str) -> None:
    """Send a message and consume it; RocketPyError says what did not work."""
    async with Producer(namesrv_addr, CHECK_GROUP) as producer, PullConsumer(namesrv_addr, CHECK_GROUP) as consumer:
        sent = await producer.send(new_message(CHECK_TOPIC, b"Hello RocketPy", tags="Quickstart"))
        found = await consumer.pull(sent.queue, sent.queue_offset, poll_ms=CHECK_POLL_MS)
        if found.status is not PullStatus.FOUND or found.messages[0].get_property("UNIQ_KEY") != sent.msg_id:
            raise RocketPyError(f"the message {sent.msg_id} was sent but not found again in {sent.queue}")


async def serve(asked: Quickstart) -> None:
    """Start, check, tell, and wait for SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    check_ports(asked.namesrv_port, asked.port)
    cluster = Cluster(asked)
    await cluster.start()
    try:
        await check(asked.namesrv_addr)
        asked.say(how_to_connect(asked))
        await stopped.wait()
        asked.say("stopping: messages and offsets are being written")
    finally:
        await cluster.stop()


def how_to_connect(asked: Quickstart) -> str:
    """What a new user needs next."""
    address = asked.namesrv_addr
    return f"""\
A message was sent and consumed: name server {address}, broker {asked.host}:{asked.port}.
Messages are kept in {asked.store}.

Java    producer.setNamesrvAddr("{address}");
Go      rocketmq.NewProducer(producer.WithNameServer([]string{{"{address}"}}))
Python  async with rocketpy.client.Producer("{address}", "my_group") as producer: ...

Ctrl-C stops both."""
