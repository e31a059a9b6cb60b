"""The broker of the processors' tests, with half messages in it and producers to ask about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from rocketpy._core.command import Command
from rocketpy._core.message import Message, decode_message
from rocketpy.broker.broker import Broker
from rocketpy.broker.clients import Client
from rocketpy.clock import ManualClock
from tests.unit.broker.processors.conftest import (  # noqa: F401
    FakeConnection,
    ask,
    ask_of,
    broker,
    clock,
    config_files_at_once,
    connection,
    make_broker,
    make_connection,
    send,
)

HALF, OP, GIVEN_UP = "RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRANS_OP_HALF_TOPIC", "TRANS_CHECK_MAX_TIME_TOPIC"
MINUTE_MS = 60_000


class Transactions:
    """What a producer does in a transaction, and what the broker keeps of it."""

    def __init__(self, of: Broker, time: ManualClock, request: Callable[..., Any]) -> None:
        self.broker, self.clock, self.ask = of, time, request
        self.rounds = of.transactions

    def half(
        self, body: bytes = b"body", group: str = "PG", sys_flag: int = 4, flag: int = 0, **more: object
    ) -> Message:
        """Send a half message; the record of it."""
        given = {"UNIQ_KEY": f"U{body.decode('ascii', 'replace')}", "TRAN_MSG": "true", "PGROUP": group, "TAGS": "TagA"}
        text = "".join(f"{name}\x01{value}\x02" for name, value in {**given, **more}.items())
        header = {
            "a": group, "b": "Orders", "c": "TBW102", "d": 4, "e": 3, "f": sys_flag, "g": self.clock.now_ms(),
            "h": flag, "i": text, "j": 0, "k": "false", "m": "false",
        }  # fmt: skip
        answer = self.ask(310, header, body)
        assert answer.code == 0, answer.remark
        return self.halves()[-1]

    def end(self, half: Message, how: int = 8, **more: object) -> Command | None:
        """Say how it ended."""
        header = {
            "producerGroup": half.get_property("PGROUP"), "tranStateTableOffset": half.queue_offset,
            "commitLogOffset": half.physical_offset, "commitOrRollback": how, "fromTransactionCheck": "false",
            "msgId": half.get_property("UNIQ_KEY"),
        }  # fmt: skip
        return self.ask(37, {**header, **more})

    def round(self) -> None:
        """One round of checks, now."""
        asyncio.run(self.rounds.round())

    def later(self, ms: int = MINUTE_MS) -> None:
        """Some time later, a round."""
        self.clock.advance(ms)
        self.round()

    def queue(self, topic: str, queue_id: int = 0) -> list[Message]:
        """All messages of a queue."""
        store = self.broker.store
        entries = [store.queue(topic, queue_id).entry(index) for index in range(store.max_offset(topic, queue_id))]
        return [found for entry in entries if entry and (found := store.message_at(entry[0]))]

    def halves(self) -> list[Message]:
        return self.queue(HALF)

    def ops(self) -> list[int]:
        return [int(op.body) for op in self.queue(OP)]

    def progress(self) -> tuple[int, int]:
        """Of half and op queue, as committed."""
        query = self.broker.offsets.query
        return query("CID_RMQ_SYS_TRANS", HALF, 0), query("CID_RMQ_SYS_TRANS", OP, 0)


@pytest.fixture
def tx(broker: Broker, clock: ManualClock, ask: Callable[..., Any]) -> Transactions:  # noqa: F811
    return Transactions(broker, clock, ask)


class Producer:
    """A connected producer and the questions it was asked."""

    def __init__(self, of: Broker, group: str = "PG") -> None:
        self.connection = FakeConnection(port=50000 + len(of.producers.groups.get(group, ())))
        of.producers.register(group, Client(self.connection, "client"))  # type: ignore[arg-type]

    @property
    def asked(self) -> list[tuple[dict[str, str], Message]]:
        """(header, message) of each question."""
        assert all(command.code == 39 for command in self.connection.sent)
        return [(command.ext or {}, decode_message(command.body or b"")) for command in self.connection.sent]

    @property
    def asked_about(self) -> list[bytes]:
        return [message.body for _, message in self.asked]


@pytest.fixture
def producer(broker: Broker) -> Producer:  # noqa: F811
    return Producer(broker)


@pytest.fixture
def make_producer(broker: Broker) -> Callable[..., Producer]:  # noqa: F811
    return lambda group="PG": Producer(broker, group)
