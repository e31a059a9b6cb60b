"""The few requests that a case itself sends: make a topic, and ask whether the broker serves.

Plain frames with a JSON header on a connection of their own; what a load sends is the generator's.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from benchmarks.processes import Failed

SEND_MESSAGE_V2, PULL_MESSAGE, UPDATE_AND_CREATE_TOPIC, GET_MAX_OFFSET, HEART_BEAT = 310, 11, 17, 30, 34
NOTIFY_CONSUMER_IDS_CHANGED = 40
PATIENCE_S = 60.0  # a port may take connections long before its broker answers
GROUP = "bench_group"

Fields = dict[str, str]


def frame(code: int, fields: Fields, body: bytes = b"") -> bytes:
    """One request as the Java client lays it out."""
    header = {"code": code, "extFields": fields, "flag": 0, "language": "JAVA", "opaque": 1}
    text = json.dumps({**header, "serializeTypeCurrentRPC": "JSON", "version": 317}, separators=(",", ":")).encode()
    return struct.pack(">ii", 4 + len(text) + len(body), len(text)) + text + body


def _read(link: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        if not (more := link.recv(size - len(data))):
            raise ConnectionResetError("the broker closed the connection")
        data += more
    return bytes(data)


def _header_of_answer(link: socket.socket, code: int, fields: Fields, body: bytes) -> dict[str, Any]:
    link.sendall(frame(code, fields, body))
    return _read_header(link)


def _read_header(link: socket.socket) -> dict[str, Any]:
    size, header_size = struct.unpack(">ii", _read(link, 8))
    header: dict[str, Any] = json.loads(_read(link, size - 4)[: header_size & 0xFFFFFF])
    return header


def ask(link: socket.socket, code: int, fields: Fields, body: bytes = b"") -> tuple[int, str]:
    """Sends a request; the code and remark of its answer."""
    header = _header_of_answer(link, code, fields, body)
    return int(header["code"]), str(header.get("remark", ""))


def _connected(port: int) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", port), PATIENCE_S))


def make_topics(port: int, topics: list[str], queues: int) -> None:
    """Makes each topic with that many queues, or raises Failed with the broker's remark."""
    with _connected(port) as link:
        for topic in topics:
            fields = {
                "topic": topic, "defaultTopic": "TBW102", "readQueueNums": str(queues), "writeQueueNums": str(queues),
                "perm": "6", "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
            }  # fmt: skip
            code, remark = ask(link, UPDATE_AND_CREATE_TOPIC, fields)
            if code:
                raise Failed(f"{topic} was not made: code {code}, {remark}")


@contextmanager
def subscribed(port: int, heartbeat: bytes) -> Iterator[None]:
    """A client that has said this is connected; Failed when the broker does not take it."""
    with _connected(port) as link:
        link.sendall(frame(HEART_BEAT, {}, heartbeat))
        while (header := _read_header(link))["code"] == NOTIFY_CONSUMER_IDS_CHANGED:
            pass
        if header["code"]:
            raise Failed(f"the heartbeat was refused: {header}")
        yield


def count_messages(port: int, topic: str, queues: int) -> int:
    """Messages that were ever put to the topic's queues."""
    with _connected(port) as link:
        fields = [{"topic": topic, "queueId": str(queue)} for queue in range(queues)]
        return sum(int(_header_of_answer(link, GET_MAX_OFFSET, each, b"")["extFields"]["offset"]) for each in fields)


def _send_fields(topic: str) -> Fields:
    fields = {"a": GROUP, "b": topic, "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": str(time.time_ns() // 10**6)}
    return {**fields, "h": "0", "i": "TAGS\1TagA\2", "j": "0", "k": "false", "m": "false"}


def _pull_fields(topic: str) -> Fields:
    fields = {"consumerGroup": GROUP, "topic": topic, "queueId": "0", "queueOffset": "0", "maxMsgNums": "1"}
    fields |= {"sysFlag": "4", "commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*"}
    return {**fields, "subVersion": "1", "expressionType": "TAG"}


def is_serving(port: int, topic: str) -> bool:
    """Whether the broker stores a message of the topic and hands out the first one of its queue 0."""
    try:
        with _connected(port) as link:
            stored, _ = ask(link, SEND_MESSAGE_V2, _send_fields(topic), b"is it serving")
            found, _ = ask(link, PULL_MESSAGE, _pull_fields(topic))
    except OSError:  # not listening yet, or ended: the waiting caller tells these apart
        return False
    return stored == found == 0
