"""Who consumes what, and who is told when that changes."""

import asyncio
import logging

import pytest

from rocketpy._core.command import Command
from rocketpy.broker.clients import Client
from rocketpy.broker.consumers import Consumers
from rocketpy.clock import ManualClock
from rocketpy.config.broker import BrokerConfig
from rocketpy.protocol.bodies import ConsumeFromWhere, ConsumerData, ConsumeType, MessageModel, SubscriptionData
from rocketpy.protocol.codes import RequestCode


class Connection:
    """A client's connection that keeps what is sent to it."""

    def __init__(self, address: str = "10.0.0.1:1") -> None:
        self.address = address
        self.sent: list[Command] = []
        self.closed = False

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def close(self) -> None:
        self.closed = True

    def notified(self) -> int:
        """How many notes came since the last call."""
        count = len(self.sent)
        self.sent.clear()
        return count


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def consumers(clock: ManualClock) -> Consumers:
    return Consumers(BrokerConfig(), clock)


def subscription(topic: str = "T", tags: str = "*", version: int = 1) -> SubscriptionData:
    return SubscriptionData(topic=topic, sub_string=tags, sub_version=version)


def heartbeat(
    consumers: Consumers,
    connection: Connection,
    client_id: str = "c1",
    *subscriptions: SubscriptionData,
    group: str = "G",
    notify: bool = True,
) -> bool:
    said = ConsumerData(
        group_name=group,
        consume_type=ConsumeType.CONSUME_PASSIVELY,
        message_model=MessageModel.CLUSTERING,
        consume_from_where=ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET,
        subscription_data_set=list(subscriptions or (subscription(),)),
    )
    return consumers.register(said, Client(connection, client_id), notify)


def test_everyone_hears_of_a_new_client_the_sender_too(consumers: Consumers) -> None:
    one, two = Connection(), Connection()
    assert heartbeat(consumers, one)
    assert one.notified() == 1
    assert heartbeat(consumers, two, "c2")
    assert [command.code for command in one.sent] == [RequestCode.NOTIFY_CONSUMER_IDS_CHANGED]
    assert one.sent[0].ext == {"consumerGroup": "G"}
    assert one.sent[0].is_oneway
    assert (one.notified(), two.notified()) == (1, 1)
    assert not heartbeat(consumers, one)
    assert (one.notified(), two.notified()) == (0, 0)
    group = consumers.group("G")
    assert group is not None
    assert group.client_ids == ["c1", "c2"]
    assert (group.consume_type, group.message_model) == (ConsumeType.CONSUME_PASSIVELY, MessageModel.CLUSTERING)


def test_the_switches_of_group_and_broker_silence_the_note(clock: ManualClock) -> None:
    one = Connection()
    heartbeat(Consumers(BrokerConfig(notify_consumer_ids_changed_enable=False), clock), one)
    heartbeat(Consumers(BrokerConfig(), clock), one, notify=False)
    assert one.sent == []


def test_topics_that_come_and_go_are_told(consumers: Consumers) -> None:
    one = Connection()
    heartbeat(consumers, one)
    one.notified()
    assert heartbeat(consumers, one, "c1", subscription(), subscription("%RETRY%G"))
    assert one.notified() == 1
    assert heartbeat(consumers, one, "c1", subscription("%RETRY%G"))
    assert one.notified() == 1
    assert consumers.groups_of("T") == []
    assert consumers.groups_of("%RETRY%G") == ["G"]


def test_only_a_newer_version_replaces_a_subscription(consumers: Consumers) -> None:
    one = Connection()
    heartbeat(consumers, one, "c1", subscription(tags="A", version=5))
    one.notified()
    for tags, version in [("B", 4), ("C", 5)]:
        heartbeat(consumers, one, "c1", subscription(tags=tags, version=version))
    group = consumers.group("G")
    assert group is not None
    found = group.subscription("T")
    assert found is not None
    assert found.sub_string == "A"
    heartbeat(consumers, one, "c1", subscription(tags="D", version=6))
    found = group.subscription("T")
    assert found is not None
    assert found.sub_string == "D"
    assert one.notified() == 0, "other tags are no other topic"


def test_who_contradicts_its_group_is_named(
    consumers: Consumers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    one, two = Connection(), Connection()

    def said() -> list[str]:
        lines = [record.getMessage() for record in caplog.records if "contradict" in record.getMessage()]
        caplog.clear()
        return lines

    heartbeat(consumers, one, "c1", subscription("T"))
    heartbeat(consumers, two, "c2", subscription("U"))
    (line,) = said()
    assert "group G" in line
    for _ in range(3):
        heartbeat(consumers, one, "c1", subscription("T"))
        heartbeat(consumers, two, "c2", subscription("U"))
    assert said() == []
    heartbeat(consumers, two, "c2", subscription("T", "A", 2))
    assert said() == [], "a group has a line a minute"
    clock.advance(60_000)
    consumers.expire()
    assert len(said()) == 1, "and what waited for it is not forgotten"
    consumers.connection_closed(two)
    heartbeat(consumers, one, "c1", subscription("T"))
    clock.advance(60_000)
    consumers.expire()
    assert said() == []


def test_good_bye_is_told_to_those_who_stay(consumers: Consumers) -> None:
    one, two = Connection(), Connection()
    heartbeat(consumers, one)
    heartbeat(consumers, two, "c2")
    one.notified()
    two.notified()
    consumers.unregister("G", one)
    assert (one.notified(), two.notified()) == (0, 1)
    consumers.unregister("G", two, notify=False)
    assert consumers.group("G") is None
    consumers.unregister("G", two)
    assert two.notified() == 0


def test_a_closed_connection_leaves_all_its_groups(consumers: Consumers) -> None:
    one, two = Connection(), Connection()
    for group in ("G", "H"):
        heartbeat(consumers, one, group=group)
    heartbeat(consumers, two, "c2", notify=False)
    one.notified()
    consumers.connection_closed(one)
    assert two.notified() == 1
    assert list(consumers.groups) == ["G"]
    consumers.connection_closed(one)
    assert (one.notified(), two.notified()) == (0, 0)


def test_silence_of_120_s_removes_without_a_note(consumers: Consumers, clock: ManualClock) -> None:
    silent, alive = Connection(), Connection()
    heartbeat(consumers, silent)
    clock.advance(60_000)
    heartbeat(consumers, alive, "c2")
    alive.notified()
    clock.advance(60_001)
    consumers.expire()
    assert (silent.closed, alive.closed) == (True, False)
    consumers.connection_closed(silent)
    assert alive.notified() == 0
    group = consumers.group("G")
    assert group is not None
    assert group.client_ids == ["c2"]


def test_another_client_id_on_the_same_connection_replaces(consumers: Consumers) -> None:
    one = Connection()
    heartbeat(consumers, one)
    assert not heartbeat(consumers, one, "c9")
    group = consumers.group("G")
    assert group is not None
    assert group.client_ids == ["c9"]
    assert group.client("c9") is not None
    assert group.client("c1") is None


def test_every_change_of_what_a_group_consumes_is_told(consumers: Consumers) -> None:
    told: list[None] = []
    consumers.on_change.append(lambda: told.append(None))
    connection = Connection()
    heartbeat(consumers, connection, "c1", subscription(version=1))
    heartbeat(consumers, connection, "c1", subscription(version=1))
    assert len(told) == 1
    heartbeat(consumers, connection, "c1", subscription(tags="A", version=2))
    assert len(told) == 2
    consumers.connection_closed(connection)
    assert len(told) == 3


def test_a_crowd_is_one_note_for_each_of_the_others(consumers: Consumers) -> None:
    old, gone = Connection(), Connection()
    crowd = [Connection() for _ in range(50)]
    heartbeat(consumers, old, "old")
    heartbeat(consumers, gone, "gone")
    old.notified()
    gone.notified()

    async def scenario() -> None:
        for number, connection in enumerate(crowd):
            heartbeat(consumers, connection, f"c{number}")
            assert connection.notified() == 1, "its own note comes before its answer"
        assert old.notified() == 0
        consumers.unregister("G", gone)
        await asyncio.sleep(0)
        assert old.notified() == 1
        assert {connection.notified() for connection in crowd} == {1}
        assert gone.notified() == 0, "who left is not told"
        await asyncio.sleep(0)
        assert old.notified() == 0

    asyncio.run(scenario())


def test_the_log_says_who_came_in_upstreams_words(consumers: Consumers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    data = ConsumerData("G", ConsumeType.CONSUME_PASSIVELY, MessageModel.CLUSTERING, None, [subscription()])
    consumers.register(data, Client(Connection(), "c@1", "JAVA", 317))
    told = [record.getMessage() for record in caplog.records]
    assert told[0].startswith("new consumer connected, group: G CONSUME_PASSIVELY CLUSTERING channel: ")
    assert told[1].startswith("subscription changed, add new topic, group: G SubscriptionData [classFilterMode=false,")
