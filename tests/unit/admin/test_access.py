"""Accounts and addresses on a broker with access control, changed by an admin whose keys stand in tools.yml."""

import functools

import pytest

import rocketpy.testing
from rocketpy import quickstart
from rocketpy.config import BrokerConfig

RULES = """\
globalWhiteRemoteAddresses:
- 10.10.10.10
accounts:
- accessKey: operator1
  secretKey: operator-secret
  admin: true
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    (folder / "conf").mkdir()
    (folder / "conf" / "plain_acl.yml").write_text(RULES)
    (folder / "conf" / "tools.yml").write_text("accessKey: operator1\nsecretKey: operator-secret\n")
    return folder


@pytest.fixture(scope="module")
def cluster(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROCKETMQ_HOME", str(home))
        patch.setattr(quickstart, "BrokerConfig", functools.partial(BrokerConfig, acl_enable=True))
        with rocketpy.testing.cluster() as cluster:
            yield cluster


@pytest.fixture
def operator(mqadmin, home, monkeypatch):
    monkeypatch.setenv("ROCKETMQ_HOME", str(home))
    return mqadmin


def test_an_account_is_made_listed_and_deleted(operator, cluster, home):
    made = operator(
        "updateAclConfig", "-c", "DefaultCluster", "-a", "billing", "-s", "billing-secret", "-t", "a=DENY,b=SUB"
    )
    assert made.code == 0
    assert made.lines == [
        f"create or update plain access config to {cluster.broker_addr} success.",
        "PlainAccessConfig [accessKey=billing, whiteRemoteAddress=, admin=false, defaultTopicPerm=, "
        "defaultGroupPerm=, topicPerms=[a=DENY, b=SUB], groupPerms=[]]",
    ]
    assert "billing-secret" in (home / "conf" / "plain_acl.yml").read_text()
    gone = operator("deleteAccessConfig", "-b", cluster.broker_addr, "-a", "billing")
    assert gone.out == (
        f"delete plain access config account to {cluster.broker_addr} success.\naccount's accesskey is:billing"
    )
    assert "billing" not in (home / "conf" / "plain_acl.yml").read_text()
    again = operator("deleteAccessConfig", "-b", cluster.broker_addr, "-a", "billing")
    assert (again.code, again.out) == (1, "")
    assert "CODE: 210  DESC: " in again.err


def test_an_account_where_a_broker_is_away(operator, cluster, monkeypatch):
    away = "127.0.0.1:1"  # nobody listens there

    async def both(*_):
        return [away, cluster.broker_addr]

    monkeypatch.setattr("rocketpy.admin.access.chosen", both)
    made = operator("updateAclConfig", "-b", "x", "-a", "billing", "-s", "billing-secret")
    gone = operator("deleteAccessConfig", "-b", "x", "-a", "billing")
    version = operator("clusterAclConfigVersion", "-b", "x")
    for found in (made, gone, version):
        assert found.code == 1 and away in found.err
    assert [line.split(" ")[0] for line in made.lines] == ["create", "PlainAccessConfig"]
    assert [line.split(" ")[0] for line in gone.lines] == ["delete", "account's"]
    assert len(version.lines) == 1, "a row, and no success"


def test_an_account_that_makes_no_sense_is_refused(operator, cluster):
    found = operator("updateAclConfig", "-b", cluster.broker_addr, "-a", "billing", "-s", "short")
    assert (found.code, found.out) == (1, "")
    assert "CODE: 209  DESC: " in found.err
    assert "short" not in found.err.partition("DESC")[2].replace("too short", "").replace("shorter", "")


def test_versions_of_the_rules(operator, cluster):
    operator("updateGlobalWhiteAddr", "-b", cluster.broker_addr, "-g", "10.10.10.11")
    found = operator("clusterAclConfigVersion", "-c", "DefaultCluster")
    assert found.lines[0] == (
        f"{'#Cluster Name':16}  {'#Broker Name':22}  {'#Broker Addr':22}  #AclConfigVersionNum  #AclLastUpdateTime    "
    )
    assert found.lines[1].startswith(f"{'DefaultCluster':16}  {'quickstart':22}  {cluster.broker_addr:22}  ")
    assert found.lines[2] == "get cluster's plain access config version success."
    one = operator("clusterAclConfigVersion", "-b", cluster.broker_addr)
    assert len(one.lines) == 2
    assert one.lines[1] == "get broker's plain access config version success."
    (row,) = operator("clusterAclConfigVersion", "-b", cluster.broker_addr, "--json").rows
    assert row["aclConfigVersionNum"] >= 1


def test_addresses_that_need_no_account(operator, cluster, home):
    found = operator("updateGlobalWhiteAddr", "-c", "DefaultCluster", "-g", "10.10.103.*,192.168.0.*")
    assert found.out == f"update global white remote addresses to {cluster.broker_addr} success.\n"
    assert "10.10.103.*" in (home / "conf" / "plain_acl.yml").read_text()


def test_without_an_account_the_broker_refuses(mqadmin, cluster):
    found = mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "T")
    assert (found.code, found.out) == (1, "")
    assert f"{cluster.broker_addr} answers CODE: 1  DESC: org.apache.rocketmq.acl.common.AclException" in found.err
    assert found.err.endswith("belong into $ROCKETMQ_HOME/conf/tools.yml)\n")
