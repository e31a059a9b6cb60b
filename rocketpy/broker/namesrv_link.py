"""Tells every name server what this broker serves: at start, every registerNameServerPeriod, and on every topic change.

Each name server has a task of its own, so that one that is down or slow holds up neither the others nor the broker;
changes that come while it is busy are sent together. Invariant: a name server that answers has, at the latest one
period after the last change, the whole table of that change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypedDict

from rocketpy._core.command import Command
from rocketpy.broker.topics import Topics
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.netty import NettyServerConfig
from rocketpy.errors import RequestRefused, RocketPyError
from rocketpy.protocol.bodies import KVTable, RegisterBrokerBody, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.headers import (
    QueryDataVersionRequestHeader,
    QueryDataVersionResponseHeader,
    RegisterBrokerRequestHeader,
    RegisterBrokerResponseHeader,
    UnRegisterBrokerRequestHeader,
)
from rocketpy.protocol.perm import READ, WRITE
from rocketpy.protocol.register_body import body_crc32, encode_register_body

log = logging.getLogger("RocketmqBroker")

NO_NAME_SERVER = "no name server is known (namesrvAddr, -n, NAMESRV_ADDR): clients cannot find this broker"
SECOND_REGISTRATION_S = 10.0    # the one after that of the start; the others follow after the period
RETRY_S = 5.0                   # a name server that did not take the registration is asked sooner than that
RECONNECT_S = 1.0               # after a name server closed the connection: it forgot this broker with it
START_WAIT_S = 1.0              # a start does not wait longer for name servers that do not answer
UNREGISTER_TIMEOUT_MS = 3000
HA_PORT_STEP = 1

ONEWAY = 2


class Client(Protocol):
    """What is needed of the remoting client, whose connections all lead to name servers."""

    on_close: Callable[[Any], object] | None

    async def invoke(self, address: str, command: Command, timeout_ms: int) -> Command:
        """Ask and wait for the answer."""

    async def oneway(self, address: str, command: Command) -> object:
        """Tell, without an answer."""


class Identity(TypedDict):
    """The fields every header to a name server begins with."""

    broker_name: str
    broker_addr: str
    cluster_name: str
    broker_id: int


@dataclass
class NameServerState:
    """One name server, as far as this broker knows."""

    address: str
    registered: bool | None = None  # None until it was tried
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    tried: asyncio.Event = field(default_factory=asyncio.Event)


class NamesrvLink:
    """The broker's side of registration."""

    def __init__(
        self, config: BrokerConfig, server_config: NettyServerConfig, topics: Topics, client: Client
    ) -> None:
        self._config = config
        self._server_config = server_config
        self._topics = topics
        self._client = client
        self._servers = [NameServerState(address) for address in addresses(config.namesrv_addr)]
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._started = False
        # What a slave learns: the address of its master, and where that one replicates.
        self.master_addr: str | None = None
        self.master_ha_addr: str | None = None
        topics.on_change.append(self._topic_changed)
        client.on_close = self._connection_closed

    # -- start and stop

    async def start(self) -> None:
        """Register, and go on doing so; returns when every name server answered or failed, or after a second."""
        self._started = True
        if not self._servers:
            log.warning(NO_NAME_SERVER)
            return
        self._keep_all_registered()
        loop = asyncio.get_running_loop()
        tried = [loop.create_task(server.tried.wait()) for server in self._servers]
        _, waiting = await asyncio.wait(tried, timeout=START_WAIT_S)
        for task in waiting:
            task.cancel()

    async def stop(self) -> None:
        """Register no more, and take the registrations back."""
        self._started = False
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.unregister_all()

    def use(self, name_servers: list[str]) -> None:
        """These are the name servers from now on. One that is no more among them forgets this broker by itself."""
        known = {server.address: server for server in self._servers}
        self._servers = [known.get(address) or NameServerState(address) for address in name_servers]
        for address in known.keys() - set(name_servers):
            if address in self._tasks:
                self._tasks.pop(address).cancel()
        if self._started:
            self._keep_all_registered()

    def _keep_all_registered(self) -> None:
        loop = asyncio.get_running_loop()
        for server in self._servers:
            if server.address not in self._tasks:
                self._tasks[server.address] = loop.create_task(self._keep_registered(server))

    # -- registration

    @property
    def registered_with(self) -> list[str]:
        """Addresses of the name servers that took the last registration."""
        return [server.address for server in self._servers if server.registered]

    def register_soon(self) -> None:
        """Something a name server must know has changed: send it the whole, one-way."""
        for server in self._servers:
            server.changed.set()

    def _topic_changed(self, name: str, topic: TopicConfig | None) -> None:
        self.register_soon()

    def _connection_closed(self, connection: object) -> None:
        """A name server went or closed: register anew, in a moment, so that one that always closes is not stormed."""
        if self._tasks:
            asyncio.get_running_loop().call_later(RECONNECT_S, self.register_soon)

    async def register_all(self) -> None:
        """Register with every name server now; returns when each has answered or failed."""
        await asyncio.gather(*(self._register(server) for server in self._servers))

    async def _keep_registered(self, server: NameServerState) -> None:
        """Changes are sent one-way; what a name server answers comes with each period all the same."""
        now = asyncio.get_running_loop().time
        await self._register(server)
        due = now() + SECOND_REGISTRATION_S
        while True:
            oneway = False
            try:
                await asyncio.wait_for(server.changed.wait(), due - now() if server.registered else RETRY_S)
                oneway = server.registered is True  # one that failed has to answer first
            except asyncio.TimeoutError:
                due = now() + self._config.register_name_server_period / 1000
            await self._register(server, oneway=oneway)

    async def _register(self, server: NameServerState, *, oneway: bool = False) -> None:
        """One attempt; what went wrong is told when it is news."""
        server.changed.clear()
        try:
            if oneway or self._config.force_register or await self._has_changed(server):
                await self._send_registration(server, oneway)
        except (RocketPyError, OSError, asyncio.TimeoutError) as error:
            self._note(server, False, str(error).removeprefix(f"{server.address} ") or type(error).__name__)
        except Exception as error:
            log.exception("registration with name server %s", server.address)
            self._note(server, False, repr(error))
        else:
            self._note(server, True)
        server.tried.set()

    async def _send_registration(self, server: NameServerState, oneway: bool) -> None:
        body = self._body()
        ext = self._header(body).encode()
        command = Command(RequestCode.REGISTER_BROKER, ext, body, flag=ONEWAY if oneway else 0)
        if oneway:
            await self._client.oneway(server.address, command)
            return
        answer = await self._client.invoke(server.address, command, self._config.register_broker_timeout_mills)
        if answer.code != ResponseCode.SUCCESS:
            raise RequestRefused(answer.code, answer.remark or "")
        self._apply(server, answer)

    async def _has_changed(self, server: NameServerState) -> bool:
        """With forceRegister=false: whether the name server wants the table; asking keeps the broker alive there."""
        header = QueryDataVersionRequestHeader(**self.identity())
        command = Command(RequestCode.QUERY_DATA_VERSION, header.encode(), self._topics.data_version.encode())
        answer = await self._client.invoke(server.address, command, self._config.register_broker_timeout_mills)
        if answer.code != ResponseCode.SUCCESS:
            return True
        return answer.body is None or QueryDataVersionResponseHeader.decode(answer).changed

    def _apply(self, server: NameServerState, answer: Command) -> None:
        """Take what the answer brings, of the first name server in the list that is registered with.

        Name servers know nothing of each other; where their order topics differ, one and the same of them must count.
        """
        first = next((other for other in self._servers if other is server or other.registered), server)
        if first is not server:
            return
        header = RegisterBrokerResponseHeader.decode(answer)
        self.master_addr, self.master_ha_addr = header.master_addr, header.ha_server_addr
        if answer.body is not None:
            self._topics.apply_order_config(KVTable.decode(answer.body).table)

    def _note(self, server: NameServerState, registered: bool, why: str = "") -> None:
        if registered != server.registered:
            if registered:
                log.info("register broker[%d]to name server %s OK", self._config.broker_id, server.address)
            else:
                log.warning("not registered with name server %s: %s; tried again every %d s",
                            server.address, why, RETRY_S)  # fmt: skip
        server.registered = registered

    # -- going

    async def unregister_all(self) -> None:
        """Tell the name servers that know this broker that it goes."""
        await asyncio.gather(*(self._unregister(server) for server in self._servers if server.registered))

    async def move_from(self, before: Identity) -> None:
        """This broker has another address: take its old registrations back and register anew.

        In this order: a name server takes a broker back by name and id. Left alone, the old address would expire there,
        and the connection be closed with it.
        """
        await asyncio.gather(*(self._move(server, before) for server in self._servers if server.registered))

    async def _move(self, server: NameServerState, before: Identity) -> None:
        await self._unregister(server, before)
        await self._register(server)

    async def _unregister(self, server: NameServerState, identity: Identity | None = None) -> None:
        ext = UnRegisterBrokerRequestHeader(**(identity or self.identity())).encode()
        command = Command(RequestCode.UNREGISTER_BROKER, ext)
        try:
            await self._client.invoke(server.address, command, UNREGISTER_TIMEOUT_MS)
            log.info("unregisterBroker OK, NamesrvAddr: %s", server.address)
        except (RocketPyError, OSError, asyncio.TimeoutError) as error:
            log.warning("unregisterBroker, NamesrvAddr: %s: %s %s", server.address, type(error).__name__, error)
        server.registered = None

    # -- what is sent

    def identity(self) -> Identity:
        """Who this broker is now."""
        return {
            "broker_name": self._config.broker_name,
            "broker_addr": f"{self._config.broker_ip1}:{self._server_config.listen_port}",
            "cluster_name": self._config.broker_cluster_name,
            "broker_id": self._config.broker_id,
        }

    def _header(self, body: bytes) -> RegisterBrokerRequestHeader:
        return RegisterBrokerRequestHeader(
            **self.identity(),
            ha_server_addr=f"{self._config.broker_ip2}:{self._server_config.listen_port + HA_PORT_STEP}",
            compressed=self._config.compressed_register,
            body_crc32=body_crc32(body),
        )

    def _body(self) -> bytes:
        compressed = self._config.compressed_register
        if not compressed and self._all_allowed():
            return b'{"filterServerList":[],"topicConfigSerializeWrapper":%b}' % self._topics.encode()
        return encode_register_body(RegisterBrokerBody(self._wrapper()), compressed=compressed)

    def _all_allowed(self) -> bool:
        return self._config.broker_permission & (READ | WRITE) == READ | WRITE

    def _wrapper(self) -> TopicConfigSerializeWrapper:
        """All topics; where the broker may not be read or written, with its permission in place of theirs."""
        wrapper = self._topics.wrapper()
        if self._all_allowed():
            return wrapper
        topics = {
            name: TopicConfig(name, topic.read_queue_nums, topic.write_queue_nums, self._config.broker_permission)
            for name, topic in wrapper.topic_config_table.items()
        }
        return replace(wrapper, topic_config_table=topics)


def addresses(namesrv_addr: str | None) -> list[str]:
    """The addresses of `a:p;b:p`, each once."""
    return list(dict.fromkeys(address.strip() for address in (namesrv_addr or "").split(";") if address.strip()))
