"""Decisions: upstream's questions in upstream's order, with upstream's words."""

from dataclasses import dataclass

import pytest

from rocketpy._core.command import Command
from rocketpy.acl.admin_codes import ADMIN_OF_UPSTREAM, BROKER, admin_codes
from rocketpy.acl.errors import AccessDenied
from rocketpy.acl.guard import OF_ALL_TOPICS, Guard
from rocketpy.acl.rules import rules_of
from rocketpy.acl.signature import Signer, signed
from rocketpy.errors import RequestRefused

SECRET = "sk12345"
ACCOUNTS = [
    {"accessKey": "allowed", "topicPerms": ["T=PUB", "U=SUB", "D=DENY"], "groupPerms": ["G=SUB"]},
    {"accessKey": "default", "defaultTopicPerm": "PUB|SUB", "defaultGroupPerm": "PUB"},
    {"accessKey": "scheduler", "defaultTopicPerm": "PUB|SUB", "topicPerms": ["SCHEDULE_TOPIC_XXXX=PUB"]},
    {"accessKey": "nothing"},
    {"accessKey": "theadmin", "admin": "true"},
    {"accessKey": "namedadmin", "admin": "true", "topicPerms": ["T=SUB"]},
    {"accessKey": "fromhome", "whiteRemoteAddress": "10.0.1.*"},
]
RULES = rules_of(
    {
        "globalWhiteRemoteAddresses": ["10.0.0.*"],
        "accounts": [{"secretKey": SECRET, **account} for account in ACCOUNTS],
    }
)
STRICT = admin_codes(BROKER)


@dataclass
class Peer:
    ip: str = "10.9.9.9"


def ask(key, code, ext=None, body=None, *, ip="10.9.9.9", secret=SECRET, strict=frozenset()):
    """None when it may be served, else the remark."""
    fields = ext or {}
    request = Command(code, signed(fields, body, key, secret) if key else fields, body)
    try:
        Guard(RULES, strict).check(Peer(ip), request)
    except AccessDenied as denied:
        assert denied.code == 1
        prefix, _, text = denied.remark.partition(": ")
        assert prefix == "org.apache.rocketmq.acl.common.AclException"
        return text
    return None


def test_a_request_without_a_key():
    assert ask(None, 310, {"b": "T"}) == "No accessKey is configured"
    with pytest.raises(AccessDenied, match="No accessKey is configured"):
        Guard(RULES).check(Peer(), Command(310, None))


def test_a_key_nobody_has():
    assert ask("stranger", 310, {"b": "T"}) == "No acl config for stranger"


def test_a_wrong_secret():
    assert ask("allowed", 310, {"b": "T"}, secret="sk12346") == "Check signature failed for accessKey=allowed"


def test_white_lists():
    assert ask(None, 310, {"b": "T"}, ip="10.0.0.7") is None
    assert ask(None, 17, {}, ip="10.0.0.7") is None
    assert ask("fromhome", 310, {"b": "T"}, ip="10.0.1.7", secret="wrongwrong") is None
    assert ask("fromhome", 310, {"b": "T"}) == "No default permission for topic:T"


@pytest.mark.parametrize(
    ("key", "code", "ext", "denied"),
    [
        ("allowed", 310, {"b": "T"}, None),
        ("allowed", 310, {"b": "U"}, "topic:U"),
        ("allowed", 320, {"b": "U"}, "topic:U"),
        ("allowed", 10, {"topic": "D"}, "topic:D"),
        ("allowed", 310, {"b": "other"}, "topic:other"),
        ("allowed", 11, {"topic": "U", "consumerGroup": "G"}, None),
        ("allowed", 11, {"topic": "U", "consumerGroup": "other"}, "group:other"),
        ("allowed", 11, {"topic": "T", "consumerGroup": "G"}, "topic:T"),
        ("allowed", 11, {"topic": "%RETRY%other", "consumerGroup": "G"}, "group:other"),
        ("allowed", 38, {"consumerGroup": "G"}, None),
        ("allowed", 33, {"offset": "0"}, None),
        ("default", 310, {"b": "anything"}, None),
        ("default", 11, {"topic": "anything", "consumerGroup": "G"}, "group:G"),
        ("default", 310, {"b": "%RETRY%G"}, None),
        ("nothing", 310, {"b": "T"}, "topic:T"),
        ("theadmin", 310, {"b": "T"}, None),
        ("namedadmin", 310, {"b": "T"}, "topic:T"),
        ("namedadmin", 310, {"b": "other"}, "topic:other"),
        ("namedadmin", 17, {}, None),
    ],
)
def test_permissions(key, code, ext, denied):
    assert ask(key, code, ext) == (denied and f"No default permission for {denied}")


@pytest.mark.parametrize("code", sorted(ADMIN_OF_UPSTREAM))
def test_the_five_codes_of_upstream_need_an_admin(code):
    assert ask("default", code) == f"Need admin permission for request code={code}, but accessKey=default is not"
    assert ask("theadmin", code) is None


@pytest.mark.parametrize("code", sorted(STRICT))
def test_strictness_asks_for_an_admin_s_signature_from_everywhere(code):
    assert ask("default", code, strict=STRICT) == (
        f"Need admin permission for request code={code}, but accessKey=default is not"
    )
    assert ask("theadmin", code, strict=STRICT) is None
    assert ask(None, code, ip="10.0.0.7", strict=STRICT) == "No accessKey is configured"
    assert ask("fromhome", code, ip="10.0.1.7", strict=STRICT, secret="wrongwrong") == (
        "Check signature failed for accessKey=fromhome"
    )
    if code not in ADMIN_OF_UPSTREAM:
        assert ask("default", code) is None


@pytest.mark.parametrize("code", sorted(BROKER.keys() - STRICT))
def test_strictness_changes_nothing_for_clients_and_slaves(code):
    assert ask(None, code, ip="10.0.0.7", strict=STRICT) is None


@pytest.mark.parametrize("topic", sorted(OF_ALL_TOPICS))
def test_no_default_opens_the_topics_that_hold_messages_of_all_others(topic):
    """Else an account that is denied a topic sends to it by its name in REAL_TOPIC."""
    denied = f"No default permission for topic:{topic}"
    assert ask("default", 310, {"b": topic}) == denied
    assert ask("default", 11, {"topic": topic}) == denied
    assert ask("scheduler", 310, {"b": topic}) == (None if topic == "SCHEDULE_TOPIC_XXXX" else denied)
    assert ask("theadmin", 310, {"b": topic}) is None


def test_a_body_is_read_only_when_its_signature_holds():
    assert ask("allowed", 34, body=b"{", secret="wrongwrong") == "Check signature failed for accessKey=allowed"
    assert ask(None, 34, body=b"{", ip="10.0.0.7") is None
    with pytest.raises(RequestRefused, match="HeartbeatData"):
        ask("allowed", 34, body=b"{")


def allows(key, code, topic, group="", secret=SECRET):
    content = b"anything"
    return Guard(RULES).allows(code, key, Signer(secret.encode()).sign(content), content, topic, group)


@pytest.mark.parametrize("times", [1, 2])
def test_sends_and_pulls_in_place_are_decided_as_whole_requests(times):
    for _ in range(times):
        assert allows("allowed", 310, "T")
        assert allows("allowed", 320, "T")
        assert allows("allowed", 10, "T")
        assert allows("allowed", 11, "U", "G")
        assert allows("theadmin", 310, "anything")
        assert not allows("allowed", 310, "U")
        assert not allows("allowed", 11, "T", "G")
        assert not allows("allowed", 11, "U", "H")
        assert not allows("allowed", 310, "T", secret="sk12346")
        assert not allows("stranger", 310, "T")


def test_the_memory_of_what_is_allowed_is_bounded():
    for at in range(5000):
        assert allows("theadmin", 310, f"T{at}")
        assert not allows("nothing", 310, f"T{at}")
    assert 0 < len(RULES.accounts["theadmin"].known) <= 4096
    assert RULES.accounts["nothing"].known == {}
