"""Both servers are sent every request code of 4.5.2, and those of later releases: the page says what is served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import rocketpy.testing
from rocketpy._core.command import Command
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.later_codes import LATER_CODES
from rocketpy.protocol_docs import BROKER, NAME_SERVER, SERVERS
from rocketpy.remoting.client import RemotingClient

AT_ONCE_MS = 2000
CODES = [*map(int, RequestCode), *LATER_CODES, 9999]


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[str, dict[int, Command]]]:
    """What each server answers to a request of each code that has neither header fields nor a body."""
    with rocketpy.testing.cluster() as cluster:
        addresses = {NAME_SERVER: cluster.namesrv_addr, BROKER: cluster.broker_addr}
        yield {name: asyncio.run(ask_all(address)) for name, address in addresses.items()}


async def ask_all(address: str) -> dict[int, Command]:
    client = RemotingClient()
    try:
        return {code: await client.invoke(address, Command(code), AT_ONCE_MS) for code in CODES}
    finally:
        await client.close()


def refused(answer: Command) -> bool:
    return answer.code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED


@pytest.mark.parametrize("name", SERVERS)
def test_what_the_page_says_is_served_is(answers: dict[str, dict[int, Command]], name: str) -> None:
    served = {code for code in map(int, RequestCode) if not refused(answers[name][code])}
    assert served == {int(code) for code in SERVERS[name].served}


@pytest.mark.parametrize("name", SERVERS)
def test_what_is_not_served_is_refused_at_once_with_the_reason(
    answers: dict[str, dict[int, Command]], name: str
) -> None:
    server = SERVERS[name]
    for code in set(RequestCode) - set(server.served):
        assert answers[name][code].remark == f" request type {int(code)} not supported: {server.reason(code)}"


@pytest.mark.parametrize("name", SERVERS)
def test_codes_of_later_releases_are_refused_by_name(answers: dict[str, dict[int, Command]], name: str) -> None:
    for code, word in LATER_CODES.items():
        assert refused(answers[name][code])
        assert answers[name][code].remark == f" request type {code} not supported: {word} came after 4.5.2"
    assert (answers[name][9999].code, answers[name][9999].remark) == (3, " request type 9999 not supported")


def test_later_codes_are_none_of_4_5_2() -> None:
    assert not LATER_CODES.keys() & set(RequestCode)


def test_filter_servers_hear_why() -> None:
    for server in SERVERS.values():
        assert "filter servers" in server.reason(RequestCode.REGISTER_FILTER_SERVER)
        assert "filter servers" in server.reason(RequestCode.REGISTER_MESSAGE_FILTER_CLASS)
