"""Consumer groups: what exists at start, what a lookup may create, and the file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy.broker.subscription_groups import SubscriptionGroups
from rocketpy.clock import ManualClock
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import RequestRefused
from rocketpy.protocol.bodies import SubscriptionGroupConfig

Make = Callable[..., SubscriptionGroups]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Groups over the test's own file; keyword arguments are settings."""

    def make(**settings: object) -> SubscriptionGroups:
        return SubscriptionGroups(BrokerConfig(**settings), tmp_path / "subscriptionGroup.json", ManualClock())

    return make


def test_groups_at_start(make: Make) -> None:
    assert list(make().table) == [
        "TOOLS_CONSUMER", "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY", "CID_ONSAPI_PULL",
        "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER",
    ]  # fmt: skip


def test_a_lookup_creates_and_keeps(make: Make) -> None:
    groups = make()
    made = groups.find("G")
    assert made == SubscriptionGroupConfig(group_name="G")
    assert groups.find("G") is made
    assert groups.data_version.counter == 1
    again = make(auto_create_subscription_group=False)
    again.load()
    assert again.table == groups.table
    assert again.data_version == groups.data_version
    assert again.find("H") is None
    assert again.find("CID_RMQ_SYS_H") is not None


def test_put_delete_and_disable(make: Make) -> None:
    groups = make()
    groups.put(SubscriptionGroupConfig(group_name="G", retry_queue_nums=3))
    groups.disable_consume("G")
    groups.disable_consume("unknown")
    found = groups.find("G")
    assert found is not None
    assert (found.retry_queue_nums, found.consume_enable) == (3, False)
    assert groups.data_version.counter == 2
    again = make()
    again.load()
    assert again.table["G"].consume_enable, "not written by the switch itself"
    groups.delete("G")
    groups.delete("G")
    again.load()
    assert "G" not in groups.table
    assert groups.data_version.counter == 3


def test_no_name_that_could_be_a_path_becomes_a_group(make: Make) -> None:
    groups = make()
    with pytest.raises(RequestRefused):
        groups.find("../G")
    with pytest.raises(RequestRefused):
        groups.put(SubscriptionGroupConfig(group_name="a/b"))
    assert groups.table == make().table


def test_the_file_is_upstreams(make: Make, tmp_path: Path) -> None:
    groups = make()
    groups.find("G")
    text = (tmp_path / "subscriptionGroup.json").read_text()
    assert text.startswith('{\n\t"dataVersion":{\n\t\t"counter":1,\n\t\t"timestamp":')
    assert text.endswith(
        ',\n\t\t"G":{\n\t\t\t"brokerId":0,\n\t\t\t"consumeBroadcastEnable":true,\n\t\t\t"consumeEnable":true,'
        '\n\t\t\t"consumeFromMinEnable":true,\n\t\t\t"groupName":"G",\n\t\t\t"notifyConsumerIdsChangedEnable":true,'
        '\n\t\t\t"retryMaxTimes":16,\n\t\t\t"retryQueueNums":1,\n\t\t\t"whichBrokerWhenConsumeSlowly":1\n\t\t}\n\t}\n}'
    )


def test_every_change_is_told(make: Make) -> None:
    groups = make()
    told: list[None] = []
    groups.on_change.append(lambda: told.append(None))
    groups.find("G")
    groups.find("G")
    groups.disable_consume("G")
    groups.delete("G")
    assert len(told) == 3


def test_more_retry_queues_than_can_be_are_refused_by_name(make: Make) -> None:
    groups = make()
    with pytest.raises(RequestRefused, match="retryQueueNums=65537"):
        groups.put(SubscriptionGroupConfig(group_name="G", retry_queue_nums=65_537))
    assert "G" not in groups.table
