"""A broker with real managers and a real store, but without ports: requests are handed to its request table."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rocketpy._core.command import Command
from rocketpy.broker.broker import Broker
from rocketpy.broker.config_file import ConfigFile
from rocketpy.broker.request_table import bind
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig

SMALL = {
    "mapped_file_size_commit_log": 1024 * 1024,
    "mapped_file_size_consume_queue": 20 * 1000,
    "max_hash_slot_num": 100,
    "max_index_num": 400,
}


class FakeConnection:
    """A peer that remembers what it was sent."""

    def __init__(self, ip: str = "10.0.0.9", port: int = 50000) -> None:
        self.ip, self.port, self.address = ip, port, f"{ip}:{port}"
        self.sent: list[Command] = []
        self.replies: list[tuple[Command, Command]] = []
        self.is_open = self.is_writable = True
        self.waited_ms = self.waiting_count = 0
        self.asked: list[Command] = []
        self.answers: list[Command | Exception] = []  # what `invoke` gives, one after the other

    async def invoke(self, command: Command, timeout_ms: float) -> Command:
        self.asked.append(command)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def reply(self, request: Command, response: Command) -> None:
        self.replies.append((request, response))

    def close(self) -> None:
        self.is_open = self.is_writable = False


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(autouse=True)
def config_files_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a loop the files are written within the call, so that answers need no loop to wait for them."""
    monkeypatch.setattr(ConfigFile, "changed", lambda file: file._write(file._text()))


@pytest.fixture
def make_broker(tmp_path: Path, clock: ManualClock) -> Iterator[Callable[..., Broker]]:
    made: list[Broker] = []

    def make(store: dict[str, Any] | None = None, **settings: Any) -> Broker:
        config = BrokerConfig(**{"broker_ip1": "10.1.2.3", "broker_name": "broker-a", "namesrv_addr": None, **settings})
        store_config = MessageStoreConfig(store_path_root_dir=str(tmp_path / "store"), **{**SMALL, **(store or {})})
        broker = Broker(config, NettyServerConfig(listen_port=10911), NettyClientConfig(), store_config, clock)
        broker.store.lock()
        broker.load()
        broker.store.start()
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker.store.shutdown()


@pytest.fixture
def broker(make_broker: Callable[..., Broker]) -> Broker:
    return make_broker()


@pytest.fixture
def connection() -> FakeConnection:
    return FakeConnection()


@pytest.fixture
def make_connection() -> Callable[..., FakeConnection]:
    return FakeConnection


@pytest.fixture
def ask(broker: Broker, connection: FakeConnection) -> Callable[..., Command | None]:
    """Give the broker one request and have its answer, None when it is held."""
    return asker(broker, connection)


def asker(broker: Broker, connection: FakeConnection) -> Callable[..., Command | None]:
    table = bind(broker)

    def ask(
        code: int, ext: dict[str, object] | None = None, body: bytes | None = None, version: int = 317,
        language: str = "JAVA",
    ) -> Any:  # fmt: skip
        texts = {name: str(value) for name, value in (ext or {}).items()}
        answer = table[int(code)](connection, Command(code, texts, body, opaque=7, version=version, language=language))
        return asyncio.run(_awaited(answer)) if inspect.isawaitable(answer) else answer

    return ask


async def _awaited(answer: Any) -> Any:
    return await answer


@pytest.fixture
def ask_of() -> Callable[..., Any]:
    return asker


def v2(topic: str, queue_id: int = 0, properties: str = "", **more: object) -> dict[str, object]:
    """The header of a send with one-letter names."""
    header: dict[str, object] = {
        "a": "PG", "b": topic, "c": "TBW102", "d": 4, "e": queue_id, "f": 0, "g": 1565000000123, "h": 0,
        "i": properties, "j": 0, "k": "false", "m": "false",
    }  # fmt: skip
    return {**header, **more}


@pytest.fixture
def send(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Send one message to the broker: its answer."""

    def send(topic: str, body: bytes = b"Hello", queue_id: int = 0, properties: str = "", **more: object) -> Any:
        return ask(310, v2(topic, queue_id, properties, **more), body)

    return send


@pytest.fixture
def pull(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Pull with a subscription of the request's own."""

    def pull(topic: str, offset: int = 0, *, queue_id: int = 0, flag: int = 4, **more: object) -> Any:
        header = {
            "consumerGroup": "CG", "topic": topic, "queueId": queue_id, "queueOffset": offset, "maxMsgNums": 32,
            "sysFlag": flag, "commitOffset": 0, "suspendTimeoutMillis": 15000, "subscription": "*", "subVersion": 0,
        }  # fmt: skip
        return ask(11, {**header, **more})

    return pull
