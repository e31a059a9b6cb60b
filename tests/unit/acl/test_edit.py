"""Changes to a document, as codes 50, 51 and 53 ask for them."""

import copy

import pytest

from rocketpy.acl.edit import delete_account, for_java, put_account, put_global_white, put_version
from rocketpy.acl.errors import AclError
from rocketpy.acl.rules import DataVersion

DOCUMENT = {
    "globalWhiteRemoteAddresses": ["10.0.0.1"],
    "accounts": [
        {"accessKey": "ak12345", "secretKey": "sk12345", "admin": "true", "topicPerms": ["a=PUB"], "own": "x"},
    ],
}


@pytest.fixture
def document():
    return copy.deepcopy(DOCUMENT)


def test_an_account_is_made(document):
    assert put_account(document, {"accessKey": "new1234", "secretKey": "secret7", "groupPerms": "g=SUB,,h=DENY"}, False)
    assert document["accounts"][1] == {
        "accessKey": "new1234", "secretKey": "secret7", "admin": "false", "groupPerms": ["g=SUB", "h=DENY"],
    }  # fmt: skip


def test_members_that_are_not_given_stay_but_admin_is_always_set(document):
    assert put_account(document, {"accessKey": "ak12345", "defaultTopicPerm": "SUB", "secretKey": ""}, False)
    assert document["accounts"] == [
        {
            "accessKey": "ak12345", "secretKey": "sk12345", "admin": "false", "topicPerms": ["a=PUB"], "own": "x",
            "defaultTopicPerm": "SUB",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"accessKey": "short1"}, "The accessKey=short1 cannot be null and length should longer than 6"),
        ({"accessKey": "ak12345", "secretKey": "short1"}, "The secretKey=*** value length should longer than 6"),
        ({"accessKey": "new1234"}, "The accessKey=new1234 and secretKey=null cannot be null and length should longer"),
        ({"accessKey": "ak12345", "topicPerms": "a"}, "Parse resource permission failed for topic:a"),
        ({"accessKey": "ak12345", "whiteRemoteAddress": "x"}, "examine scope"),
    ],
)
def test_accounts_that_could_not_be_read_again(document, given, words):
    with pytest.raises(AclError) as error:
        put_account(document, given, False)
    assert words in str(error.value)


def test_a_document_without_accounts_takes_none(document):
    assert not put_account({"globalWhiteRemoteAddresses": []}, {"accessKey": "new1234"}, False)
    with pytest.raises(AclError):
        put_account({"accounts": "x"}, {"accessKey": "new1234"}, False)


def test_an_account_is_deleted(document):
    assert not delete_account(document, "")
    assert not delete_account(document, "ak1234")
    assert delete_account(document, "ak12345")
    assert document["accounts"] == []
    assert not delete_account({}, "ak12345")


def test_the_white_list_is_replaced(document):
    assert put_global_white(document, "10.1.0.{1,2},10.2.*.*")
    assert document["globalWhiteRemoteAddresses"] == ["10.1.0.{1,2}", "10.2.*.*"]
    assert not put_global_white(document, "")
    assert not put_global_white({"accounts": []}, "10.0.0.1")
    with pytest.raises(AclError):
        put_global_white(document, "10.0.0.1,nonsense")


def test_the_version_and_flags_are_written_as_upstream_reads_them(document):
    put_version(document, DataVersion(4, 1565))
    written = for_java(document)
    assert written["dataVersion"] == [{"counter": 4, "timestamp": 1565}]
    assert written["accounts"][0]["admin"] is True
    assert for_java({"accounts": [{"admin": None}, {"x": "y"}]})["accounts"] == [{"admin": False}, {"x": "y"}]
    assert for_java({"a": 1}) == {"a": 1}
