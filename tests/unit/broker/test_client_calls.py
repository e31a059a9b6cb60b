"""Calls of the broker to clients: answered, or ended, and never too many at once."""

import asyncio

import pytest

from rocketpy._core.command import Command, request, response
from rocketpy.broker.client_calls import ClientCalls
from rocketpy.broker.clients import Client
from rocketpy.errors import RemotingTimeout, RequestRefused


class Peer:
    """A client's connection on which answers come when a test gives them."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[Command]] = []

    def invoke(self, command: Command, timeout_ms: float) -> "asyncio.Future[Command]":
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]


async def asked(calls: ClientCalls, *clients: Client) -> "list[asyncio.Task[Command]]":
    tasks = [asyncio.ensure_future(calls.ask(client, request(307), 1000)) for client in clients]
    await asyncio.sleep(0)
    return tasks


def test_an_answer_or_an_error_ends_a_call() -> None:
    async def scenario() -> None:
        peer, calls = Peer(), ClientCalls()
        one, two = await asked(calls, Client(peer, "c"), Client(peer, "c"))
        assert len(calls) == 2
        peer.waiting[0].set_result(response(0, "fine"))
        peer.waiting[1].set_exception(RemotingTimeout("late"))
        assert (await one).remark == "fine"
        with pytest.raises(RemotingTimeout):
            await two
        assert len(calls) == 0

    asyncio.run(scenario())


def test_too_many_calls_are_refused_at_once() -> None:
    async def scenario() -> None:
        calls = ClientCalls(most=3, most_of_one=2)
        slow, other = Client(Peer(), "slow"), Client(Peer(), "other")
        tasks = await asked(calls, slow, slow, slow)
        with pytest.raises(RequestRefused, match="2 of them for slow") as refusal:
            await tasks[2]
        assert refusal.value.code == 2
        tasks += await asked(calls, other, other)
        with pytest.raises(RequestRefused, match="3 calls wait for clients"):
            await tasks[4]
        slow.connection.waiting[0].set_result(response())
        await tasks[0]
        tasks += await asked(calls, slow)
        assert len(calls) == 3, "there is room again"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(calls) == 0, "who gave up does not wait"

    asyncio.run(scenario())
