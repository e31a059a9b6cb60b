"""Gives a broker of ours the requests another one was given, each at the time the other one stored it.

The broker's clock is a ManualClock and nothing happens by itself, delayed messages included: so what it writes depends
on the list of steps alone. Either over the wire (the fast lane takes part) or into the request table, without a socket.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
import struct
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from rocketpy._core.command import Command
from rocketpy.broker.broker import Broker
from rocketpy.broker.request_table import bind
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig
from rocketpy.store import schedule

HOST = "127.0.0.1"
ONEWAY = 2
ANSWER_S = 10


@dataclass
class Step:
    """A request (`code`), or one delayed message that comes due (`level`), at a time in ms."""

    at_ms: int
    code: int = 0
    ext: dict[str, str] = field(default_factory=dict)
    body: str = ""  # hex
    flag: int = 0
    level: int = 0

    def command(self) -> Command:
        return Command(self.code, dict(self.ext), bytes.fromhex(self.body), flag=self.flag, opaque=1)


@dataclass
class Recording:
    """What a broker was asked, where it and its one client were, and how it was set."""

    port: int
    client_port: int
    broker: dict[str, Any]
    store: dict[str, Any]
    steps: list[Step]

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=0) + "\n")

    @classmethod
    def read(cls, path: Path) -> Recording:
        rows = json.loads(path.read_text())
        return cls(**{**rows, "steps": [Step(**row) for row in rows["steps"]]})


@dataclass
class Peer:
    """A client that has an address and no socket."""

    ip: str
    port: int
    waited_ms: int = 0

    @property
    def address(self) -> str:
        return f"{self.ip}:{self.port}"


def replay(recording: Recording, store: Path, over_the_wire: bool) -> None:
    """Write `store` as the recording says; it is stopped cleanly at the end."""
    with mock.patch.object(schedule, "MESSAGES_A_TURN", 1), closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete((_over_the_wire if over_the_wire else _without_sockets)(recording, store))
        loop.run_until_complete(loop.shutdown_default_executor())


# The clock leaps, and no request has waited for that.
PATIENT = {f"wait_time_mills_in_{queue}_queue": 2**31 - 1 for queue in ("send", "pull", "heartbeat", "transaction")}


def _broker(recording: Recording, store: Path, clock: ManualClock) -> Broker:
    settings = {"store_path_root_dir": str(store), "store_path_commit_log": str(store / "commitlog")}
    return Broker(
        BrokerConfig(broker_ip1=HOST, broker_ip2=HOST, **PATIENT, **recording.broker),
        NettyServerConfig(listen_port=recording.port),
        NettyClientConfig(),
        MessageStoreConfig(**settings, **recording.store),
        clock,
    )


def _moved(clock: ManualClock, step: Step) -> Step:
    clock.advance(step.at_ms - clock.now_ms())
    return step


async def _over_the_wire(recording: Recording, store: Path) -> None:
    clock = ManualClock(recording.steps[0].at_ms)
    broker = _broker(recording, store, clock)
    await broker.start()
    broker.schedule.shutdown()  # from here on the steps deliver
    try:
        reader, writer = await asyncio.open_connection(sock=await _connected(recording))
        for step in recording.steps:
            _moved(clock, step)
            if step.level:
                broker.schedule.deliver(step.level)
            else:
                writer.write(step.command().encode())
                await _answered(broker, step, reader)
        writer.transport.abort()
        _look_at_levels(broker)
    finally:
        await broker.stop()


async def _connected(recording: Recording) -> socket.socket:
    """A connection from the recorded port, which is free again at once when it ends."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.bind((HOST, recording.client_port))
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (HOST, recording.port))
    return sock


async def _answered(broker: Broker, step: Step, reader: asyncio.StreamReader) -> None:
    """Until the step has been served: its answer, or for a one-way one what it stored, is there."""
    if step.flag & ONEWAY:
        before = broker.store.commit_log_max_offset
        async with asyncio.timeout(ANSWER_S):
            while broker.store.commit_log_max_offset == before:
                await asyncio.sleep(0)
        return
    async with asyncio.timeout(ANSWER_S):
        head = await reader.readexactly(4)
        answer = Command.decode(head + await reader.readexactly(int.from_bytes(head, "big")))
    assert answer.code == 0, answer.remark


async def _without_sockets(recording: Recording, store: Path) -> None:
    clock = ManualClock(recording.steps[0].at_ms)
    broker = _broker(recording, store, clock)
    broker.store.lock()
    broker.load()
    broker.store.start(asyncio.get_running_loop())
    table, peer = bind(broker), Peer(HOST, recording.client_port)
    for step in recording.steps:
        _moved(clock, step)
        if step.level:
            broker.schedule.deliver(step.level)
        else:
            answer = table[step.code](peer, step.command())
            answer = await answer if inspect.isawaitable(answer) else answer
            assert answer is None or answer.code == 0, answer.remark
    _look_at_levels(broker)
    for part in (broker.holds, broker.schedule, broker.store, broker.lane):
        part.shutdown()
    broker.offsets.persist()
    await broker.topics.file.shutdown()
    await broker.groups.file.shutdown()
    await broker.remoting_client.close()


def _look_at_levels(broker: Broker) -> None:
    """What the timers would have done: every level has been looked at, and nothing more is due."""
    end = broker.store.commit_log_max_offset
    for level in range(1, len(broker.store_config.message_delay_level.split()) + 1):
        broker.schedule.deliver(level)
    assert broker.store.commit_log_max_offset == end


def of_records(requests: Iterable[tuple[Step, int]], records: Iterable[Any]) -> list[Step]:
    """The steps with their times: each request with the number of records it stored, and the records of the log.

    A record that came from a delay queue has REAL_TOPIC and stands in that topic.
    """
    steps: list[Step] = []
    waiting = list(requests)
    due = 0
    for record in records:
        properties = dict(record.properties)
        if record.topic == properties.get("REAL_TOPIC"):
            steps.append(Step(record.store_timestamp, level=int(properties["DELAY"])))
            continue
        while due == 0:
            step, due = waiting.pop(0)
            step.at_ms = record.store_timestamp
            steps.append(step)
        due -= 1
    for step, stored in waiting:
        assert not stored, f"not in the log: {step}"
        step.at_ms = steps[-1].at_ms
        steps.append(step)
    return steps
