"""Puts settings that changed by request in force where somebody keeps a copy: lane, store, topics, name servers.

Everybody else reads the settings each time. Invariant: when an update is answered, no part of the broker works on an
old value of a setting that acts at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from rocketpy.broker.namesrv_link import Identity, addresses
from rocketpy.config.checks import check_name_servers
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import ResponseCode

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker

REGISTER_WAIT_S = 1.0  # an answer does not wait longer for name servers; they hear of it all the same
GET_LIMITS = frozenset({
    "maxTransferBytesOnMessageInMemory",
    "maxTransferCountOnMessageInMemory",
    "maxTransferBytesOnMessageInDisk",
    "maxTransferCountOnMessageInDisk",
    "accessMessageInMemoryMaxRatio",
})
REGISTERED = frozenset({"brokerIP1", "brokerIP2", "brokerPermission", "compressedRegister"})


class SettingsInForce:
    """What one broker does about changed settings: the steps of `SettingsUpdate.take`."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._registering: set[asyncio.Task[None]] = set()
        self._before: Identity = broker.namesrv.identity()

    async def check(self, values: dict[str, str]) -> None:
        """RequestRefused for values that the next start would not take."""
        if "brokerIP1" in values:
            await _check_address(values["brokerIP1"])
        if "namesrvAddr" in values and not check_name_servers(values["namesrvAddr"]):
            raise _refused("namesrvAddr", values["namesrvAddr"], "is no list such as 127.0.0.1:9876;192.168.0.1:9876")
        self._before = self._broker.namesrv.identity()

    async def act(self, values: dict[str, str]) -> None:
        """These have just changed."""
        broker = self._broker
        broker.lane.settings_changed()
        if values.keys() & GET_LIMITS:
            broker.store.apply_limits()
        if broker.config.auto_create_topic_enable and "autoCreateTopicEnable" in values:
            broker.topics.allow_auto_creation()
        if "brokerPermission" in values:
            broker.topics.version_up()
        if "namesrvAddr" in values:
            await self._use_name_servers()
        if values.keys() & REGISTERED:
            await self._soon(self._register(moved=broker.namesrv.identity() != self._before))

    async def stop(self) -> None:
        """Registrations that are still under way end here, before the broker says good-bye."""
        for task in self._registering:
            task.cancel()
        await asyncio.gather(*self._registering, return_exceptions=True)

    async def _use_name_servers(self) -> None:
        broker = self._broker
        if broker.address_server is not None:  # who is named counts, as at a start
            await broker.address_server.stop()
            broker.address_server = None
        broker.namesrv.use(addresses(broker.config.namesrv_addr))

    async def _register(self, *, moved: bool) -> None:
        if moved:
            await self._broker.namesrv.move_from(self._before)
        else:
            await self._broker.namesrv.register_all()

    async def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for it, but not for ever; it goes on."""
        task = asyncio.get_running_loop().create_task(work)
        self._registering.add(task)
        task.add_done_callback(self._registering.discard)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), REGISTER_WAIT_S)


async def _check_address(address: str) -> None:
    """Messages have room for an IPv4 address only, and the next start needs one (config.checks.store_address)."""
    try:
        await asyncio.to_thread(socket.gethostbyname, address)
    except (OSError, UnicodeError):
        raise _refused("brokerIP1", address, "is no IPv4 address and no host name that has one") from None


def _refused(name: str, text: str, why: str) -> RequestRefused:
    return RequestRefused(ResponseCode.SYSTEM_ERROR, f"{name}: {text} {why}")
