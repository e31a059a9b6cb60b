"""printMsg, printMsgByQueue: the messages of a topic or of one queue, printed."""

from __future__ import annotations

import codecs
import contextlib
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Any

from rocketpy._core.message import Message
from rocketpy.admin.command import INT_MAX, Command, CommandFailed, Given, Option, UsageMistake
from rocketpy.admin.items import Failed, Item, Said
from rocketpy.admin.java import message_queue_text, string_order
from rocketpy.admin.message_text import message_data, message_text
from rocketpy.admin.queues import Window, ends_of, messages_in, named_queue, queues_in_order, span
from rocketpy.admin.session import Session
from rocketpy.admin.times import given_time
from rocketpy.client.admin_messages import client_id_of
from rocketpy.client.calls import ClientError
from rocketpy.client.pull_consumer import PullResult, PullStatus
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.names import TOOLS_CONSUMER_GROUP, MessageConst

DEFAULT_CHARSET = "UTF-8"
NO_BODY = "NOT PRINT BODY"
WORDS_OF_END = "print msg finished"
WORDS_OF_NONE = "no matched msg"
TIME_TEXT = "timestamp[currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]"


def charset_of(given: Given) -> str:
    """The charset of -c. UsageMistake when there is none of that name."""
    name = given.text("c") if "c" in given else DEFAULT_CHARSET
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise UsageMistake(f"-c {name}: there is no such charset", show_usage=False) from None


def printed(result: PullResult, charset: str, *, body: bool) -> list[Item]:
    """A line a message."""
    told: list[Item] = []
    for message in result.messages:
        text = message.decompressed_body().decode(charset, "replace") if body else NO_BODY
        data = {**message_data(message), "body": text if body else None}
        shown = message_text(message, ends_of(result))
        told.append(Said(f"MSGID: {client_id_of(message)} {shown} BODY: {text}\n", data))
    return told


def window_of(given: Given) -> Window:
    """The times of -b and -e."""
    return Window(*(given_time(given, letter) if letter in given else None for letter in "be"))


def nothing_found(queue: MessageQueue, result: PullResult, line_end: str = "") -> Said:
    """What a pull without messages says. Upstream ends the line in one of its commands only."""
    words = WORDS_OF_NONE if result.status is PullStatus.NO_MATCHED_MSG else WORDS_OF_END
    told = f"{message_queue_text(queue)} {words}. status={result.status.name}, offset={result.next_offset}{line_end}"
    return Said(told)


def progress(session: Session, what: str, total: int, *, lines: bool) -> Any:
    """Progress, unless lines go to the same terminal: they show it themselves."""
    if lines and sys.stdout.isatty():
        return contextlib.nullcontext(lambda: None)
    return session.progress(what, total)


# ---- printMsg


async def print_msg(session: Session, given: Given) -> AsyncIterator[Item]:
    """Every queue of a topic, one after the other."""
    consumer = session.consumer(TOOLS_CONSUMER_GROUP)
    charset, body, tags = charset_of(given), given.boolean("d", True), given.text("s", "*")
    window = window_of(given)
    queues = await queues_in_order(consumer, given.text("t"))
    with progress(session, "queues", len(queues), lines=True) as step:
        for queue in queues:
            first, last = await span(consumer, queue, window)
            yield Said(f"minOffset={first}, maxOffset={last}, {message_queue_text(queue)}")
            try:
                async for result in messages_in(consumer, queue, window, (first, last), tags):
                    if result.status is not PullStatus.FOUND:
                        yield nothing_found(queue, result)
                    for item in printed(result, charset, body=body):
                        yield item
            except (ClientError, CommandFailed) as error:
                yield Failed(message_queue_text(queue), error)
            step()


# ---- printMsgByQueue


async def print_msg_by_queue(session: Session, given: Given) -> AsyncIterator[Item]:
    """One queue: its messages, or how many there are of each tag, or both.

    Upstream's tool ends where a pull finds no message that matches, also when later ones do.
    """
    consumer = session.consumer(TOOLS_CONSUMER_GROUP)
    charset, tags = charset_of(given), given.text("s", "*")
    shows, body, counts = given.boolean("p"), given.boolean("d"), given.boolean("f")
    queue_id = given.number("i", least=0, most=INT_MAX)
    window = window_of(given)
    queue = await named_queue(consumer, given.text("t"), given.text("a"), queue_id)
    first, last = await span(consumer, queue, window)
    by_tag: Counter[str] = Counter()
    with progress(session, "messages", max(0, last - first), lines=shows) as step:
        try:
            async for result in messages_in(consumer, queue, window, (first, last), tags):
                by_tag.update(tags_of(result.messages))
                for item in printed(result, charset, body=body) if shows else ():
                    yield item
                for _ in result.messages:
                    step()
        except (ClientError, CommandFailed) as error:
            yield Failed(message_queue_text(queue), error)
    for tag in sorted(string_order(by_tag), key=lambda tag: -by_tag[tag]) if counts else ():
        yield Said(f"Tag: {tag:<30} Count: {by_tag[tag]}\n", {"tag": tag, "count": by_tag[tag]})


def tags_of(messages: Iterable[Message]) -> list[str]:
    """The tags of messages that have one."""
    tags = (message.get_property(MessageConst.TAGS) for message in messages)
    return [tag for tag in tags if tag and not tag.isspace()]


TOPIC = Option("t", "topic", "topic name", required=True, completes="topic")
# The blanks at the end of some long names are upstream's.
CHARSET = Option("c", "charsetName ", "CharsetName(eg: UTF-8,GBK)")
EXPRESSION = Option("s", "subExpression ", "Subscribe Expression(eg: TagA || TagB)")
BEGIN = Option("b", "beginTimestamp ", f"Begin {TIME_TEXT}")
END = Option("e", "endTimestamp ", f"End {TIME_TEXT}")

COMMANDS = (
    Command("printMsg", print_msg, (TOPIC, CHARSET, EXPRESSION, BEGIN, END, Option("d", "printBody ", "print body"))),
    Command(
        "printMsgByQueue",
        print_msg_by_queue,
        (
            TOPIC,
            Option("a", "brokerName ", "broker name", required=True, completes="broker"),
            Option("i", "queueId ", "queue id", required=True),
            CHARSET,
            EXPRESSION,
            BEGIN,
            END,
            Option("p", "print msg", "print msg. eg: true | false(default)"),
            Option("d", "printBody ", "print body. eg: true | false(default)"),
            Option("f", "calculate", "calculate by tag. eg: true | false(default)"),
        ),
    ),
)
