"""Fuzz targets: frames, headers and bodies, which any peer can send."""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from rocketpy._core.command import Command
from rocketpy.clock import ManualClock
from rocketpy.errors import ProtocolError, RequestRefused
from rocketpy.protocol import admin_bodies, bodies, headers
from rocketpy.protocol.body import Body
from rocketpy.protocol.header import Header, fields_of
from rocketpy.protocol.register_body import decode_register_body
from rocketpy.remoting.connection import Connection, Endpoint
from tests.fuzz.targets import target

GOLDEN = Path(__file__).parents[1] / "golden" / "data"
FRAMES = [path.read_bytes() for path in sorted((GOLDEN / "frames").glob("re*.bin"))]
SEND = Command(310, {"a": "PG", "b": "Topic", "e": "0", "g": "1574000000000"}, b"body")
FRAMES += [SEND.encode(0), SEND.encode(1), Command(0, remark="done", flag=1).encode(1)]
JSON_HEADERS = [frame[8 : 8 + (struct.unpack_from(">I", frame, 4)[0] & 0xFFFFFF)] for frame in FRAMES if frame[4] == 0]
BODIES = [
    b'{"clientID":"c@1","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_PASSIVELY"'
    b',"groupName":"g","messageModel":"CLUSTERING","subscriptionDataSet":[{"codeSet":[1],"subString":"*","tagsSet":["a"],'
    b'"topic":"t"}],"unitMode":false}],"producerDataSet":[{"groupName":"p"}]}',
    b'{"clientId":"c","consumerGroup":"g","mqSet":[{"brokerName":"b","queueId":1,"topic":"t"},{"$ref":"$.mqSet[0]"}]}',
    b'{"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:{"brokerOffset":1,"consumerOffset":1,"lastTimestamp":2}}}',
    b'{"filterServerList":[],"topicConfigSerializeWrapper":{"dataVersion":{"counter":1,"timestamp":2},"topicConfigTable":'
    b'{"T":{"order":false,"perm":6,"readQueueNums":4,"topicFilterType":"SINGLE_TAG","topicName":"T"}}}}',
    b'{"brokerAddrTable":{"b":{"brokerAddrs":{0:"1.2.3.4:10911"},"brokerName":"b","cluster":"c"}}}',
]


def framed(kind: int, header: bytes) -> bytes:
    """A frame with this header, whose lengths are right: what is fuzzed is the header."""
    size = len(header) & 0xFFFFFF
    return struct.pack(">II", 4 + len(header), kind << 24 | size) + header


@target("frame", ProtocolError, seeds=FRAMES)
def frame(data: bytes) -> object:
    return Command.decode(data)


@target("json_header", ProtocolError, seeds=JSON_HEADERS)
def json_header(data: bytes) -> object:
    return Command.decode(framed(0, data))


@target("binary_header", ProtocolError, seeds=[SEND.encode(1)[8:-4], Command(0, {"k": ""}, remark="r").encode(1)[8:]])
def binary_header(data: bytes) -> object:
    return Command.decode(framed(1, data))


class NoTransport:
    """What a connection writes to when nobody is there."""

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else None

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def set_write_buffer_limits(self, high: int, low: int) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


@target("connection", seeds=[FRAMES[-1] * 2, FRAMES[-2] + FRAMES[-3]])
def connection(data: bytes) -> object:
    """Bytes as reads bring them: scanned headers, held bytes, and the end of a peer that sends what is no frame."""
    return asyncio.run(read(data))


async def read(data: bytes) -> int:
    endpoint = Endpoint({}, name="fuzz", clock=ManualClock())
    peer = Connection(endpoint)
    peer.connection_made(NoTransport())  # type: ignore[arg-type]
    step = 1 + (data[0] if data else 0)
    for at in range(0, len(data), step):
        window = memoryview(peer.get_buffer(-1))
        piece = data[at : at + min(step, len(window))]
        window[: len(piece)] = piece
        window.release()
        peer.buffer_updated(len(piece))
        if not peer.is_open:
            break
    peer.connection_lost(None)
    return peer.reads


def classes_of(base: type, *modules: ModuleType) -> list[Any]:
    """The classes of these modules that derive from `base`, by name."""
    found = {cls for module in modules for cls in vars(module).values() if isinstance(cls, type)}
    return sorted((cls for cls in found if issubclass(cls, base) and cls is not base), key=lambda cls: cls.__name__)


HEADERS = classes_of(Header, headers)
BODY_CLASSES = classes_of(Body, bodies, admin_bodies)


SPECIAL = {"topicFilterType": b"SINGLE_TAG", "commitOrRollback": b"8"}


def header_seed(number: int) -> bytes:
    """One value a field that nearly every kind of field takes."""
    values = [SPECIAL.get(name, b"1") for name in names_of(HEADERS[number])]
    return bytes([number]) + b"\0".join(values)


@cache
def names_of(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields_of(cls))


def header_ext(cls: Any, values: list[bytes]) -> dict[str, str]:
    """Values in the order of the class's fields; an empty one is an absent field."""
    pairs = zip(names_of(cls), values, strict=False)
    return {name: value.decode("utf-8", "replace") for name, value in pairs if value}


@target("headers", RequestRefused, seeds=map(header_seed, range(len(HEADERS))))
def request_header(data: bytes) -> object:
    """The first byte chooses the class, the rest are its fields, each ended by a zero."""
    cls = HEADERS[data[0] % len(HEADERS)] if data else HEADERS[0]
    decoded = cls.decode(Command(1, header_ext(cls, data[1:].split(b"\0"))))
    assert cls.decode(Command(1, decoded.encode())) == decoded
    return decoded


@target("bodies", RequestRefused, seeds=[bytes([n % 256]) + BODIES[n % len(BODIES)] for n in range(len(BODY_CLASSES))])
def body(data: bytes) -> object:
    """The first byte chooses the class, the rest is its JSON. What was read can be written."""
    cls = BODY_CLASSES[data[0] % len(BODY_CLASSES)] if data else BODY_CLASSES[0]
    return cls.decode(data[1:]).encode()


VERSION = b'{"counter":1,"timestamp":1574000000000}'
LINE = b"TopicTest 4 4 6 SINGLE_TAG"
REGISTRATION = b"".join(
    (struct.pack(">i", len(VERSION)), VERSION, struct.pack(">ii", 1, len(LINE)), LINE, struct.pack(">i", 2), b"[]")
)


@target("register_body", RequestRefused, seeds=[REGISTRATION])
def register_body(data: bytes) -> object:
    """What a compressed registration holds."""
    return decode_register_body(zlib.compress(data, 1), version=317, compressed=True)


@target("register_stream", RequestRefused, seeds=[zlib.compress(REGISTRATION), BODIES[3]])
def register_stream(data: bytes) -> object:
    """A registration as it comes, taken as compressed and as plain, of new and old brokers."""
    for version in (317, 200):
        for compressed in (True, False):
            try:
                decode_register_body(data, version=version, compressed=compressed)
            except RequestRefused:
                continue
    return None


@target("json", ProtocolError, seeds=[*BODIES, b'{0:1,"0":"\\u0041\\ud83d\\ude00",\'a\':[1.5e3,null,true]}', b'"x"'])
def fastjson_text(data: bytes) -> object:
    from rocketpy.protocol import fastjson

    value = fastjson.loads(data)
    return json.dumps(fastjson.text_of(value))
