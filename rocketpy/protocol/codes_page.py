"""The table of all request codes of one server as docs/protocol.md shows it; every code of 4.5.2 stands in it once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rocketpy.protocol.codes import RequestCode

HEAD = "| code | name | served | answers | test |\n| --- | --- | --- | --- | --- |\n"
NOBODY = "no processor of 4.5.2 has it"

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
    """One server: what it serves, what each answer is, and why a code of its own is not served."""

    served: Collection[RequestCode]
    answers: Mapping[RequestCode, Answers]
    not_served: Mapping[RequestCode, str]

    @property
    def knows(self) -> set[RequestCode]:
        """Codes that this server of 4.5.2 has a processor for, served here or not."""
        return {*self.served, *(code for code, why in self.not_served.items() if why != NOBODY)}


def table_text(server: ServerCodes, other: ServerCodes, other_name: str) -> str:
    """One row a code; `other` is the other server, called so. KeyError: a served code has no Answers."""
    return HEAD + "".join(_row(server, code, other, other_name) for code in RequestCode)


def _row(server: ServerCodes, code: RequestCode, other: ServerCodes, other_name: str) -> str:
    if code in server.served:
        row = server.answers[code]
        return f"| {int(code)} | {code.name} | yes | {row.answers} | {row.tests} |\n"
    return f"| {int(code)} | {code.name} | no: {_reason(server, code, other, other_name)} | 3 |  |\n"


def _reason(server: ServerCodes, code: RequestCode, other: ServerCodes, other_name: str) -> str:
    if code in server.not_served:
        return server.not_served[code]
    if code in CLIENTS:
        return "it is for clients"
    return f"the {other_name} has it" if code in other.knows else NOBODY
