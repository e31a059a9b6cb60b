"""The grammars of access control take anything: rules, or AclError that shows no secret; never anything else."""

import base64
import contextlib
import hmac
import ipaddress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rocketpy._core.command import Command
from rocketpy._core.guarded_lane import GuardedLane
from rocketpy._core.lane import Lane, LanePeer
from rocketpy.acl.addresses import parse_address, split_patterns
from rocketpy.acl.edit import delete_account, for_java, put_account, put_global_white
from rocketpy.acl.errors import AclError
from rocketpy.acl.permissions import parse_permission, parse_resources, permits
from rocketpy.acl.rules import rules_of
from rocketpy.acl.signature import Signer, content_of
from rocketpy.acl.yaml_text import dump_text, load_text

settings.register_profile("quick", settings.get_profile("rocketpy"), max_examples=40)
quick = settings(settings.get_profile("quick"))
parts = st.one_of(st.sampled_from(["0", "255", "256", "*", "1-5", "5-1"]), st.text("0123*-{},. ", max_size=6))
addresses = st.one_of(st.text(max_size=20), st.lists(parts, min_size=3, max_size=5).map(".".join))
octets = st.integers(0, 255)
ips = st.one_of(st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number))), st.text(max_size=10))
WORDS = ["PUB", "SUB", "PUB|SUB", "DENY", "a=PUB", "true", "", "10.0.0.*", "longenough"]
words = st.one_of(st.sampled_from(WORDS), st.text(max_size=8))
names = st.sampled_from(
    "globalWhiteRemoteAddresses accounts accessKey secretKey admin topicPerms groupPerms dataVersion counter "
    "whiteRemoteAddress defaultTopicPerm other".split()
)
values = st.recursive(
    st.one_of(st.none(), words), lambda inner: st.one_of(st.lists(inner), st.dictionaries(names, inner)), max_leaves=12
)
documents = st.dictionaries(names, values, min_size=1)


@quick
@given(addresses, ips)
@example("1.2.3.{1}", "1.2.3.1")
def test_an_address_is_a_pattern_or_refused(text, ip):
    try:
        pattern = parse_address(text)
    except AclError:
        return
    assert pattern.matches(ip) in (True, False)


@quick
@given(st.tuples(octets, octets, octets, octets), octets, st.integers(0, 3))
def test_each_part_decides(address, other, at):
    low, high = sorted((address[at], other))
    spans = [f"{low}-{high}" if place == at else "*" for place in range(4)]
    pattern = parse_address(".".join(spans))
    assert pattern.matches(".".join(map(str, address)))
    outside = [*address[:at], high + 1, *address[at + 1 :]]
    assert not pattern.matches(".".join(map(str, outside)))


@quick
@given(st.text(max_size=40))
def test_a_list_of_patterns_is_split(text):
    assert all(part == part.strip() and part for part in split_patterns(text))


@quick
@given(st.lists(words), st.booleans())
def test_permissions(entries, groups):
    try:
        found = parse_resources(entries, groups=groups)
    except AclError:
        return
    assert all(not permits(15, bits) or not bits & 1 for bits in found.values())


@quick
@given(words)
def test_a_word_gives_bits(word):
    assert parse_permission(word) in (1, 4, 8, 12)


@quick
@given(st.one_of(st.binary(max_size=60), st.text("abc:-[]{}'\"&*!|>%@# \n", max_size=40).map(str.encode)))
def test_any_bytes_are_a_document_or_refused(data):
    with contextlib.suppress(AclError):
        assert isinstance(load_text(data), dict)


@quick
@given(documents, words, words)
def test_any_document_gives_rules_or_is_refused(document, word, other):
    try:
        rules_of(document)
    except AclError:
        return
    for change in (
        lambda copy: put_account(copy, {"accessKey": word, "secretKey": other, "topicPerms": other}, True),
        lambda copy: delete_account(copy, word),
        lambda copy: put_global_white(copy, word),
    ):
        copy = load_text(dump_text(for_java(document)).encode())
        try:
            change(copy)
        except AclError:
            continue
        rules_of(copy)


@pytest.mark.parametrize("text", ["a", "a=", "=a", "a=b=c"])
def test_entries_of_another_shape_are_refused(text):
    with pytest.raises(AclError):
        parse_resources([text], groups=True)


@quick
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_signatures_are_hmac_sha1(secret, content):
    assert Signer(secret).sign(content) == base64.b64encode(hmac.digest(secret, content, "sha1"))


class Gate:
    """Remembers what a guarded lane asks."""

    def __init__(self):
        self.asked = []

    def is_white(self, peer):
        return False

    def allows(self, *asked):
        self.asked.append(asked)
        return True

    def check(self, peer, command):
        """What cannot be asked in place."""


SENT = {"AccessKey": "ak", "Signature": "sig", "consumerGroup": "G"}
names_on_wire = st.one_of(st.sampled_from([*SENT, "b", "topic", "i", "ä"]), st.text(max_size=3))
fields = st.dictionaries(names_on_wire, st.text(st.characters(exclude_categories=["Cs"]), max_size=8))


@quick
@given(fields, st.binary(max_size=20), st.sampled_from([310, 320, 10, 11]), st.sampled_from([0, 1]))
@example({}, b"", 310, 0)
@example({"i": "KEYS\x01ä\u2028\U0001f600"}, b"x", 11, 0)
def test_what_is_signed_is_the_same_in_place_and_in_a_command(more, body, code, serialize_type):
    name = "b" if code in (310, 320) else "topic"
    gate, ext = Gate(), {name: "T", **SENT, **more}
    frame = Command(code, ext, body).encode(serialize_type)
    with contextlib.suppress(ValueError):  # an odd frame is for the full lane
        GuardedLane(Lane(), gate).offer(frame, LanePeer(), 0)
    assert gate.asked or more
    for asked in gate.asked:
        group = ext["consumerGroup"] if code == 11 else ""
        assert asked == (code, ext["AccessKey"], ext["Signature"].encode(), content_of(ext, body), ext[name], group)
