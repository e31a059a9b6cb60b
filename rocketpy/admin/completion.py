"""Completes names from the cluster while one types: topics, groups, brokers, clusters.

Invariant: the shell waits at most ANSWER_MS; a cluster that is slow, absent or refuses completes nothing, silently.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rocketpy.admin.session import Session

ANSWER_MS = 1_000
AT_MOST = 200
Completer = Callable[[click.Context, click.Parameter, str], "list[str]"]


def completer(what: str) -> Completer | None:
    """Names of this kind that begin with what is typed."""
    if not what:
        return None

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        names = names_of(what, ctx.params.get("option_n"))
        return sorted(name for name in names if name.startswith(incomplete))[:AT_MOST]

    return complete


def names_of(what: str, namesrv_addr: str | None) -> set[str]:
    """All names of a kind; none when the cluster does not say so quickly."""
    import asyncio

    from rocketpy.errors import RocketPyError

    with contextlib.suppress(RocketPyError, OSError, asyncio.TimeoutError):
        return asyncio.run(asyncio.wait_for(asked(what, namesrv_addr), ANSWER_MS / 1000))
    return set()


async def asked(what: str, namesrv_addr: str | None) -> set[str]:
    """The names, from the name server."""
    from rocketpy.admin.session import Session

    session = Session(namesrv_addr)
    try:
        return await (names_of_topics if what in ("topic", "group") else names_of_brokers)(session, what)
    finally:
        await session.close()


async def names_of_topics(session: Session, what: str) -> set[str]:
    """Topics, or the groups that have a retry topic."""
    from rocketpy.client.admin_topics import all_topics
    from rocketpy.protocol.names import groups_in, is_of_group

    topics = await all_topics(session.admin)
    if what == "group":
        return set(groups_in(topics))
    return {topic for topic in topics if not is_of_group(topic)}


async def names_of_brokers(session: Session, what: str) -> set[str]:
    """Clusters, broker names, or the brokers' addresses."""
    info = await session.admin.cluster()
    if what == "cluster":
        return set(info.cluster_addr_table)
    if what == "broker":
        return set(info.broker_addr_table)
    return {address for data in info.broker_addr_table.values() for address in data.broker_addrs.values()}
