"""Says which sends and pulls are plain enough for the fast lane; invariant: None, when in doubt.

A rule is asked for once and kept until `FastLane.forget_rows`, which every change of a topic, a subscription group, a
client's subscription, a filter or the broker's own permission calls. What changes without such a call (time, disk) is
not decided here: the store refuses by itself, and the full lane says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocketpy._core.message_filter import MessageFilter
from rocketpy.broker.consumer_filters import is_tag_type
from rocketpy.broker.processors.pull import MAX_HELD
from rocketpy.broker.processors.pull_filter import filters_retries, wanted_tags
from rocketpy.broker.pull_hold import deadline_ms
from rocketpy.config.store import BrokerRole
from rocketpy.protocol import names, perm
from rocketpy.protocol.bodies import MessageModel

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.broker.consumer_filters import ConsumerFilter
    from rocketpy.protocol.bodies import SubscriptionData, SubscriptionGroupConfig

MULTI_TAGS_FLAG = 2
"""MessageSysFlag.MULTI_TAGS_FLAG, which a topic of filter type MULTI_TAG adds to its messages."""

NOT_KNOWN = -1

NOT_PLAIN = {
    names.AUTO_CREATE_TOPIC_KEY_TOPIC,
    names.SCHEDULE_TOPIC,
    names.TRANS_HALF_TOPIC,
    names.TRANS_OP_HALF_TOPIC,
}
"""Topics whose messages mean more than their bytes."""


@dataclass(frozen=True)
class SendRule:
    """A topic that may be sent to: queue ids below `queue_nums`, `sys_flag` bits to add, half messages or none."""

    queue_nums: int
    sys_flag: int
    takes_halves: bool = False


@dataclass(frozen=True)
class PullRule:
    """What a group may pull of a topic; `tags` None is every one, `sub_version` -1 no subscription known.

    `wanted` is asked with the properties of each message that is left.
    """

    group: str
    topic: str
    read_queue_nums: int
    sub_version: int
    tags: frozenset[int] | None
    suggest_which_broker_id: int
    suggest_when_slow: int
    wanted: MessageFilter | None = None


class LaneRules:
    """The broker's decisions as the fast lane asks for them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def send_rule(self, topic: str) -> SendRule | None:
        """The rule of a topic, None when its sends take the full lane: so while topics.json is still being written, for
        nobody is answered before the topic would survive a crash.
        """
        config = self._broker.topics.get(topic)
        if config is None or topic.startswith(names.RETRY_PREFIX) or topic in NOT_PLAIN or not self._may_send():
            return None
        queue_nums = max(config.write_queue_nums, config.read_queue_nums)
        if queue_nums <= 0:
            return None
        multi_tags = MULTI_TAGS_FLAG if config.topic_filter_type == "MULTI_TAG" else 0
        return SendRule(queue_nums, multi_tags, not self._broker.config.reject_transaction_message)

    def pull_rule(self, group: str, topic: str) -> PullRule | None:
        """The rule of a group in a topic, None when its pulls take the full lane."""
        config = self._broker.topics.get(topic)
        found = self._broker.groups.table.get(group)
        if config is None or found is None or not found.consume_enable or not self._may_pull():
            return None
        if config.perm & perm.READ == 0 or config.read_queue_nums <= 0 or filters_retries(self._broker, topic):
            return None
        subscription = self._subscription(found, topic)
        known = None if subscription is None else self._filter(group, subscription)
        slave_read = self._broker.config.slave_read_enable
        return PullRule(
            group,
            topic,
            config.read_queue_nums,
            NOT_KNOWN if subscription is None else self._version(subscription, known),
            None if subscription is None else wanted_tags(subscription),
            found.broker_id if slave_read else 0,
            found.which_broker_when_consume_slowly if slave_read else 0,
            None if known is None else known.test,
        )

    def may_hold(self, held: int) -> bool:
        """Whether one more pull may wait besides the `held` ones."""
        return held < MAX_HELD

    def deadline_ms(self, suspend_timeout_ms: int) -> int:
        """When a pull held now is answered at the latest (monotonic)."""
        return deadline_ms(self._broker.clock, suspend_timeout_ms)

    def commit(self, group: str, topic: str, queue_id: int, offset: int) -> None:
        """Take an offset that came along with a pull."""
        self._broker.offsets.commit(group, topic, queue_id, offset)

    def delayed(self, queue_id: int) -> None:
        """Messages were put to this queue of SCHEDULE_TOPIC_XXXX."""
        self._broker.schedule.arrived(queue_id)

    def _subscription(self, group: SubscriptionGroupConfig, topic: str) -> SubscriptionData | None:
        """The group's own subscription where it is plain and allowed; the full lane has a word for the others."""
        clients = self._broker.consumers.group(group.group_name)
        if clients is None:
            return None
        if clients.message_model is MessageModel.BROADCASTING and not group.consume_broadcast_enable:
            return None
        found = clients.subscription(topic)
        if found is None or found.class_filter_mode:
            return None
        is_plain = is_tag_type(found.expression_type) or self._filter(group.group_name, found) is not None
        return found if is_plain else None

    def _filter(self, group: str, subscription: SubscriptionData) -> ConsumerFilter | None:
        """The filter of a subscription that is not by tags, where such are allowed."""
        if is_tag_type(subscription.expression_type) or not self._broker.config.enable_property_filter:
            return None
        return self._broker.filters.get(subscription.topic, group)

    @staticmethod
    def _version(subscription: SubscriptionData, known: ConsumerFilter | None) -> int:
        """Pulls of a later version are refused: the one or the other is not there yet."""
        return subscription.sub_version if known is None else min(subscription.sub_version, known.data.client_version)

    def _may_send(self) -> bool:
        config = self._broker.config
        return (
            self._broker.configs_saved
            and config.broker_permission & perm.WRITE != 0
            and self._broker.store_config.broker_role is BrokerRole.ASYNC_MASTER
            and config.start_accept_send_request_time_stamp <= self._broker.clock.now_ms()
        )

    def _may_pull(self) -> bool:
        config = self._broker.config
        return (
            config.broker_permission & perm.READ != 0
            and config.long_polling_enable
            and not self._broker.slow_readers.watches
            and self._broker.store_config.broker_role is not BrokerRole.SLAVE
        )
