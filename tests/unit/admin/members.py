"""Clients of groups as brokers see them: a connection that has sent a heartbeat and answers what brokers ask."""

from __future__ import annotations

import asyncio
import json

from rocketpy._core.command import Command, request, response
from rocketpy._core.message import Message, decode_message
from rocketpy.client import Admin, NoRoute
from rocketpy.protocol.admin_bodies import (
    ConsumeMessageDirectlyResult,
    ConsumerRunningInfo,
    ConsumeStatus,
    ProcessQueueInfo,
)
from rocketpy.protocol.bodies import MessageQueue
from rocketpy.protocol.names import retry_topic
from rocketpy.remoting.client import RemotingClient

SHOWN = ConsumerRunningInfo(
    properties={"PROP_CONSUME_TYPE": "CONSUME_PASSIVELY", "PROP_CONSUMER_START_TIMESTAMP": "0"},
    mq_table={MessageQueue("Orders", "quickstart", 1): ProcessQueueInfo(commit_offset=7)},
    status_table={"Orders": ConsumeStatus(pull_rt=1.005, consume_failed_msgs=2)},
)


class Member:
    """One client. `running`: what it says of itself; `consumed`: what it was told to consume."""

    def __init__(
        self, cluster, client_id="10.0.0.9@1", *, group="", producers=(), topic="Orders", tags=(), pulls=False
    ) -> None:
        self.cluster, self.client_id, self.group = cluster, client_id, group
        self.running = SHOWN
        self.consumed: list[Message] = []
        self.reset_to: list[Command] = []
        subscription = {
            "topic": topic, "subString": "||".join(tags) or "*", "tagsSet": list(tags), "codeSet": [],
            "subVersion": 1, "expressionType": "TAG",
        }  # fmt: skip
        consumer = {
            "groupName": group, "consumeType": "CONSUME_ACTIVELY" if pulls else "CONSUME_PASSIVELY",
            "messageModel": "CLUSTERING", "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET",
            "subscriptionDataSet": [subscription],
        }  # fmt: skip
        self.heartbeat = {
            "clientID": client_id, "consumerDataSet": [consumer] if group else [],
            "producerDataSet": [{"groupName": name} for name in producers],
        }  # fmt: skip

    def __enter__(self) -> Member:
        self.cluster.run(self._join())
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.run(self.remoting.close())

    async def _join(self) -> None:
        served = {307: self._tell, 309: self._consume, 220: self._reset, 40: lambda connection, command: None}
        self.remoting = RemotingClient(served)
        body = json.dumps(self.heartbeat).encode()
        answer = await self.remoting.invoke(self.cluster.broker_addr, request(34, None, body))
        assert answer.code == 0
        if self.group:
            await route_of(self.cluster, retry_topic(self.group))

    def _tell(self, _: object, command: Command) -> Command:
        self.asked_jstack = (command.ext or {}).get("jstackEnable")
        return response(0, None, None, self.running.encode())

    def _consume(self, _: object, command: Command) -> Command:
        self.consumed.append(decode_message(command.body or b""))
        result = ConsumeMessageDirectlyResult(consume_result="CR_SUCCESS", spent_time_mills=3)
        return response(0, None, None, result.encode())

    def _reset(self, _: object, command: Command) -> None:
        self.reset_to.append(command)


async def route_of(cluster, topic: str) -> None:
    """Wait until the name server knows a topic that a broker has just made."""
    async with Admin(cluster.namesrv_addr) as admin:
        while True:
            try:
                await admin.route(topic, anew=True)
                return
            except NoRoute:
                await asyncio.sleep(0.005)
