"""Overload over a socket, on the fast lane's own requests: refused while they wait too long, else served."""

import asyncio
from pathlib import Path

import pytest

import rocketpy.testing
from rocketpy._core.command import Command, request
from rocketpy.broker.broker import Broker
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig
from rocketpy.remoting.client import RemotingClient
from rocketpy.remoting.loop_watch import TICK_MS
from tests.ports import free_broker_port

SEND, PULL = 310, 11
LATE_MS = TICK_MS + 300


class Served:
    """A broker whose time passes by hand, and a client of it."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        config = BrokerConfig(broker_ip1="127.0.0.1", broker_ip2="127.0.0.1", namesrv_addr=None)
        store = MessageStoreConfig(store_path_root_dir=str(folder), **rocketpy.testing.TINY_STORE)
        port = free_broker_port()
        self.broker = Broker(config, NettyServerConfig(listen_port=port), NettyClientConfig(), store, self.clock)
        self.broker.loop_watch.call_later = lambda *_: None     # ticks come by hand
        self.address = f"127.0.0.1:{port}"
        self.client = RemotingClient({})

    async def ask(self, code: int, **ext: object) -> Command:
        texts = {name: str(value) for name, value in ext.items()}
        return await self.client.invoke(self.address, request(code, texts, b"x"))

    async def send(self) -> Command:
        return await self.ask(SEND, a="PG", b="T", c="TBW102", d=4, e=0, f=0, g=1, h=0, i="", j=0, k="false", m="false")

    async def pull(self) -> Command:
        return await self.ask(
            PULL, consumerGroup="CG", topic="T", queueId=0, queueOffset=0, maxMsgNums=1, sysFlag=4, commitOffset=0,
            suspendTimeoutMillis=0, subscription="*", subVersion=0,
        )  # fmt: skip

    def late_round(self) -> None:
        self.clock.advance(LATE_MS)
        self.broker.loop_watch.tick()

    @property
    def stored(self) -> int:
        return self.broker.store.max_offset("T", 0)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a scenario against such a broker; the ticks are the scenario's own, late as it says."""
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)

    def run(scenario):
        async def main():
            served = Served(tmp_path / "store")
            await served.broker.start()
            try:
                assert (await served.send()).code == 0      # the topic is there: from now on the lane serves
                await served.broker.save_configs()
                await scenario(served)
            finally:
                await served.client.close()
                await served.broker.stop()

        asyncio.run(main())

    return run


def test_sends_that_wait_in_a_second_late_round_are_refused_and_the_next_are_served(run):
    async def scenario(served):
        served.late_round()
        served.clock.advance(LATE_MS)
        refused = await served.send()
        assert refused.code == 2
        assert refused.remark == (
            "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in queue: 300ms, size of queue: 0"
        )
        assert served.stored == 1
        assert (await served.pull()).code == 0, "a pull may wait for five seconds"
        served.broker.loop_watch.tick()     # the round is over
        assert (await served.send()).code == 0
        assert served.stored == 2

    run(scenario)


def test_a_process_that_was_stopped_refuses_nothing(run):
    async def scenario(served):
        served.clock.advance(60_000)
        assert (await served.send()).code == 0
        served.broker.loop_watch.tick()
        assert (await served.send()).code == 0

    run(scenario)


def test_a_limit_that_was_raised_holds_at_once(run):
    async def scenario(served):
        served.broker.config.wait_time_mills_in_send_queue = 1000
        served.late_round()
        served.clock.advance(LATE_MS)
        assert (await served.send()).code == 0

    run(scenario)
