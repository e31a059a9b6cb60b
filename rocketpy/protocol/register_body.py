"""Bodies of REGISTER_BROKER in the three forms brokers send: JSON, compressed lines, and (before 3.0.11) topics alone.

The compressed form is one zlib stream of i32-prefixed parts: data version (JSON), number of topics, one line a topic
(`topicName readQueueNums writeQueueNums perm topicFilterType`), filter servers (JSON list). What the line leaves out
(order, topicSysFlag) is lost on the way.
"""

import struct
import zlib

from rocketpy.errors import ProtocolError, RequestRefused
from rocketpy.protocol import fastjson
from rocketpy.protocol.bodies import DataVersion, RegisterBrokerBody, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.codes import ResponseCode

FILTER_SERVERS_SINCE = 37               # ordinal of V3_0_11
INFLATED_LIMIT = 64 * 1024 * 1024       # about a million topics; a frame of zeros could grow to 16 GiB
FAILED = "org.apache.rocketmq.remoting.exception.RemotingCommandException: Failed to decode RegisterBrokerBody"

I32 = struct.Struct(">i")


def body_crc32(body: bytes | None) -> int:
    """The checksum in the header; none of a missing body."""
    return zlib.crc32(body or b"") & 0x7FFFFFFF


def encode_register_body(body: RegisterBrokerBody, *, compressed: bool) -> bytes:
    """The body in the form of this broker's setting compressedRegister."""
    if not compressed:
        return body.encode()
    wrapper = body.topic_config_serialize_wrapper
    lines = [topic_line(topic).encode() for topic in wrapper.topic_config_table.values()]
    parts = [sized(wrapper.data_version.encode()), I32.pack(len(lines)), *map(sized, lines)]
    return zlib.compress(b"".join([*parts, sized(fastjson.dumps(body.filter_server_list))]), 9)


def decode_register_body(
    data: bytes | None, *, compressed: bool, version: int
) -> tuple[TopicConfigSerializeWrapper, list[str] | None]:
    """Topics and filter servers (None: the body has no such list). RequestRefused when it is no such body."""
    with_filter_servers = version >= FILTER_SERVERS_SINCE
    if data is None:
        return TopicConfigSerializeWrapper(), [] if with_filter_servers else None
    try:
        if not with_filter_servers:
            return TopicConfigSerializeWrapper.decode(data), None
        body = inflate(data) if compressed else RegisterBrokerBody.decode(data)
    except RequestRefused as refusal:
        raise RequestRefused(ResponseCode.SYSTEM_ERROR, f"{FAILED}, {refusal.remark}") from None
    except (ProtocolError, ValueError, struct.error, zlib.error) as error:
        raise RequestRefused(ResponseCode.SYSTEM_ERROR, f"{FAILED}, {error}"[:500]) from None
    return body.topic_config_serialize_wrapper, body.filter_server_list


def sized(data: bytes) -> bytes:
    return I32.pack(len(data)) + data


def topic_line(topic: TopicConfig) -> str:
    numbers = f"{topic.read_queue_nums} {topic.write_queue_nums} {topic.perm}"
    return f"{topic.topic_name} {numbers} {topic.topic_filter_type}"


def inflate(data: bytes) -> RegisterBrokerBody:
    stream = zlib.decompressobj()
    parts = Parts(stream.decompress(data, INFLATED_LIMIT))
    if not stream.eof:
        raise ValueError("the stream is cut off" if not stream.unconsumed_tail else "the stream is too long")
    version = DataVersion.decode(parts.sized())
    topics = [topic_of(parts.sized().decode()) for _ in range(parts.number())]
    servers = parts.sized()
    try:
        filter_servers = [str(server) for server in fastjson.loads(servers)]
    except (ProtocolError, TypeError):
        filter_servers = []             # upstream goes on without them, too
    wrapper = TopicConfigSerializeWrapper({topic.topic_name: topic for topic in topics}, version)
    return RegisterBrokerBody(wrapper, filter_servers)


def topic_of(line: str) -> TopicConfig:
    fields = line.split(" ")
    if len(fields) != 5:
        raise ValueError(f"a topic's line has {len(fields)} parts: {line:.100}")
    name, read_queue_nums, write_queue_nums, perm, filter_type = fields
    return TopicConfig(name, int(read_queue_nums), int(write_queue_nums), int(perm), filter_type)


class Parts:
    """Reads the parts of an inflated body in their order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        (value,) = I32.unpack_from(self._data, self._at)
        self._at += I32.size
        return int(value)

    def sized(self) -> bytes:
        size = self.number()
        part = self._data[self._at : self._at + max(size, 0)]
        if len(part) != size:
            raise ValueError(f"a part of {size} bytes, {len(part)} are left")
        self._at += size
        return part
