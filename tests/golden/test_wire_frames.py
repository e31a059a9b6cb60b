"""Frames captured from RocketMQ 4.5.2 decode, and encode to the same bytes."""

import dataclasses
import zlib
from pathlib import Path

import pytest

from rocketpy._core.command import Command
from rocketpy._core.frame import scan
from rocketpy.protocol.bodies import RegisterBrokerBody
from rocketpy.protocol.headers import REQUEST_HEADERS, SendMessageRequestHeader, SendMessageRequestHeaderV2

DATA = Path(__file__).parent / "data" / "frames"
FRAMES = sorted(path.name for path in DATA.glob("*.bin") if not path.name.startswith("RegisterBrokerBody"))


@pytest.mark.parametrize("name", FRAMES)
def test_a_captured_frame_comes_out_as_it_went_in(name):
    frame = (DATA / name).read_bytes()
    command = Command.decode(frame)
    assert command.encode(serialize_type=frame[4]) == frame
    assert not scan(frame)[1]["odd"]


@pytest.mark.parametrize("name", [name for name in FRAMES if "req" in name])
def test_the_header_of_a_captured_request_decodes(name):
    command = Command.decode((DATA / name).read_bytes())
    header_class = REQUEST_HEADERS.get(command.code)
    if command.ext:
        assert header_class.decode(command).encode() == command.ext


def test_both_encodings_of_one_request_are_the_same_command():
    assert Command.decode((DATA / "req_105_json.bin").read_bytes()) == Command.decode(
        (DATA / "req_105_rocketmq.bin").read_bytes()
    )


def test_letters_and_long_names_are_the_same_header():
    letters = Command.decode((DATA / "req_310_sendV2_json.bin").read_bytes())
    names = Command.decode((DATA / "req_10_send_json.bin").read_bytes())
    short, long = SendMessageRequestHeaderV2.decode(letters), SendMessageRequestHeader.decode(names)
    assert all(getattr(short, field.name) == getattr(long, field.name) for field in dataclasses.fields(long))


def test_a_remark_keeps_newlines_quotes_and_other_scripts():
    command = Command.decode((DATA / "resp_17_json.bin").read_bytes())
    assert command.remark == 'No topic route info\nSee "x" 中'
    assert command.is_response and command.ext is None


def test_the_body_of_a_registration_decodes():
    body = RegisterBrokerBody.decode(Command.decode((DATA / "ns_req_103_live.bin").read_bytes()).body)
    assert body.topic_config_serialize_wrapper.topic_config_table["TBW102"].perm == 7


def test_the_compressed_registration_is_zlib():
    text = zlib.decompress((DATA / "RegisterBrokerBody_compressed.bin").read_bytes())
    assert b"TopicTest" in text
