"""Admin calls to one name server: its settings, and a broker's write permission in its routes."""

from __future__ import annotations

from collections.abc import Mapping

from rocketpy._core.command import request
from rocketpy.client.admin_brokers import properties_body, properties_of
from rocketpy.client.calls import Calls
from rocketpy.protocol.codes import RequestCode


async def wipe_write_perm(calls: Calls, address: str, broker_name: str) -> int:
    """Take away a broker's write permission in one name server; how many topics it had. Code 205."""
    answer = await calls.ask(address, request(RequestCode.WIPE_WRITE_PERM_OF_BROKER, {"brokerName": broker_name}))
    return int((answer.ext or {}).get("wipeTopicCount", "0"))


async def namesrv_config(calls: Calls, address: str) -> dict[str, str]:
    """The settings in force; code 319."""
    return properties_of((await calls.ask(address, request(RequestCode.GET_NAMESRV_CONFIG))).body, address)


async def update_namesrv_config(calls: Calls, address: str, settings: Mapping[str, str]) -> str:
    """Change settings; code 318. What the name server says of it, if anything."""
    answer = await calls.ask(address, request(RequestCode.UPDATE_NAMESRV_CONFIG, None, properties_body(settings)))
    return answer.remark or ""
