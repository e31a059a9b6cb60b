"""cleanExpiredCQ and cleanUnusedTopic: consume queue files that nothing needs, on one broker, a cluster, or all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from rocketpy.admin.command import Command, CommandFailed, Given, Option
from rocketpy.admin.items import Item, Said
from rocketpy.admin.java import string_order
from rocketpy.admin.session import Session
from rocketpy.admin.targets import all_in, each, failures, outcomes
from rocketpy.client.admin_brokers import clean_expired_consume_queue, clean_unused_topic
from rocketpy.client.calls import Calls

Clean = Callable[[Calls, str], Awaitable[None]]


async def addresses(session: Session, given: Given) -> list[str]:
    """The broker of -b, else all brokers of the cluster of -c, else of every cluster."""
    if "b" in given:
        return [given.text("b")]
    info = await session.admin.cluster()
    if given.text("c") and given.text("c") not in info.cluster_addr_table:
        known = ", ".join(sorted(info.cluster_addr_table))
        raise CommandFailed(f"there is no cluster {given.text('c')}; the name server knows: {known}", said="false")
    clusters = [given.text("c")] if given.text("c") else string_order(info.cluster_addr_table)
    return list(dict.fromkeys(address for cluster in clusters for address in all_in(info, cluster)))


async def cleaned(session: Session, given: Given, clean: Clean) -> AsyncIterator[Item]:
    """`success` when every broker did it."""
    targets = await addresses(session, given)
    if not targets:
        raise CommandFailed("no broker is registered at the name server", said="false")
    with session.progress("brokers", len(targets)) as step:
        answers = await each(targets, lambda address: clean(session.admin, address), step)
    for item in outcomes(answers, lambda address, _: Said("", {"brokerAddr": address, "result": "success"})):
        yield item
    if not failures(answers):
        yield Said("success")


def clean_expired_cq(session: Session, given: Given) -> AsyncIterator[Item]:
    """Files of consume queues all of whose messages are gone from the commit log."""
    return cleaned(session, given, clean_expired_consume_queue)


def clean_unused(session: Session, given: Given) -> AsyncIterator[Item]:
    """Consume queues of topics that the broker has no more."""
    return cleaned(session, given, clean_unused_topic)


def where(given: Given) -> str:
    """The brokers, for a question."""
    cluster = f"every broker of {given.text('c')}" if given.text("c") else "every broker of every cluster"
    return given.text("b") or cluster


BROKER = Option("b", "brokerAddr", "Broker address", completes="brokerAddr")
COMMANDS = (
    Command(
        "cleanExpiredCQ",
        clean_expired_cq,
        (BROKER, Option("c", "cluster", "clustername", completes="cluster")),
        asks=lambda given: f"Delete expired consume queue files on {where(given)}?",
    ),
    Command(
        "cleanUnusedTopic",
        clean_unused,
        (BROKER, Option("c", "cluster", "cluster name", completes="cluster")),
        asks=lambda given: f"Delete the consume queues of topics that are no more, on {where(given)}?",
    ),
)
