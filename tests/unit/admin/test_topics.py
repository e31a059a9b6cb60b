"""topicRoute, topicStatus, topicClusterList and topicList on a running cluster, line by line."""

import asyncio

import pytest

from rocketpy.admin.java import string_order
from rocketpy.client import Producer, new_message


@pytest.fixture(scope="module", autouse=True)
def topic(cluster):
    cluster.create_topic("Orders", queue_nums=2)

    async def send():
        async with Producer(cluster.namesrv_addr) as producer:
            queues = await producer.queues("Orders")
            await producer.send(new_message("Orders", b"x"), queues[1])

    asyncio.run(send())


def test_a_route_as_fastjson_prints_it(mqadmin, cluster):
    found = mqadmin("topicRoute", "-t", "Orders")
    assert found.code == 0
    assert found.lines[:6] == [
        "{",
        '\t"brokerDatas":[',
        "\t\t{",
        f'\t\t\t"brokerAddrs":{{0:"{cluster.broker_addr}"',
        "\t\t\t},",
        '\t\t\t"brokerName":"quickstart",',
    ]
    assert found.out.endswith('\t\t\t"writeQueueNums":2\n\t\t}\n\t]\n}\n')
    (route,) = mqadmin("topicRoute", "-t", "Orders", "--json").rows
    assert route["brokerDatas"][0]["brokerAddrs"] == {"0": cluster.broker_addr}


def test_the_ends_of_every_queue(mqadmin):
    found = mqadmin("topicStatus", "-tOrders")
    assert found.lines[0] == f"{'#Broker Name':32}  #QID  {'#Min Offset':20}  {'#Max Offset':20}    #Last Updated"
    assert found.lines[1] == "quickstart                        0     0                     0                       "
    assert found.lines[2].startswith(f"{'quickstart':32}  1     0                     1                       20")
    rows = mqadmin("topicStatus", "-tOrders", "--json").rows
    assert [(row["queueId"], row["maxOffset"]) for row in rows] == [(0, 0), (1, 1)]


def test_the_clusters_of_a_topic(mqadmin):
    assert mqadmin("topicClusterList", "--topic=Orders").out == "DefaultCluster\n"


def test_all_topics(mqadmin):
    names = mqadmin("topicList").lines
    assert "Orders" in names
    assert "TBW102" in names
    assert [row["topic"] for row in mqadmin("topicList", "--json").rows] == names
    assert names == string_order(names)  # upstream puts them into a HashSet


def test_topics_with_cluster_and_group(mqadmin):
    found = mqadmin("topicList", "-c")
    assert found.lines[0] == f"{'#Cluster Name':20}  {'#Topic':48}  {'#Consumer Group':48}"
    assert f"{'DefaultCluster':20}  {'Orders':48}  {'':48}" in found.lines
