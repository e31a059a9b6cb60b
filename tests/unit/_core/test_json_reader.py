"""The reader takes what fastjson 1.2.51 takes; each row was tried with it."""

import pytest

from rocketpy._core.json_reader import read_json
from rocketpy.errors import ProtocolError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1L}', {"a": 1}),
        ("{a:1,}", {"a": 1}),
        ("{,a:1}", {"a": 1}),
        ("{'a':'b'}", {"a": "b"}),
        ('{"a":+1}', {"a": 1}),
        ('{"a":undefined}', {"a": None}),
        ('{"a":NaN}', {"a": None}),
        ("[1,,2]", [1, 2]),
        ('{/*c*/"a":1// d\n}', {"a": 1}),
        ('{"a":"\\x41\\v\\0"}', {"a": "A\v\0"}),
        ("{1:2,3:4}", {1: 2, 3: 4}),
        ('{"a":1.50}', {"a": 1.5}),
        ('{"a":"\n"}', {"a": "\n"}),
        ("null", None),
        ('{"a":1e3}', {"a": 1000.0}),
        ("{null:1}", {"null": 1}),
        ('{"a":01}', {"a": 1}),
        ("Set[1,2]", [1, 2]),
        ("[1F,2D]", [1.0, 2.0]),
    ],
)
def test_what_fastjson_takes(text, value):
    assert read_json(text) == value


def test_objects_as_keys_become_what_the_caller_makes_of_them():
    text = '{{"queueId":1}:{"x":1},{"queueId":2}:3}'
    assert read_json(text, lambda members: members["queueId"]) == {1: {"x": 1}, 2: 3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"a":.5}',
        '{"a":0x1f}',
        '{"a":1} x',
        '{"a" 1}',
        "{a-b:1}",
        '{"a":tru}',
        '{"a":"\\q"}',
        "{a.b:1}",
        '{"a":TRUE}',
        "{a:b}",
        '{"a":1;"b":2}',
        '{"a":1 "b":2}',
        '{{"x":1}:2}',
        '{"a":"\\u12"}',
        '{"a":"\\u',
        '{"a":"',
        "'",
        "[",
        "{",
        "[" * 1000,
        '{"a":' * 1000,
        "9" * 5000,
        "/*",
    ],
)
def test_what_is_no_json_is_a_protocol_error(text):
    with pytest.raises(ProtocolError):
        read_json(text)
