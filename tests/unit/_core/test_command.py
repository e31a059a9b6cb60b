"""Commands: encoding, and the full decoder that reads what the scanner calls odd."""

import struct

import pytest

from rocketpy._core.command import Command, quote, request, response
from rocketpy.errors import ProtocolError


def frame(header, body=b"", kind=0):
    return struct.pack(">II", 4 + len(header) + len(body), kind << 24 | len(header)) + header + body


def decoded(header, **members):
    return Command.decode(frame(header, **members))


def test_members_are_written_in_fastjsons_order_without_nulls():
    command = Command(10, {"topic": "T", "none": None}, b"x", opaque=3)
    assert command.encode() == frame(
        b'{"code":10,"extFields":{"topic":"T"},"flag":0,"language":"JAVA","opaque":3,'
        b'"serializeTypeCurrentRPC":"JSON","version":317}',
        b"x",
    )


def test_an_empty_body_is_none():
    assert Command.decode(Command(1, None, b"").encode()).body is None


@pytest.mark.parametrize("kind", [0, 1])
def test_both_encodings_round_trip(kind):
    command = Command(17, {"k": "é\x01\"", "": "v"}, b"body", opaque=-5, flag=3, language="GO", version=1, remark="r\n")
    assert Command.decode(command.encode(kind)) == command


def test_request_and_response_know_what_they_are():
    assert not request(10).is_response
    assert response(0).is_response
    assert Command(40, flag=2).is_oneway


def test_quote_escapes_what_fastjson_escapes():
    assert quote('"\\\b\f\n\r\t\x01\x1f/\x7f\x9f\xa0\u2028é') == (
        '"\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001F/\\u007F\\u009F\xa0\\u2028é"'
    )


def test_odd_json_is_read_as_fastjson_reads_it():
    command = decoded(b"{code:5,'extFields':{a:1,b:true,\"c\":null,d:{x:[1,2]},0:\"x\",e:1.5},flag:\"2\",remark:7}")
    assert (command.code, command.flag, command.remark) == (5, 2, "7")
    assert command.ext == {"a": "1", "b": "true", "d": '{"x":[1,2]}', "0": "x", "e": "1.5"}


def test_bytes_that_are_not_utf8_are_replaced():
    assert decoded(b'{"code":5,"extFields":{"a":"\xff"}}').ext == {"a": "\ufffd"}


def test_half_a_surrogate_is_a_question_mark():
    assert decoded(b'{"remark":"\\ud83d x \\ud83d\\ude00"}').remark == "? x 😀"


def test_more_entries_than_the_scanner_holds_are_all_there():
    ext = {f"k{i}": str(i) for i in range(100)}
    assert Command.decode(Command(1, ext).encode(0)).ext == ext
    assert Command.decode(Command(1, ext).encode(1)).ext == ext


def test_numbers_are_cast_as_java_casts_them():
    command = decoded(b'{"code":99999999999,"opaque":"-7","version":1.9,"flag":null}')
    assert (command.code, command.opaque, command.version, command.flag) == (1215752191, -7, 1, 0)


def test_an_unknown_language_is_other():
    assert decoded(b'{"language":"RUST"}').language == "OTHER"


@pytest.mark.parametrize(
    "header",
    [b"", b"null", b"[]", b"{", b'{"code":"x"}', b'{"code":[]}', b'{"extFields":[1]}', b"[" * 9_000, b'{"a":' * 9_000],
)
def test_a_header_no_decoder_can_read_is_a_protocol_error(header):
    with pytest.raises(ProtocolError):
        decoded(header)


def test_a_part_or_more_than_a_frame_is_a_protocol_error():
    whole = frame(b"{}")
    for data in (whole[:-1], whole + b"x", b""):
        with pytest.raises(ProtocolError):
            Command.decode(data)


def test_a_code_beyond_the_binary_header_keeps_its_low_bits():
    assert Command.decode(Command(70_000).encode(1)).code == 70_000 - 65_536


def test_a_secret_key_is_not_shown():
    command = Command(50, {"accessKey": "ak", "secretKey": "s3cr3t"})
    assert "s3cr3t" not in repr(command)
    assert command.ext["secretKey"] == "s3cr3t"
