"""Two clients under one id are named once both have been heard of; one that came back is none."""

import pytest

from rocketpy.broker.consumers import Consumers
from rocketpy.broker.same_ids import QUIET_MS
from rocketpy.clock import ManualClock
from rocketpy.config.broker import BrokerConfig
from tests.symptoms import said
from tests.unit.broker.test_consumers import Connection, heartbeat

ID = "172.17.0.1@1"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def consumers(clock: ManualClock) -> Consumers:
    return Consumers(BrokerConfig(), clock)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about it since the last call."""
    lines = [line for line in caplog.messages if line.startswith("two clients")]
    caplog.clear()
    return lines


def test_both_are_named_once_a_minute(
    consumers: Consumers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = Connection("10.0.0.1:1"), Connection("10.0.0.2:2")
    for connection in (one, two):
        heartbeat(consumers, connection, ID)
        clock.advance(10)
    assert told(caplog) == []
    heartbeat(consumers, one, ID)
    lines = told(caplog)
    assert "10.0.0.1:1 and 10.0.0.2:2" in lines[0]
    said("some queues have no consumer, messages are consumed twice", *lines)
    for _ in range(3):
        clock.advance(QUIET_MS // 4)
        for connection in (one, two):
            heartbeat(consumers, connection, ID)
    assert told(caplog) == []
    clock.advance(QUIET_MS)
    heartbeat(consumers, two, ID)
    heartbeat(consumers, one, ID)
    assert len(told(caplog)) == 1


def test_a_client_that_came_back_is_none(
    consumers: Consumers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    before, now = Connection("10.0.0.1:1"), Connection("10.0.0.1:2")
    for _ in range(3):
        heartbeat(consumers, before, ID)
        clock.advance(1000)
    for _ in range(3):
        heartbeat(consumers, now, ID)  # the broker has not heard yet that the other connection is gone
        clock.advance(1000)
    assert told(caplog) == []


def test_who_left_or_has_another_id_is_no_twin(
    consumers: Consumers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    one, two, three = Connection("10.0.0.1:1"), Connection("10.0.0.2:2"), Connection("10.0.0.3:3")
    for connection in (one, two, three):
        heartbeat(consumers, connection, ID)
        clock.advance(10)
    consumers.connection_closed(two)
    heartbeat(consumers, three, "another")
    clock.advance(10)
    heartbeat(consumers, one, ID)
    assert told(caplog) == []
    group = consumers.group("G")
    assert group is not None
    assert set(group.same_ids._holders) == {ID, "another"}
    consumers.connection_closed(three)
    assert set(group.same_ids._holders) == {ID}
