"""queryCq: the entries of a consume queue, and what a group's expression makes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.command import INT_MAX, Command, CommandFailed, Given, Option
from rocketpy.admin.items import Item, Said
from rocketpy.admin.message_text import entry_text
from rocketpy.admin.session import Session
from rocketpy.client.admin_messages import query_consume_queue
from rocketpy.client.calls import MASTER_ID
from rocketpy.protocol.fastjson_pretty import pretty

LINE = "======================================\n"


async def query_cq(session: Session, given: Given) -> AsyncIterator[Item]:
    """What is asked for first, then the ends of the queue, then its entries."""
    topic, index = given.text("t"), given.number("i", least=0)
    queue_id, count = given.number("q", least=0, most=INT_MAX), given.number("c", 10, least=1, most=INT_MAX)
    address = given.text("b") or await first_master(session, topic)
    found = await query_consume_queue(session.admin, address, topic, queue_id, index, count, given.maybe("g"))
    if found.subscription_data is not None:
        yield Said(f"Subscription data: \n{pretty(found.subscription_data)}\n{LINE}")
    if found.filter_data is not None:
        yield Said(f"Filter data: \n{found.filter_data}\n{LINE}")
    yield Said(f"Queue data: \nmax: {found.max_queue_index}, min: {found.min_queue_index}\n{LINE}", found)
    for at, entry in enumerate(found.queue_data or [], index):
        yield Said(f"idx: {at}\n{entry_text(entry)}\n{LINE}")


async def first_master(session: Session, topic: str) -> str:
    """The master of the first broker in the topic's route."""
    for broker in (await session.admin.route(topic)).broker_datas[:1]:
        if MASTER_ID in broker.broker_addrs:
            return broker.broker_addrs[MASTER_ID]
    raise CommandFailed(f"the first broker of {topic} has no master now: give a broker's address with -b")


COMMANDS = (
    Command(
        "queryCq",
        query_cq,
        (
            Option("t", "topic", "topic name", required=True, completes="topic"),
            Option("q", "queue", "queue num, ie. 1", required=True),
            Option("i", "index", "start queue index.", required=True),
            Option("c", "count", "how many."),
            Option("b", "broker", "broker addr.", completes="brokerAddr"),
            Option("g", "consumer", "consumer group.", completes="group"),
        ),
    ),
)
