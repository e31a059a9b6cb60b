"""Which messages a pull wants: by tags or by an expression, its own or the group's, or why it gets none.

Checks stand in upstream's order (PullMessageProcessor). Invariant: tags are looked at as hash codes and tested again by
the client; an expression is tested here alone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rocketpy._core.hashing import java_hash_of
from rocketpy._core.message_filter import ExpressionFilter, MessageFilter
from rocketpy.broker.consumer_filters import SHOWN, compiled, is_tag_type
from rocketpy.broker.processors.answers import refused
from rocketpy.filter import FilterSyntaxError
from rocketpy.filter.compiler import MAX_CHARACTERS
from rocketpy.protocol import names, sys_flag
from rocketpy.protocol.bodies import MessageModel, SubscriptionData, SubscriptionGroupConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import PullMessageRequestHeader

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker

log = logging.getLogger("RocketmqFilter")

MOST_COMPILED = 256  # expressions that pulls bring along, each compiled once


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hash codes of tags, None for all; and what is asked with the properties of each message that is left."""

    tags: frozenset[int] | None
    test: MessageFilter | None = None


def wanted_by(broker: Broker, header: PullMessageRequestHeader, group: SubscriptionGroupConfig) -> Wanted:
    """What the request itself asks for, or else the group's last heartbeat; RequestRefused where upstream refuses."""
    if not header.sys_flag & sys_flag.PULL_SUBSCRIPTION:
        subscription = _subscription(broker, header, group)
        test = _test_of_group(broker, header, subscription)
        wanted = Wanted(wanted_tags(subscription), test)
        return wanted if subscription.class_filter_mode else _in_retry_topic(broker, header.topic, wanted)
    if is_tag_type(header.expression_type):
        wanted = Wanted(tags_of(header.subscription))
    else:
        wanted = Wanted(None, _own_test(broker, header.expression_type, header.subscription))
    return _in_retry_topic(broker, header.topic, wanted)


def wanted_tags(subscription: SubscriptionData) -> frozenset[int] | None:
    """Hash codes of the tags that a group's subscription wants, None for all."""
    by_tags = is_tag_type(subscription.expression_type)
    if subscription.class_filter_mode or subscription.sub_string == "*" or not by_tags:
        return None
    return frozenset(subscription.code_set)


def tags_of(expression: str | None) -> frozenset[int] | None:
    """`TagA || TagB` as hash codes; None when it asks for every message."""
    if expression in (None, "", "*"):
        return None
    words = [word.strip() for word in expression.split("||")]
    tags = frozenset(java_hash_of(word) for word in words if word)
    if not tags and not any(expression.split("||")):
        raise refused(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed")
    return tags


def check_property_filter(broker: Broker, expression_type: str | None) -> None:
    """Refuse what is no filter by tags unless the settings allow it."""
    if not broker.config.enable_property_filter:
        raise refused(
            ResponseCode.SYSTEM_ERROR, f"The broker does not support consumer to filter message by {expression_type}"
        )


def _own_test(broker: Broker, expression_type: str | None, expression: str | None) -> MessageFilter | None:
    if not expression:
        raise refused(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed")
    check_property_filter(broker, expression_type)
    if len(expression_type or "") + len(expression) > MAX_CHARACTERS:
        return test_of.__wrapped__(expression_type, expression)  # none, and too long to be remembered
    return test_of(expression_type, expression)


@lru_cache(MOST_COMPILED)
def test_of(expression_type: str | None, expression: str) -> MessageFilter | None:
    """The test of an expression that a pull brings along; None, which is every message as upstream has it, for one that
    cannot be compiled.
    """
    try:
        return ExpressionFilter(compiled(expression_type, expression))
    except FilterSyntaxError as error:
        words = error.remark[:SHOWN], expression[:SHOWN]
        log.warning("a pull filters by what is no expression, and gets all: %s (%s)", *words)
        return None


def _test_of_group(
    broker: Broker, header: PullMessageRequestHeader, subscription: SubscriptionData
) -> MessageFilter | None:
    if is_tag_type(subscription.expression_type):
        return None
    known = broker.filters.get(header.topic, header.consumer_group)
    if known is None:
        remark = "The broker's consumer filter data is not exist!Your expression may be wrong!"
        raise refused(ResponseCode.FILTER_DATA_NOT_EXIST, remark)
    if known.data.client_version < header.sub_version:
        raise refused(ResponseCode.FILTER_DATA_NOT_LATEST, "the consumer's consumer filter data not latest")
    check_property_filter(broker, subscription.expression_type)
    return None if subscription.class_filter_mode else known.test


def filters_retries(broker: Broker, topic: str) -> bool:
    """Whether messages of this topic are tested by the filter of the topic they first were in."""
    return broker.config.filter_support_retry and topic.startswith(names.RETRY_PREFIX)


def _in_retry_topic(broker: Broker, topic: str, wanted: Wanted) -> Wanted:
    if not filters_retries(broker, topic):
        return wanted
    return Wanted(wanted.tags, broker.filters.retry_test(topic[len(names.RETRY_PREFIX) :]))


def _subscription(broker: Broker, header: PullMessageRequestHeader, group: SubscriptionGroupConfig) -> SubscriptionData:
    consumers = broker.consumers.group(header.consumer_group)
    if consumers is None:
        remark = "the consumer's group info not exist"
        raise refused(ResponseCode.SUBSCRIPTION_NOT_EXIST, remark, see_faq=True)
    if not group.consume_broadcast_enable and consumers.message_model is MessageModel.BROADCASTING:
        remark = f"the consumer group[{header.consumer_group}] can not consume by broadcast way"
        raise refused(ResponseCode.NO_PERMISSION, remark)
    subscription = consumers.subscription(header.topic)
    if subscription is None:
        remark = "the consumer's subscription not exist"
        raise refused(ResponseCode.SUBSCRIPTION_NOT_EXIST, remark, see_faq=True)
    if subscription.sub_version < header.sub_version:
        raise refused(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest")
    return subscription
