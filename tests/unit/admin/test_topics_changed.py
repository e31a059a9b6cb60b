"""updateTopic, updateTopicPerm, deleteTopic, updateOrderConf and allocateMQ on a running cluster."""

import asyncio

import pytest

from rocketpy.admin.allocation import share
from rocketpy.client import Admin
from rocketpy.client.admin_brokers import topic_configs
from rocketpy.protocol.bodies import TopicConfig

MADE = "TopicConfig [topicName={}, readQueueNums={}, writeQueueNums={}, perm={}, topicFilterType=SINGLE_TAG, "


def topic(cluster, name):
    async def ask():
        async with Admin(cluster.namesrv_addr) as admin:
            return (await topic_configs(admin, cluster.broker_addr)).get(name)

    return asyncio.run(ask())


def test_a_topic_on_one_broker(mqadmin, cluster):
    found = mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "One", "-r3", "-w", "2", "-p", "4", "-u", "true")
    assert found.code == 0
    assert found.out == (
        f"create topic to {cluster.broker_addr} success.\n"
        + MADE.format("One", 3, 2, "R--")
        + "topicSysFlag=1, order=false]"
    )
    assert topic(cluster, "One") == TopicConfig("One", 3, 2, 4, topic_sys_flag=1)


def test_a_topic_on_every_master_has_eight_queues(mqadmin, cluster):
    (row,) = mqadmin("updateTopic", "-c", "DefaultCluster", "-t", "All", "--json").rows
    assert row["brokerAddr"] == cluster.broker_addr
    assert row["topicConfig"]["readQueueNums"] == row["topicConfig"]["writeQueueNums"] == 8
    assert topic(cluster, "All").write_queue_nums == 8


def test_an_orderly_topic_and_its_conf(mqadmin, cluster):
    found = mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "Row", "-o", "true")
    assert found.lines[0] == (
        f"set broker orderConf. isOrder=true, orderConf=[quickstart:8]create topic to {cluster.broker_addr} success."
    )
    found = mqadmin("updateTopic", "-c", "DefaultCluster", "-t", "Row", "-o", "true", "-w", "5")
    assert found.lines[1].startswith("set cluster orderConf. isOrder=true, orderConf=[quickstart:5]TopicConfig [")
    assert mqadmin("updateOrderConf", "-t", "Row", "-m", "get").out == (
        "get orderConf success. topic=[Row], orderConf=[quickstart:5] "
    )


def test_an_order_conf_keeps_the_parts_of_other_brokers(mqadmin, cluster):
    put = mqadmin("updateOrderConf", "-t", "Kept", "-m", "put", "-v", "other:2;quickstart:1")
    assert put.out == "update orderConf success. topic=[Kept], orderConf=[other:2;quickstart:1]"
    mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "Kept", "-o", "true")
    assert mqadmin("updateOrderConf", "-tKept", "-mget", "--json").rows == [
        {"topic": "Kept", "orderConf": "other:2;quickstart:8"}
    ]
    assert mqadmin("updateOrderConf", "-t", "Kept", "-m", "delete").out == "delete orderConf success. topic=[Kept]"
    gone = mqadmin("updateOrderConf", "-t", "Kept", "-m", "get")
    assert (gone.code, gone.out) == (1, "")
    assert "CODE: 22  DESC: No config item" in gone.err


def test_an_order_conf_needs_a_value_and_a_method(mqadmin):
    found = mqadmin("updateOrderConf", "-t", "T", "-m", "put")
    assert (found.code, found.out) == (2, "")
    assert found.err == "mqadmin: updateOrderConf: please set orderConf with option -v.\n"
    found = mqadmin("updateOrderConf", "-t", "T", "-m", "what")
    assert found.code == 2
    assert found.lines[0] == "usage: mqadmin updateOrderConf [-h] -m <arg> [-n <arg>] -t <arg> [-v <arg>]"


@pytest.mark.parametrize("where", ["-b", "-c"])
def test_a_permission_changes_and_nothing_else_does(mqadmin, cluster, where):
    target = cluster.broker_addr if where == "-b" else "DefaultCluster"
    mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "Perm", "-r", "3", "-w", "2", "-u", "true")
    found = mqadmin("updateTopicPerm", "-t", "Perm", "-p", "4", where, target)
    assert found.lines[0] == f"update topic perm from 6 to 4 in {cluster.broker_addr} success."
    assert len(found.lines) == (2 if where == "-b" else 1)
    assert topic(cluster, "Perm") == TopicConfig("Perm", 3, 2, 4, topic_sys_flag=1)
    assert mqadmin("updateTopicPerm", "-t", "Perm", "-p", "4", where, target).out == "new perm equals to the old one!\n"
    mqadmin("deleteTopic", "-t", "Perm", "-c", "DefaultCluster")


def test_a_permission_needs_a_place(mqadmin, cluster):
    mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "Place")
    found = mqadmin("updateTopicPerm", "-t", "Place", "-p", "4")
    assert found.code == 2
    assert found.lines[0].startswith("usage: mqadmin updateTopicPerm [-b <arg>]")
    assert found.err == "mqadmin: updateTopicPerm: give a broker's address with -b, or a cluster with -c\n"


def test_a_deleted_topic_is_gone_from_broker_and_name_server(mqadmin, cluster):
    mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "Gone")
    assert mqadmin("deleteTopic", "-t", "Gone", "-c", "DefaultCluster").out == (
        "delete topic [Gone] from cluster [DefaultCluster] success.\ndelete topic [Gone] from NameServer success.\n"
    )
    assert topic(cluster, "Gone") is None
    assert mqadmin("topicRoute", "-t", "Gone").code == 1


def test_a_route_stays_while_a_broker_has_the_topic(mqadmin, cluster, monkeypatch):
    mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "Half")
    monkeypatch.setattr("rocketpy.admin.topic_deletion.all_in", lambda info, name: ["127.0.0.1:1", cluster.broker_addr])
    found = mqadmin("deleteTopic", "-t", "Half", "-c", "DefaultCluster")
    assert (found.code, found.out) == (1, "")
    assert "broker 127.0.0.1:1 cannot be reached" in found.err
    assert topic(cluster, "Half") is None
    assert mqadmin("topicRoute", "-t", "Half").code == 0


def test_a_route_that_a_name_server_may_still_have(mqadmin, cluster):
    mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "Routed")
    servers = f"{cluster.namesrv_addr};127.0.0.1:1"
    found = mqadmin("deleteTopic", "-t", "Routed", "-c", "DefaultCluster", "-n", servers)
    assert (found.code, found.out) == (1, "delete topic [Routed] from cluster [DefaultCluster] success.\n")
    assert "name server 127.0.0.1:1 cannot be reached" in found.err


@pytest.mark.parametrize("words", [("updateTopic",), ("deleteTopic",), ("updateTopicPerm", "-p", "4")])
def test_a_cluster_that_is_not_there(mqadmin, words):
    found = mqadmin(*words, "-t", "TBW102", "-c", "nosuch")
    assert found.code == 1
    assert found.out == (
        "[error] Make sure the specified clusterName exists or the name server connected to is correct."
    )
    assert "there is no cluster nosuch; the name server knows: DefaultCluster" in found.err


def test_a_broker_that_is_not_there(mqadmin, cluster):
    found = mqadmin("updateTopic", "-b", "127.0.0.1:1", "-t", "T")
    assert (found.code, found.out) == (1, "")
    assert "broker 127.0.0.1:1 cannot be reached" in found.err
    assert f"the name server knows {cluster.broker_addr}" in found.err


def test_an_address_of_a_name_server_for_a_broker(mqadmin, cluster):
    found = mqadmin("updateTopic", "-b", cluster.namesrv_addr, "-t", "T")
    assert found.code == 1
    told = f"{cluster.namesrv_addr} is a name server: give a broker's address, clusterList shows all"
    assert found.err == f"mqadmin: updateTopic: {told}\n"


@pytest.mark.parametrize(("option", "value"), [("-r", "x"), ("-w", "-1"), ("-p", "1.5")])
def test_numbers_are_checked(mqadmin, cluster, option, value):
    found = mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "T", option, value)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"mqadmin: updateTopic: {option} {value}: ")


def test_queues_are_shared_out(mqadmin, cluster):
    mqadmin("updateTopic", "-b", cluster.broker_addr, "-t", "Shared", "-r", "3")
    (found,) = mqadmin("allocateMQ", "-t", "Shared", "-i", "10.0.0.1,10.0.0.2", "--json").rows
    assert [len(found["result"][address]) for address in ("10.0.0.1", "10.0.0.2")] == [2, 1]
    queue = '{"brokerName":"quickstart","queueId":0,"topic":"Shared"}'
    text = mqadmin("allocateMQ", "-t", "Shared", "-i", "a,b").out
    assert text.startswith('{"result":{"a":[{"brokerName"')
    assert queue in text
    assert mqadmin("allocateMQ", "-t", "Shared", "-i", "a,").code == 2


def test_shares_are_equal_and_in_a_row():
    assert [share(range(8), at, 3) for at in range(3)] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert [share(range(2), at, 4) for at in range(4)] == [[0], [1], [], []]


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"127.0.0.1:3"}, ": 1 is the VIP port of 127.0.0.1:3, give that"),
        ({"127.0.0.1:1"}, ": the name server has it registered, so it is down, or its brokerIP1 cannot be reached"),
        (set(), ": is it running there?"),
    ],
)
def test_what_the_address_of_a_broker_may_be(mqadmin, monkeypatch, known, told):
    async def addresses(_):
        return known

    monkeypatch.setattr("rocketpy.admin.hints.known_addresses", addresses)
    found = mqadmin("updateTopic", "-b", "127.0.0.1:1", "-t", "T")
    assert told in found.err
