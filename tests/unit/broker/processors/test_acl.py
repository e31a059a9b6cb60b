"""UPDATE_AND_CREATE_ACL_CONFIG, DELETE_ACL_CONFIG, UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, GET_BROKER_CLUSTER_ACL_INFO."""

import json

import pytest

from rocketpy._core.command import Command
from rocketpy.acl.yaml_text import load_text
from rocketpy.config import Environment
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.headers import CreateAccessConfigRequestHeader

PUT, DELETE, INFO, WHITE = (
    RequestCode.UPDATE_AND_CREATE_ACL_CONFIG,
    RequestCode.DELETE_ACL_CONFIG,
    RequestCode.GET_BROKER_CLUSTER_ACL_INFO,
    RequestCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG,
)
RULES = """
globalWhiteRemoteAddresses: [10.0.0.9]
accounts:
- accessKey: account-one
  secretKey: s3cr3t-of-one
"""


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "home" / "conf" / "plain_acl.yml"
    path.parent.mkdir(parents=True)
    path.write_text(RULES)
    return path


@pytest.fixture
def broker(make_broker, rules, tmp_path):
    environment = Environment(variables={"ROCKETMQ_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)})
    broker = make_broker(acl_enable=True, environment=environment)
    broker.access.load("test")
    return broker


def accounts(path):
    return {account["accessKey"]: account for account in load_text(path.read_bytes())["accounts"]}


def told(answer):
    return answer.code, answer.remark


def test_an_account_is_made_and_changed(ask, rules):
    new = {"accessKey": "account-two", "secretKey": "s3cr3t-of-two", "admin": "true", "topicPerms": "a=PUB,b=SUB"}
    assert told(ask(PUT, new)) == (0, None)
    assert accounts(rules)["account-two"] == {**new, "topicPerms": ["a=PUB", "b=SUB"]}
    assert told(ask(PUT, {"accessKey": "account-two", "admin": "false", "defaultTopicPerm": "SUB"})) == (0, None)
    assert accounts(rules)["account-two"] == {
        **new, "topicPerms": ["a=PUB", "b=SUB"], "admin": "false", "defaultTopicPerm": "SUB",
    }  # fmt: skip
    assert "s3cr3t-of-one" in rules.read_text()


@pytest.mark.parametrize(
    ("given", "remark"),
    [
        ({"accessKey": "short1"}, "The accessKey=short1 cannot be null and length should longer than 6"),
        (
            {"accessKey": "account-one", "secretKey": "short1"},
            "The secretKey=*** value length should longer than 6",
        ),
        (
            {"accessKey": "account-two"},
            "The accessKey=account-two and secretKey=null cannot be null and length should longer than 6",
        ),
        ({"accessKey": "account-one", "topicPerms": "a"}, "Parse resource permission failed for topic:a"),
    ],
)
def test_accounts_that_make_no_sense_are_refused(ask, rules, given, remark):
    assert told(ask(PUT, given)) == (ResponseCode.UPDATE_AND_CREATE_ACL_CONFIG_FAILED, remark)
    assert rules.read_text() == RULES


def test_a_file_without_accounts_takes_none(ask, rules):
    rules.write_text("globalWhiteRemoteAddresses: [10.0.0.9]\n")
    remark = "The accesskey[account-two] corresponding to accessConfig has been updated failed."
    assert told(ask(PUT, {"accessKey": "account-two", "secretKey": "s3cr3t-of-two"})) == (209, remark)


def test_an_account_is_deleted(ask, rules):
    remark = "The accesskey[nobody] corresponding to accessConfig has been deleted failed."
    assert told(ask(DELETE, {"accessKey": "nobody"})) == (ResponseCode.DELETE_ACL_CONFIG_FAILED, remark)
    assert told(ask(DELETE, {"accessKey": "account-one"})) == (0, None)
    assert accounts(rules) == {}


def test_the_global_white_list_is_replaced(ask, rules, connection):
    assert told(ask(WHITE, {"globalWhiteAddrs": f"{connection.ip},192.168.0.{{1,2}}"})) == (0, None)
    assert load_text(rules.read_bytes())["globalWhiteRemoteAddresses"] == [connection.ip, "192.168.0.{1,2}"]
    code, remark = told(ask(WHITE, {"globalWhiteAddrs": "nonsense"}))
    assert (code, remark) == (211, "Netaddress examine scope Exception netaddress is nonsense")
    rules.write_text("accounts: []\n")
    remark = "The globalWhiteAddresses[10.0.0.9] has been updated failed."
    assert told(ask(WHITE, {"globalWhiteAddrs": "10.0.0.9"})) == (211, remark)


def test_which_version_the_rules_have(ask, clock):
    assert json.loads(ask(INFO).ext["version"]) == {"counter": 0, "timestamp": clock.now_ms()}
    clock.advance(7)
    ask(WHITE, {"globalWhiteAddrs": "10.0.0.9"})
    assert ask(INFO).ext == {
        "version": f'{{"counter":1,"timestamp":{clock.now_ms()}}}', "brokerName": "broker-a",
        "brokerAddr": "10.1.2.3:10911", "clusterName": "DefaultCluster",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "ext", "refusal"),
    [
        (PUT, {"accessKey": "account-two", "secretKey": "s3cr3t-of-two"}, 209),
        (DELETE, {"accessKey": "account-two"}, 210),
        (WHITE, {"globalWhiteAddrs": "*"}, 211),
        (INFO, None, 1),
    ],
)
def test_without_access_control_there_is_nothing_to_change(make_broker, ask_of, connection, code, ext, refusal):
    answer = ask_of(make_broker(), connection)(code, ext)
    assert told(answer) == (refusal, "this broker has aclEnable=false and keeps no accounts")


def test_a_peer_that_is_not_white_listed_must_sign(broker, ask_of, make_connection):
    from rocketpy.acl.errors import AccessDenied

    ask = ask_of(broker, make_connection("10.0.0.10"))
    for code in (PUT, DELETE, WHITE, INFO, RequestCode.GET_BROKER_CONFIG):
        with pytest.raises(AccessDenied, match="No accessKey is configured"):
            ask(code, {})


def test_secrets_are_in_no_log_line_and_no_answer(ask, caplog):
    caplog.set_level("DEBUG")
    given = {"accessKey": "account-two", "secretKey": "s3cr3t-of-two", "topicPerms": "a"}
    answers = [ask(PUT, given), ask(PUT, {**given, "topicPerms": "a=PUB"}), ask(PUT, {**given, "secretKey": "short1"})]
    answers.append(ask(RequestCode.GET_BROKER_CONFIG))
    assert [answer.code for answer in answers] == [209, 0, 209, 0]
    shown = caplog.text + "".join(f"{answer!r}{answer.body}" for answer in answers)
    assert "s3cr3t" not in shown
    assert "short1" not in shown
    assert "s3cr3t" not in repr(CreateAccessConfigRequestHeader.decode(Command(PUT, given)))
