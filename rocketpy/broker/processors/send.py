"""SEND_MESSAGE, SEND_MESSAGE_V2, SEND_BATCH_MESSAGE: stores what a producer sent.

The checks stand in upstream's order, because their codes decide what a client retries. This is the full lane; the
fast lane does the same for the usual case and is compared with it byte for byte.
"""

from __future__ import annotations

import random
from datetime import datetime
from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy._core.message import Message, decode_properties
from rocketpy.broker.processors.answers import Answer, refused
from rocketpy.broker.transaction.messages import half_message, is_half
from rocketpy.protocol import names, perm, sys_flag
from rocketpy.protocol.bodies import TopicConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import SendMessageRequestHeader
from rocketpy.store.clean import refusal_remark
from rocketpy.store.put_rules import delay_of
from rocketpy.store.results import PutMessageStatus, PutResult

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection


VERSION_3_4_9 = 121  # from here on clients say in the header how often a message is retried

# What reached the log, although not (yet) everywhere it should: the client gets its ids with these codes.
_STORED = {
    PutMessageStatus.PUT_OK: ResponseCode.SUCCESS,
    PutMessageStatus.FLUSH_DISK_TIMEOUT: ResponseCode.FLUSH_DISK_TIMEOUT,
    PutMessageStatus.FLUSH_SLAVE_TIMEOUT: ResponseCode.FLUSH_SLAVE_TIMEOUT,
    PutMessageStatus.SLAVE_NOT_AVAILABLE: ResponseCode.SLAVE_NOT_AVAILABLE,
}
_ILLEGAL = (
    "the message is illegal, maybe msg body or properties length not matched. "
    "msg body length limit 128k, msg properties length limit 32k."
)
_FAILED = {
    PutMessageStatus.CREATE_MAPEDFILE_FAILED: (
        ResponseCode.SYSTEM_ERROR,
        "create mapped file failed, server is busy or broken.",
    ),
    PutMessageStatus.MESSAGE_ILLEGAL: (ResponseCode.MESSAGE_ILLEGAL, _ILLEGAL),
    PutMessageStatus.PROPERTIES_SIZE_EXCEEDED: (ResponseCode.MESSAGE_ILLEGAL, _ILLEGAL),
    PutMessageStatus.OS_PAGECACHE_BUSY: (
        ResponseCode.SYSTEM_ERROR,
        "[PC_SYNCHRONIZED]broker busy, start flow control for a while",
    ),
    PutMessageStatus.UNKNOWN_ERROR: (ResponseCode.SYSTEM_ERROR, "UNKNOWN_ERROR"),
}


def send_message(broker: Broker, connection: Connection, request: Command, header: SendMessageRequestHeader) -> Answer:
    """Store one message, or the batch that the header announces; answer when the store has settled it."""
    began_ns = broker.clock.monotonic_ns()
    _check_accepting(broker)
    topic = topic_to_send_to(broker, connection, header)
    message = _message(connection, request, header, topic)
    queue_id = message.queue_id  # what the answer says, also when the message goes elsewhere
    properties = decode_properties(message.properties_raw)
    _check_delay(properties)
    if header.batch:
        _check_batch(header.topic)
        result = broker.store.put_batch(message)
    else:
        _divert_exhausted_retry(broker, request, header, message)
        if is_half(properties):
            message = _half(broker, message)
            result = broker.store.put_due(message)  # a DELAY of it begins with the commit
        else:
            result = broker.store.put(message)
    if not waits_for_store(properties) or not result.is_ok:
        return _sent(broker, queue_id, result, result.status, began_ns)
    if broker.settles_later:
        return _settled(broker, queue_id, result, began_ns)
    return _sent(broker, queue_id, result, broker.replicated(result.status), began_ns)


def waits_for_store(properties: dict[str, str]) -> bool:
    """Whether the sender wants its answer after disk and slave; only WAIT=true, or no WAIT at all, says so."""
    return properties.get("WAIT", "true").lower() == "true"


def topic_to_send_to(broker: Broker, connection: Connection, header: SendMessageRequestHeader) -> TopicConfig:
    """The topic's config, created when the rules allow it; or the refusal."""
    name = header.topic
    known = broker.topics.get(name)
    if known is not None and known.order and not perm.is_writable(broker.config.broker_permission):
        raise forbidden(broker)
    if name == names.AUTO_CREATE_TOPIC_KEY_TOPIC:
        raise refused(ResponseCode.SYSTEM_ERROR, f"the topic[{name}] is conflict with system reserved words.")
    topic = known or _create_topic(broker, connection, header)
    if topic is None:
        raise refused(ResponseCode.TOPIC_NOT_EXIST, f"topic[{name}] not exist, apply first please!", see_faq=True)
    if header.queue_id >= max(topic.write_queue_nums, topic.read_queue_nums):
        raise refused(
            ResponseCode.SYSTEM_ERROR,
            f"request queueId[{header.queue_id}] is illegal, {topic} Producer: {connection.address}",
        )
    return topic


def forbidden(broker: Broker) -> Exception:
    """The broker itself takes no messages now."""
    return refused(ResponseCode.NO_PERMISSION, f"the broker[{broker.config.broker_ip1}] sending message is forbidden")


def any_queue(queue_nums: int) -> int:
    """A queue the sender left to us."""
    return random.randrange(queue_nums) if queue_nums > 0 else 0


def _check_accepting(broker: Broker) -> None:
    until_ms = broker.config.start_accept_send_request_time_stamp
    if broker.clock.now_ms() < until_ms:
        until = datetime.fromtimestamp(until_ms // 1000).strftime("%Y-%m-%d %H:%M:%S")
        remark = f"broker unable to service, until {until},{until_ms % 1000:03d}"
        raise refused(ResponseCode.SYSTEM_ERROR, remark)


def _create_topic(broker: Broker, connection: Connection, header: SendMessageRequestHeader) -> TopicConfig | None:
    retry = header.topic.startswith(names.RETRY_PREFIX)
    flag = 0
    if header.unit_mode:
        flag = sys_flag.TOPIC_UNIT_SUB if retry else sys_flag.TOPIC_UNIT
    names.check_name("topic", header.topic)
    topic = broker.topics.create_in_send(
        header.topic, header.default_topic, connection.address, header.default_topic_queue_nums, flag
    )
    if topic is None and retry:
        return broker.topics.create_in_send_back(header.topic, 1, perm.READ | perm.WRITE, flag)
    return topic


def _message(connection: Connection, request: Command, header: SendMessageRequestHeader, topic: TopicConfig) -> Message:
    queue_id = header.queue_id if header.queue_id >= 0 else any_queue(topic.write_queue_nums)
    multi_tags = sys_flag.MULTI_TAGS_FLAG if topic.topic_filter_type == "MULTI_TAG" else 0
    return Message(
        topic=header.topic,
        body=request.body or b"",
        flag=header.flag,
        properties_raw=(header.properties or "").encode(),
        queue_id=queue_id,
        sys_flag=header.sys_flag | multi_tags,
        born_timestamp=header.born_timestamp,
        born_host=(connection.ip, connection.port),
        reconsume_times=header.reconsume_times or 0,
    )


def _check_batch(topic: str) -> None:
    if len(topic) > names.MAX_STORED_TOPIC_LENGTH:
        raise refused(ResponseCode.MESSAGE_ILLEGAL, f"message topic length too long {len(topic)}")
    if topic.startswith(names.RETRY_PREFIX):
        raise refused(ResponseCode.MESSAGE_ILLEGAL, f"batch request does not support retry group {topic}")


def _divert_exhausted_retry(
    broker: Broker, request: Command, header: SendMessageRequestHeader, message: Message
) -> None:
    """A client that could not send back sends to the retry topic itself; after the last time it is a dead letter."""
    if not header.topic.startswith(names.RETRY_PREFIX):
        return
    group_name = header.topic[len(names.RETRY_PREFIX) :]
    group = broker.groups.find(group_name)
    if group is None:
        raise refused(
            ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, f"subscription group not exist, {group_name} ", see_faq=True
        )
    if message.reconsume_times >= max_reconsume_times(request, header.max_reconsume_times, group.retry_max_times):
        dead_letter_topic = create_dead_letter_topic(broker, group_name)
        message.topic, message.queue_id = dead_letter_topic.topic_name, 0


def max_reconsume_times(request: Command, from_header: int | None, from_group: int) -> int:
    """How often a message is tried: newer clients say it themselves, and must."""
    if request.version < VERSION_3_4_9:
        return from_group
    if from_header is None:
        raise refused(ResponseCode.SYSTEM_ERROR, "the header field maxReconsumeTimes is missing")
    return from_header


def create_dead_letter_topic(broker: Broker, group_name: str) -> TopicConfig:
    """The group's %DLQ% topic: one queue, write only, so that nobody consumes it before an operator allows it."""
    name = names.dlq_topic(group_name)
    topic = broker.topics.create_in_send_back(name, 1, perm.WRITE, 0)
    if topic is None:
        raise refused(ResponseCode.SYSTEM_ERROR, f"topic[{name}] not exist")
    return topic


def _check_delay(properties: dict[str, str]) -> None:
    # Upstream's own parser refuses it too (Message.getDelayTimeLevel), with a Java stack line as the remark.
    if delay_of(properties.get("DELAY")) is None:
        raise refused(ResponseCode.SYSTEM_ERROR, f"the property DELAY is no number: {properties['DELAY']!r}")


def _half(broker: Broker, message: Message) -> Message:
    if broker.config.reject_transaction_message:
        ip = broker.config.broker_ip1
        raise refused(ResponseCode.NO_PERMISSION, f"the broker[{ip}] sending transaction message is forbidden")
    return half_message(message)


async def _settled(broker: Broker, queue_id: int, result: PutResult, began_ns: int) -> Command:
    return _sent(broker, queue_id, result, broker.replicated(await broker.store.settle(result)), began_ns)


def _sent(broker: Broker, queue_id: int, result: PutResult, status: PutMessageStatus, began_ns: int) -> Command:
    code = _STORED.get(status)
    if code is None:
        raise _not_stored(broker, status)
    broker.stats.put(result.topic, result.msg_id.count(",") + 1, result.size)
    broker.stats.send_times.note(broker.clock.monotonic_ns() - began_ns)
    region = broker.region_ext
    ext = {"queueId": str(queue_id), **region, "msgId": result.msg_id, "queueOffset": str(result.queue_offset)}
    return response(code, None, ext)


def _not_stored(broker: Broker, status: PutMessageStatus) -> Exception:
    if status is PutMessageStatus.SERVICE_NOT_AVAILABLE:
        remark = refusal_remark(broker.cleaner.paths, broker.cleaner.levels)
        return refused(ResponseCode.SERVICE_NOT_AVAILABLE, _with_cause(broker, remark))
    code, remark = _FAILED.get(status, (ResponseCode.SYSTEM_ERROR, "UNKNOWN_ERROR DEFAULT"))
    if status is PutMessageStatus.CREATE_MAPEDFILE_FAILED:
        remark = _with_cause(broker, remark)
    return refused(code, remark)


def _with_cause(broker: Broker, remark: str) -> str:
    """Upstream's words, then the path the disk refused and why."""
    return " ".join(filter(None, (remark, broker.store.refusal)))
