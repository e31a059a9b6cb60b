"""Name servers in turn, routes for a while, and the errors of calls."""

import asyncio

import pytest

from rocketpy._core.command import request, response
from rocketpy.client import Admin, BrokerRefused, ClientError, NoRoute
from rocketpy.clock import ManualClock


def admin_of(remoting, addresses="one:1;two:1"):
    clock = ManualClock()
    admin = Admin(addresses, clock=clock)
    admin.remoting = remoting
    return admin, clock


def test_the_next_name_server_when_one_is_away(remoting, route):
    admin, _ = admin_of(remoting)
    remoting.servers["two:1"] = lambda command: response(0, None, None, route.encode())
    asyncio.run(admin.route("T"))
    asyncio.run(admin.route("U"))
    assert remoting.addresses(105) == ["one:1", "two:1", "two:1"]


def test_all_are_away_or_none_is_given(remoting):
    with pytest.raises(ClientError, match="two:1"):
        asyncio.run(admin_of(remoting)[0].route("T"))
    with pytest.raises(ClientError, match="no name server address"):
        asyncio.run(admin_of(remoting, "")[0].route("T"))


def test_a_route_is_asked_for_again_after_a_while(remoting, route):
    admin, clock = admin_of(remoting)
    remoting.servers["one:1"] = lambda command: response(0, None, None, route.encode())
    for advance_ms in (0, 29_999, 1):
        clock.advance(advance_ms)
        asyncio.run(admin.route("T"))
    assert len(remoting.addresses(105)) == 2
    asyncio.run(admin.route("T", anew=True))
    assert len(remoting.addresses(105)) == 3


def test_refusals_have_code_and_remark(remoting):
    admin, _ = admin_of(remoting)
    remoting.servers["b:1"] = lambda command: response(16, "forbidden")
    with pytest.raises(BrokerRefused, match="16: forbidden"):
        asyncio.run(admin.ask("b:1", request(26)))
    assert asyncio.run(admin.call("b:1", request(26))).code == 16


def test_the_masters_address(remoting, route):
    admin, _ = admin_of(remoting)
    remoting.servers["one:1"] = lambda command: response(0, None, None, route.encode())
    assert asyncio.run(admin.master_address("T", "broker-b")) == "b:1"
    with pytest.raises(NoRoute):
        asyncio.run(admin.master_address("T", "broker-c"))
