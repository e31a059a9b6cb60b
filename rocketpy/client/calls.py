"""Calls of the client: to any name server, to one broker, and the routes learned from the former.

Invariant: a route is asked for once in `ROUTE_LIVES_MS`, or again when a call through it failed; a name server is left
only when it cannot be reached.
"""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import TypeVar

from rocketpy._core.command import Command, request
from rocketpy.client.credentials import Credentials
from rocketpy.clock import Clock
from rocketpy.errors import RemotingError, RocketPyError
from rocketpy.protocol.bodies import BrokerData, TopicRouteData
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.remoting.client import RemotingClient

ROUTE_LIVES_MS = 30_000
TIMEOUT_MS = 3_000
MASTER_ID = 0

Self = TypeVar("Self", bound="Calls")


class ClientError(RocketPyError):
    """The call did not reach a server, or no server is known for it."""


class NotAnswered(ClientError):
    """The server at `address` could not be reached, or did not answer in time; the cause is the remoting's error."""

    def __init__(self, address: str, cause: RemotingError) -> None:
        super().__init__(f"{address}: {cause}")
        self.address = address


class NoNameServer(ClientError):
    """A call that a name server answers, from a client that has none."""

    def __init__(self) -> None:
        super().__init__("no name server address is given")


class NoRoute(ClientError):
    """No name server knows a broker for the topic."""


class BrokerRefused(ClientError):
    """The server answered with a code that is not success. `address`: which; `asked`: the request's code."""

    def __init__(self, code: int, remark: str | None, address: str = "", asked: int | None = None) -> None:
        super().__init__(f"code {code}: {remark}")
        self.code = code
        self.remark = remark
        self.address = address
        self.asked = asked


def addresses_of(namesrv_addr: str) -> list[str]:
    """`a:9876;b:9876` as a list."""
    return [address.strip() for address in namesrv_addr.split(";") if address.strip()]


class Calls:
    """What producer, consumer and admin have in common; each is closed by its owner (`async with` does it)."""

    def __init__(
        self,
        namesrv_addr: str,
        *,
        clock: Clock | None = None,
        timeout_ms: int = TIMEOUT_MS,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.timeout_ms = timeout_ms
        self.clock = clock or Clock()
        self.credentials = credentials
        self.remoting = RemotingClient(tls=tls)
        self._namesrvs = addresses_of(namesrv_addr)
        self._routes: dict[str, tuple[int, TopicRouteData]] = {}

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.remoting.close()

    async def call(self, address: str, command: Command, timeout_ms: int | None = None) -> Command:
        """The answer of one server, whatever its code."""
        try:
            return await self.remoting.invoke(address, self.signed(command), timeout_ms or self.timeout_ms)
        except RemotingError as error:
            raise NotAnswered(address, error) from error

    def signed(self, command: Command) -> Command:
        """The request with its account's signature, when there is an account."""
        return self.credentials.signed(command) if self.credentials is not None else command

    @property
    def name_servers(self) -> list[str]:
        """Their addresses in the order in which they are asked."""
        return list(self._namesrvs)

    async def ask(self, address: str, command: Command, timeout_ms: int | None = None) -> Command:
        """The answer of one server; anything but success is raised."""
        return succeeded(await self.call(address, command, timeout_ms), address, command.code)

    async def ask_namesrv(self, code: int, ext: dict[str, str] | None = None) -> Command:
        """The answer of the first name server that can be reached; that one is asked first from now on."""
        last: ClientError | None = None
        for address in list(self._namesrvs):
            try:
                answer = await self.call(address, request(code, ext))
            except ClientError as error:
                last = error
                self._namesrvs.append(self._namesrvs.pop(0))
                continue
            return succeeded(answer, address, code)
        raise last or NoNameServer()

    async def route(self, topic: str, *, anew: bool = False) -> TopicRouteData:
        """Brokers and queues of a topic."""
        known = self._routes.get(topic)
        now_ms = self.clock.monotonic_ms()
        if known is not None and not anew and now_ms - known[0] < ROUTE_LIVES_MS:
            return known[1]
        try:
            answer = await self.ask_namesrv(RequestCode.GET_ROUTEINTO_BY_TOPIC, {"topic": topic})
        except BrokerRefused as refusal:
            if refusal.code != ResponseCode.TOPIC_NOT_EXIST:
                raise
            raise NoRoute(f"no route for topic {topic}") from refusal
        route = TopicRouteData.decode(answer.body or b"{}")
        self._routes[topic] = (now_ms, route)
        return route

    async def master_address(self, topic: str, broker_name: str) -> str:
        """Where the master of a broker set listens."""
        for broker in (await self.route(topic)).broker_datas:
            if broker.broker_name == broker_name and MASTER_ID in broker.broker_addrs:
                return broker.broker_addrs[MASTER_ID]
        raise NoRoute(f"no master of {broker_name} in the route of {topic}")


def masters_of(route: TopicRouteData) -> dict[str | None, str]:
    """Broker name -> address of its master."""
    return {
        broker.broker_name: broker.broker_addrs[MASTER_ID]
        for broker in route.broker_datas
        if MASTER_ID in broker.broker_addrs
    }


def any_address(broker: BrokerData) -> str:
    """The master's address, else any slave's."""
    return broker.broker_addrs.get(MASTER_ID) or next(iter(broker.broker_addrs.values()))


def addresses(route: TopicRouteData) -> list[str]:
    """The master of each broker in a route, or a slave where there is none."""
    return [any_address(broker) for broker in route.broker_datas if broker.broker_addrs]


def succeeded(answer: Command, address: str = "", asked: int | None = None) -> Command:
    """The answer itself when its code is success."""
    if answer.code != ResponseCode.SUCCESS:
        raise BrokerRefused(answer.code, answer.remark, address, asked)
    return answer
