"""allocateMQ: which queues of a topic the clients at these addresses would get, by AllocateMessageQueueAveragely."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from rocketpy.admin.command import Command, CommandFailed, Given, Option, UsageMistake
from rocketpy.admin.items import Item, Said
from rocketpy.admin.java import hash_order, queue_hash, string_order
from rocketpy.admin.session import Session
from rocketpy.admin.topics import TOPIC
from rocketpy.protocol.bodies import TopicRouteData
from rocketpy.protocol.fastjson import text_of
from rocketpy.protocol.message_queue import MessageQueue
from rocketpy.protocol.perm import is_readable


async def allocate_mq(session: Session, given: Given) -> AsyncIterator[Item]:
    """A share for each address, in one object."""
    addresses = given.words("i")
    if not all(addresses):
        raise UsageMistake("-i has an empty address", show_usage=False)
    queues = readable_queues(given.text("t"), await session.admin.route(given.text("t")))
    if not queues:
        raise CommandFailed(f"no queue of {given.text('t')} can be read: its perm or readQueueNums is 0")
    shares = {address: share(queues, addresses.index(address), len(addresses)) for address in string_order(addresses)}
    yield Said(text_of({"result": shares}) + "\n", {"result": shares})


def readable_queues(topic: str, route: TopicRouteData) -> list[MessageQueue]:
    """The queues of a topic in the order of upstream's set of them."""
    queues = [
        MessageQueue(topic, data.broker_name or "", queue_id)
        for data in route.queue_datas
        if is_readable(data.perm)
        for queue_id in range(data.read_queue_nums)
    ]
    return hash_order(queues, queue_hash)


def share(queues: Sequence[MessageQueue], at: int, clients: int) -> list[MessageQueue]:
    """The queues of client number `at`: equal parts in a row, the first clients one more where they do not divide."""
    least, more = divmod(len(queues), clients)
    begin = at * least + min(at, more)
    return list(queues[begin : begin + least + (at < more)])


COMMANDS = (Command("allocateMQ", allocate_mq, (TOPIC, Option("i", "ipList", "ipList", required=True))),)
