"""clusterList, brokerStatus, brokerConsumeStats, settings, cleaning and sending times on a running cluster."""

import asyncio
import logging
import re

import pytest

from rocketpy.admin import clusters
from rocketpy.admin.session import Session
from rocketpy.client import Producer, PullConsumer, new_message
from rocketpy.errors import StartRefused
from rocketpy.settings_file import SettingsFile
from rocketpy.settings_update import SettingsUpdate

from .conftest import Run

WRITTEN = "# the broker of hall 3\nbrokerName = quickstart\n\nfileReservedTime : 72   # three days\nowner=me\n"

AWAY = "127.0.0.1:1"  # nobody listens there


def test_every_broker_with_its_load(mqadmin, cluster):
    found = mqadmin("clusterList")
    assert found.lines[0] == (
        "#Cluster Name     #Broker Name            #BID  #Addr                  #Version                #InTPS(LOAD)"
        "       #OutTPS(LOAD) #PCWait(ms) #Hour #SPACE"
    )
    begin = f"DefaultCluster    quickstart              0     {cluster.broker_addr:<22} V4_5_2          "
    assert re.fullmatch(
        re.escape(begin) + r" +\d+\.\d\d\(0,0ms\) +\d+\.\d\d\(0,0ms\) +\d+ +[\d.]+\.\d\d \d\.\d{4}", found.lines[1]
    )
    (row,) = mqadmin("clusterList", "--json").rows
    assert (row["brokerName"], row["brokerId"], row["version"]) == ("quickstart", 0, "V4_5_2")


def test_what_every_broker_took_and_gave(mqadmin):
    found = mqadmin("clusterList", "-m")
    assert found.lines[0] == (
        f"{'#Cluster Name':16}  {'#Broker Name':32} {'#InTotalYest':>14} {'#OutTotalYest':>14} {'#InTotalToday':>14} "
        f"{'#OutTotalToday':>14}"
    )
    assert found.lines[1].startswith(f"DefaultCluster    {'quickstart':32} {0:14} {0:14} ")


def test_a_list_is_repeated_until_it_is_stopped(mqadmin, monkeypatch):
    waited = []

    async def wait(_, seconds):
        waited.append(seconds)
        if len(waited) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Session, "wait", wait)
    found = mqadmin("clusterList", "-i", "7")
    assert waited == [7, 7]
    assert len(found.lines) == 4
    assert found.code == 130


def test_a_broker_that_says_nothing_costs_its_row(mqadmin, cluster, monkeypatch):
    places = clusters.places_of

    def one_more(info):
        return [
            {"clusterName": "C", "brokerName": "lost", "brokerId": 1, "brokerAddr": "127.0.0.1:1"},
            *places(info),
        ]

    monkeypatch.setattr(clusters, "places_of", one_more)
    found = mqadmin("clusterList")
    assert found.code == 1
    loads = f"{'     0.00(,ms)':>19} {'     0.00(,ms)':>19} {'':>10}  0.00 0.0000"
    assert found.lines[1] == f"{'C':16}  {'lost':22}  1     {'127.0.0.1:1':22} {'':16} {loads}"
    assert found.lines[2].startswith("DefaultCluster    quickstart")
    assert "broker 127.0.0.1:1 cannot be reached" in found.err
    assert mqadmin("clusterList", "-m").lines[1].split() == ["C", "lost", "0", "0", "0", "0"]


@pytest.mark.parametrize(("text", "value"), [("1.5 2 3", 1.5), ("  ", 0.0), ("", 0.0), ("x", 0.0)])
def test_rates_are_read_as_upstream_reads_them(text, value):
    assert clusters.double(text) == value


def test_an_absent_figure_is_null():
    row = clusters.loads({}, 0)
    assert clusters.BASE.row_text({**row, "clusterName": "c", "brokerName": "b", "brokerId": 0, "brokerAddr": "a"}) == (
        f"{'c':16}  {'b':22}  0     {'a':22} {'null':16}      0.00(null,nullms)      0.00(null,nullms)       null"
        "  0.00 0.0000\n"
    )


def test_figures_of_a_broker_and_of_a_cluster(mqadmin, cluster):
    of_broker = mqadmin("brokerStatus", "-b", cluster.broker_addr).lines
    assert f"{'brokerVersionDesc':32}: V4_5_2" in of_broker
    assert of_broker == sorted(of_broker, key=lambda line: line.partition(":")[0].rstrip())
    of_cluster = mqadmin("brokerStatus", "-c", "DefaultCluster").lines
    assert f"{cluster.broker_addr:24} {'brokerVersionDesc':32}: V4_5_2" in of_cluster
    (row,) = mqadmin("brokerStatus", "-b", cluster.broker_addr, "--json").rows
    assert row["runtimeInfo"]["brokerVersionDesc"] == "V4_5_2"
    nowhere = mqadmin("brokerStatus")
    assert (nowhere.code, nowhere.out) == (2, "")


def test_how_far_groups_are(mqadmin, cluster):
    cluster.create_topic("Lag", queue_nums=1)

    async def consume():
        async with Producer(cluster.namesrv_addr) as producer, PullConsumer(cluster.namesrv_addr, "slow") as consumer:
            for _ in range(3):
                sent = await producer.send(new_message("Lag", b"x"))
            await consumer.pull(sent.queue, 0)  # the broker makes the group
            await consumer.commit(sent.queue, 1)

    asyncio.run(consume())
    found = mqadmin("brokerConsumeStats", "-b", cluster.broker_addr)
    assert found.lines[0] == (
        f"{'#Topic':32}  {'#Group':32}  {'#Broker Name':32}  #QID  {'#Broker Offset':20}  {'#Consumer Offset':20}  "
        f"{'#Diff':20}  #LastTime"
    )
    assert found.lines[1].startswith(f"{'Lag':32}  {'slow':32}  {'quickstart':32}  0     {3:<20}  {1:<20}  {2:<20}  20")
    assert found.out.endswith("\n\nDiff Total: 2\n")
    assert mqadmin("brokerConsumeStats", "-b", cluster.broker_addr, "-l", "3").lines[1:] == ["", "Diff Total: 2"]
    rows = mqadmin("brokerConsumeStats", "-b", cluster.broker_addr, "--json").rows
    assert (rows[0]["diff"], rows[-1]) == (2, {"totalDiff": 2})


def test_settings_of_a_broker(mqadmin, cluster):
    found = mqadmin("getBrokerConfig", "-b", cluster.broker_addr)
    assert found.lines[0] == f"============{cluster.broker_addr}============"
    assert f"{'brokerName':50}=  quickstart" in found.lines
    assert found.out.endswith("\n\n")
    of_cluster = mqadmin("getBrokerConfig", "-c", "DefaultCluster")
    assert of_cluster.lines[0] == f"============Master: {cluster.broker_addr}============"
    (row,) = mqadmin("getBrokerConfig", "-b", cluster.broker_addr, "--json").rows
    assert row["config"]["brokerName"] == "quickstart"


def test_settings_of_a_broker_that_is_away(mqadmin):
    found = mqadmin("getBrokerConfig", "-b", "127.0.0.1:1")
    assert (found.code, found.out) == (1, "============127.0.0.1:1============\n")


def test_slaves_stand_below_their_master():
    from rocketpy.admin.broker_config import heads_of
    from rocketpy.protocol.bodies import BrokerData, ClusterInfo

    info = ClusterInfo({"a": BrokerData("c", "a", {0: "h:1", 1: "h:2"})}, {"c": ["a"]})
    assert heads_of(info, "c") == {
        "h:1": "============Master: h:1============\n",
        "h:2": "============My Master: h:1=====Slave: h:2============\n",
    }


@pytest.fixture
def properties(cluster, tmp_path, monkeypatch):
    """The file that the broker was started with; what a test changes is as before when it ends."""
    path, broker = tmp_path / "broker.conf", cluster.broker
    path.write_text(WRITTEN)
    parts = (broker.config, broker.server_config, broker.client_config, broker.store_config)
    log = logging.getLogger("RocketmqBroker")
    update = SettingsUpdate(parts, SettingsFile(path), broker.clock, log, "updateBrokerConfig")
    monkeypatch.setattr(broker, "settings_update", update)
    monkeypatch.setattr(broker.store_config, "file_reserved_time", 72)
    return path


def settings(mqadmin, cluster):
    (row,) = mqadmin("getBrokerConfig", "-b", cluster.broker_addr, "--json").rows
    return row["config"]


def test_a_setting_is_changed_on_every_master(mqadmin, cluster, properties):
    for where, hours in ((("-b", cluster.broker_addr), "48"), (("-c", "DefaultCluster"), "36")):
        found = mqadmin("updateBrokerConfig", *where, "-k", " fileReservedTime ", "-v", hours)
        assert found == Run(0, f"update broker config success, {cluster.broker_addr}\n", "")
        assert properties.read_text() == WRITTEN.replace("72", hours)
        assert settings(mqadmin, cluster)["fileReservedTime"] == hours
    assert cluster.broker.store_config.file_reserved_time == 36
    nowhere = mqadmin("updateBrokerConfig", "-k", "a", "-v", "b")
    assert (nowhere.code, nowhere.lines[0][:34]) == (2, "usage: mqadmin updateBrokerConfig ")


def test_what_a_broker_says_of_a_change_stands_on_stderr(mqadmin, cluster, monkeypatch):
    """Such as that the change is gone with the next start: this broker was started without a file."""
    monkeypatch.setattr(cluster.broker.store_config, "file_reserved_time", 72)
    words = "updateBrokerConfig", "-b", cluster.broker_addr, "-k", "fileReservedTime", "-v", "48"
    said = f"update broker config success, {cluster.broker_addr}\n"
    note = f"{cluster.broker_addr}: in force until the server stops: no file keeps its settings"
    assert mqadmin(*words) == Run(0, said, f"mqadmin: updateBrokerConfig: {note}\n")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("brokerPermission", "9", "CODE: 1  DESC: brokerPermission: 9 is out of range 0..7"),
        ("fileReservedTime", "a day", "CODE: 1  DESC: fileReservedTime: a day is not a number"),
        ("fileReservdTime", "48", "CODE: 1  DESC: fileReservdTime: there is no such setting; the nearest one is "
                                  "fileReservedTime"),
        ("storePathRootDir", "/elsewhere", "CODE: 16  DESC: storePathRootDir can not be updated from afar, it is a "
                                           "path: change it in the -c file and restart"),
        ("listenPort", "10911", "CODE: 16  DESC: listenPort can not be updated from afar, it is a port: change it in "
                                "the -c file and restart"),
    ],
)  # fmt: skip
def test_a_setting_that_is_refused_changes_nothing(mqadmin, cluster, properties, key, value, why):
    before = settings(mqadmin, cluster)
    for where in (("-b", cluster.broker_addr), ("-c", "DefaultCluster")):
        found = mqadmin("updateBrokerConfig", *where, "-k", key, "-v", value)
        assert found == Run(1, "", f"mqadmin: updateBrokerConfig: {cluster.broker_addr} answers {why}\n")
    assert (properties.read_text(), settings(mqadmin, cluster)) == (WRITTEN, before)


def test_a_setting_is_one_line(mqadmin, cluster):
    found = mqadmin("updateBrokerConfig", "-b", cluster.broker_addr, "-k", "a", "-v", "b\nbrokerIP1=x")
    assert (found.code, found.err) == (2, "mqadmin: updateBrokerConfig: a key and a value are one line each\n")


@pytest.mark.parametrize("command", ["cleanExpiredCQ", "cleanUnusedTopic"])
def test_cleaning_a_broker_a_cluster_and_all(mqadmin, cluster, command):
    for where in (("-b", cluster.broker_addr), ("-c", "DefaultCluster"), ()):
        found = mqadmin(command, *where)
        assert (found.code, found.out) == (0, "success")
        assert mqadmin(command, *where, "--json").rows == [{"brokerAddr": cluster.broker_addr, "result": "success"}]
    nowhere = mqadmin(command, "-c", "nosuch")
    assert (nowhere.code, nowhere.out) == (1, "false")


def test_cleaning_where_a_broker_is_away(mqadmin, cluster, monkeypatch):
    async def both(*_):
        return [AWAY, cluster.broker_addr]

    monkeypatch.setattr("rocketpy.admin.cleaning.addresses", both)
    found = mqadmin("cleanExpiredCQ")
    assert (found.code, found.out) == (1, "")
    assert AWAY in found.err
    assert mqadmin("cleanExpiredCQ", "--json").rows == [{"brokerAddr": cluster.broker_addr, "result": "success"}]


def test_sending_to_a_broker_and_how_long_it_takes(mqadmin):
    found = mqadmin("sendMsgStatus", "-b", "quickstart", "-s", "30", "-c", "2")
    one = (
        r"rt:\d+ms, SendResult=SendResult \[sendStatus=SEND_OK, msgId=[0-9A-F]{32}, offsetMsgId=[0-9A-F]{32}, "
        r"messageQueue=MessageQueue \[topic=quickstart, brokerName=quickstart, queueId=0\], queueOffset=\d+\]"
    )
    assert re.fullmatch(one * 2, found.out)
    rows = mqadmin("sendMsgStatus", "-b", "quickstart", "-c", "1", "--json").rows
    assert rows[0]["sendResult"]["sendStatus"] == "SEND_OK"


def test_times_of_all_clusters(mqadmin, monkeypatch):
    async def stop(_, seconds):
        assert seconds == 10
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "wait", stop)
    found = mqadmin("clusterRT", "-s", "16", "-a", "3")
    assert found.lines[0] == f"{'#Cluster Name':24}  {'#Broker Name':24}  #RT   #successCount  #failCount"
    assert re.fullmatch(rf"{'DefaultCluster':24}  {'quickstart':24}  \d+\.\d\d +3 {{16}} 0 {{15}}", found.lines[1])
    logged = mqadmin("clusterRT", "-s", "16", "-a", "1", "-p", "true", "-m", "room")
    assert re.fullmatch(r"[\d-]{10} [\d:]{8}\|room\|DefaultCluster\|quickstart\|0\n", logged.out)
    absent = mqadmin("clusterRT", "-s", "16", "-c", "nosuch")
    assert (absent.code, absent.out) == (1, "cluster [nosuch] not exist")


def test_start_refused_is_never_a_traceback(mqadmin, monkeypatch):
    def refuse(_):
        raise StartRefused("/etc/rocketmq/tls.properties:1: tls.minVersion=x is none: correct it")

    monkeypatch.setattr("rocketpy.admin.session.tls", refuse)
    found = mqadmin("topicList")
    assert (found.code, found.err.count("\n")) == (1, 1)
