"""Commands of consumer and producer groups on a running cluster, line by line."""

import asyncio
import json

import pytest

from rocketpy.admin.running_info import report
from rocketpy.client import Admin, Producer, PullConsumer, new_message
from rocketpy.client.admin_groups import consume_stats
from rocketpy.protocol.bodies import MessageQueue
from tests.unit.admin.members import SHOWN, Member

PROGRESS_HEAD = (
    "#Topic                            #Broker Name                      #QID  #Broker Offset        "
    "#Consumer Offset      #Client IP           #Diff                 #LastTime"
)


@pytest.fixture(scope="module", autouse=True)
def orders(cluster):
    """Two queues; three messages in the first, of which `CG` has consumed one."""
    cluster.create_topic("Orders", queue_nums=2)
    queue = MessageQueue("Orders", "quickstart", 0)

    async def fill():
        async with Producer(cluster.namesrv_addr) as producer:
            for body in (b"a", b"b", b"c"):
                await producer.send(new_message("Orders", body), queue)
        async with PullConsumer(cluster.namesrv_addr, "CG") as consumer:
            await consumer.commit(queue, 1)
            await consumer.commit(MessageQueue("Orders", "quickstart", 1), 0)

    asyncio.run(fill())


@pytest.fixture
def member(cluster):
    with Member(cluster, group="CG", tags=("TagA", "TagB")) as member:
        yield member


def offsets(cluster, group):
    async def ask():
        async with PullConsumer(cluster.namesrv_addr, group) as consumer:
            return [await consumer.committed(MessageQueue("Orders", "quickstart", each)) for each in (0, 1)]

    return asyncio.run(ask())


# ---- consumerProgress


def test_how_far_a_group_is(mqadmin, member):
    found = mqadmin("consumerProgress", "-gCG")
    assert (found.code, found.err) == (0, "")
    assert found.lines[0] == PROGRESS_HEAD
    row = "Orders                            quickstart                        "
    unknown = "N/A                  "
    assert found.lines[1].startswith(f"{row}0     3                     1                     {unknown}2    ")
    assert found.lines[2] == (
        f"{row}1     0                     0                     {unknown}0                     N/A"
    )
    assert found.lines[3:] == ["", "Consume TPS: 0.00", "Diff Total: 2"]
    *rows, totals = mqadmin("consumerProgress", "-g", "CG", "--json").rows
    assert [(row["queueId"], row["diff"]) for row in rows] == [(0, 2), (1, 0)]
    assert totals == {"consumeTps": 0.0, "diffTotal": 2}


def test_which_client_has_a_queue(mqadmin, member):
    rows = mqadmin("consumerProgress", "-gCG", "-s", "TRUE", "--json").rows
    assert [row.get("clientIp") for row in rows[:2]] == ["", "10.0.0.9"]  # SHOWN has queue 1


def test_every_group(mqadmin, cluster, member):
    with Member(cluster, "10.0.0.8@1", group="Pulling", pulls=True):
        found = mqadmin("consumerProgress")
    assert found.lines[0] == (
        "#Group                            #Count  #Version                 #Type  #Model          #TPS     #Diff Total"
    )
    rows = {line.split()[0]: line for line in found.lines[1:]}
    assert rows["CG"] == (
        "CG                                1       V4_5_2                   PUSH   CLUSTERING      0        2"
    )
    assert rows["Pulling"] == (
        "Pulling                           1       V4_5_2                   PULL                   0        0"
    )
    found = mqadmin("consumerProgress", "--json")
    assert {row["group"]: row["count"] for row in found.rows} == {"CG": 1, "Pulling": 0}
    assert (found.code, found.err) == (0, "")  # nobody there is no fault
    assert "OFFLINE" in next(line for line in mqadmin("consumerProgress").lines if line.startswith("Pulling"))


def test_a_group_nobody_knows(mqadmin):
    found = mqadmin("consumerProgress", "-g", "Nobody")
    assert (found.code, found.out) == (1, "")
    assert "%RETRY%Nobody" in found.err


# ---- connections


def test_clients_of_a_consumer_group(mqadmin, member):
    found = mqadmin("consumerConnection", "-g", "CG")
    assert found.lines[0].startswith("001  10.0.0.9@1                       127.0.0.1:")
    assert found.lines[0].endswith(" JAVA     V4_5_2")
    assert found.lines[1:] == [
        "",
        f"Below is subscription:001  Topic: {'Orders':40} SubExpression: TagA||TagB",
        "ConsumeType: CONSUME_PASSIVELY",
        "MessageModel: CLUSTERING",
        "ConsumeFromWhere: CONSUME_FROM_LAST_OFFSET",
    ]
    (data,) = mqadmin("consumerConnection", "-g", "CG", "--json").rows
    assert data["connectionSet"][0]["version"] == "V4_5_2"
    assert data["subscriptionTable"] == {"Orders": "TagA||TagB"}


def test_clients_of_a_producer_group(mqadmin, cluster):
    with Member(cluster, producers=("PG",)):
        found = mqadmin("producerConnection", "-g", "PG", "-t", "Orders")
    assert found.out.startswith("0001  10.0.0.9@1                       127.0.0.1:")
    assert found.out.endswith(" JAVA     V4_5_2\n")
    absent = mqadmin("producerConnection", "-g", "PG", "-t", "Orders")
    assert (absent.code, absent.out) == (1, "")
    assert "PG" in absent.err


def test_nobody_of_a_consumer_group_is_there(mqadmin):
    found = mqadmin("consumerConnection", "-g", "CG")
    assert (found.code, found.out) == (1, "")
    assert "CODE: 206" in found.err
    assert found.err.count("\n") == 1


# ---- consumerStatus


def test_the_state_of_every_client_goes_into_files(mqadmin, member, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = mqadmin("consumerStatus", "-g", "CG", "-s")
    (file,) = tmp_path.glob("*/*")
    assert file.name == "10.0.0.9@1"
    assert file.read_text() == report(SHOWN)
    assert member.asked_jstack == "true"
    line, *rest = found.lines
    assert line == f"001  {'10.0.0.9@1':40} {'V4_5_2':20} {file.relative_to(tmp_path)}"
    assert rest == ["", "", "WARN: Different subscription in the same group of consumer!!!"]  # SHOWN has none
    shown, verdict = mqadmin("consumerStatus", "-g", "CG", "--json").rows
    assert shown["runningInfo"]["queues"][0]["commitOffset"] == 7
    assert verdict == {"sameSubscription": False}


def test_the_state_of_one_client_is_printed(mqadmin, member):
    found = mqadmin("consumerStatus", "-g", "CG", "-i", "10.0.0.9@1")
    assert found.out == report(SHOWN)
    absent = mqadmin("consumerStatus", "-g", "CG", "-i", "nobody")
    assert absent.code == 1
    assert "<CG> <nobody> not online" in absent.err


def test_a_clients_id_is_no_path(mqadmin, cluster, tmp_path, monkeypatch):
    folder = tmp_path / "inner"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with Member(cluster, "../../evil", group="CG"):
        found = mqadmin("consumerStatus", "-g", "CG")
    assert found.code == 1
    assert "'../../evil' cannot be the name of a file" in found.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# ---- groups


def test_a_group_is_made_and_deleted(mqadmin, cluster):
    made = mqadmin("updateSubGroup", "-b", cluster.broker_addr, "-g", "Made", "-r", "3", "-d", "true")
    assert made.lines == [
        f"create subscription group to {cluster.broker_addr} success.",
        "SubscriptionGroupConfig [groupName=Made, consumeEnable=true, consumeFromMinEnable=false, "
        "consumeBroadcastEnable=true, retryQueueNums=1, retryMaxTimes=3, brokerId=0, "
        "whichBrokerWhenConsumeSlowly=1, notifyConsumerIdsChangedEnable=true]",
    ]
    assert cluster.broker.groups.table["Made"].retry_max_times == 3
    deleted = mqadmin("deleteSubGroup", "-c", "DefaultCluster", "-g", "Made")
    broker = cluster.broker_addr
    told = [f"delete subscription group [Made] from broker [{broker}] in cluster [DefaultCluster] success."]
    for topic in ("%RETRY%Made", "%DLQ%Made"):
        told.append(f"delete topic [{topic}] from cluster [DefaultCluster] success.")
        told.append(f"delete topic [{topic}] from NameServer success.")
    assert deleted.lines == told
    assert "Made" not in cluster.broker.groups.table
    alone = mqadmin("deleteSubGroup", "-b", cluster.broker_addr, "-g", "Made")
    assert alone.out == f"delete subscription group [Made] from broker [{cluster.broker_addr}] success.\n"


def test_where_a_group_is_made_has_to_be_said(mqadmin):
    for command in ("updateSubGroup", "deleteSubGroup"):
        found = mqadmin(command, "-g", "Made")
        assert found.code == 2
        assert found.out.startswith(f"usage: mqadmin {command} ")
    found = mqadmin("updateSubGroup", "-c", "Nowhere", "-g", "Made")
    assert found.out == "[error] Make sure the specified clusterName exists or the name server connected to is correct."
    assert "DefaultCluster" in found.err
    assert mqadmin("updateSubGroup", "-c", "DefaultCluster", "-g", "Made", "-r", "three").code == 2


@pytest.mark.parametrize(("where", "is_told"), [(("-b", "x"), False), (("-c", "DefaultCluster"), True)])
def test_a_group_where_a_broker_is_away(mqadmin, cluster, monkeypatch, where, is_told):
    """What the group is is told of a cluster in any case, of one broker only when that has it."""
    away = "127.0.0.1:1"  # nobody listens there

    async def both(*_):
        return [away, cluster.broker_addr]

    monkeypatch.setattr("rocketpy.admin.groups.chosen", both)
    made = mqadmin("updateSubGroup", *where, "-g", "Half")
    assert made.code == 1 and away in made.err
    assert made.lines[0] == f"create subscription group to {cluster.broker_addr} success."
    assert [line.split(" ")[0] for line in made.lines[1:]] == ["SubscriptionGroupConfig"] * is_told
    gone = mqadmin("deleteSubGroup", *where, "-g", "Half")
    assert gone.code == 1 and away in gone.err
    assert len(gone.lines) == 1, "the group's topics stay while a broker may have it"


# ---- offsets


def test_offsets_of_a_group_without_clients(mqadmin, cluster):
    found = mqadmin("resetOffsetByTime", "-g", "CG", "-t", "Orders", "-s", "0")
    assert found.code == 0
    assert found.lines[0] == (
        "rollback consumer offset by specified consumerGroup[CG], topic[Orders], force[true], "
        "timestamp(string)[0], timestamp(long)[0]"
    )
    heads = ("#brokerName", "#queueId", "#brokerOffset", "#consumerOffset", "#timestampOffset", "#rollbackOffset")
    assert found.lines[1] == "  ".join(f"{head:20}" for head in heads)
    assert sorted(line.split() for line in found.lines[2:]) == [
        ["quickstart", "0", "3", "1", "0", "0"], ["quickstart", "1", "0", "0", "0", "0"],
    ]  # fmt: skip
    assert offsets(cluster, "CG") == [0, 0]
    rows = mqadmin("resetOffsetByTime", "-gCG", "-tOrders", "-s", "-1", "-f", "false", "--json").rows
    assert [row["rollbackOffset"] for row in sorted(rows, key=lambda row: row["queueId"])] == [0, 0]  # not ahead
    mqadmin("resetOffsetByTime", "-gCG", "-tOrders", "-s", "-1")
    assert offsets(cluster, "CG") == [3, 0]


def test_offsets_of_a_group_with_clients(mqadmin, member):
    found = mqadmin("resetOffsetByTime", "-g", "CG", "-t", "Orders", "-s", "1970-01-02#00:00:00:000")
    assert found.lines[0].startswith(
        "rollback consumer offset by specified group[CG], topic[Orders], force[true], "
        "timestamp(string)[1970-01-02#00:00:00:000], timestamp(long)["
    )
    assert found.lines[1] == "  ".join(f"{head:40}" for head in ("#brokerName", "#queueId", "#offset"))
    assert found.lines[2] == "  ".join(f"{value:40}" for value in ("quickstart", "0", "0"))
    (told,) = member.reset_to
    assert told.ext["topic"] == "Orders"


def test_offsets_by_a_time_that_is_none(mqadmin):
    found = mqadmin("resetOffsetByTime", "-g", "CG", "-t", "Orders", "-s", "yesterday")
    assert (found.code, found.out) == (2, "")
    assert "yyyy-MM-dd#HH:mm:ss:SSS" in found.err


def test_a_group_gets_the_offsets_of_another(mqadmin, cluster, member):
    asyncio.run(commit(cluster, "CG", 2))
    found = mqadmin("cloneGroupOffset", "-s", "CG", "-d", "Copy", "-t", "Orders")
    assert found.out == "clone group offset success. srcGroup[CG], destGroup=[Copy], topic[Orders]"
    assert offsets(cluster, "Copy") == offsets(cluster, "CG")
    assert offsets(cluster, "Copy")[0] == 2


async def commit(cluster, group, offset):
    async with PullConsumer(cluster.namesrv_addr, group) as consumer:
        await consumer.commit(MessageQueue("Orders", "quickstart", 0), offset)


# ---- statsAll


def test_messages_in_and_out(mqadmin, cluster, member):
    asyncio.run(commit(cluster, "CG", 1))
    found = mqadmin("statsAll", "-t", "Orders")
    assert found.lines[0] == (
        f"{'#Topic':32}  {'#Consumer Group':32} #Accumulation      #InTPS     #OutTPS   #InMsg24Hour  #OutMsg24Hour"
    )
    rows = {row["consumerGroup"]: row for row in mqadmin("statsAll", "-tOrders", "--json").rows}
    assert rows["CG"]["accumulation"] == 2
    line = next(line for line in mqadmin("statsAll").lines if line.startswith("TBW102"))
    assert line == f"{'TBW102':32}  {'':32} {0:12} {'0.00':>11} {'':11} {0:14} {'NO_CONSUMER':>14}"
    active = mqadmin("statsAll", "-a", "--json").rows
    assert all(row["inMsg24Hour"] > 0 or row["outMsg24Hour"] > 0 for row in active)


# ---- the client


def test_a_broker_that_is_away_is_named(cluster, member, mqadmin, monkeypatch):
    """What the other brokers say is told all the same."""
    from rocketpy.client import admin_groups

    real = admin_groups.group_addresses

    async def with_one_more(calls, group):
        return [*await real(calls, group), "127.0.0.1:1"]

    monkeypatch.setattr(admin_groups, "group_addresses", with_one_more)

    async def ask():
        async with Admin(cluster.namesrv_addr) as admin:
            return await consume_stats(admin, "CG")

    assert list(asyncio.run(ask()).failed) == ["127.0.0.1:1"]
    found = mqadmin("consumerProgress", "-g", "CG")
    assert found.code == 1
    assert "127.0.0.1:1" in found.err
    assert found.lines[-1].startswith("Diff Total: ")


def test_json_is_json(mqadmin, member):
    for words in (("consumerProgress",), ("consumerConnection", "-gCG"), ("statsAll",)):
        for line in mqadmin(*words, "--json").lines:
            assert isinstance(json.loads(line), dict)
