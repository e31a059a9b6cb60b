"""Cluster test mode: a route that is not here is asked of the name servers of another environment.

Questions for the same topic are one question, so that even a name server that is told to ask itself comes to an end.
Invariant: every question is answered or given up within TOTAL_S, and nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import logging

from rocketpy._core.command import Command
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.errors import RocketPyError
from rocketpy.protocol.bodies import TopicRouteData
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.headers import GetRouteInfoRequestHeader
from rocketpy.remoting.address_server import NameServerWatch, address_server_url
from rocketpy.remoting.client import RemotingClient
from rocketpy.remoting.tls import Tls

log = logging.getLogger("RocketmqNamesrv")

TOTAL_S = 3.0           # clients wait that long for a route
ONE_SERVER_MS = 1500
MOST_QUESTIONS = 1000   # at a time; what comes beyond is not found


class ClusterTest:
    """The routes of `productEnvName`."""

    def __init__(self, config: NamesrvConfig, tls: Tls | None = None) -> None:
        self._environment_name = config.product_env_name
        outgoing = tls.client_context() if tls and config.environment.tls_enable else None
        self._client = RemotingClient(name="cluster test", connect_timeout_ms=ONE_SERVER_MS, tls=outgoing)
        self._questions: dict[str, asyncio.Task[TopicRouteData | None]] = {}
        given = config.environment.namesrv_addr  # as upstream's admin client: who names them needs no address server
        self._servers = [address.strip() for address in (given or "").split(";") if address.strip()]
        url = address_server_url(config.system_properties, unit=config.product_env_name)
        self._watch = None if self._servers else NameServerWatch(url, self._use, log)

    def _use(self, servers: list[str]) -> None:
        self._servers = list(servers)

    async def start(self) -> None:
        """Learn who is to be asked."""
        if self._watch is not None:
            await self._watch.start()

    async def stop(self) -> None:
        """Give up what is being asked."""
        if self._watch is not None:
            await self._watch.stop()
        questions = list(self._questions.values())
        for question in questions:
            question.cancel()
        await asyncio.gather(*questions, return_exceptions=True)
        await self._client.close()

    async def route(self, topic: str) -> TopicRouteData | None:
        """Where a topic is in the other environment; None when it is not there or nobody answers."""
        question = self._questions.get(topic)
        if question is None:
            if len(self._questions) >= MOST_QUESTIONS:
                return None
            question = asyncio.get_running_loop().create_task(self._ask(topic))
            self._questions[topic] = question
            question.add_done_callback(lambda _: self._questions.pop(topic))
        return await asyncio.shield(question)

    async def _ask(self, topic: str) -> TopicRouteData | None:
        try:
            answer = await asyncio.wait_for(self._first_answer(topic), TOTAL_S)
            if answer.code == ResponseCode.SUCCESS:
                return TopicRouteData.decode(answer.body)
            why = answer.remark or f"code {answer.code}"
        except (RocketPyError, OSError, asyncio.TimeoutError) as error:
            why = f"{type(error).__name__} {error}"
        name = self._environment_name
        log.info("get route info by topic from product environment failed. envName=%s, %s: %s", name, topic, why)
        return None

    async def _first_answer(self, topic: str) -> Command:
        """The answer of the first that gives one; whoever gave none is asked last from then on."""
        if self._watch is not None:
            await self._watch.asked.wait()
        fault = RocketPyError("no name server of it is known")
        ext = GetRouteInfoRequestHeader(topic=topic).encode()
        for server in list(self._servers):
            command = Command(RequestCode.GET_ROUTEINTO_BY_TOPIC, ext)
            try:
                return await self._client.invoke(server, command, ONE_SERVER_MS)
            except RocketPyError as error:
                fault = error
                self._servers.sort(key=server.__eq__)
        raise fault
