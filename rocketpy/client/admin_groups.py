"""What an operator asks brokers about consumer and producer groups, and tells them of groups and their offsets.

Which brokers a group is on is the route of its retry topic. Invariant: answers of several brokers are merged in the
order of the route; one that fails raises its error unless the function says otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from rocketpy._core.command import Command, request
from rocketpy.client.admin_topics import groups_of_topic, topic_stats
from rocketpy.client.calls import BrokerRefused, Calls, ClientError, any_address
from rocketpy.protocol import fastjson
from rocketpy.protocol.admin_bodies import (
    BrokerStatsData,
    ConsumeMessageDirectlyResult,
    ConsumerConnection,
    ConsumerRunningInfo,
    ConsumeStats,
    OffsetWrapper,
    ProducerConnection,
    ResetOffsetBody,
)
from rocketpy.protocol.bodies import MessageQueue, SubscriptionGroupConfig, TopicRouteData
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.header import Header, to_wire
from rocketpy.protocol.headers import (
    ConsumeMessageDirectlyResultRequestHeader,
    GetConsumerRunningInfoRequestHeader,
    GetConsumeStatsRequestHeader,
    ResetOffsetRequestHeader,
)
from rocketpy.protocol.names import retry_topic

LONG_CALLS = 3  # what walks over all queues, or is passed on to a client, may take that many times as long
MAX_OFFSET = -1  # as a time: the end of the queue


@dataclass
class GroupStats:
    """How far a group is. `failed` has the brokers whose queues are missing in it, with their errors."""

    stats: ConsumeStats = field(default_factory=ConsumeStats)
    failed: dict[str, ClientError] = field(default_factory=dict)

    @property
    def total_diff(self) -> int:
        """Messages the group has not consumed."""
        return sum(each.broker_offset - each.consumer_offset for each in self.stats.offset_table.values())


@dataclass(frozen=True)
class RolledBack:
    """What became of a group's offset in one queue when it was set by time without its clients."""

    queue: MessageQueue
    broker_offset: int
    consumer_offset: int
    timestamp_offset: int
    rollback_offset: int


def addresses(route: TopicRouteData) -> list[str]:
    """The master of each broker in a route, or a slave where there is none."""
    return [any_address(broker) for broker in route.broker_datas if broker.broker_addrs]


def asked(code: RequestCode, header: Header) -> Command:
    """A request with a header."""
    return request(code, header.encode())


async def group_addresses(calls: Calls, group: str) -> list[str]:
    """Brokers of a consumer group. NoRoute when none of its clients was ever there."""
    return addresses(await calls.route(retry_topic(group)))


# ---- how far a group is


async def consume_stats(calls: Calls, group: str, topic: str | None = None) -> GroupStats:
    """How far a group is in one topic or in all; a broker that fails is named in the result.

    BrokerRefused(CONSUMER_NOT_ONLINE) as upstream's library when no broker has an offset of it.
    """
    where = await group_addresses(calls, group)
    answers = await asyncio.gather(
        *(broker_consume_stats(calls, address, group, topic) for address in where), return_exceptions=True
    )
    merged = GroupStats()
    for address, answer in zip(where, answers, strict=True):
        if isinstance(answer, ClientError):
            merged.failed[address] = answer
        elif isinstance(answer, BaseException):
            raise answer
        else:
            merged.stats.offset_table.update(answer.offset_table)
            merged.stats.consume_tps += answer.consume_tps
    if not merged.stats.offset_table:
        raise next(iter(merged.failed.values()), no_offsets())
    return merged


def no_offsets() -> BrokerRefused:
    """What upstream's library says of a group without offsets."""
    return BrokerRefused(
        ResponseCode.CONSUMER_NOT_ONLINE,
        "Not found the consumer group consume stats, because return offset table is empty, "
        "maybe the consumer not consume any message",
    )


async def broker_consume_stats(calls: Calls, address: str, group: str, topic: str | None = None) -> ConsumeStats:
    """How far a group is on one broker."""
    header = GetConsumeStatsRequestHeader(consumer_group=group, topic=topic)
    answer = await calls.ask(address, asked(RequestCode.GET_CONSUME_STATS, header), LONG_CALLS * calls.timeout_ms)
    return ConsumeStats.decode(answer.body or b"{}")


async def topic_groups(calls: Calls, topic: str) -> list[str]:
    """The groups that consume a topic, as the first broker of its route knows them."""
    where = addresses(await calls.route(topic))
    return await groups_of_topic(calls, where[0], topic) if where else []


async def broker_stats(calls: Calls, address: str, name: str, key: str) -> BrokerStatsData:
    """One counter of a broker: `TOPIC_PUT_NUMS` of a topic, `GROUP_GET_NUMS` of `topic@group` and the like."""
    ext = {"statsName": name, "statsKey": key}
    answer = await calls.ask(address, request(RequestCode.VIEW_BROKER_STATS_DATA, ext))
    return BrokerStatsData.decode(answer.body or b"{}")


# ---- who is there


async def consumer_connection(calls: Calls, group: str) -> ConsumerConnection:
    """The clients of a consumer group.

    A client is connected to every broker of its topics, so upstream asks one at random; here the next is asked when
    one fails or knows no client. BrokerRefused(CONSUMER_NOT_ONLINE) when none does.
    """
    missing = BrokerRefused(ResponseCode.CONSUMER_NOT_ONLINE, "Not found the consumer group connection")
    ask = request(RequestCode.GET_CONSUMER_CONNECTION_LIST, {"consumerGroup": group})
    for answer in await first_with_clients(calls, await group_addresses(calls, group), ask, missing):
        return ConsumerConnection.decode(answer)
    raise missing


async def producer_connection(calls: Calls, group: str, topic: str) -> ProducerConnection:
    """The clients of a producer group that sends to a topic; ClientError when there is none."""
    missing = ClientError("Not found the producer group connection")
    ask = request(RequestCode.GET_PRODUCER_CONNECTION_LIST, {"producerGroup": group})
    for answer in await first_with_clients(calls, addresses(await calls.route(topic)), ask, missing):
        return ProducerConnection.decode(answer)
    raise missing


async def first_with_clients(
    calls: Calls, where: Iterable[str], ask: Command, missing: ClientError
) -> list[bytes]:
    """The body of the first answer that names clients, as a list of one. The first error when there is none."""
    failure: ClientError | None = None
    for address in where:
        try:
            body = (await calls.ask(address, copied(ask))).body or b"{}"
        except ClientError as error:
            failure = failure or error
            continue
        if fastjson.loads(body).get("connectionSet"):
            return [body]
    raise failure or missing


def copied(command: Command) -> Command:
    """The same request once more: each that is sent gets a number of its own."""
    return request(command.code, command.ext, command.body)


async def running_info(calls: Calls, group: str, client_id: str, *, jstack: bool = False) -> ConsumerRunningInfo:
    """What a consumer says of itself, asked through the first broker that it is connected to."""
    header = GetConsumerRunningInfoRequestHeader(consumer_group=group, client_id=client_id, jstack_enable=jstack)
    failure: ClientError | None = None
    for address in await group_addresses(calls, group):
        ask = asked(RequestCode.GET_CONSUMER_RUNNING_INFO, header)
        try:
            answer = await calls.ask(address, ask, LONG_CALLS * calls.timeout_ms)
        except ClientError as error:
            failure = failure or error
            continue
        return ConsumerRunningInfo.decode(answer.body or b"{}")
    raise failure or BrokerRefused(ResponseCode.CONSUMER_NOT_ONLINE, f"no broker of {group} is known")


async def consume_directly(
    calls: Calls, address: str, group: str, client_id: str, msg_id: str
) -> ConsumeMessageDirectlyResult:
    """Have one client consume a stored message now. `msg_id` is the offset message id on the broker at `address`."""
    header = ConsumeMessageDirectlyResultRequestHeader(consumer_group=group, client_id=client_id, msg_id=msg_id)
    ask = asked(RequestCode.CONSUME_MESSAGE_DIRECTLY, header)
    answer = await calls.ask(address, ask, LONG_CALLS * calls.timeout_ms)
    return ConsumeMessageDirectlyResult.decode(answer.body or b"{}")


# ---- groups and offsets are changed


async def create_group(calls: Calls, address: str, config: SubscriptionGroupConfig) -> None:
    """Create or change a consumer group on one broker."""
    await calls.ask(address, request(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, None, config.encode()))


async def delete_group(calls: Calls, address: str, group: str) -> None:
    """Delete a consumer group on one broker."""
    await calls.ask(address, request(RequestCode.DELETE_SUBSCRIPTIONGROUP, {"groupName": group}))


async def update_offset(calls: Calls, address: str, group: str, queue: MessageQueue, offset: int) -> None:
    """Set a group's offset in one queue."""
    ext = {
        "consumerGroup": group,
        "topic": queue.topic,
        "queueId": str(queue.queue_id),
        "commitOffset": str(offset),
    }
    await calls.ask(address, request(RequestCode.UPDATE_CONSUMER_OFFSET, ext))


async def reset_offsets(
    calls: Calls, topic: str, group: str, timestamp_ms: int, *, force: bool, cpp: bool = False
) -> dict[MessageQueue, int]:
    """Set the offsets of a group and of its running clients to a time, MAX_OFFSET to the end; the new offsets.

    BrokerRefused(CONSUMER_NOT_ONLINE) when no client is there: see `reset_offsets_old`.
    """
    header = ResetOffsetRequestHeader(topic=topic, group=group, timestamp=timestamp_ms, is_force=force)
    found: dict[MessageQueue, int] = {}
    for address in addresses(await calls.route(topic)):  # one by one: a refusal ends it, as with upstream's library
        ask = asked(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, header)
        if cpp:
            ask.language = "CPP"
        found |= reset_body(await calls.ask(address, ask))
    return found


def reset_body(answer: Command) -> dict[MessageQueue, int]:
    """Offsets out of an answer; for C++ clients it is a list of queues with their offsets."""
    table = fastjson.loads(answer.body or b"{}").get("offsetTable")
    if isinstance(table, list):
        return {MessageQueue(row["topic"], row["brokerName"], int(row["queueId"])): int(row["offset"]) for row in table}
    return ResetOffsetBody.decode(answer.body or b"{}").offset_table


async def reset_offsets_old(
    calls: Calls, topic: str, group: str, timestamp_ms: int, *, force: bool
) -> list[RolledBack]:
    """Set the offsets of a group without clients to a time. A broker without offsets of it gets them for all queues."""
    route = await calls.route(topic)
    queue_nums = {data.broker_name: data.read_queue_nums for data in route.queue_datas}
    done: list[RolledBack] = []
    for broker in route.broker_datas:
        if not broker.broker_addrs:
            continue
        address = any_address(broker)
        stats = await broker_consume_stats(calls, address, group)
        queues = {queue: each for queue, each in stats.offset_table.items() if queue.topic == topic}
        if not queues:
            nums = queue_nums.get(broker.broker_name, 0)
            queues = await whole_queues(calls, address, topic, broker.broker_name or "", nums)
        for queue, each in queues.items():
            done.append(await roll_back(calls, address, group, queue, each, timestamp_ms, force))
    return done


async def whole_queues(
    calls: Calls, address: str, topic: str, broker_name: str, queue_nums: int
) -> dict[MessageQueue, OffsetWrapper]:
    """The queues of a topic as if a group had consumed nothing of them."""
    table = (await topic_stats(calls, address, topic)).offset_table
    queues = (MessageQueue(topic, broker_name, queue_id) for queue_id in range(queue_nums))
    ends = {queue: table[queue] for queue in queues if queue in table}
    return {queue: OffsetWrapper(each.max_offset, each.min_offset) for queue, each in ends.items()}


async def roll_back(
    calls: Calls, address: str, group: str, queue: MessageQueue, at: OffsetWrapper, timestamp_ms: int, force: bool
) -> RolledBack:
    """Set a group's offset in one queue to a time; without `force` only when that is not ahead of it."""
    offset = await offset_of_time(calls, address, queue, timestamp_ms)
    moves = force or offset <= at.consumer_offset
    if moves:
        await update_offset(calls, address, group, queue, offset)
    return RolledBack(queue, at.broker_offset, at.consumer_offset, offset, offset if moves else at.consumer_offset)


async def offset_of_time(calls: Calls, address: str, queue: MessageQueue, timestamp_ms: int) -> int:
    """The offset of the message stored nearest to a time, or the end of the queue."""
    ext = {"topic": queue.topic, "queueId": to_wire(queue.queue_id)}
    code = RequestCode.GET_MAX_OFFSET
    if timestamp_ms != MAX_OFFSET:
        code, ext["timestamp"] = RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, str(timestamp_ms)
    answer = await calls.ask(address, request(code, ext))
    return int((answer.ext or {})["offset"])
