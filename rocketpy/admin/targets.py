"""Which brokers a command speaks to: the one of -b, or those of the cluster of -c, in upstream's order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from rocketpy.admin.command import CommandFailed, Given, UsageMistake
from rocketpy.admin.items import Failed, Item, Noted
from rocketpy.admin.java import string_order
from rocketpy.admin.session import Session
from rocketpy.client.calls import MASTER_ID
from rocketpy.errors import RocketPyError
from rocketpy.protocol.bodies import BrokerData, ClusterInfo

K = TypeVar("K")
T = TypeVar("T")
NO_CLUSTER = "[error] Make sure the specified clusterName exists or the name server connected to is correct."
AT_ONCE = 32  # calls under way


def brokers_of(info: ClusterInfo, cluster: str) -> list[BrokerData]:
    """The broker sets of a cluster. CommandFailed names the clusters there are."""
    names = info.cluster_addr_table.get(cluster)
    if names is None:
        known = ", ".join(sorted(info.cluster_addr_table)) or "none: no broker is registered there"
        raise CommandFailed(f"there is no cluster {cluster}; the name server knows: {known}", said=NO_CLUSTER)
    return [info.broker_addr_table[name] for name in string_order(names) if name in info.broker_addr_table]


def masters_in(info: ClusterInfo, cluster: str) -> list[str]:
    """The addresses of a cluster's masters."""
    sets = brokers_of(info, cluster)
    return string_order(each.broker_addrs[MASTER_ID] for each in sets if MASTER_ID in each.broker_addrs)


def all_in(info: ClusterInfo, cluster: str) -> list[str]:
    """The addresses of a cluster's masters and slaves."""
    return string_order(
        address for each in brokers_of(info, cluster) for _, address in sorted(each.broker_addrs.items())
    )


async def chosen(session: Session, given: Given, *, slaves: bool = False, show_usage: bool = True) -> list[str]:
    """The address of -b, else the cluster's of -c. UsageMistake when neither is given; not every command shows more."""
    if "b" in given:
        return [given.text("b")]
    if "c" not in given:
        raise UsageMistake("give a broker's address with -b, or a cluster with -c", show_usage=show_usage)
    info = await session.admin.cluster()
    return (all_in if slaves else masters_in)(info, given.text("c"))


def failures(answers: Iterable[tuple[str, T | RocketPyError]]) -> list[Failed]:
    """Those that did not do what they were asked."""
    return [Failed(target, answer) for target, answer in answers if isinstance(answer, RocketPyError)]


def notes(answers: Iterable[tuple[str, str | RocketPyError]]) -> list[Noted]:
    """What those that did what they were asked say of it."""
    return [Noted(target, answer) for target, answer in answers if isinstance(answer, str) and answer]


def outcomes(answers: Iterable[tuple[str, T | RocketPyError]], told: Callable[[str, T], Item]) -> list[Item]:
    """In their order what is `told` of those that did what they were asked, and the failures of the others."""
    return [
        Failed(target, answer) if isinstance(answer, RocketPyError) else told(target, answer)
        for target, answer in answers
    ]


async def each(
    targets: Iterable[K], ask: Callable[[K], Awaitable[T]], done: Callable[[], object] = lambda: None
) -> list[tuple[K, T | RocketPyError]]:
    """What every target answers, or why it does not; asked at the same time, told in their order."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(target: K) -> tuple[K, T | RocketPyError]:
        async with turn:
            try:
                return target, await ask(target)
            except RocketPyError as error:
                return target, error
            finally:
                done()

    return list(await asyncio.gather(*map(one, targets)))
