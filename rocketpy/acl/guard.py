"""Decides whether a request may be served; invariant: nothing of an unsigned body is read before its signature holds.

The order of the questions and their words are upstream's (PlainPermissionManager.validate).
"""

from __future__ import annotations

from typing import Protocol

from rocketpy._core.command import Command
from rocketpy.acl.admin_codes import ADMIN_OF_UPSTREAM
from rocketpy.acl.errors import AccessDenied
from rocketpy.acl.permissions import DENY, is_group, permits, resource_text
from rocketpy.acl.resources import resources_of
from rocketpy.acl.rules import REMEMBERED, Account, Rules
from rocketpy.acl.signature import ACCESS_KEY, is_signed
from rocketpy.protocol import names

NO_CODES: frozenset[int] = frozenset()

# Messages of all topics stand in these until they are due, or their transactions end; who may send here reaches every
# topic (REAL_TOPIC), and who may pull here reads them all. So no default opens them, only an entry of their own.
OF_ALL_TOPICS = frozenset(
    {
        names.SCHEDULE_TOPIC,
        names.TRANS_HALF_TOPIC,
        names.TRANS_OP_HALF_TOPIC,
        names.TRANS_CHECK_MAX_TIME_TOPIC,
    }
)


class Peer(Protocol):
    """Whoever asks: a connection."""

    @property
    def ip(self) -> str: ...


class Guard:
    """The rules in force, and the codes that no white list opens (`strict`: all that need an admin)."""

    def __init__(self, rules: Rules, strict: frozenset[int] = NO_CODES) -> None:
        self.rules = rules
        self._strict = strict
        self._admin = strict | ADMIN_OF_UPSTREAM

    def check(self, peer: Peer, request: Command) -> None:
        """AccessDenied when this peer may not send this request."""
        strict = request.code in self._strict
        if not strict and self.rules.is_white(peer.ip):
            return
        ext = request.ext or {}
        key = ext.get(ACCESS_KEY)
        if key is None:
            raise AccessDenied("No accessKey is configured")
        account = self.rules.accounts.get(key)
        if account is None:
            raise AccessDenied(f"No acl config for {key}")
        if not strict and account.white.matches(peer.ip):
            return
        if not is_signed(ext, request.body, account.signer):
            raise AccessDenied(f"Check signature failed for accessKey={key}")
        if request.code in self._admin and not account.admin:
            raise AccessDenied(f"Need admin permission for request code={request.code}, but accessKey={key} is not")
        _check_resources(account, resources_of(request))

    def is_white(self, peer: Peer) -> bool:
        """Whether this peer needs no signature."""
        return self.rules.is_white(peer.ip)

    def allows(self, code: int, key: str, signature: bytes, content: bytes, topic: str, group: str) -> bool:
        """Whether `check` would let a send or a pull pass; False: ask it, it has the words."""
        account = self.rules.accounts.get(key)
        if account is None:
            return False
        asked = (code, topic, group)
        allowed = account.known.get(asked)
        if allowed is None:
            allowed = self._may(account, *asked)
        return allowed and account.signer.is_of(signature, content)

    def _may(self, account: Account, code: int, topic: str, group: str) -> bool:
        """Asked once for each topic and group; what is remembered goes with the rules."""
        try:
            _check_resources(account, resources_of(Command(code, {"topic": topic, "b": topic, "consumerGroup": group})))
        except AccessDenied:
            return False  # not remembered: a stranger may ask for names without end
        if len(account.known) >= REMEMBERED:
            account.known.clear()
        account.known[code, topic, group] = True
        return True


def _check_resources(account: Account, needed: dict[str, int]) -> None:
    """An admin for whom nothing is named may do everything; one for whom something is named is asked like anyone."""
    owned = account.resources
    if owned is None:
        if account.admin:
            return
        owned = {}
    for resource, permission in needed.items():
        if not permits(permission, owned.get(resource, _default(account, resource))):
            raise AccessDenied(f"No default permission for {resource_text(resource)}")


def _default(account: Account, resource: str) -> int:
    """What an account may do with a resource that is not named for it."""
    if resource in OF_ALL_TOPICS:
        return DENY
    return account.default_group if is_group(resource) else account.default_topic
