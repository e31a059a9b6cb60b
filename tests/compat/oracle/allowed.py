"""The differences that a random plan may meet: one row each, with its reason; none is unused by the fixed seed.

A row says for a step and both answers whether it is that difference and nothing more.
"""

from __future__ import annotations

import re
from typing import Any

from oracle.lockstep import Allowed
from oracle.transcript import Step

EXCEPTION = re.compile(r"[\w.]+(Exception|Error)\b.*", re.DOTALL)


def named(step: Any, theirs: Step, ours: Step) -> bool:
    """Both refuse, upstream with what its code threw."""
    if (theirs.get("code"), ours.get("code")) != (1, 1):
        return False
    return bool(EXCEPTION.match(theirs["remark"] or "")) and not EXCEPTION.match(ours["remark"] or "")


def no_producers(step: Any, theirs: Step, ours: Step) -> bool:
    """A producer group that closed connections left behind: an empty list upstream, no such group here."""
    nobody = theirs.get("body") == {"connectionSet": []} and theirs.get("code") == 0
    return step.code == 204 and nobody and ours.get("code") == 1 and ours["remark"].endswith("] not exist")


def no_accounts(step: Any, theirs: Step, ours: Step) -> bool:
    """A change of accounts without aclEnable: a null pointer upstream, the reason here, with the same code."""
    same = {**theirs, "remark": None} == {**ours, "remark": None}
    return step.code in (50, 51, 53) and same and "aclEnable=false" in (ours["remark"] or "")


def entries(step: Any, theirs: Step, ours: Step) -> bool:
    """A consume queue's entries: upstream answers zeros before it has read them."""
    zeros = {"maxQueueIndex": 0, "minQueueIndex": 0}
    return step.code == 321 and theirs.get("body") == zeros and ours.get("code") == theirs.get("code") == 0


def no_queue(step: Any, theirs: Step, ours: Step) -> bool:
    """A consume queue without an entry: upstream makes one of every queue that it is asked about."""
    zeros = {"maxQueueIndex": 0, "minQueueIndex": 0}
    return step.code == 321 and theirs.get("body") == zeros and (ours["remark"] or "").endswith(" is not exist!")


def filter_server(step: Any, theirs: Step, ours: Step) -> bool:
    """A filter server registers: nobody needs one here, and upstream keeps its address."""
    return step.code == 301 and theirs.get("code") == 0 and ours.get("code") == 3


BROKER: dict[str, Allowed] = {
    "named": Allowed("a refusal says what is wrong; upstream's is an exception and a line of its source", named),
    "no producers": Allowed("a producer group goes with its last connection; upstream keeps it for ever", no_producers),
}
BROKER |= {
    "no accounts": Allowed("a broker without accounts says so; upstream's is a null pointer", no_accounts),
    "filter server": Allowed("a filter server is told that there are none", filter_server),
    "no queue": Allowed("a question makes no queue", no_queue),
    "entries": Allowed("the entries of a consume queue are answered; upstream encodes the answer too early", entries),
}
NAME_SERVER: dict[str, Allowed] = {}
