"""What an operator asks brokers about consumer and producer groups, and tells them of groups.

Which brokers a group is on is the route of its retry topic. Invariant: answers of several brokers are merged in the
order of the route; one that fails raises its error unless the function says otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from rocketpy._core.command import Command, request
from rocketpy.client.admin_topics import groups_of_topic
from rocketpy.client.calls import BrokerRefused, Calls, ClientError, addresses
from rocketpy.protocol import fastjson
from rocketpy.protocol.admin_bodies import (
    BrokerStatsData,
    ConsumeMessageDirectlyResult,
    ConsumerConnection,
    ConsumerRunningInfo,
    ConsumeStats,
    ProducerConnection,
)
from rocketpy.protocol.bodies import SubscriptionGroupConfig
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.header import Header
from rocketpy.protocol.headers import (
    ConsumeMessageDirectlyResultRequestHeader,
    GetConsumerRunningInfoRequestHeader,
    GetConsumeStatsRequestHeader,
)
from rocketpy.protocol.names import retry_topic

LONG_CALLS = 3  # what walks over all queues, or is passed on to a client, may take that many times as long


@dataclass
class GroupStats:
    """How far a group is. `failed` has the brokers whose queues are missing in it, with their errors."""

    stats: ConsumeStats = field(default_factory=ConsumeStats)
    failed: dict[str, ClientError] = field(default_factory=dict)

    @property
    def total_diff(self) -> int:
        """Messages the group has not consumed."""
        return sum(each.broker_offset - each.consumer_offset for each in self.stats.offset_table.values())


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
    code, ext = RequestCode.GET_CONSUMER_CONNECTION_LIST, {"consumerGroup": group}
    where = await group_addresses(calls, group)
    return ConsumerConnection.decode(await first_answer(calls, where, code, ext, missing, has_clients))


async def producer_connection(calls: Calls, group: str, topic: str) -> ProducerConnection:
    """The clients of a producer group that sends to a topic; ClientError when there is none."""
    missing = ClientError("Not found the producer group connection")
    code, ext = RequestCode.GET_PRODUCER_CONNECTION_LIST, {"producerGroup": group}
    where = addresses(await calls.route(topic))
    return ProducerConnection.decode(await first_answer(calls, where, code, ext, missing, has_clients))


def has_clients(body: bytes) -> bool:
    """Whether an answer names clients."""
    return bool(fastjson.loads(body).get("connectionSet"))


async def running_info(calls: Calls, group: str, client_id: str, *, jstack: bool = False) -> ConsumerRunningInfo:
    """What a consumer says of itself, asked through the first broker that it is connected to."""
    header = GetConsumerRunningInfoRequestHeader(consumer_group=group, client_id=client_id, jstack_enable=jstack)
    missing = BrokerRefused(ResponseCode.CONSUMER_NOT_ONLINE, f"no broker of {group} is known")
    where, timeout_ms = await group_addresses(calls, group), LONG_CALLS * calls.timeout_ms
    code, ext = RequestCode.GET_CONSUMER_RUNNING_INFO, header.encode()
    return ConsumerRunningInfo.decode(await first_answer(calls, where, code, ext, missing, timeout_ms=timeout_ms))


async def first_answer(
    calls: Calls,
    where: Iterable[str],
    code: RequestCode,
    ext: Mapping[str, str],
    missing: ClientError,
    is_wanted: Callable[[bytes], bool] = lambda body: True,
    timeout_ms: int | None = None,
) -> bytes:
    """The body of the first answer that is wanted, broker after broker; else the first error, or `missing`."""
    failure: ClientError | None = None
    for address in where:
        try:
            body = (await calls.ask(address, request(code, dict(ext)), timeout_ms)).body or b"{}"
        except ClientError as error:
            failure = failure or error
            continue
        if is_wanted(body):
            return body
    raise failure or missing


async def consume_directly(
    calls: Calls, address: str, group: str, client_id: str, msg_id: str
) -> ConsumeMessageDirectlyResult:
    """Have one client consume a stored message now. `msg_id` is the offset message id on the broker at `address`."""
    header = ConsumeMessageDirectlyResultRequestHeader(consumer_group=group, client_id=client_id, msg_id=msg_id)
    ask = asked(RequestCode.CONSUME_MESSAGE_DIRECTLY, header)
    answer = await calls.ask(address, ask, LONG_CALLS * calls.timeout_ms)
    return ConsumeMessageDirectlyResult.decode(answer.body or b"{}")


# ---- groups are changed


async def create_group(calls: Calls, address: str, config: SubscriptionGroupConfig) -> None:
    """Create or change a consumer group on one broker."""
    await calls.ask(address, request(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, None, config.encode()))


async def delete_group(calls: Calls, address: str, group: str) -> None:
    """Delete a consumer group on one broker."""
    await calls.ask(address, request(RequestCode.DELETE_SUBSCRIPTIONGROUP, {"groupName": group}))
