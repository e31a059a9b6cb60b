"""consumeMessage: a number of messages of a topic or a queue, the oldest first, printed.

No offset is committed, whatever the group. Texts are upstream's, its spelling of one word too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.command import INT_MAX, Command, CommandFailed, Given, Option
from rocketpy.admin.items import Failed, Item, Said
from rocketpy.admin.java import message_queue_text
from rocketpy.admin.message_print import DEFAULT_CHARSET, TIME_TEXT, nothing_found, printed
from rocketpy.admin.queues import Window, batches, named_queue, queues_in_order, span
from rocketpy.admin.session import Session
from rocketpy.admin.times import given_time
from rocketpy.client.calls import ClientError
from rocketpy.client.pull_consumer import PullConsumer, PullStatus
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.names import TOOLS_CONSUMER_GROUP


async def consume_message(session: Session, given: Given) -> AsyncIterator[Item]:
    """At most -c messages of a topic or a queue, the oldest first. No offset is committed."""
    count = given.number("c", 128)
    check_consumed(given, count)
    window = past_window(given, session.admin.clock.now_ms())
    consumer = session.consumer(given.text("g") if "g" in given else TOOLS_CONSUMER_GROUP)
    topic = given.text("t")
    if "i" not in given:
        told = consumed_from_all(consumer, topic, window, count)
    else:
        queue_id = given.number("i", least=0, most=INT_MAX)
        queue = await named_queue(consumer, topic, given.text("b"), queue_id)
        told = consumed_from(consumer, queue, window, given.number("o", 0, least=0), count)
    async for item in told:
        yield item


def check_consumed(given: Given, count: int) -> None:
    """CommandFailed with upstream's words when options do not go together."""
    refuse_if(count <= 0, "Please input a positive messageNumber!")
    refuse_if("i" in given and "b" not in given, "Please set the brokerName before queueId!")
    refuse_if("o" in given and "i" not in given, "Please set queueId before offset!")


def past_window(given: Given, now_ms: int) -> Window:
    """The times of -s and -e; 0 is as good as none. CommandFailed with upstream's words when they make no sense."""
    begin_ms = given_time(given, "s") if "s" in given else 0
    end_ms = given_time(given, "e") if "e" in given else 0
    refuse_if(begin_ms > now_ms, "Please set the beginTimestamp before now!")
    refuse_if(end_ms > now_ms, "Please set the endTimestamp before now!")
    refuse_if(
        "e" in given and begin_ms > end_ms,
        "Please make sure that the beginTimestamp is less than or equal to the endTimestamp",
    )
    return Window(begin_ms if begin_ms > 0 else None, end_ms if end_ms > 0 else None)


def refuse_if(wrong: bool, words: str) -> None:
    """Raise CommandFailed with words that upstream prints."""
    if wrong:
        raise CommandFailed(words, said=words)


async def consumed_from_all(
    consumer: PullConsumer, topic: str, window: Window, count: int
) -> AsyncIterator[Item]:
    """From one queue after the other until there are enough."""
    left = count
    for queue in await queues_in_order(consumer, topic):
        if left <= 0:
            return
        first, last = await span(consumer, queue, window)
        if last - first > left:
            yield Said(f"The older {left} message of the {queue.queue_id} queue will be provided\n")
            last, left = first + left - 1, 0
        else:
            left -= last - first
        async for item in pulled(consumer, queue, first, last):
            yield item


async def consumed_from(
    consumer: PullConsumer, queue: MessageQueue, window: Window, offset: int, count: int
) -> AsyncIterator[Item]:
    """From one queue, from an offset on."""
    first, last = await span(consumer, queue, window)
    if offset > last:
        yield Said(f"{message_queue_text(queue)} no matched msg, offset={offset}\n")
        return
    first = max(first, offset)
    if last - first > count:
        yield Said(f"The oldler {count} message will be provided\n")
        last = first + count - 1
    async for item in pulled(consumer, queue, first, last):
        yield item


async def pulled(consumer: PullConsumer, queue: MessageQueue, first: int, last: int) -> AsyncIterator[Item]:
    """The messages from `first` to `last`, both included."""
    try:
        async for result in batches(consumer, queue, first, last + 1, batch=INT_MAX):
            if result.status is PullStatus.FOUND:
                yield Said("Consume ok\n")
            else:
                yield nothing_found(queue, result, "\n")
            for item in printed(result, DEFAULT_CHARSET, body=True):
                yield item
    except (ClientError, CommandFailed) as error:
        yield Failed(message_queue_text(queue), error)


COMMANDS = (
    Command(
        "consumeMessage",
        consume_message,
        (
            Option("t", "topic", "Topic name", required=True, completes="topic"),
            Option("b", "brokerName", "Broker name", completes="broker"),
            Option("i", "queueId", "Queue Id"),
            Option("o", "offset", "Queue offset"),
            Option("g", "consumerGroup", "Consumer group name", completes="group"),
            Option("s", "beginTimestamp ", f"Begin {TIME_TEXT}"),
            Option("e", "endTimestamp ", f"End {TIME_TEXT}"),
            Option("c", "MessageNumber", "Number of message to be consumed"),
        ),
    ),
)
