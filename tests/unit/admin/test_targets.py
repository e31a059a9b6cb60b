"""Which brokers a command speaks to, in upstream's order, and all at the same time."""

import asyncio

import pytest

from rocketpy.admin.command import CommandFailed
from rocketpy.admin.targets import AT_ONCE, all_in, each, masters_in
from rocketpy.errors import RocketPyError
from rocketpy.protocol.bodies import BrokerData, ClusterInfo

INFO = ClusterInfo(
    {
        "b": BrokerData("c", "b", {0: "10.0.0.2:1"}),
        "a": BrokerData("c", "a", {0: "10.0.0.1:1", 1: "10.0.0.1:2"}),
        "slaves": BrokerData("c", "slaves", {1: "10.0.0.3:2"}),
    },
    {"c": ["b", "a", "slaves", "gone"], "empty": []},
)


def test_masters_and_slaves_of_a_cluster():
    assert set(masters_in(INFO, "c")) == {"10.0.0.1:1", "10.0.0.2:1"}
    assert set(all_in(INFO, "c")) == {"10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1", "10.0.0.3:2"}
    assert masters_in(INFO, "empty") == []
    with pytest.raises(CommandFailed, match="there is no cluster x; the name server knows: c, empty"):
        masters_in(INFO, "x")
    with pytest.raises(CommandFailed, match="none: no broker is registered there"):
        masters_in(ClusterInfo(), "x")


def test_all_are_asked_at_the_same_time_and_told_in_their_order():
    begun, done = [], []

    async def ask(target):
        begun.append(target)
        while len(begun) < 3:  # each waits for all others
            await asyncio.sleep(0)
        if target == 2:
            raise RocketPyError("away")
        return target * 10

    answers = asyncio.run(each((3, 2, 1), ask, lambda: done.append(1)))
    assert [(target, str(answer)) for target, answer in answers] == [(3, "30"), (2, "away"), (1, "10")]
    assert len(done) == 3


def test_no_more_than_so_many_calls_are_under_way():
    under_way = [0, 0]

    async def ask(_):
        under_way[0] += 1
        under_way[1] = max(under_way)
        await asyncio.sleep(0)
        under_way[0] -= 1

    asyncio.run(each(range(3 * AT_ONCE), ask))
    assert under_way == [0, AT_ONCE]


def test_what_is_no_refusal_is_not_hidden():
    async def ask(_):
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        asyncio.run(each((1,), ask))
