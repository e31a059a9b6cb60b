"""Signatures: upstream's check values, and what is signed."""

import pytest

from rocketpy._core.command import Command
from rocketpy.acl.signature import Signer, content_of, is_signed, signed


@pytest.mark.parametrize(
    ("content", "signature"),
    [
        (b"RocketMQGroupABCTopicTest", b"fYESeyt6hmCi1IFVHugwmcMuORA="),
        (b"RocketMQ21TopicTestHello", b"ytx9hkyqxB2FWnmi0+tyltaO4D8="),
    ],
)
def test_check_values_of_upstream(content, signature):
    assert Signer(b"12345678").sign(content) == signature


def test_values_stand_in_the_order_of_their_names_and_the_body_behind():
    ext = {"topic": "TopicTest", "AccessKey": "RocketMQ", "Signature": "x", "a": "2", "c": "", "b": "1"}
    assert content_of(ext, b"Hello") == b"RocketMQ21TopicTestHello"
    assert content_of({"SecurityToken": "st", "b": "B", "AccessKey": "ak"}, None) == b"akstB"
    assert content_of({"a": "ä", "b": "\ud800"}, None) == "ä?".encode()


def test_a_signature_holds_for_what_was_signed_only():
    ext = signed({"b": "T", "a": "G"}, b"body", "RocketMQ", "12345678")
    assert is_signed(ext, b"body", Signer(b"12345678"))
    assert not is_signed(ext, b"bodY", Signer(b"12345678"))
    assert not is_signed({**ext, "b": "U"}, b"body", Signer(b"12345678"))
    assert not is_signed(ext, b"body", Signer(b"12345679"))
    assert not is_signed({**ext, "more": "1"}, b"body", Signer(b"12345678"))
    assert not is_signed({**ext, "Signature": "ä"}, b"body", Signer(b"12345678"))
    del ext["Signature"]
    assert not is_signed(ext, b"body", Signer(b"12345678"))


@pytest.mark.parametrize("serialize_type", [0, 1])
def test_headers_of_both_kinds_are_signed_alike(serialize_type):
    ext = signed({"b": 'T"\u2028ö', "i": "KEYS\x01a\x02"}, b"x", "RocketMQ", "12345678")
    command = Command.decode(Command(310, ext, b"x").encode(serialize_type))
    assert is_signed(command.ext, command.body, Signer(b"12345678"))
