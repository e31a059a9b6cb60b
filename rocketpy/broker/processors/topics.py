"""Topics as tools see them: create, delete, list, and what stands in their queues."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rocketpy._core.command import Command
from rocketpy.broker.processors.answers import Answer, refused, success
from rocketpy.protocol import names
from rocketpy.protocol.admin_bodies import GroupList, TopicOffset, TopicStatsTable
from rocketpy.protocol.bodies import MessageQueue, TopicConfig, TopicList
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import (
    CreateTopicRequestHeader,
    DeleteTopicRequestHeader,
    GetTopicStatsInfoRequestHeader,
    QueryTopicConsumeByWhoRequestHeader,
)

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqBroker")


def update_and_create_topic(
    broker: Broker, connection: Connection, request: Command, header: CreateTopicRequestHeader
) -> Answer:
    """Create a topic or change it; the header's `order` is ignored, as upstream does."""
    if header.topic == broker.config.broker_cluster_name:
        remark = f"the topic[{header.topic}] is conflict with system reserved words."
        raise refused(ResponseCode.SYSTEM_ERROR, remark)
    if broker.topics.get(header.topic) is None:
        names.check_name("topic", header.topic)
    log.info("update topic %s, asked by %s", header.topic, connection.address)
    broker.topics.put(
        TopicConfig(
            header.topic,
            header.read_queue_nums,
            header.write_queue_nums,
            header.perm,
            header.topic_filter_type,
            header.topic_sys_flag or 0,
        )
    )
    return success()


def delete_topic_in_broker(
    broker: Broker, connection: Connection, request: Command, header: DeleteTopicRequestHeader
) -> Answer:
    """Forget a topic and its queues; its messages go with the commit log, in time."""
    log.info("delete topic %s, asked by %s", header.topic, connection.address)
    broker.topics.delete(header.topic)
    broker.lane.forget_rules()  # also of a topic that has queues, but stands in no table
    broker.holds.end_topic(header.topic)
    broker.store.delete_topic(header.topic)
    broker.stats.forget_topic(header.topic)
    return success()


def get_all_topic_config(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Every topic's config, with the version of the table."""
    return success(broker.topics.wrapper().encode(), {})


def get_system_topic_list_from_broker(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Names that every broker has of its own."""
    return success(TopicList(sorted(broker.topics.system_topics)).encode())


def get_topic_stats_info(
    broker: Broker, connection: Connection, request: Command, header: GetTopicStatsInfoRequestHeader
) -> Answer:
    """First and next offset of each queue that is written, and when its last message was stored."""
    topic = broker.topics.get(header.topic)
    if topic is None:
        raise refused(ResponseCode.TOPIC_NOT_EXIST, f"topic[{header.topic}] not exist")
    broker_name = broker.config.broker_name
    table = {
        MessageQueue(header.topic, broker_name, queue_id): _queue_stats(broker, header.topic, queue_id)
        for queue_id in range(topic.write_queue_nums)
    }
    return success(TopicStatsTable(table).encode())


def _queue_stats(broker: Broker, topic: str, queue_id: int) -> TopicOffset:
    store = broker.store
    max_offset = max(0, store.max_offset(topic, queue_id))
    last_update = store.store_time(topic, queue_id, max_offset - 1) if max_offset else 0
    return TopicOffset(max(0, store.min_offset(topic, queue_id)), max_offset, last_update)


def query_topic_consume_by_who(
    broker: Broker, connection: Connection, request: Command, header: QueryTopicConsumeByWhoRequestHeader
) -> Answer:
    """Groups that are subscribed to a topic now, or have offsets in it."""
    groups = {*broker.consumers.groups_of(header.topic), *broker.offsets.groups_of(header.topic)}
    return success(GroupList(sorted(groups)).encode())
