"""What DefaultMQAdminExt's methods answer, with figures and what differs between any two runs masked."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from kit.admin import AdminClient, tell
from kit.clients import Session
from oracle.transcript import OWN_SETTINGS

from fourway.calls import CALLS, filled
from fourway.outcome import plain
from fourway.world import World

# Members that are figures of time and speed, or of the machine; and what comes with the next registration: whether a
# wiped broker is back, and a new topic's order.
FIGURES = {
    "consumeTps", "spentTimeMills", "listenPort", "haListenPort", "counter", "boundaryInfo", "runtime",
    "commitLogDirCapacity", "perm", "subVersion", "sum", "avgpt", "jstack", "port", "commitLogMaxOffset",
    "earliestMessageTimeStamp", "order",
}
FIGURE_NAMES = re.compile(r"(msg|putMessage|getMessage).*|.*(Tps|tps|RT|TPS|Ratio)$")
QUESTION = re.compile("examine|fetch|get|query|view|search|max|min|earliest|message")
FOLLOWS_S = 8.0
# Topics: upstream makes the first a minute after its start, a late heartbeat the next; RocketPy
# refuses the third; the last was made on whichever broker the tool sent to.
LEFT_OUT = [*OWN_SETTINGS, "RMQ_SYS_TRANS_HALF_TOPIC", "%RETRY%TOOLS_CONSUMER", "bad name", "NoBroker"]


def called(worlds: tuple[World, World], homes: list[Path]) -> list[list[Any]]:
    """The methods there are, then the outcome of each of CALLS, on both sides.

    A question is asked again until a change before it has come everywhere.
    """
    callers = [Session(AdminClient("EveryCall"), home, world.cluster.namesrv_addr, "calls")
               for home, world in zip(homes, worlds, strict=True)]
    try:
        told: list[list[Any]] = [[caller.wait_for("methods")[0] for caller in callers]]
        for method, arguments in CALLS:
            until = time.monotonic() + FOLLOWS_S
            pair = [call(*side, method, arguments) for side in zip(callers, worlds, strict=True)]
            while pair[0] != pair[1] and QUESTION.match(method) and time.monotonic() < until:
                time.sleep(0.2)
                pair = [call(*side, method, arguments) for side in zip(callers, worlds, strict=True)]
            told.append(pair)
        return told
    finally:
        for caller in callers:
            caller.close()


def call(caller: Session, world: World, method: str, arguments: list[Any]) -> Any:
    line = json.dumps({"method": method, "arguments": filled(arguments, world.names)})
    return masked(world, tell(caller, line, 60))


def masked(world: World, value: Any, key: str = "") -> Any:
    """Figures hidden, lists in a fixed order, settings of our own and the half topic left out."""
    if key in FIGURES or FIGURE_NAMES.match(key):
        return "#"
    if isinstance(value, dict):
        return {"\n".join(plain(world, name, "")): masked(world, each, name) for name, each in value.items()
                if name not in LEFT_OUT}
    if isinstance(value, list):
        return sorted((masked(world, each) for each in value if each not in LEFT_OUT), key=json.dumps)
    if isinstance(value, int) and len(str(value)) == 13:
        return "<millis>"
    return "\n".join(plain(world, value, "")) if isinstance(value, str) else value
