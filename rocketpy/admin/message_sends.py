"""sendMessage, checkMsgSendRT: messages are sent to a topic."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy._core.message import Message
from rocketpy.admin.command import INT_MAX, Command, CommandFailed, Given, Option
from rocketpy.admin.items import Column, Failed, Item, Rows, Said, Table
from rocketpy.admin.java import boolean, decimals
from rocketpy.admin.session import Session
from rocketpy.client.calls import ClientError, masters_of
from rocketpy.client.messages import new_message
from rocketpy.client.producer import Producer
from rocketpy.protocol.message_queue import MessageQueue

MOST_BYTES = 4 * 1024 * 1024  # of a message, as clients and brokers have it
NEEDS_BROKER = "Broker name must be set if the queue is chosen!"
SENT = Table(
    "%-32s  %-4s  %-20s    %s",
    (
        Column("#Broker Name", "brokerName"),
        Column("#QID", "queueId"),
        Column("#Send Result", "sendResult"),
        Column("#MsgId", "msgId"),
    ),
)
TIMES = Table(
    "%-32s  %-4s  %-20s    %s",
    (
        Column("#Broker Name", "brokerName"),
        Column("#QID", "queueId"),
        Column("#Send Result", "sendResult", show=boolean),
        Column("#RT", "rt"),
    ),
)


def producer_of(session: Session) -> Producer:
    """A producer whose group is a group of its own, as upstream's tool has it."""
    return session.producer(str(session.admin.clock.now_ms()))


async def send_message(session: Session, given: Given) -> AsyncIterator[Item]:
    """Send one message, to a queue of one's choice with -b and -i, to any queue of a broker with -b alone."""
    if "i" in given and "b" not in given:
        raise CommandFailed(NEEDS_BROKER, said=NEEDS_BROKER)
    producer = producer_of(session)
    topic = given.text("t")
    message = new_message(topic, given.text("p").encode(), tags=given.maybe("c"), keys=given.maybe("k"))
    result = await producer.send(message, await queue_of(producer, given) if "b" in given else None)
    rows = Rows(SENT)
    yield rows.head
    yield rows.row(
        brokerName=result.queue.broker_name,
        queueId=result.queue.queue_id,
        sendResult=result.status.name,
        msgId=result.msg_id,
        offsetMsgId=result.offset_msg_id,
        queueOffset=result.queue_offset,
    )


async def queue_of(producer: Producer, given: Given) -> MessageQueue:
    """The queue of -b and -i, which the broker may refuse; of -b alone one that can be written.

    CommandFailed names the brokers that have the topic when this one has not.
    """
    topic, broker_name = given.text("t"), given.text("b")
    if "i" in given:
        masters = masters_of(await producer.publish_route(topic))
        queues = [MessageQueue(topic, name, given.number("i", least=0, most=INT_MAX)) for name in masters if name]
    else:
        queues = await producer.queues(topic)
    found = next((queue for queue in queues if queue.broker_name == broker_name), None)
    if found is None:
        names = ", ".join(sorted({queue.broker_name for queue in queues})) or "none"
        raise CommandFailed(f"{topic} cannot be sent to a broker named {broker_name}; it can to: {names}")
    return found


async def check_msg_send_rt(session: Session, given: Given) -> AsyncIterator[Item]:
    """Send messages to every queue in turn; how long each takes. The first is not in the average: it connects."""
    producer = producer_of(session)
    topic, amount = given.text("t"), given.number("a", 100, least=0)
    message = new_message(topic, b"a" * given.number("s", 128, least=0, most=MOST_BYTES))
    queues = sorted(await producer.queues(topic))
    if not queues:
        raise CommandFailed(f"no queue of {topic} can be written: look at its perm (topicRoute)")
    rows = Rows(TIMES)
    yield rows.head
    total_ms = 0
    with session.progress("messages", amount) as step:
        for number in range(amount):
            queue = queues[number % len(queues)]
            took, failure = await timed(producer, message, queue)
            total_ms += took if number else 0
            yield rows.row(brokerName=queue.broker_name, queueId=queue.queue_id, sendResult=failure is None, rt=took)
            if failure is not None:
                yield Failed(f"{queue.broker_name} queue {queue.queue_id}", failure)
            step()
    average = total_ms / (amount - 1) if amount != 1 else float("nan")
    yield Said(f"Avg RT: {decimals(average, 2)}\n", {"avgRt": average if amount != 1 else None})


async def timed(producer: Producer, message: Message, queue: MessageQueue) -> tuple[int, ClientError | None]:
    """How many milliseconds a send took, and why it did not succeed."""
    began = producer.clock.monotonic_ms()
    failure: ClientError | None = None
    try:
        await producer.send(message, queue)
    except ClientError as error:
        failure = error
    return int(producer.clock.monotonic_ms() - began), failure


COMMANDS = (
    Command(
        "sendMessage",
        send_message,
        (
            Option("t", "topic", "Topic name", required=True, completes="topic"),
            Option("p", "body", "UTF-8 string format of the message body", required=True),
            Option("k", "key", "Message keys"),
            Option("c", "tags", "Message tags"),
            Option("b", "broker", "Send message to target broker", completes="broker"),
            Option("i", "qid", "Send message to target queue"),
        ),
    ),
    Command(
        "checkMsgSendRT",
        check_msg_send_rt,
        (
            Option("t", "topic", "topic name", required=True, completes="topic"),
            Option("a", "amout", "message amout | default 100"),
            Option("s", "size", "message size | default 128 Byte", required=True),
        ),
    ),
)
