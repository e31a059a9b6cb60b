"""An address server names the name servers: what is asked, what is believed, and what is told."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rocketpy.remoting import address_server as module
from rocketpy.remoting.address_server import (
    AddressServer,
    AddressServerError,
    NameServerWatch,
    address_server_url,
    name_servers_of,
)

NS1, NS2 = "10.0.0.1:9876", "10.0.0.2:9876"
LOG = logging.getLogger("RocketmqBroker")
PATH = "/rocketmq/nsaddr"


def test_the_url_is_upstreams() -> None:
    assert address_server_url({}) == "http://jmenv.tbsite.net:8080/rocketmq/nsaddr"
    assert address_server_url({}, unit="center") == "http://jmenv.tbsite.net:8080/rocketmq/nsaddr-center?nofix=1"
    assert address_server_url({}, unit=" ") == "http://jmenv.tbsite.net:8080/rocketmq/nsaddr"


def test_domain_and_subgroup_are_system_properties_or_given() -> None:
    properties = {"rocketmq.namesrv.domain": "ns.example", "rocketmq.namesrv.domain.subgroup": "mine"}
    assert address_server_url(properties) == "http://ns.example:8080/rocketmq/mine"
    assert address_server_url(properties, domain="host:80", subgroup="other") == "http://host:80/rocketmq/other"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{NS1};{NS2}", [NS1, NS2]),
        (f"  {NS1}; {NS2};\r\nmore", [NS1, NS2]),
        (f"{NS1};{NS1}", [NS1]),
        ("ns-1.example.com:9876", ["ns-1.example.com:9876"]),
        ("[::1]:9876", ["[::1]:9876"]),
    ],
)
def test_a_list_of_name_servers(text: str, found: list[str]) -> None:
    assert name_servers_of(text) == found


@pytest.mark.parametrize(
    "text", ["", " \n", ";", "<html>", "a", "a:0", "a:65536", f"{NS1};b", "http://a:80", f"{NS1},b:1"]
)
def test_what_is_no_list_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(AddressServerError, match="is no list"):
        name_servers_of(text)


def test_it_is_asked_over_http(address_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    address_server.pages[PATH] = f"{NS1};{NS2}\n"
    assert asyncio.run(AddressServer(f"http://{address_server.domain}{PATH}").fetch()) == [NS1, NS2]


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ((404, "a:1"), "status 404"),
        ((500, "a:1"), "status 500"),
        ((202, "a:1"), "status 202"),
        ("a:1;" * module.BODY_LIMIT, "does not end"),
        ("sorry", "'sorry' is no list"),
    ],
)
def test_an_answer_that_is_none(address_server: Any, page: Any, why: str) -> None:
    address_server.pages[PATH] = page
    with pytest.raises(AddressServerError, match=why):
        asyncio.run(AddressServer(f"http://{address_server.domain}{PATH}").fetch())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://a b/", "http://127.0.0.1:port/", "http://a..b/"])
def test_an_address_server_that_cannot_be_reached(url: str) -> None:
    with pytest.raises(AddressServerError):
        asyncio.run(AddressServer(url).fetch())


def test_one_that_never_answers_is_given_up_and_not_asked_twice_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(module, "GIVE_UP_S", 0.01)
    monkeypatch.setattr(module, "get_text", lambda url: over.wait(10) and "")

    async def scenario() -> None:
        server = AddressServer("http://silent/")
        with pytest.raises(AddressServerError, match="does not answer within"):
            await server.fetch()
        with pytest.raises(AddressServerError, match="before this one"):
            await server.fetch()

    asyncio.run(scenario())
    over.set()


def answers(*rounds: list[str] | str) -> Callable[[], Awaitable[list[str]]]:
    """A fetch whose rounds are given; a text is a failure."""
    left = list(rounds)

    async def fetch() -> list[str]:
        found = left.pop(0)
        if isinstance(found, str):
            raise AddressServerError(found)
        return found

    return fetch


def test_a_change_is_used_and_changes_and_failures_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    used: list[list[str]] = []
    fetch = answers("down", "down", [NS1], [NS1], "down", "down", [NS1], [NS2])

    async def scenario() -> None:
        watch = NameServerWatch("http://u/", used.append, LOG, fetch)
        for _ in range(8):
            await watch.ask()

    asyncio.run(scenario())
    assert used == [[NS1], [NS2]]
    assert [record.getMessage() for record in caplog.records] == [
        "no name server list from http://u/: down; none is known",
        f"name server address changed, old: None new: {NS1} (http://u/)",
        f"no name server list from http://u/: down; it stays {NS1}",
        f"name server address changed, old: {NS1} new: {NS2} (http://u/)",
    ]


def test_it_is_asked_every_120_s_and_sooner_until_there_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    real_sleep = asyncio.sleep

    async def scenario() -> None:
        over = asyncio.Event()

        async def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                over.set()
                await asyncio.Event().wait()
            await real_sleep(0)

        monkeypatch.setattr(asyncio, "sleep", pause)
        watch = NameServerWatch("http://u/", lambda _: None, LOG, answers("down", [NS1], "down"))
        await watch.start(wait_s=5)
        assert watch.asked.is_set()
        await over.wait()
        await watch.stop()

    asyncio.run(scenario())
    assert pauses == [10, 120, 120]
