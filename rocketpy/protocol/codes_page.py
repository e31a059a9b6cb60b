"""All request codes of one server: why one is not served, and the table of them in docs/protocol.md.

Invariant: every code of 4.5.2 stands in the table once, and what it says of a code that is not served is what the
server answers (`refusals`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from rocketpy._core.command import Command, response
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.later_codes import LATER_CODES

HEAD = "| code | name | served | answers | test |\n| --- | --- | --- | --- | --- |\n"
NOBODY = "no processor of 4.5.2 has it"
FILTER_SERVERS = "only filter servers used it, and 4.5.2 comes without one: filter by tags or SQL92"
REFUSAL_TEST = "test_what_is_not_served_is_refused_at_once_with_the_reason"

DEAD = frozenset({RequestCode.REGISTER_FILTER_SERVER, RequestCode.REGISTER_MESSAGE_FILTER_CLASS})

# Codes that servers send to clients; a server that is asked one has no more to say than to any unknown code.
CLIENTS = frozenset({
    RequestCode.CHECK_TRANSACTION_STATE,
    RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
    RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
    RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT,
})


@dataclass(frozen=True)
class Answers:
    """What a served code answers, and the tests that hold it, as the page says it."""

    answers: str
    tests: str


@dataclass(frozen=True)
class ServerCodes:
    """One server: what it serves, what each answer is, and what the other one (of this name) serves."""

    served: Collection[RequestCode]
    answers: Mapping[RequestCode, Answers]
    other_serves: Collection[RequestCode]
    other_name: str

    def reason(self, code: RequestCode) -> str:
        """Why a code is not served here."""
        return refusal_reason(code, self.other_serves, self.other_name)


def table_text(server: ServerCodes) -> str:
    """One row a code. KeyError: a served code has no Answers."""
    return HEAD + "".join(_row(server, code) for code in RequestCode)


def _row(server: ServerCodes, code: RequestCode) -> str:
    if code in server.served:
        row = server.answers[code]
        return f"| {int(code)} | {code.name} | yes | {row.answers} | {row.tests} |\n"
    return f"| {int(code)} | {code.name} | no: {server.reason(code)} | 3 | {REFUSAL_TEST} |\n"


def refusal_reason(code: RequestCode, other_serves: Collection[RequestCode], other_name: str) -> str:
    """Why a code that is not served is not."""
    if code in DEAD:
        return FILTER_SERVERS
    if code in CLIENTS:
        return "it is for clients"
    return f"the {other_name} has it" if code in other_serves else NOBODY


def refusals(
    served: Collection[int], other_serves: Collection[RequestCode], other_name: str
) -> dict[int, Callable[[Any, Command], Command]]:
    """A request table of every other code that is known by name: code 3 and the reason.

    Official clients and tools look at the code alone. Upstream's servers answer nothing, and their callers time out.
    """
    reasons = {int(code): refusal_reason(code, other_serves, other_name) for code in RequestCode}
    reasons |= {code: f"{name} came after 4.5.2" for code, name in LATER_CODES.items()}
    return {code: _refusing(code, reason) for code, reason in reasons.items() if code not in served}


def _refusing(code: int, reason: str) -> Callable[[Any, Command], Command]:
    remark = f" request type {code} not supported: {reason}"
    return lambda connection, request: response(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark)
