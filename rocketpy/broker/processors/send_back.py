"""CONSUMER_SEND_MSG_BACK: a message that could not be consumed comes again later, or becomes a dead letter.

The new record goes to %RETRY%group through the delay levels; after the last try, or when the consumer says so, to
%DLQ%group. The old record stays where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy._core.message import Message
from rocketpy.broker.processors.answers import Answer, once_in_memory, refused, success
from rocketpy.broker.processors.send import any_queue, create_dead_letter_topic, forbidden, max_reconsume_times
from rocketpy.protocol import names, perm, sys_flag
from rocketpy.protocol.bodies import SubscriptionGroupConfig, TopicConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import ConsumerSendMsgBackRequestHeader
from rocketpy.store.property_order import encode_in_map_order
from rocketpy.store.put_rules import delay_of
from rocketpy.store.results import PutMessageStatus

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

FIRST_RETRY_DELAY_LEVEL = 3  # delay level 0 asks the broker to choose: 3 + times tried so far


def consumer_send_msg_back(
    broker: Broker, connection: Connection, request: Command, header: ConsumerSendMsgBackRequestHeader
) -> Answer:
    """Store the message at `offset` again, delayed, for the group that asks."""
    return once_in_memory(broker, header.offset, lambda: _send_back(broker, request, header))


def _send_back(broker: Broker, request: Command, header: ConsumerSendMsgBackRequestHeader) -> Command:
    group = _group(broker, header.group)
    if not perm.is_writable(broker.config.broker_permission):
        raise forbidden(broker)
    if group.retry_queue_nums <= 0:
        return success()  # this group gives failed messages up
    retry_topic = _retry_topic(broker, header, group)
    stored = broker.store.message_at(header.offset)
    if stored is None:
        raise refused(ResponseCode.SYSTEM_ERROR, f"look message by offset failed, {header.offset}")
    tries = max_reconsume_times(request, header.max_reconsume_times, group.retry_max_times)
    # The group says how many queues; a topic that a send made may have more, one made before the group grew has fewer.
    queue_nums = min(group.retry_queue_nums, retry_topic.read_queue_nums)
    result = broker.store.put(_again(broker, header, stored, queue_nums, tries))
    if result.status is not PutMessageStatus.PUT_OK:
        raise refused(ResponseCode.SYSTEM_ERROR, result.status.name)
    broker.stats.sent_back(header.group, stored.properties.get("RETRY_TOPIC", stored.topic))
    return success()


def _group(broker: Broker, name: str) -> SubscriptionGroupConfig:
    group = broker.groups.find(name)
    if group is None:
        raise refused(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, f"subscription group not exist, {name} ", see_faq=True)
    return group


def _retry_topic(
    broker: Broker, header: ConsumerSendMsgBackRequestHeader, group: SubscriptionGroupConfig
) -> TopicConfig:
    names.check_name("group", header.group)
    name = names.retry_topic(header.group)
    flag = sys_flag.TOPIC_UNIT_SUB if header.unit_mode else 0
    topic = broker.topics.create_in_send_back(name, group.retry_queue_nums, perm.READ | perm.WRITE, flag)
    if topic is None:
        raise refused(ResponseCode.SYSTEM_ERROR, f"topic[{name}] not exist")
    if not perm.is_writable(topic.perm):
        raise refused(ResponseCode.NO_PERMISSION, f"the topic[{name}] sending message is forbidden")
    return topic


def _again(
    broker: Broker,
    header: ConsumerSendMsgBackRequestHeader,
    stored: Message,
    queue_nums: int,
    tries: int,
) -> Message:
    """The record to store: body and birth are the old one's, the number of tries is one more."""
    properties = dict(stored.properties)
    properties.setdefault("RETRY_TOPIC", stored.topic)
    properties["WAIT"] = "false"
    if stored.reconsume_times >= tries or header.delay_level < 0:
        topic, queue_id = create_dead_letter_topic(broker, header.group).topic_name, 0
    else:
        topic, queue_id = names.retry_topic(header.group), any_queue(queue_nums)
        properties["DELAY"] = str(header.delay_level or FIRST_RETRY_DELAY_LEVEL + stored.reconsume_times)
    # Upstream names the original only in what goes through the delay queues (a dead letter with an old DELAY does).
    if _is_delayed(properties):
        properties["ORIGIN_MESSAGE_ID"] = properties.get("ORIGIN_MESSAGE_ID") or stored.msg_id
    return Message(
        topic=topic,
        body=stored.body,
        flag=stored.flag,
        properties_raw=encode_in_map_order(properties),
        queue_id=queue_id,
        sys_flag=stored.sys_flag,
        born_timestamp=stored.born_timestamp,
        born_host=stored.born_host,
        reconsume_times=stored.reconsume_times + 1,
    )


def _is_delayed(properties: dict[str, str]) -> bool:
    return (delay_of(properties.get("DELAY")) or 0) > 0
