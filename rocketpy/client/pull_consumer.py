"""Pulls messages queue by queue, keeps offsets on the broker, and sends back what could not be consumed.

The caller holds the offsets: a message counts as consumed when `commit` has said so, not when it was pulled.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from rocketpy._core.command import Command, request
from rocketpy._core.message import Message, decode_messages
from rocketpy.client.calls import TIMEOUT_MS, BrokerRefused, Calls, ClientError, NoRoute, any_address
from rocketpy.client.credentials import Credentials
from rocketpy.protocol.bodies import MessageQueue
from rocketpy.protocol.codes import RequestCode, ResponseCode

READ = 4
COMMIT_OFFSET, SUSPEND, SUBSCRIPTION = 1, 2, 4  # sys flag of a pull
LONG_POLL_MS = 15_000
MARGIN_MS = 5_000  # a held pull answers when its time is over, and then travels back
ROUTE_AGAIN_S = 0.02
MAX_RECONSUME_TIMES = 16


class PullStatus(Enum):
    """What a pull found."""

    FOUND = ResponseCode.SUCCESS
    NO_NEW_MSG = ResponseCode.PULL_NOT_FOUND
    NO_MATCHED_MSG = ResponseCode.PULL_RETRY_IMMEDIATELY
    OFFSET_ILLEGAL = ResponseCode.PULL_OFFSET_MOVED


_PULLED = {int(status.value): status for status in PullStatus}


@dataclass(frozen=True)
class PullResult:
    """Messages of one queue and where to go on."""

    status: PullStatus
    messages: list[Message]
    next_offset: int
    min_offset: int
    max_offset: int


class PullConsumer(Calls):
    """One consumer group on one set of name servers."""

    def __init__(
        self,
        namesrv_addr: str,
        group: str,
        *,
        timeout_ms: int = TIMEOUT_MS,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(namesrv_addr, timeout_ms=timeout_ms, credentials=credentials, tls=tls)
        self.group = group

    async def queues(self, topic: str) -> list[MessageQueue]:
        """The queues of a topic that can be read."""
        return [
            MessageQueue(topic, data.broker_name, queue_id)
            for data in (await self.route(topic)).queue_datas
            if data.perm & READ and data.broker_name
            for queue_id in range(data.read_queue_nums)
        ]

    async def pull(
        self, queue: MessageQueue, offset: int, *, tags: str = "*", max_nums: int = 32, poll_ms: int = 0
    ) -> PullResult:
        """Messages from `offset` on; with `poll_ms` the broker waits that long for one to arrive."""
        ext = {
            **self._queue_ext(queue),
            "queueOffset": str(offset),
            "maxMsgNums": str(max_nums),
            "sysFlag": str(SUBSCRIPTION | (SUSPEND if poll_ms else 0)),
            "commitOffset": "0",
            "suspendTimeoutMillis": str(poll_ms),
            "subscription": tags,
            "subVersion": "0",
            "expressionType": "TAG",
        }
        address = await self._address(queue)
        answer = await self.call(
            address, request(RequestCode.PULL_MESSAGE, ext), self.timeout_ms + poll_ms + (MARGIN_MS if poll_ms else 0)
        )
        return _pulled(answer)

    async def messages(self, topic: str, *, tags: str = "*", poll_ms: int = LONG_POLL_MS) -> AsyncIterator[Message]:
        """Every message from the committed offsets on, as they arrive; one is committed when the next is asked for."""
        arrived: asyncio.Queue[tuple[MessageQueue, Message]] = asyncio.Queue(maxsize=1)
        tasks = [
            asyncio.ensure_future(self._follow(queue, tags, poll_ms, arrived)) for queue in await self.queues(topic)
        ]
        try:
            while True:
                queue, message = await arrived.get()
                yield message
                await self.commit(queue, message.queue_offset + 1)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(
        self, queue: MessageQueue, tags: str, poll_ms: int, arrived: asyncio.Queue[tuple[MessageQueue, Message]]
    ) -> None:
        offset = max(0, await self.committed(queue))
        while True:
            try:
                result = await self.pull(queue, offset, tags=tags, poll_ms=poll_ms)
            except ClientError:
                await asyncio.sleep(1)  # the broker is away: it may come back
                continue
            for message in result.messages:
                await arrived.put((queue, message))
            offset = result.next_offset

    async def committed(self, queue: MessageQueue) -> int:
        """The group's offset in a queue, -1 if it has none."""
        try:
            return await self._offset(RequestCode.QUERY_CONSUMER_OFFSET, queue)
        except BrokerRefused as refusal:
            if refusal.code != ResponseCode.QUERY_NOT_FOUND:
                raise
            return -1

    async def commit(self, queue: MessageQueue, offset: int) -> None:
        """Everything before `offset` is consumed."""
        ext = {**self._queue_ext(queue), "commitOffset": str(offset)}
        await self.ask(await self._address(queue), request(RequestCode.UPDATE_CONSUMER_OFFSET, ext))

    async def max_offset(self, queue: MessageQueue) -> int:
        """The offset of the queue's next message."""
        return await self._offset(RequestCode.GET_MAX_OFFSET, queue)

    async def min_offset(self, queue: MessageQueue) -> int:
        """The offset of the queue's first message."""
        return await self._offset(RequestCode.GET_MIN_OFFSET, queue)

    async def offset_by_time(self, queue: MessageQueue, timestamp_ms: int) -> int:
        """The offset of the message stored nearest to a time."""
        return await self._offset(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, queue, {"timestamp": str(timestamp_ms)})

    async def send_back(self, message: Message, queue: MessageQueue, delay_level: int = 0) -> None:
        """Have a message again after the delay of `delay_level`; 0 leaves it to the broker, -1 makes a dead letter."""
        ext = {
            "group": self.group,
            "offset": str(message.physical_offset),
            "delayLevel": str(delay_level),
            "originMsgId": message.msg_id,
            "originTopic": message.topic,
            "unitMode": "false",
            "maxReconsumeTimes": str(MAX_RECONSUME_TIMES),
        }
        await self.ask(await self._address(queue), request(RequestCode.CONSUMER_SEND_MSG_BACK, ext))

    async def _offset(self, code: int, queue: MessageQueue, more: dict[str, str] | None = None) -> int:
        ext = {**self._queue_ext(queue), **(more or {})}
        answer = await self.ask(await self._address(queue), request(code, ext))
        return int((answer.ext or {})["offset"])

    def _queue_ext(self, queue: MessageQueue) -> dict[str, str]:
        return {"consumerGroup": self.group, "topic": queue.topic, "queueId": str(queue.queue_id)}

    async def _address(self, queue: MessageQueue) -> str:
        """Where the queue is. A topic that a send has just made reaches the name servers a moment later."""
        deadline_ms = self.clock.monotonic_ms() + self.timeout_ms
        anew = False
        while True:
            with suppress(NoRoute):
                for broker in (await self.route(queue.topic, anew=anew)).broker_datas:
                    if broker.broker_name == queue.broker_name:
                        return any_address(broker)
            if self.clock.monotonic_ms() >= deadline_ms:
                raise NoRoute(f"no broker {queue.broker_name} in the route of {queue.topic}")
            anew = True
            await asyncio.sleep(ROUTE_AGAIN_S)


def _pulled(answer: Command) -> PullResult:
    status = _PULLED.get(answer.code)
    if status is None:
        raise BrokerRefused(answer.code, answer.remark)
    ext = answer.ext or {}
    messages = decode_messages(answer.body) if status is PullStatus.FOUND and answer.body else []
    return PullResult(status, messages, int(ext["nextBeginOffset"]), int(ext["minOffset"]), int(ext["maxOffset"]))
