"""A real broker in a process of its own, producers on its wire, and the ledger of what it has acknowledged.

Invariant: a message is in the ledger exactly when the broker's own word for it, SEND_OK, has arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rocketpy._core.message import Message, decode_message, decode_message_id
from rocketpy.client import (
    Admin,
    BrokerRefused,
    ClientError,
    Producer,
    PullConsumer,
    PullStatus,
    SendResult,
    SendStatus,
    new_message,
)
from rocketpy.errors import CorruptMessage
from rocketpy.protocol.bodies import BrokerData, MessageQueue, QueueData, TopicRouteData
from tests.ports import free_broker_port

ROOT = Path(__file__).parents[2]
NOBODY = "127.0.0.1:1"                      # no name server is needed
BROKER = "broker-a"
QUEUES = 2
TOPICS = ("CrashA", "CrashB", "CrashC")
DELAYED = "CrashDelayed"
CONNECTIONS = 4
START_S = 30.0
STOP_S = 30.0
BLANK = -875286124
MAGIC = -626843481


@dataclass(frozen=True)
class Acked:
    """Where the broker said a message is, and when it said so."""

    topic: str
    queue_id: int
    queue_offset: int
    physical_offset: int
    at_s: float                             # time.monotonic()


@dataclass
class Ledger:
    """Everything acknowledged: id -> place. Delayed ones have only an id and the time."""

    placed: dict[int, Acked] = field(default_factory=dict)
    delayed: dict[int, Acked] = field(default_factory=dict)
    refusals: list[tuple[int, str]] = field(default_factory=list)   # (code, remark)
    unsure: int = 0                         # sends that ended with FLUSH_DISK_TIMEOUT

    def __len__(self) -> int:
        return len(self.placed) + len(self.delayed)


class BrokerProcess:
    """One broker on one home; started anew it has the same port, so that acknowledged addresses stay true."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.home = home
        self.port = free_broker_port()
        self.address = f"127.0.0.1:{self.port}"
        self.settings = settings
        self.store = home / "store"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """All it has printed."""
        return (self.home / "out").read_text(errors="replace")

    @property
    def log_text(self) -> str:
        """All it has logged."""
        files = sorted(self.home.rglob("*.log"))
        return "".join(path.read_text(errors="replace") for path in files)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, env: dict[str, str] | None = None, *, wait: bool = True) -> None:
        """Start it, and wait until it serves."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.wait_for_port_to_be_free()
        properties = self.home / "broker.conf"
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
        with (self.home / "out").open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rocketpy.cli", "broker", "-c", str(properties)],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, cwd=self.home,
                env={**os.environ, **self._environment(), **(env or {})},
            )
        if wait:
            self.wait_until_it_serves()

    def wait_for_port_to_be_free(self) -> None:
        deadline = time.monotonic() + STOP_S
        while is_open(self.port):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def wait_until_it_serves(self) -> None:
        deadline = time.monotonic() + START_S
        while not is_open(self.port):
            assert self.is_running, f"the broker ended:\n{self.output[-3000:]}"
            assert time.monotonic() < deadline, f"the broker does not serve:\n{self.output[-3000:]}"
            time.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_S)

    def wait(self) -> int:
        """The exit code of one that ends by itself."""
        assert self._process is not None
        return self._process.wait(STOP_S)

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.home), "ROCKETMQ_HOME": str(ROOT), "PYTHONPATH": str(ROOT)}

    def _properties(self) -> dict[str, object]:
        return {
            "brokerName": BROKER,
            "namesrvAddr": NOBODY,
            "brokerIP1": "127.0.0.1",
            "listenPort": self.port,
            "storePathRootDir": self.store,
            "storePathCommitLog": self.store / "commitlog",
            "mappedFileSizeCommitLog": 262144,
            "mappedFileSizeConsumeQueue": 20000,
            "maxHashSlotNum": 500,
            "maxIndexNum": 2000,
            "messageDelayLevel": "1s 2s",
            "flushDelayOffsetInterval": 500,
            "flushConsumeQueueThoroughInterval": 500,
            "defaultTopicQueueNums": QUEUES,
            **self.settings,
        }


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Direct:
    """Routes of one broker that no name server knows."""

    broker_address: str

    async def route(self, topic: str, *, anew: bool = False) -> TopicRouteData:
        """Every topic has its queues on that broker."""
        return TopicRouteData(
            queue_datas=[QueueData(BROKER, QUEUES, QUEUES, 6, 0)],
            broker_datas=[BrokerData("DefaultCluster", BROKER, {0: self.broker_address})],
        )


class DirectProducer(Direct, Producer):
    """A producer of one broker."""

    def __init__(self, address: str) -> None:
        super().__init__(NOBODY, "crash_producers", timeout_ms=8000)
        self.broker_address = address


class DirectConsumer(Direct, PullConsumer):
    """A consumer of one broker."""

    def __init__(self, address: str) -> None:
        super().__init__(NOBODY, "crash_consumers", timeout_ms=8000)
        self.broker_address = address


class Producers:
    """Producers on connections of their own, writing until they are told to stop or the broker is gone."""

    def __init__(self, broker: BrokerProcess, ledger: Ledger, chance: random.Random, numbers: Iterator[int]) -> None:
        self._broker, self._ledger, self._chance, self._numbers = broker, ledger, chance, numbers

    async def run(self, seconds: float) -> None:
        """Write for some time, from the first answer on, then kill the broker in the middle of it."""
        before = len(self._ledger)
        tasks = [asyncio.ensure_future(self._write()) for _ in range(CONNECTIONS)]
        deadline = time.monotonic() + START_S
        while len(self._ledger) == before:
            assert time.monotonic() < deadline, f"nothing is acknowledged:\n{self._broker.output[-3000:]}"
            await asyncio.sleep(0.001)
        await asyncio.sleep(seconds)
        self._broker.kill()
        await asyncio.gather(*tasks)

    async def run_some(self, count: int) -> None:
        """Write some requests on each connection, whatever the answers."""
        await asyncio.gather(*(self._write(count) for _ in range(CONNECTIONS)))

    async def _write(self, count: int = sys.maxsize) -> None:
        async with DirectProducer(self._broker.address) as producer:
            for _ in range(count):
                try:
                    await self._send_something(producer)
                except BrokerRefused as refusal:
                    self._ledger.refusals.append((refusal.code, refusal.remark or ""))
                except ClientError:
                    return

    async def _send_something(self, producer: DirectProducer) -> None:
        kind = self._chance.random()
        if kind < 0.05:
            await self._send_delayed(producer)
        elif kind < 0.15:
            await self._send_batch(producer)
        else:
            await self._send_one(producer)

    def _queue(self, topic: str) -> MessageQueue:
        return MessageQueue(topic, BROKER, self._chance.randrange(QUEUES))

    def _message(self, topic: str, number: int, delay_level: int = 0) -> Message:
        body = f"{number} ".encode() + b"x" * self._chance.choice((0, 10, 100, 1000, 3000))
        return new_message(topic, body, keys=f"k{number}", tags=self._chance.choice("abc"), delay_level=delay_level)

    async def _send_one(self, producer: DirectProducer) -> None:
        number, queue = next(self._numbers), self._queue(self._chance.choice(TOPICS))
        self._note([number], queue, await producer.send(self._message(queue.topic or "", number), queue))

    async def _send_batch(self, producer: DirectProducer) -> None:
        numbers, queue = list(itertools.islice(self._numbers, 5)), self._queue(self._chance.choice(TOPICS))
        messages = [self._message(queue.topic or "", number) for number in numbers]
        self._note(numbers, queue, await producer.send_batch(messages, queue))

    async def _send_delayed(self, producer: DirectProducer) -> None:
        number, queue = next(self._numbers), self._queue(DELAYED)
        sent = await producer.send(self._message(DELAYED, number, 1), queue)
        if sent.status is SendStatus.SEND_OK:
            (_, offset) = decode_message_id(sent.offset_msg_id)
            self._ledger.delayed[number] = Acked(DELAYED, 0, 0, offset, time.monotonic())

    def _note(self, numbers: list[int], queue: MessageQueue, sent: SendResult) -> None:
        if sent.status is not SendStatus.SEND_OK:
            self._ledger.unsure += 1
            return
        offsets = [decode_message_id(each)[1] for each in sent.offset_msg_id.split(",")]
        for at, (number, offset) in enumerate(zip(numbers, offsets, strict=True)):
            place = Acked(queue.topic or "", queue.queue_id or 0, sent.queue_offset + at, offset, time.monotonic())
            self._ledger.placed[number] = place


def number_of(message: Message) -> int:
    return int(message.body.split(b" ", 1)[0])


async def stored(address: str) -> dict[str, dict[int, Message]]:
    """Topic -> id -> message, pulled over the wire; offsets are contiguous, ids are there once."""
    async with DirectConsumer(address) as consumer:
        return {topic: await stored_of(consumer, topic) for topic in (*TOPICS, DELAYED)}


async def stored_of(consumer: DirectConsumer, topic: str) -> dict[int, Message]:
    found: dict[int, Message] = {}
    for queue_id in range(QUEUES):
        queue, offset = MessageQueue(topic, BROKER, queue_id), 0
        while (pulled := await pull(consumer, queue, offset)) is not None:
            for at, message in enumerate(pulled):
                assert message.queue_offset == offset + at, (topic, queue_id, offset + at, message.queue_offset)
                assert number_of(message) not in found, f"{topic}: {number_of(message)} is there twice"
                found[number_of(message)] = message
            offset += len(pulled)
    return found


async def pull(consumer: DirectConsumer, queue: MessageQueue, offset: int) -> list[Message] | None:
    """Messages from there on; None at the end of the queue."""
    try:
        result = await consumer.pull(queue, offset)
    except BrokerRefused as refusal:
        if "not exist" not in (refusal.remark or ""):
            raise
        return None
    if result.status is PullStatus.FOUND:
        return result.messages
    assert offset == max(0, result.max_offset), (queue, offset, result)
    return None


async def keys_found(address: str, ledger: Ledger, numbers: list[int]) -> None:
    """Each of these is found by its key."""
    async with Admin(NOBODY) as admin:
        for number in numbers:
            place = ledger.placed[number]
            found = await admin.query_message(address, place.topic, f"k{number}", 64)
            assert number in map(number_of, found), f"{number} is not found by its key"


async def wait_for_delayed(address: str, numbers: set[int], limit_s: float = 30.0) -> None:
    """Until all of these were delivered."""
    async with DirectConsumer(address) as consumer:
        deadline = time.monotonic() + limit_s
        while missing := numbers - set(await stored_of(consumer, DELAYED)):
            assert time.monotonic() < deadline, f"never delivered: {sorted(missing)[:10]}"
            await asyncio.sleep(0.1)


def log_records(store: Path) -> Iterator[Message]:
    """Every record of the log, walked by its lengths; bytes behind the end are not looked at.

    A kill in the middle of an append leaves a torn record there.
    """
    for path in log_files(store):
        data, at = path.read_bytes(), 0
        while at + 8 <= len(data):
            size, magic = (int.from_bytes(data[at + step : at + step + 4], "big", signed=True) for step in (0, 4))
            if magic != MAGIC:
                assert magic in (BLANK, 0), f"{path.name} holds no record at {at}"
                break
            try:
                yield decode_message(data[at : at + size])
            except CorruptMessage:
                return
            at += size


def log_files(store: Path) -> list[Path]:
    return sorted((store / "commitlog").glob("0*"))


def offsets_in_log(store: Path) -> dict[int, list[int]]:
    """Id -> offsets of its records in the topics that clients see."""
    found: dict[int, list[int]] = {}
    for record in log_records(store):
        if record.topic in (*TOPICS, DELAYED):
            found.setdefault(number_of(record), []).append(record.physical_offset)
    return found


def record_size(store: Path, offset: int) -> int:
    """Bytes of the record at an offset, as its first field says."""
    for path in log_files(store):
        if 0 <= offset - int(path.name) < path.stat().st_size:
            with path.open("rb") as file:
                file.seek(offset - int(path.name))
                return int.from_bytes(file.read(4), "big")
    return 0


@contextlib.contextmanager
def killed_at_the_end(broker: BrokerProcess) -> Iterator[BrokerProcess]:
    """No broker outlives its test."""
    try:
        yield broker
    finally:
        broker.kill()


