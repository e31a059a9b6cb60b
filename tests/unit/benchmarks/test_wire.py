"""A broker serves once it both stores and hands out; silence, refusal and a closed port are no service."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from benchmarks.processes import Failed
from benchmarks.wire import PULL_MESSAGE, SEND_MESSAGE_V2, UPDATE_AND_CREATE_TOPIC, frame, is_serving, make_topics
from tests.ports import free_port

OK, NOT_FOUND = 0, 19


class Broker:
    """Answers each code as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.asked: list[dict[str, object]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while True:
            link, _ = self.listener.accept()
            with closing(link), link.makefile("rb") as stream:
                if not self.answer_all(link, stream):
                    return

    def answer_all(self, link: socket.socket, stream: object) -> bool:
        while head := stream.read(8):  # type: ignore[attr-defined]
            size, header_size = struct.unpack(">ii", head)
            header = json.loads(stream.read(size - 4)[:header_size])  # type: ignore[attr-defined]
            if header["code"] < 0:
                return False
            self.asked.append(header)
            code = self.codes.get(header["code"], OK)
            text = json.dumps({"code": code, "opaque": header["opaque"], "remark": "as told"}).encode()
            link.sendall(struct.pack(">ii", 4 + len(text), len(text)) + text)
        return True

    def stop(self) -> None:
        with closing(socket.create_connection(("127.0.0.1", self.port))) as link:
            link.sendall(frame(-1, {}))
            self.thread.join()
        self.listener.close()


@pytest.fixture
def broker() -> Iterator[Broker]:
    made = Broker()
    yield made
    made.stop()


def test_a_broker_that_stores_and_hands_out_serves(broker: Broker) -> None:
    assert is_serving(broker.port, "T")
    assert [header["code"] for header in broker.asked] == [SEND_MESSAGE_V2, PULL_MESSAGE]


@pytest.mark.parametrize("code", [SEND_MESSAGE_V2, PULL_MESSAGE])
def test_a_broker_that_refuses_one_of_them_does_not(broker: Broker, code: int) -> None:
    broker.codes[code] = NOT_FOUND
    assert not is_serving(broker.port, "T")


def test_a_closed_port_does_not_serve() -> None:
    assert not is_serving(free_port(), "T")


def test_every_topic_is_made_with_its_queues(broker: Broker) -> None:
    make_topics(broker.port, ["A000", "A001"], 1_000)
    made = [header["extFields"] for header in broker.asked]
    assert [(fields["topic"], fields["writeQueueNums"]) for fields in made] == [("A000", "1000"), ("A001", "1000")]  # type: ignore[index]


def test_a_topic_that_is_refused_is_named(broker: Broker) -> None:
    broker.codes[UPDATE_AND_CREATE_TOPIC] = 1
    with pytest.raises(Failed, match="A000 was not made: code 1, as told"):
        make_topics(broker.port, ["A000"], 4)
