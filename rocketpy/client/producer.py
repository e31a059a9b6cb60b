"""Sends messages to the queues of a topic in turn, and to another broker when one fails."""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from rocketpy._core.command import Command, request
from rocketpy._core.message import Message, encode_batch
from rocketpy.client.calls import TIMEOUT_MS, BrokerRefused, Calls, ClientError, NoRoute, masters_of
from rocketpy.client.credentials import Credentials
from rocketpy.client.messages import ready_to_send, with_unique_id
from rocketpy.clock import Clock
from rocketpy.protocol.bodies import MessageQueue, TopicRouteData
from rocketpy.protocol.codes import RequestCode, ResponseCode

DEFAULT_TOPIC = "TBW102"
DEFAULT_TOPIC_QUEUE_NUMS = 4
WRITE = 2
RETRY_TIMES = 2


class SendStatus(Enum):
    """What became of a message that a broker took."""

    SEND_OK = ResponseCode.SUCCESS
    FLUSH_DISK_TIMEOUT = ResponseCode.FLUSH_DISK_TIMEOUT
    FLUSH_SLAVE_TIMEOUT = ResponseCode.FLUSH_SLAVE_TIMEOUT
    SLAVE_NOT_AVAILABLE = ResponseCode.SLAVE_NOT_AVAILABLE


_STORED = {int(status.value): status for status in SendStatus}
# Another broker may do better; every other refusal is about the message itself.
_RETRIED = frozenset(
    {
        ResponseCode.TOPIC_NOT_EXIST,
        ResponseCode.SERVICE_NOT_AVAILABLE,
        ResponseCode.SYSTEM_ERROR,
        ResponseCode.NO_PERMISSION,
        ResponseCode.NO_BUYER_ID,
        ResponseCode.NOT_IN_CURRENT_UNIT,
    }
)


@dataclass(frozen=True)
class SendResult:
    """Where a message went. `msg_id` is the client's unique id, `offset_msg_id` the broker's."""

    status: SendStatus
    msg_id: str
    offset_msg_id: str
    queue: MessageQueue
    queue_offset: int


class Producer(Calls):
    """One producer group on one set of name servers."""

    def __init__(
        self,
        namesrv_addr: str,
        group: str = "DEFAULT_PRODUCER",
        *,
        clock: Clock | None = None,
        timeout_ms: int = TIMEOUT_MS,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(namesrv_addr, clock=clock, timeout_ms=timeout_ms, credentials=credentials, tls=tls)
        self.group = group
        self._turn = itertools.count()

    async def send(self, message: Message, queue: MessageQueue | None = None) -> SendResult:
        """Send one message and wait for the broker's word; to `queue` if given, without another try."""
        return await self._send(ready_to_send(message), RequestCode.SEND_MESSAGE_V2, queue)

    async def send_batch(self, messages: Iterable[Message], queue: MessageQueue | None = None) -> SendResult:
        """Send messages of one topic in one request; they are stored next to each other in one queue."""
        ready = [with_unique_id(message) for message in messages]  # one sys flag for all: none is compressed
        if len({message.topic for message in ready}) != 1:
            raise ClientError("a batch has messages of one topic")
        if any(message.get_property("DELAY") for message in ready):
            raise ClientError("a delayed message cannot be part of a batch")
        batch = Message(
            ready[0].topic, encode_batch(ready), properties={"WAIT": ready[0].get_property("WAIT") or "true"}
        )
        return await self._send(batch, RequestCode.SEND_BATCH_MESSAGE, queue)

    async def send_oneway(self, message: Message) -> None:
        """Send one message and hear nothing of it."""
        ready = ready_to_send(message)
        queue, address = self._next_queue(await self.publish_route(ready.topic), ready.topic, "")
        await self.remoting.oneway(address, self.signed(self._request(ready, RequestCode.SEND_MESSAGE_V2, queue)))

    async def queues(self, topic: str) -> list[MessageQueue]:
        """The queues a message of the topic can go to."""
        return _writable_queues(await self.publish_route(topic), topic)

    async def _send(self, message: Message, code: int, queue: MessageQueue | None) -> SendResult:
        failed_broker, failure = "", ClientError("not sent")
        for attempt in range(1 if queue else RETRY_TIMES + 1):
            route = await self.publish_route(message.topic, anew=attempt > 0)
            target, address = (queue, masters_of(route)[queue.broker_name]) if queue else self._next_queue(
                route, message.topic, failed_broker
            )  # fmt: skip
            try:
                answer = await self.call(address, self._request(message, code, target))
                return _sent(message, target, answer)
            except BrokerRefused as refusal:
                if refusal.code not in _RETRIED:
                    raise
                failed_broker, failure = target.broker_name, refusal
            except ClientError as error:
                failed_broker, failure = target.broker_name, error
        raise failure

    async def publish_route(self, topic: str, *, anew: bool = False) -> TopicRouteData:
        """The route of a topic, or of what brokers make it from with its first message."""
        try:
            return await self.route(topic, anew=anew)
        except NoRoute as missing:
            try:
                return _to_be_made(await self.route(DEFAULT_TOPIC, anew=anew))
            except NoRoute:
                raise missing from None

    def _next_queue(self, route: TopicRouteData, topic: str, not_broker: str) -> tuple[MessageQueue, str]:
        queues = _writable_queues(route, topic)
        if not queues:
            raise NoRoute(f"no queue of {topic} can be written")
        others = [queue for queue in queues if queue.broker_name != not_broker] or queues
        queue = others[next(self._turn) % len(others)]
        return queue, masters_of(route)[queue.broker_name]

    def _request(self, message: Message, code: int, queue: MessageQueue) -> Command:
        ext = {
            "a": self.group,
            "b": message.topic,
            "c": DEFAULT_TOPIC,
            "d": str(DEFAULT_TOPIC_QUEUE_NUMS),
            "e": str(queue.queue_id),
            "f": str(message.sys_flag),
            "g": str(message.born_timestamp or self.clock.now_ms()),
            "h": str(message.flag),
            "i": message.properties_raw.decode(),
            "j": str(message.reconsume_times),
            "k": "false",
            "m": "true" if code == RequestCode.SEND_BATCH_MESSAGE else "false",
        }
        return request(code, ext, message.body)


def _to_be_made(route: TopicRouteData) -> TopicRouteData:
    """The route of a topic that brokers make like the default one, with no more queues than a send asks for."""
    queues = [replace(data, write_queue_nums=min(data.write_queue_nums, DEFAULT_TOPIC_QUEUE_NUMS))
              for data in route.queue_datas]  # fmt: skip
    return replace(route, queue_datas=queues)


def _writable_queues(route: TopicRouteData, topic: str) -> list[MessageQueue]:
    masters = masters_of(route)
    return [
        MessageQueue(topic, data.broker_name, queue_id)
        for data in route.queue_datas
        if data.perm & WRITE and data.broker_name and data.broker_name in masters
        for queue_id in range(data.write_queue_nums)
    ]


def _sent(message: Message, queue: MessageQueue, answer: Command) -> SendResult:
    status = _STORED.get(answer.code)
    if status is None:
        raise BrokerRefused(answer.code, answer.remark)
    ext = answer.ext or {}
    stored_in = MessageQueue(queue.topic, queue.broker_name, int(ext["queueId"]))
    unique = message.get_property("UNIQ_KEY") or ext["msgId"]
    return SendResult(status, unique, ext["msgId"], stored_in, int(ext["queueOffset"]))
