"""Which sends and pulls are plain."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from rocketpy.broker.clients import Client
from rocketpy.broker.consumer_filters import ConsumerFilters
from rocketpy.broker.consumers import Consumers
from rocketpy.broker.lane_rules import LaneRules, PullRule, SendRule
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig, BrokerRole, MessageStoreConfig
from rocketpy.protocol.bodies import (
    ConsumeFromWhere,
    ConsumerData,
    ConsumeType,
    MessageModel,
    SubscriptionData,
    SubscriptionGroupConfig,
    TopicConfig,
)


class Connection:
    """A client's connection that nobody listens to."""

    address = "127.0.0.1:1"

    def send(self, command):
        pass


TAG_A = SubscriptionData(topic="T", sub_string="A", code_set=[65], tags_set=["A"], sub_version=7)


@pytest.fixture
def broker(tmp_path):
    config = BrokerConfig()
    return SimpleNamespace(
        config=config,
        configs_saved=True,
        store_config=MessageStoreConfig(),
        clock=ManualClock(),
        topics={"T": TopicConfig("T", read_queue_nums=4, write_queue_nums=8)},
        groups=SimpleNamespace(table={"G": SubscriptionGroupConfig(group_name="G")}),
        consumers=Consumers(config, ManualClock()),
        slow_readers=SimpleNamespace(watches=False),
        filters=ConsumerFilters(config, tmp_path / "consumerFilter.json", ManualClock()),
    )


def subscribe(broker, subscription, model=MessageModel.CLUSTERING):
    said = ConsumerData(
        group_name="G", consume_type=ConsumeType.CONSUME_PASSIVELY, message_model=model,
        consume_from_where=ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET, subscription_data_set=[subscription],
    )  # fmt: skip
    broker.consumers.register(said, Client(Connection(), "c1", "JAVA", 317, 0))


def test_a_known_topic_may_be_sent_to(broker):
    assert LaneRules(broker).send_rule("T") == SendRule(8, 0, True)
    broker.topics["T"] = replace(broker.topics["T"], topic_filter_type="MULTI_TAG")
    assert LaneRules(broker).send_rule("T") == SendRule(8, 2, True)


@pytest.mark.parametrize(
    ("config", "store_config"),
    [
        ({"broker_permission": 4}, {}),
        ({"start_accept_send_request_time_stamp": 2_000_000_000_000}, {}),
        ({}, {"broker_role": BrokerRole.SYNC_MASTER}),
        ({}, {"broker_role": BrokerRole.SLAVE}),
    ],
)
def test_sends_that_the_broker_as_a_whole_must_look_at(broker, config, store_config):
    broker.config, broker.store_config = BrokerConfig(**config), MessageStoreConfig(**store_config)
    assert LaneRules(broker).send_rule("T") is None


def test_a_topic_is_sent_to_plainly_once_it_is_on_disk(broker):
    broker.configs_saved = False
    assert LaneRules(broker).send_rule("T") is None


@pytest.mark.parametrize("topic", ["None", "%RETRY%G", "TBW102", "SCHEDULE_TOPIC_XXXX"])
def test_topics_that_mean_more(broker, topic):
    broker.topics.update({name: TopicConfig(name) for name in ("%RETRY%G", "TBW102", "SCHEDULE_TOPIC_XXXX")})
    assert LaneRules(broker).send_rule(topic) is None


def test_a_group_pulls_what_it_subscribes_to(broker):
    subscribe(broker, TAG_A)
    assert LaneRules(broker).pull_rule("G", "T") == PullRule("G", "T", 4, 7, frozenset({65}), 0, 0)


def test_a_group_without_clients_must_bring_its_subscription(broker):
    assert LaneRules(broker).pull_rule("G", "T") == PullRule("G", "T", 4, -1, None, 0, 0)


@pytest.mark.parametrize(
    ("subscription", "model"),
    [
        (replace(TAG_A, expression_type="SQL92"), MessageModel.CLUSTERING),
        (replace(TAG_A, class_filter_mode=True), MessageModel.CLUSTERING),
        (TAG_A, MessageModel.BROADCASTING),
    ],
)
def test_a_subscription_that_the_full_lane_has_a_word_for(broker, subscription, model):
    broker.groups.table["G"] = replace(broker.groups.table["G"], consume_broadcast_enable=False)
    subscribe(broker, subscription, model)
    assert LaneRules(broker).pull_rule("G", "T").sub_version == -1


@pytest.fixture
def red(broker):
    """Group G wants what is red of T, and may."""
    broker.config = BrokerConfig(enable_property_filter=True)
    red = SubscriptionData(topic="T", sub_string="colour = 'red'", expression_type="SQL92", sub_version=7)
    broker.filters.register("G", [red])
    subscribe(broker, red)
    return broker.filters.get("T", "G")


def test_a_group_pulls_by_its_expression(broker, red):
    assert LaneRules(broker).pull_rule("G", "T") == PullRule("G", "T", 4, 7, None, 0, 0, red.test)


def test_a_pull_later_than_the_filter_is_not_plain(broker, red):
    red.data.client_version = 6
    assert LaneRules(broker).pull_rule("G", "T").sub_version == 6


def test_an_expression_that_is_not_there_or_not_allowed_is_for_the_full_lane(broker, red):
    broker.config = BrokerConfig()
    assert LaneRules(broker).pull_rule("G", "T") == PullRule("G", "T", 4, -1, None, 0, 0)
    broker.config = BrokerConfig(enable_property_filter=True)
    ungrammatical = replace(broker.consumers.group("G").subscription("T"), sub_string="=", sub_version=8)
    broker.filters.register("G", [ungrammatical])
    assert LaneRules(broker).pull_rule("G", "T") == PullRule("G", "T", 4, -1, None, 0, 0)


def test_retried_messages_are_for_the_full_lane_where_they_are_filtered(broker):
    broker.topics["%RETRY%G"] = TopicConfig("%RETRY%G")
    assert LaneRules(broker).pull_rule("G", "%RETRY%G") is not None
    broker.config = BrokerConfig(filter_support_retry=True)
    assert LaneRules(broker).pull_rule("G", "%RETRY%G") is None
    assert LaneRules(broker).pull_rule("G", "T") is not None


def test_pulls_that_are_refused_take_the_full_lane(broker):
    rules = LaneRules(broker)
    assert rules.pull_rule("None", "T") is None and rules.pull_rule("G", "None") is None
    broker.groups.table["G"] = replace(broker.groups.table["G"], consume_enable=False)
    assert rules.pull_rule("G", "T") is None
    broker.groups.table["G"] = SubscriptionGroupConfig(group_name="G")
    broker.topics["T"] = replace(broker.topics["T"], perm=2)
    assert rules.pull_rule("G", "T") is None
    broker.topics["T"] = replace(broker.topics["T"], perm=6)
    broker.slow_readers.watches = True
    assert rules.pull_rule("G", "T") is None
    broker.slow_readers.watches = False
    broker.config = BrokerConfig(broker_permission=2)
    assert rules.pull_rule("G", "T") is None


def test_slaves_are_suggested_only_when_they_may_be_read(broker):
    broker.groups.table["G"] = replace(broker.groups.table["G"], broker_id=0, which_broker_when_consume_slowly=1)
    broker.config = BrokerConfig(slave_read_enable=True)
    rule = LaneRules(broker).pull_rule("G", "T")
    assert (rule.suggest_which_broker_id, rule.suggest_when_slow) == (0, 1)


def test_a_deadline_is_a_64_bit_number_whatever_a_client_asks_for(broker):
    rules = LaneRules(broker)
    assert rules.deadline_ms(500) - rules.deadline_ms(0) in range(500, 1500)
    assert rules.deadline_ms(2**63 - 1) < 2**63
