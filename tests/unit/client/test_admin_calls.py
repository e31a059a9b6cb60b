"""What the operator's calls about brokers, name servers and accounts send, and what they make of the answers."""

import asyncio

import pytest

from rocketpy._core.command import response
from rocketpy.client import Admin, BrokerRefused
from rocketpy.client.admin_access import PlainAccessConfig, acl_version, update_access_config
from rocketpy.client.admin_brokers import broker_config, update_broker_config
from rocketpy.client.admin_namesrv import wipe_write_perm
from rocketpy.client.admin_topics import delete_kv, put_kv
from rocketpy.client.calls import NotAnswered


@pytest.fixture
def admin(remoting):
    admin = Admin("ns1:1;ns2:1")
    admin.remoting = remoting
    return admin


def run(work):
    return asyncio.run(work)


def test_settings_are_sent_as_lines_and_read_as_properties(admin, remoting):
    remoting.servers["b:1"] = lambda command: response(0, None, None, b"a=1\n# none\npath=C\\:\\\\x\nempty=\n")
    run(update_broker_config(admin, "b:1", {"maxMessageSize": "4194304", "name": "\u4e3b"}))
    assert remoting.asked[0][1].body == "maxMessageSize=4194304\nname=\u4e3b\n".encode()
    assert run(broker_config(admin, "b:1")) == {"a": "1", "path": "C:\\x", "empty": ""}


def test_every_name_server_is_written_to_and_the_last_refusal_told(admin, remoting):
    remoting.servers["ns2:1"] = lambda command: response(0)
    with pytest.raises(NotAnswered, match="ns1:1"):
        run(put_kv(admin, "n", "k", "v"))
    assert remoting.addresses(100) == ["ns1:1", "ns2:1"]
    remoting.servers["ns1:1"] = lambda command: response(1, "no")
    with pytest.raises(BrokerRefused) as refused:
        run(delete_kv(admin, "n", "k"))
    assert (refused.value.address, refused.value.asked, refused.value.code) == ("ns1:1", 102, 1)
    assert remoting.addresses(102) == ["ns1:1", "ns2:1"]


def test_topics_that_lost_their_write_permission_are_counted(admin, remoting):
    remoting.servers["ns1:1"] = lambda command: response(0, None, {"wipeTopicCount": "7"})
    assert run(wipe_write_perm(admin, "ns1:1", "broker-a")) == 7
    assert remoting.asked[0][1].ext == {"brokerName": "broker-a"}


def test_an_account_says_what_is_given_and_always_whether_it_is_an_admin(admin, remoting):
    remoting.servers["b:1"] = lambda command: response(0)
    run(update_access_config(admin, "b:1", PlainAccessConfig("key1234", topic_perms=("a=DENY", "b=SUB"))))
    assert remoting.asked[0][1].ext == {"accessKey": "key1234", "admin": "false", "topicPerms": "a=DENY,b=SUB"}


def test_a_version_of_the_rules(admin, remoting):
    ext = {
        "version": '{"counter":3,"timestamp":1700000000000}',
        "brokerName": "b",
        "brokerAddr": "b:1",
        "clusterName": "c",
    }
    remoting.servers["b:1"] = lambda command: response(0, None, ext)
    found = run(acl_version(admin, "b:1"))
    assert (found.cluster, found.broker_name, found.version.counter) == ("c", "b", 3)
