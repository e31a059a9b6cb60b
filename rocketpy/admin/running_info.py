"""What running consumers say of themselves (ConsumerRunningInfo): upstream's report, and what is wrong in it.

Pure: the report of one client, and comparisons over all clients of a group. Times are milliseconds since 1970.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rocketpy.admin.items import plain
from rocketpy.admin.java import boolean, decimals, message_queue_text, string_order
from rocketpy.protocol.admin_bodies import ConsumerRunningInfo, ProcessQueueInfo
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.spelling import camel

CONSUME_TYPE = "PROP_CONSUME_TYPE"
ORDERLY = "PROP_CONSUMEORDERLY"
STARTED_AT = "PROP_CONSUMER_START_TIMESTAMP"
SETTLING_MS = 120_000  # a group that began later may still be told of its subscriptions
BLOCKED_MS = 60_000

Infos = Mapping[str, ConsumerRunningInfo]


# ---- the report


def report(info: ConsumerRunningInfo) -> str:
    """ConsumerRunningInfo.formatString."""
    sections = [
        ("Consumer Properties", property_lines(info)),
        ("Consumer Subscription", subscription_lines(info)),
        ("Consumer Offset", offset_lines(info)),
        ("Consumer MQ Detail", detail_lines(info)),
        ("Consumer RT&TPS", rate_lines(info)),
    ]
    told = "\n\n".join(f"#{title}#\n" + "".join(f"{line}\n" for line in lines) for title, lines in sections)
    return told + (f"\n\n#Consumer jstack#\n{info.jstack}" if info.jstack is not None else "")


def property_lines(info: ConsumerRunningInfo) -> Iterator[str]:
    """One a property, in the order of java.util.Properties."""
    for name in string_order(info.properties):
        yield f"{name:<40}: {info.properties[name]}"


def subscription_lines(info: ConsumerRunningInfo) -> Iterator[str]:
    """One a topic."""
    by_name = sorted(info.subscription_set, key=lambda each: f"{each.topic}@{each.sub_string}")
    for number, each in enumerate(by_name, 1):
        expression = "null" if each.sub_string is None else each.sub_string
        filtered = boolean(each.class_filter_mode)
        yield f"{number:03d} Topic: {each.topic:<40} ClassFilter: {filtered:<8} SubExpression: {expression}"


def offset_lines(info: ConsumerRunningInfo) -> Iterator[str]:
    """One a queue: how far the client is."""
    yield f"{queue_head()}{'#Consumer Offset':<20}"
    for queue, held in by_queue(info):
        yield f"{queue_cells(queue)}{held.commit_offset:<20}"


def detail_lines(info: ConsumerRunningInfo) -> Iterator[str]:
    """One a queue: what the client holds of it."""
    yield f"{queue_head()}{'#ProcessQueueInfo':<20}"
    for queue, held in by_queue(info):
        yield f"{queue_cells(queue)}{held_text(held)}"


def by_queue(info: ConsumerRunningInfo) -> list[tuple[MessageQueue, ProcessQueueInfo]]:
    """What the client holds, queue by queue in their order."""
    return sorted(info.mq_table.items(), key=lambda item: item[0])


def queue_head() -> str:
    """The heads of `queue_cells`."""
    return f"{'#Topic':<32}  {'#Broker Name':<32}  {'#QID':<4}  "


def queue_cells(queue: MessageQueue) -> str:
    """The first three columns of a queue's line."""
    return f"{queue.topic:<32}  {queue.broker_name:<32}  {queue.queue_id:<4}  "


def rate_lines(info: ConsumerRunningInfo) -> Iterator[str]:
    """One a topic: times and rates."""
    row = "%-32s  %14s %14s %14s %14s %18s %25s"
    heads = ("#Pull RT", "#Pull TPS", "#Consume RT", "#ConsumeOK TPS", "#ConsumeFailed TPS")
    yield row % ("#Topic", *heads, "#ConsumeFailedMsgsInHour")
    for topic, rate in sorted(info.status_table.items()):
        rates = (rate.pull_rt, rate.pull_tps, rate.consume_rt, rate.consume_ok_tps, rate.consume_failed_tps)
        yield row % (topic, *(decimals(value, 2) for value in rates), rate.consume_failed_msgs)


def held_text(held: ProcessQueueInfo) -> str:
    """ProcessQueueInfo.toString."""
    told = (f"{camel(name)}={held_value(name, value)}" for name, value in asdict(held).items())
    return f"ProcessQueueInfo [{', '.join(told)}]"


def held_value(name: str, value: Any) -> str:
    """A member's value: times as digits, in the local zone."""
    if isinstance(value, bool):
        return boolean(value)
    return digits_of_time(value) if name.startswith("last") else str(value)


def digits_of_time(millis: int) -> str:
    """`yyyyMMddHHmmssSSS`."""
    try:
        return f"{time.strftime('%Y%m%d%H%M%S', time.localtime(millis // 1000))}{millis % 1000:03d}"
    except (OverflowError, ValueError, OSError):
        return str(millis)


def running_data(info: ConsumerRunningInfo) -> dict[str, Any]:
    """As JSON has it: queues are a list, as JSON's keys are text."""
    return {
        "properties": info.properties,
        "subscriptionSet": info.subscription_set,
        "queues": [{**plain(queue), **plain(held)} for queue, held in by_queue(info)],
        "statusTable": info.status_table,
        "jstack": info.jstack,
    }


# ---- what is wrong


def has_same_subscriptions(infos: Infos, now_ms: int) -> bool:
    """Whether all clients of a group want the same. Of a pull group, or one that has just begun, it is not asked."""
    first = infos[min(infos)]
    if not is_push(first) or now_ms - int(first.properties.get(STARTED_AT, 0)) <= SETTLING_MS:
        return True
    wanted = [{(each.topic, each.sub_string) for each in infos[name].subscription_set} for name in sorted(infos)]
    return bool(wanted[-1]) and all(each == wanted[0] for each in wanted)


def is_push(info: ConsumerRunningInfo) -> bool:
    """Whether messages are pushed to its listener."""
    return info.properties.get(CONSUME_TYPE) == "CONSUME_PASSIVELY"


def blocked_queues(client_id: str, info: ConsumerRunningInfo, now_ms: int) -> list[str]:
    """A line for each queue that does not go on."""
    if not is_push(info):
        return []
    orderly = info.properties.get(ORDERLY, "").lower() == "true"
    told = (fault_of(queue, held, orderly, now_ms) for queue, held in by_queue(info))
    return [f"{client_id} {fault}" for fault in told if fault]


def fault_of(queue: MessageQueue, held: ProcessQueueInfo, orderly: bool, now_ms: int) -> str:
    """What is wrong with one queue; nothing is the usual."""
    name = message_queue_text(queue)
    if not orderly:
        waiting_ms = now_ms - held.last_consume_timestamp
        blocked = waiting_ms > BLOCKED_MS and held.cached_msg_count > 0
        return f"{name} can't consume for a while, maybe blocked, {waiting_ms}ms" if blocked else ""
    if not held.locked:
        return f"{name} can't lock for a while, {now_ms - held.last_lock_timestamp}ms"
    if held.droped and held.try_unlock_times > 0:
        return f"{name} unlock {held.try_unlock_times} times, still failed"
    return ""
