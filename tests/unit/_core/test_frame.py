"""The scanner: what is plain, what is odd, what is malformed."""

import struct

import pytest

from rocketpy._core.frame import REASONS, reason_text, scan


def frame(header, body=b"", kind=0):
    return struct.pack(">II", 4 + len(header) + len(body), kind << 24 | len(header)) + header + body


def fields(header, body=b"", kind=0):
    length, found = scan(frame(header, body, kind))
    assert length == 8 + len(header) + len(body)
    return found


def is_odd(header):
    return fields(header)["odd"]


def test_members_come_in_any_order_with_blanks_and_unknown_ones():
    found = fields(b' { "version" : 317 ,\n"x":"\\u0041","y":-1,"z":null,"t":true,"f":false,"code":\t10,"opaque":-2 } ')
    assert (found["code"], found["version"], found["opaque"], found["ext"]) == (10, 317, -2, None)
    assert not found["odd"]


def test_the_last_of_two_members_wins():
    assert fields(b'{"code":1,"code":2}')["code"] == 2


def test_ext_is_empty_absent_or_null():
    assert fields(b'{"extFields":{}}')["ext"] == {}
    assert fields(b'{"extFields":null}')["ext"] is None
    assert fields(b"{}")["ext"] is None


def test_escapes_mean_what_json_says():
    found = fields(b'{"extFields":{"a":"\\u0001\\n\\"\\\\\\/\\b\\f\\r\\t","b":"\\u4e2d\\ud83d\\ude00"}}')
    assert found["ext"] == {"a": '\x01\n"\\/\b\f\r\t', "b": "中😀"}


def test_text_may_be_of_any_script():
    assert fields('{"remark":"中 é 😀"}'.encode())["remark"] == "中 é 😀"


def test_forty_entries_are_plain_and_one_more_is_odd():
    entries = [f'"k{i}":"v"' for i in range(41)]
    assert len(fields(f'{{"extFields":{{{",".join(entries[:40])}}}}}'.encode())["ext"]) == 40
    assert is_odd(f'{{"extFields":{{{",".join(entries)}}}}}'.encode())


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"null",
        b"[]",
        b'{"code":"10"}',
        b'{"code":1.5}',
        b'{"code":2147483648}',
        b'{"code":-}',
        b"{'code':1}",
        b"{code:1}",
        b'{"code":1,}',
        b'{"code":1}x',
        b'{"code":1',
        b'{"code"',
        b'{"x":{"y":1}}',
        b'{"x":[1]}',
        b'{"extFields":{"a":1}}',
        b'{"extFields":{"a":null}}',
        b'{"extFields":[]}',
        b'{"extFields":{},"extFields":{}}',
        b'{"remark":"\\x41"}',
        b'{"remark":"\\u12"}',
        b'{"remark":"\\ud83d"}',
        b'{"remark":"\\ude00"}',
        b'{"remark":"\\ud83d\\u0041"}',
        b'{"remark":"\xff"}',
        b'{"remark":"\xc0\x80"}',
        b'{"remark":"\xed\xa0\x80"}',
        b'{"remark":"\xf4\x90\x80\x80"}',
        b'{"remark":"\xe4\xb8"}',
        b'{"remark":"open',
        b'{"remark":"open\\',
    ],
)
def test_what_is_not_plain_is_odd(header):
    assert is_odd(header)


def binary(code=105, language=0, version=317, opaque=7, flag=0, remark=b"", ext=b""):
    fixed = struct.pack(">hBhii", code, language, version, opaque, flag)
    return fixed + struct.pack(">i", len(remark)) + remark + struct.pack(">i", len(ext)) + ext


def entry(key, value):
    return struct.pack(">h", len(key)) + key + struct.pack(">i", len(value)) + value


def test_a_binary_header_is_read():
    found = fields(binary(remark="é".encode(), ext=entry(b"topic", b"T" * 200) + entry(b"q", b"")), b"body", kind=1)
    assert found["ext"] == {"topic": "T" * 200, "q": ""}
    assert (found["remark"], found["body"], found["serialize_type"], found["odd"]) == ("é", b"body", 1, False)


def test_binary_text_that_is_not_utf8_is_odd():
    assert fields(binary(ext=entry(b"k", b"\xff")), kind=1)["odd"]
    assert fields(binary(remark=b"\xff"), kind=1)["odd"]


def test_an_unknown_binary_language_is_other():
    assert fields(binary(language=200), kind=1)["language"] == 7


@pytest.mark.parametrize(
    "header",
    [
        b"",
        binary()[:-1],
        binary(remark=b"abc")[:18],
        binary(ext=b"\0"),
        binary(ext=b"\0\5abc"),
        binary(ext=b"\xff\xff"),
        binary(ext=entry(b"k", b"value")[:-1]),
        binary(ext=b"\0\1k\xff\xff\xff\xff"),
        binary()[:-4] + b"\x7f\xff\xff\xff",
    ],
)
def test_a_binary_length_that_leads_outside_is_malformed(header):
    assert scan(frame(header, kind=1))[0] == -5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xff\xff\xff", -1),
        (b"\0\0\0\3abc", -1),
        (frame(b"{}", kind=2), -3),
        (frame(b"{}", kind=255), -3),
        (struct.pack(">II", 6, 3) + b"{}", -4),
    ],
)
def test_a_wrong_prefix_is_malformed(data, reason):
    assert scan(data) == (reason, None)
    assert reason_text(reason) in REASONS.values()


def test_an_incomplete_frame_waits_for_more():
    whole = frame(b'{"code":1}', b"body")
    assert [scan(whole[:n])[0] for n in range(len(whole))] == [0] * len(whole)
    assert scan(whole + b"next")[0] == len(whole)
