"""Registration bodies of every form, and garbage."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketpy.errors import RequestRefused
from rocketpy.protocol.bodies import DataVersion, RegisterBrokerBody, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.register_body import FAILED, body_crc32, decode_register_body, encode_register_body

NOW = 317
OLD = 36
names = st.text("abcXYZ019_-%|", min_size=1, max_size=20)
numbers = st.integers(0, 2**31 - 1)
topics = st.builds(
    TopicConfig, names, numbers, numbers, st.integers(0, 7), st.sampled_from(["SINGLE_TAG", "MULTI_TAG"])
)
versions = st.builds(DataVersion, st.integers(0, 2**62), st.integers(0, 2**62))
bodies = st.builds(
    lambda topics, version, servers: RegisterBrokerBody(
        TopicConfigSerializeWrapper({topic.topic_name: topic for topic in topics}, version), servers
    ),
    st.lists(topics),
    versions,
    st.lists(names),
)


@given(bodies, st.booleans())
def test_what_is_encoded_is_decoded(body: RegisterBrokerBody, compressed: bool) -> None:
    data = encode_register_body(body, compressed=compressed)
    wrapper, servers = decode_register_body(data, compressed=compressed, version=NOW)
    assert RegisterBrokerBody(wrapper, servers or []) == body


def test_brokers_before_3_0_11_send_topics_alone() -> None:
    wrapper = TopicConfigSerializeWrapper({"T": TopicConfig("T")}, DataVersion(7, 1))
    assert decode_register_body(wrapper.encode(), compressed=False, version=OLD) == (wrapper, None)
    assert decode_register_body(None, compressed=False, version=OLD) == (TopicConfigSerializeWrapper(), None)


def test_no_body_is_no_topic() -> None:
    assert decode_register_body(None, compressed=False, version=NOW) == (TopicConfigSerializeWrapper(), [])
    assert body_crc32(None) == 0


def test_the_compressed_line_loses_order_and_sys_flag() -> None:
    topic = TopicConfig("T", 1, 2, 6, "MULTI_TAG", 3, True)
    body = RegisterBrokerBody(TopicConfigSerializeWrapper({"T": topic}, DataVersion(7, 1)))
    wrapper, _ = decode_register_body(encode_register_body(body, compressed=True), compressed=True, version=NOW)
    assert wrapper.topic_config_table == {"T": TopicConfig("T", 1, 2, 6, "MULTI_TAG", 0, False)}


def sized(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


VERSION = sized(b'{"counter":1,"timestamp":7}')


@pytest.mark.parametrize(
    "inflated",
    [
        b"",
        b"\0\0",
        struct.pack(">i", 1 << 30),
        struct.pack(">i", -1),
        sized(b"no json") + struct.pack(">i", 0) + sized(b"[]"),
        VERSION + struct.pack(">i", 1) + sized(b"T 1 2 6") + sized(b"[]"),
        VERSION + struct.pack(">i", 1) + sized(b"T 1 2 six SINGLE_TAG") + sized(b"[]"),
        VERSION + struct.pack(">i", 2) + sized(b"T 1 2 6 SINGLE_TAG"),
        VERSION + struct.pack(">i", 1) + sized(b"\xff 1 2 6 SINGLE_TAG") + sized(b"[]"),
        VERSION + struct.pack(">i", 0),
    ],
)
def test_a_wrong_compressed_body_is_refused(inflated: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        decode_register_body(zlib.compress(inflated), compressed=True, version=NOW)
    assert refused.value.code == 1
    assert refused.value.remark.startswith(FAILED)


def test_wrong_filter_servers_are_left_out() -> None:
    for servers in (b"nonsense", b"7"):
        data = zlib.compress(VERSION + struct.pack(">i", 0) + sized(servers))
        assert decode_register_body(data, compressed=True, version=NOW)[1] == []


def test_a_bomb_is_refused() -> None:
    bomb = zlib.compress(b"\0" * (65 << 20), 1)
    with pytest.raises(RequestRefused, match="too long"):
        decode_register_body(bomb, compressed=True, version=NOW)


@given(st.binary(), st.booleans(), st.sampled_from([OLD, NOW]))
def test_garbage_is_refused(data: bytes, compressed: bool, version: int) -> None:
    try:
        decode_register_body(data, compressed=compressed, version=version)
    except RequestRefused as refused:
        assert refused.code == 1
