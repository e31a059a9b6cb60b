"""The notes that make consumers rebalance, as they come over real connections."""

import socket
import struct
from collections.abc import Iterator

import pytest

from rocketpy._core.command import Command
from rocketpy.protocol.bodies import ConsumerData, HeartbeatData, SubscriptionData
from rocketpy.protocol.codes import RequestCode
from rocketpy.testing import RunningCluster, cluster

NOTE = int(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCluster]:
    with cluster() as running:
        yield running


class Client:
    """A consumer of group G on a socket of its own."""

    def __init__(self, running: RunningCluster, client_id: str) -> None:
        host, _, port = running.broker_addr.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.client_id = client_id

    def send(self, code: RequestCode, ext: dict[str, str] | None = None, body: bytes | None = None) -> None:
        self.socket.sendall(Command(code, ext, body, opaque=7).encode())

    def receive(self) -> Command:
        head = self._exactly(4)
        return Command.decode(head + self._exactly(struct.unpack(">i", head)[0]))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            assert part, "the broker closed the connection"
            data += part
        return data

    def heartbeat(self) -> None:
        consumer = ConsumerData(group_name="G", subscription_data_set=[SubscriptionData(topic="T", sub_string="*")])
        self.send(RequestCode.HEART_BEAT, body=HeartbeatData(self.client_id, [], [consumer]).encode())

    def expect(self, *kinds: str) -> None:
        """The next frames: notes and answers."""
        for kind in kinds:
            frame = self.receive()
            assert ("answer" if frame.is_response else "note") == kind
            if kind == "note":
                assert (frame.code, frame.is_oneway, frame.ext) == (NOTE, True, {"consumerGroup": "G"})
            else:
                assert (frame.code, frame.opaque) == (0, 7)


def test_notes_come_before_the_answer_and_to_everyone(running: RunningCluster) -> None:
    one, two = Client(running, "c1"), Client(running, "c2")
    one.heartbeat()
    one.expect("note", "answer")
    one.heartbeat()
    one.expect("answer")
    two.heartbeat()
    two.expect("note", "answer")
    one.expect("note")
    two.send(RequestCode.UNREGISTER_CLIENT, {"clientID": "c2", "consumerGroup": "G"})
    two.expect("answer")
    one.expect("note")
    two.heartbeat()
    two.expect("note", "answer")
    one.expect("note")
    two.socket.close()
    one.expect("note")
    one.send(RequestCode.GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": "G"})
    assert one.receive().body == b'{"consumerIdList":["c1"]}'
    one.socket.close()
