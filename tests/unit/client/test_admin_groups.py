"""An operator's calls where brokers are away, know nothing, or say no."""

import asyncio

import pytest

from rocketpy._core.command import response
from rocketpy._core.message import Message
from rocketpy.client import Admin, BrokerRefused, ClientError
from rocketpy.client import admin_groups as groups
from rocketpy.client import admin_messages as messages
from rocketpy.client import admin_offsets as offsets
from rocketpy.protocol.admin_bodies import Connection, ConsumerConnection, ConsumeStats, OffsetWrapper
from rocketpy.protocol.bodies import BrokerData, ClusterInfo, ConsumeType, MessageQueue

NAMESRV = "ns:1"
NOBODY = ConsumerConnection()
SOMEBODY = ConsumerConnection([Connection("c@1", "h:1", "JAVA", 317)])


@pytest.fixture
def admin(remoting, route):
    admin = Admin(NAMESRV)
    admin.remoting = remoting
    remoting.servers[NAMESRV] = lambda command: response(0, None, None, route.encode())
    return admin


def says(body):
    return lambda command: response(0, None, None, body.encode())


def test_the_next_broker_is_asked_when_one_knows_no_client(admin, remoting):
    remoting.servers |= {"a:1": says(NOBODY), "b:1": lambda command: response(206, "gone"), "c-slave:1": says(SOMEBODY)}
    found = asyncio.run(groups.consumer_connection(admin, "CG"))
    assert [client.client_id for client in found.connection_set] == ["c@1"]
    assert remoting.addresses(203) == ["a:1", "b:1", "c-slave:1"]


def test_no_broker_knows_a_client(admin, remoting):
    remoting.servers |= {"a:1": says(NOBODY), "b:1": says(NOBODY), "c-slave:1": says(NOBODY)}
    with pytest.raises(BrokerRefused, match="206: Not found the consumer group connection"):
        asyncio.run(groups.consumer_connection(admin, "CG"))
    with pytest.raises(ClientError, match="Not found the producer group connection"):
        asyncio.run(groups.producer_connection(admin, "PG", "T"))


def stats(name, consumed):
    return ConsumeStats({MessageQueue("T", name, 0): OffsetWrapper(9, consumed)}, 1.5)


def test_progress_is_that_of_all_brokers(admin, remoting):
    remoting.servers |= {"a:1": says(stats("broker-a", 4)), "b:1": says(stats("broker-b", 9))}
    found = asyncio.run(groups.consume_stats(admin, "CG"))
    assert (found.total_diff, found.stats.consume_tps) == (5, 3.0)
    assert list(found.failed) == ["c-slave:1"]


def test_no_broker_tells_the_progress(admin, remoting):
    with pytest.raises(ClientError, match="a:1"):
        asyncio.run(groups.consume_stats(admin, "CG"))
    remoting.servers |= {address: says(ConsumeStats()) for address in ("a:1", "b:1", "c-slave:1")}
    with pytest.raises(BrokerRefused, match="206: Not found the consumer group consume stats"):
        asyncio.run(groups.consume_stats(admin, "CG"))


def test_offsets_for_clients_in_cpp(admin, remoting):
    body = b'{"offsetTable":[{"topic":"T","brokerName":"b","queueId":2,"offset":7}]}'
    for address in ("a:1", "b:1", "c-slave:1"):
        remoting.servers[address] = lambda command: response(0, None, None, body)
    found = asyncio.run(offsets.reset_offsets(admin, "T", "CG", 0, force=True, cpp=True))
    assert found == {MessageQueue("T", "b", 2): 7}
    asked = [command for _, command in remoting.asked if command.code == 222]
    assert {command.language for command in asked} == {"CPP"}
    assert asked[0].ext == {"topic": "T", "group": "CG", "timestamp": "0", "isForce": "true"}


def test_an_id_is_no_address(admin, remoting, route):
    """Of an id of 32 digits that no broker's index has, only a broker of the cluster is asked."""
    info = ClusterInfo(broker_addr_table={"broker-a": BrokerData("c", "broker-a", {0: "10.0.0.1:1"})})
    told = {105: route.encode(), 106: info.encode()}
    remoting.servers[NAMESRV] = lambda command: response(0, None, None, told[command.code])
    for address in ("a:1", "b:1", "c-slave:1"):
        remoting.servers[address] = lambda command: response(22, "none")
    with pytest.raises(BrokerRefused, match="208"):
        asyncio.run(messages.message_by_id(admin, "T", "0A0000020000000100000000000000FF"))
    assert not remoting.addresses(33)
    with pytest.raises(ClientError, match=r"10\.0\.0\.1:1"):
        asyncio.run(messages.message_by_id(admin, "T", "0A0000010000000100000000000000FF"))
    assert remoting.addresses(33) == ["10.0.0.1:1"]


@pytest.mark.parametrize(
    ("namesrv", "broker", "told"),
    [
        (17, None, "CODE:17 DESC:No topic route info in name server for the topic: %RETRY%CG"),
        (0, 1, "CODE:1 DESC:broken"),
        (0, None, "a:1"),
    ],
)
def test_a_group_that_cannot_be_asked_is_unknown(admin, remoting, route, namesrv, broker, told):
    remoting.servers[NAMESRV] = lambda command: response(namesrv, "none", None, route.encode())
    if broker is not None:
        remoting.servers["a:1"] = lambda command: response(broker, "broken")
    track = asyncio.run(messages.group_track(admin, Message("T"), "CG"))
    assert track.track_type is messages.TrackType.UNKNOWN
    assert told in track.exception_desc


def test_the_offsets_of_a_broker_that_is_away_are_not_guessed(admin, remoting, route):
    """What it has may be past the message."""
    info = ClusterInfo(broker_addr_table={broker.broker_name: broker for broker in route.broker_datas})
    push = ConsumerConnection([Connection("c@1", "h:1", "JAVA", 317)], consume_type=ConsumeType.CONSUME_PASSIVELY)
    told = {105: route.encode(), 106: info.encode()}
    remoting.servers[NAMESRV] = lambda command: response(0, None, None, told[command.code])
    bodies = {203: push.encode(), 208: stats("broker-a", 4).encode()}
    remoting.servers["a:1"] = lambda command: response(0, None, None, bodies[command.code])
    message = Message("T", queue_id=0, queue_offset=3, store_host=("b", 1))
    track = asyncio.run(messages.group_track(admin, message, "CG"))
    assert (track.track_type, track.exception_desc[:3]) == (messages.TrackType.UNKNOWN, "b:1")
    message.store_host = ("a", 1)
    assert asyncio.run(messages.group_track(admin, message, "CG")).track_type is messages.TrackType.CONSUMED
