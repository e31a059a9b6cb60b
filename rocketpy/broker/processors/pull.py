"""PULL_MESSAGE: answers with records, or holds the request until one that matches arrives.

Nothing polls: `broker.holds` wakes the request at the end of the turn in which a matching message was appended, or when
its time is over. A woken request runs again from the first check, and then answers whatever it finds.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy._core.message import Message, encode_properties
from rocketpy.broker.processors.answers import Answer, from_disk, refused
from rocketpy.broker.processors.pull_filter import Wanted, wanted_by
from rocketpy.errors import RequestRefused
from rocketpy.protocol import names, perm, sys_flag
from rocketpy.protocol.bodies import MessageQueue, OffsetMovedEvent, SubscriptionGroupConfig
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import PullMessageRequestHeader
from rocketpy.store.results import GetMessageStatus, GetResult

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqBroker")

MAX_HELD = 100_000  # pulls that may wait at once (pullThreadPoolQueueCapacity's default); others are answered at once

_CODES = {
    GetMessageStatus.FOUND: ResponseCode.SUCCESS,
    GetMessageStatus.NO_MATCHED_MESSAGE: ResponseCode.PULL_RETRY_IMMEDIATELY,
    GetMessageStatus.MESSAGE_WAS_REMOVING: ResponseCode.PULL_RETRY_IMMEDIATELY,
    GetMessageStatus.OFFSET_FOUND_NULL: ResponseCode.PULL_NOT_FOUND,
    GetMessageStatus.OFFSET_OVERFLOW_ONE: ResponseCode.PULL_NOT_FOUND,
    GetMessageStatus.OFFSET_TOO_SMALL: ResponseCode.PULL_OFFSET_MOVED,
    GetMessageStatus.OFFSET_OVERFLOW_BADLY: ResponseCode.PULL_OFFSET_MOVED,
}


def pull_message(broker: Broker, connection: Connection, request: Command, header: PullMessageRequestHeader) -> Answer:
    """Answer a pull, or hold it when there is nothing yet and the client allows it."""
    began_ns = broker.clock.monotonic_ns()
    group, wanted = _asked(broker, connection, header)
    found = _get(broker, header, wanted, may_wait=False)
    if found.status is GetMessageStatus.NOT_IN_MEMORY:
        return _pull_from_disk(broker, connection, request, header, began_ns)
    answer = _answer_or_hold(broker, connection, request, header, group, wanted, found, first_pass=True)
    return _timed(broker, answer, began_ns)


def _timed(broker: Broker, answer: Command | None, began_ns: int) -> Command | None:
    """How long an answer took that did not wait for a message."""
    if answer is not None:
        broker.stats.pull_times.note(broker.clock.monotonic_ns() - began_ns)
    return answer


async def _pull_from_disk(
    broker: Broker, connection: Connection, request: Command, header: PullMessageRequestHeader, began_ns: int
) -> Command | None:
    """A thread reads; meanwhile others are served, and anything may change: the pull begins anew."""
    await from_disk(broker.store.bring_in(header.topic, header.queue_id, header.queue_offset))
    read_ms = (broker.clock.monotonic_ns() - began_ns) // 1_000_000
    if not connection.is_open:
        return None
    return _timed(broker, _pull(broker, connection, request, header, first_pass=True, read_ms=read_ms), began_ns)


def _pull(
    broker: Broker,
    connection: Connection,
    request: Command,
    header: PullMessageRequestHeader,
    *,
    first_pass: bool,
    read_ms: int = 0,
) -> Command | None:
    group, wanted = _asked(broker, connection, header)
    found = _get(broker, header, wanted, may_wait=False)  # what was brought in is an answer, if it moves the offset on
    if found.status is GetMessageStatus.NOT_IN_MEMORY:
        found = _get(broker, header, wanted, may_wait=True)
    return _answer_or_hold(
        broker, connection, request, header, group, wanted, found, first_pass=first_pass, read_ms=read_ms
    )


def _asked(
    broker: Broker, connection: Connection, header: PullMessageRequestHeader
) -> tuple[SubscriptionGroupConfig, Wanted]:
    """The group and what it wants, when it may pull from that queue; else the refusal."""
    group = readable_group(broker, header.consumer_group)
    _check_queue(broker, connection, header)
    return group, wanted_by(broker, header, group)


def _get(broker: Broker, header: PullMessageRequestHeader, wanted: Wanted, *, may_wait: bool) -> GetResult:
    topic, queue_id, offset = header.topic, header.queue_id, header.queue_offset
    return broker.store.get(topic, queue_id, offset, header.max_msg_nums, wanted.tags, wanted.test, may_wait=may_wait)


def _answer_or_hold(
    broker: Broker,
    connection: Connection,
    request: Command,
    header: PullMessageRequestHeader,
    group: SubscriptionGroupConfig,
    wanted: Wanted,
    found: GetResult,
    *,
    first_pass: bool,
    read_ms: int = 0,
) -> Command | None:
    code = _code(found, header)
    answer: Command | None = _answer(broker, group, found, code)
    _count(broker, header, found, read_ms)
    may_hold = first_pass and header.sys_flag & sys_flag.PULL_SUSPEND and len(broker.holds) < MAX_HELD
    if code == ResponseCode.PULL_NOT_FOUND and may_hold:
        _hold(broker, connection, request, header, wanted)
        answer = None
    elif code == ResponseCode.PULL_OFFSET_MOVED:
        _report_moved_offset(broker, header, found)
    if first_pass and header.sys_flag & sys_flag.PULL_COMMIT_OFFSET:
        broker.offsets.commit(
            header.consumer_group, header.topic, header.queue_id, header.commit_offset, connection.address
        )
    return answer


def _count(broker: Broker, header: PullMessageRequestHeader, found: GetResult, read_ms: int) -> None:
    group, topic, queue_id = header.consumer_group, header.topic, header.queue_id
    is_found = found.status is GetMessageStatus.FOUND
    broker.store.writer.count_get(found.count if is_found else 0)
    if is_found:
        broker.stats.got(group, topic, queue_id, found.count, len(found.body), read_ms)
    age_ms = broker.clock.now_ms() - found.last_store_time_ms if is_found else -1
    broker.stats.was_behind(group, topic, queue_id, found.behind_bytes, age_ms)
    if broker.slow_readers.watches and found.behind_bytes >= 0:
        broker.slow_readers.note(group, topic, queue_id, found.behind_bytes)


def readable_group(broker: Broker, name: str) -> SubscriptionGroupConfig:
    """The group's config when broker and group may read; or the refusal."""
    if not perm.is_readable(broker.config.broker_permission):
        ip = broker.config.broker_ip1
        raise refused(ResponseCode.NO_PERMISSION, f"the broker[{ip}] pulling message is forbidden")
    group = broker.groups.find(name)
    if group is None:
        raise refused(
            ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, f"subscription group [{name}] does not exist, ", see_faq=True
        )
    if not group.consume_enable:
        raise refused(ResponseCode.NO_PERMISSION, f"subscription group no permission, {name}")
    return group


def _check_queue(broker: Broker, connection: Connection, header: PullMessageRequestHeader) -> None:
    topic = broker.topics.get(header.topic)
    if topic is None:
        raise refused(
            ResponseCode.TOPIC_NOT_EXIST, f"topic[{header.topic}] not exist, apply first please! ", see_faq=True
        )
    if not perm.is_readable(topic.perm):
        raise refused(ResponseCode.NO_PERMISSION, f"the topic[{header.topic}] pulling message is forbidden")
    if not 0 <= header.queue_id < topic.read_queue_nums:
        raise refused(
            ResponseCode.SYSTEM_ERROR,
            f"queueId[{header.queue_id}] is illegal, topic:[{header.topic}] "
            f"topicConfig.readQueueNums:[{topic.read_queue_nums}] consumer:[/{connection.address}]",
        )


def _code(found: GetResult, header: PullMessageRequestHeader) -> ResponseCode:
    code = _CODES.get(found.status)
    if code is not None:
        return code
    # No such queue, or it never had a message: offset 0 is right and waits, any other is a leftover of an older store.
    return ResponseCode.PULL_OFFSET_MOVED if header.queue_offset else ResponseCode.PULL_NOT_FOUND


def _answer(broker: Broker, group: SubscriptionGroupConfig, found: GetResult, code: ResponseCode) -> Command:
    ext = {
        "suggestWhichBrokerId": str(_suggested_broker(broker, group, found)),
        "nextBeginOffset": str(found.next_begin_offset),
        "maxOffset": str(found.max_offset),
        "minOffset": str(found.min_offset),
    }
    return response(code, found.status.name, ext, found.body if code == ResponseCode.SUCCESS else None)


def _suggested_broker(broker: Broker, group: SubscriptionGroupConfig, found: GetResult) -> int:
    if not broker.config.slave_read_enable:
        return 0
    return group.which_broker_when_consume_slowly if found.suggest_slave else group.broker_id


def _hold(
    broker: Broker,
    connection: Connection,
    request: Command,
    header: PullMessageRequestHeader,
    wanted: Wanted,
) -> None:
    def wake() -> None:
        broker.forget_hold(connection, held)
        try:
            answer = _pull(broker, connection, request, header, first_pass=False)
        except RequestRefused as refusal:
            answer = response(refusal.code, refusal.remark, {})
        except OSError as error:  # it must not fall on whoever put the message that woke the pull
            log.error("%s: %s", error.filename, error.strerror)
            answer = response(ResponseCode.SYSTEM_ERROR, f"{error.filename}: {error.strerror}", {})
        if answer is not None:
            connection.reply(request, answer)

    config = broker.config
    timeout_ms = header.suspend_timeout_millis if config.long_polling_enable else config.short_polling_time_mills
    queue = broker.store.queue(header.topic, header.queue_id)
    held = broker.holds.hold(queue, header.queue_offset, wanted.tags, timeout_ms, wake, wanted.test)
    broker.keep_hold(connection, held)


def _report_moved_offset(broker: Broker, header: PullMessageRequestHeader, found: GetResult) -> None:
    """Tell whoever watches OFFSET_MOVED_EVENT that a consumer asked for what is not there."""
    group, queue = header.consumer_group, MessageQueue(header.topic, broker.config.broker_name, header.queue_id)
    log.warning(
        "PULL_OFFSET_MOVED: topic=%s queueId=%d group=%s requestOffset=%d newOffset=%d",
        header.topic, header.queue_id, group, header.queue_offset, found.next_begin_offset,
    )  # fmt: skip
    event = OffsetMovedEvent(group, queue, header.queue_offset, found.next_begin_offset)
    broker.store.put(
        Message(
            topic=names.OFFSET_MOVED_EVENT,
            body=event.encode(),
            properties_raw=encode_properties({"KEYS": group, "TAGS": group, "DELAY": "0"}),
            born_timestamp=broker.clock.now_ms(),
            born_host=broker.store_host,
        )
    )
