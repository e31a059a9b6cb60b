"""startMonitoring: once a minute, how far every online group is behind, which of its clients stand still or disagree,
and which groups asked for messages that are gone.

Upstream writes these lines into its client log; here they are printed. A group or a client that does not answer is left
out of the round, as upstream does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from rocketpy.admin.command import Command, Given
from rocketpy.admin.items import Item, Pause, Said
from rocketpy.admin.java import message_queue_text, string_order
from rocketpy.admin.running_info import blocked_queues, has_same_subscriptions
from rocketpy.admin.session import Session
from rocketpy.admin.targets import each
from rocketpy.client.admin_groups import consume_stats, consumer_connection, running_info
from rocketpy.client.admin_topics import all_topics
from rocketpy.client.calls import ClientError, NoRoute
from rocketpy.client.pull_consumer import PullConsumer, PullStatus
from rocketpy.errors import RocketPyError
from rocketpy.protocol.admin_bodies import ConsumerRunningInfo, OffsetWrapper
from rocketpy.protocol.bodies import OffsetMovedEvent
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.names import MONITOR_CONSUMER_GROUP, OFFSET_MOVED_EVENT, TOOLS_CONSUMER_GROUP, groups_in

FIRST_ROUND_S, ROUND_S = 20, 60
REPORT, NOTIFY = "[MONITOR] ", "[MONITOR]  [NOTIFY] "
RULE = "========================================="


async def start_monitoring(session: Session, _: Given) -> AsyncIterator[Item]:
    """Round after round until the tool is stopped."""
    events, reader = Events(session.consumer(MONITOR_CONSUMER_GROUP)), session.consumer(TOOLS_CONSUMER_GROUP)
    await session.wait(FIRST_ROUND_S)
    while True:
        yield Said(f"{REPORT}{RULE}beginRound\n")
        groups = groups_in(string_order(await all_topics(session.admin)))
        for _group, found in await each(groups, lambda group: of_group(session, reader, group)):
            for item in found if isinstance(found, list) else ():
                yield item
        for item in await events.since_last():
            yield item
        yield Said(f"{REPORT}{RULE}endRound\n")
        yield Pause()
        await session.wait(ROUND_S)


async def of_group(session: Session, reader: PullConsumer, group: str) -> list[Item]:
    """What there is to say of one group; nothing when no client of it is online."""
    clients = [client.client_id for client in (await consumer_connection(session.admin, group)).connection_set]
    found: list[Item] = []
    with suppress(ClientError):
        offsets = (await consume_stats(session.admin, group)).stats.offset_table
        for topic in string_order(queue.topic for queue in offsets):
            of_topic = {queue: each_queue for queue, each_queue in offsets.items() if queue.topic == topic}
            found.append(undone(group, topic, of_topic, await delay_ms(reader, of_topic)))
    answers = await each(clients, lambda client: running_info(session.admin, group, client))
    infos = {client: answer for client, answer in answers if not isinstance(answer, RocketPyError)}
    return [*found, *notified(group, infos, session.admin.clock.now_ms())]


def undone(group: str, topic: str, offsets: Mapping[MessageQueue, OffsetWrapper], delay: int) -> Said:
    """How many messages of a topic lie before a group."""
    behind = [each_queue.broker_offset - each_queue.consumer_offset for each_queue in offsets.values()]
    data = {
        "consumerGroup": group,
        "topic": topic,
        "undoneMsgsTotal": sum(diff for diff in behind if diff > 0),
        "undoneMsgsSingleMQ": max(behind, default=0),
        "undoneMsgsDelayTimeMills": delay,
    }
    return Said(f"{REPORT}reportUndoneMsgs: UndoneMsgs [{members(data)}]\n", data)


def members(data: Mapping[str, Any]) -> str:
    """`name=value, …`, as Java's toString has it."""
    return ", ".join(f"{name}={value}" for name, value in data.items())


async def delay_ms(reader: PullConsumer, offsets: Mapping[MessageQueue, OffsetWrapper]) -> int:
    """The longest time between the last message of a queue and the one the group consumed last."""

    async def of_queue(queue: MessageQueue) -> int:
        end = await reader.max_offset(queue)
        last = await reader.pull(queue, end - 1, max_nums=1) if end > 0 else None
        if last is None or last.status is not PullStatus.FOUND:
            return 0
        return last.messages[0].store_timestamp - offsets[queue].last_timestamp

    known = [queue for queue, each_queue in offsets.items() if each_queue.last_timestamp > 0]
    return max((delay for _, delay in await each(known, of_queue) if isinstance(delay, int)), default=0)


def notified(group: str, infos: Mapping[str, ConsumerRunningInfo], now_ms: int) -> list[Item]:
    """Clients that disagree about what they want, and queues that do not go on."""
    if not infos:
        return []
    begin = f"{NOTIFY}reportConsumerRunningInfo: ConsumerGroup: {group}, "
    found: list[Item] = []
    if not has_same_subscriptions(infos, now_ms):
        found.append(Said(f"{begin}Subscription different\n", {"consumerGroup": group, "sameSubscription": False}))
    for client in sorted(infos):
        faults = blocked_queues(client, infos[client], now_ms)
        if faults:
            text = f"{begin}ClientId: {client}, " + "".join(f"{fault}\n" for fault in faults)
            found.append(Said(text, {"consumerGroup": group, "clientId": client, "faults": faults}))
    return found


class Events:
    """What brokers say of pulls for messages that are gone; each is told once to the monitors of a cluster."""

    def __init__(self, consumer: PullConsumer) -> None:
        self.consumer = consumer

    async def since_last(self) -> list[Item]:
        """The events that came since the group's offsets; a group without begins at the end."""
        try:
            queues = await self.consumer.queues(OFFSET_MOVED_EVENT)
        except NoRoute:
            return []
        answers = await each(queues, self._of_queue)
        return [item for _, found in answers if isinstance(found, list) for item in found]

    async def _of_queue(self, queue: MessageQueue) -> list[Item]:
        offset = await self.consumer.committed(queue)
        if offset < 0:
            await self.consumer.commit(queue, await self.consumer.max_offset(queue))
            return []
        found: list[Item] = []
        result = await self.consumer.pull(queue, offset)
        while result.status is PullStatus.FOUND:
            found += [told(OffsetMovedEvent.decode(event.body), event.store_timestamp) for event in result.messages]
            result = await self.consumer.pull(queue, result.next_offset)
        await self.consumer.commit(queue, result.next_offset)
        return found


def told(event: OffsetMovedEvent, stored_ms: int) -> Said:
    """The line of one event."""
    moved = members(
        {
            "consumerGroup": event.consumer_group,
            "messageQueue": message_queue_text(event.message_queue),
            "offsetRequest": event.offset_request,
            "offsetNew": event.offset_new,
        }
    )
    text = f"DeleteMsgsEvent [offsetMovedEvent=OffsetMovedEvent [{moved}], eventTimestamp={stored_ms}]"
    return Said(f"{REPORT}reportDeleteMsgsEvent: {text}\n", {"offsetMovedEvent": event, "eventTimestamp": stored_ms})


COMMANDS = (Command("startMonitoring", start_monitoring),)
