"""The rules of a document: accounts as upstream reads them, and what it drops without a word."""

from pathlib import Path

import pytest

from rocketpy.acl.errors import AclError
from rocketpy.acl.permissions import DENY, PUB, SUB
from rocketpy.acl.rules import DataVersion, rules_of
from rocketpy.acl.signature import Signer
from rocketpy.acl.yaml_text import load_text

SAMPLE = Path(__file__).parents[3] / "conf" / "plain_acl.yml"
TEXT = b"""
globalWhiteRemoteAddresses:
- 10.10.103.*
- ''
accounts:
- accessKey: RocketMQ
  secretKey: 12345678
  whiteRemoteAddress: 192.168.1.*
  admin: false
  defaultTopicPerm: DENY
  defaultGroupPerm: SUB
  topicPerms:
  - topicA=DENY
  - topicB=PUB|SUB
  groupPerms:
  - groupA=SUB
- accessKey: rocketmq2
  secretKey: '01234567'
  admin: true
dataVersion:
- counter: 3
  timestamp: 1565000000123
"""


def rules(text):
    return rules_of(load_text(text.encode() if isinstance(text, str) else text))


def account(**members):
    return {"accessKey": "ak12345", "secretKey": "sk12345", **members}


def of(**members):
    return rules_of({"accounts": [account(**members)]})


def test_a_whole_file():
    found = rules(TEXT)
    first, second = found.accounts.values()
    assert (first.access_key, first.admin) == ("RocketMQ", False)
    assert first.signer.sign(b"RocketMQGroupABCTopicTest") == b"fYESeyt6hmCi1IFVHugwmcMuORA="
    assert (first.default_topic, first.default_group) == (DENY, SUB)
    assert first.resources == {"topicA": DENY, "topicB": PUB | SUB, "%RETRY%groupA": SUB}
    assert first.white.matches("192.168.1.7")
    assert (second.admin, second.resources) == (True, None)
    assert second.signer.sign(b"x") == Signer(b"01234567").sign(b"x")
    assert (second.default_topic, second.default_group) == (DENY, DENY)
    assert found.is_white("10.10.103.9")
    assert not found.is_white("10.10.104.9")
    assert found.data_version == DataVersion(3, 1565000000123)
    assert found.data_version.json() == '{"counter":3,"timestamp":1565000000123}'
    assert found.remarks == ()


def test_the_sample_that_is_shipped():
    found = rules(SAMPLE.read_bytes())
    assert found.remarks == ()
    assert [each.admin for each in found.accounts.values()] == [True, False]


@pytest.mark.parametrize("word", ["true", "True", "yes", "on", "1"])
def test_flags_as_yaml_has_them(word):
    assert of(admin=word).accounts["ak12345"].admin


def test_what_upstream_drops_is_remarked():
    found = rules_of(
        {
            "acounts": [],
            "accounts": [account(topicPerm=["a=PUB"], defaultTopicPerm="ALL", groupPerms=["g=sub"]), account()],
        }
    )
    assert found.remarks == (
        "acounts of the file is no member that anything reads",
        "topicPerm of accessKey=ak12345 is no member that anything reads",
        "defaultTopicPerm of accessKey=ak12345 is DENY: its permission is none of DENY, PUB, SUB, PUB|SUB, SUB|PUB",
        "groupPerms g of accessKey=ak12345 is DENY: its permission is none of DENY, PUB, SUB, PUB|SUB, SUB|PUB",
        "accessKey=ak12345 stands twice, the last one counts",
    )


def test_a_remark_holds_no_secret():
    found = rules("accounts:\n- {accessKey: ak12345, secretKey: sk12345, secret:topsecret}")
    assert found.remarks == ("secret of accessKey=ak12345 is no member that anything reads",)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"accessKey": None}, "The accessKey=null and secretKey=*** cannot be null and length should longer than 6"),
        ({"secretKey": None}, "The accessKey=ak12345 and secretKey=null cannot be null and length should longer"),
        ({"secretKey": "short1"}, "The accessKey=ak12345 and secretKey=*** cannot be null"),
        ({"accessKey": "short1"}, "The accessKey=short1 and secretKey=*** cannot be null"),
        ({"topicPerms": "a=PUB"}, "topicPerms of accessKey=ak12345 is no list"),
        ({"topicPerms": ["a"]}, "Parse resource permission failed for topic:a"),
        ({"groupPerms": [{"a": "PUB"}]}, "groupPerms of accessKey=ak12345 is no text"),
        ({"whiteRemoteAddress": "1.2.3"}, "Netaddress examine scope Exception netaddress is 1.2.3"),
        ({"admin": "maybe"}, "admin of accessKey=ak12345 is neither true nor false"),
        ({"secretKey": ["x"]}, "accounts[0].secretKey is no text"),
    ],
)
def test_what_makes_no_sense_is_named_without_the_secret(members, words):
    with pytest.raises(AclError) as error:
        of(**members)
    assert words in str(error.value)
    assert "short1" not in str(error.value).replace("accessKey=short1", "")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"accounts": "x"}, "accounts is no list"),
        ({"accounts": ["x"]}, "accounts[0] is not an account"),
        ({"globalWhiteRemoteAddresses": "10.0.0.1"}, "globalWhiteRemoteAddresses is no list"),
        ({"globalWhiteRemoteAddresses": ["x"]}, "examine scope"),
        ({"dataVersion": [{"counter": "x"}]}, "dataVersion is no list of one counter"),
        ({"dataVersion": ["x"]}, "dataVersion is no list of one counter"),
    ],
)
def test_files_that_make_no_sense(document, words):
    with pytest.raises(AclError) as error:
        rules_of(document)
    assert words in str(error.value)


def test_an_account_does_not_show_its_secret():
    assert "sk12345" not in repr(of()) + str(of().accounts)


def test_the_memory_of_peers_is_bounded():
    found = rules(TEXT)
    for at in range(10_000):
        found.is_white(f"10.{at // 250}.{at % 250}.1")
    assert len(found._known) <= 4096
