"""Whether the members of a consumer group ask for the same, and a line in the log that names two who do not.

The broker keeps one subscription table a group, and each member computes its share of the queues as if all wanted them
alike: where wishes differ, filters drop messages and queues starve, and nothing else says so. Invariant: a member
stands under the wish of its last heartbeat. Comparing costs the same for two members and for ten thousand; a new wish
is told once, and a group has a line a minute at most.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias

from rocketpy.protocol.bodies import ConsumerData, ConsumeType, SubscriptionData

if TYPE_CHECKING:
    from rocketpy.broker.clients import Channel, Client

log = logging.getLogger("RocketmqBroker")

QUIET_MS = 60_000
TOPICS_SHOWN = 5

Asked: TypeAlias = tuple[str, str, "frozenset[str] | str"]
"""A topic, the type of the expression, and the expression: of tags their set, for their order means nothing."""
Wish: TypeAlias = "tuple[str, str, frozenset[Asked]]"
"""How a member consumes (message model and consume type), and what."""


def wish_of(said: ConsumerData) -> Wish | None:
    """What a member asks for; None where it cannot contradict anybody: it subscribes to nothing.

    Members that pull bring their expressions with each pull, so that of them only the way of consuming counts.
    """
    if not said.subscription_data_set:
        return None
    topics: frozenset[Asked] = frozenset()
    if said.consume_type is not ConsumeType.CONSUME_ACTIVELY:
        topics = frozenset(map(_asked, said.subscription_data_set))
    return (_name(said.message_model), _name(said.consume_type), topics)


def _name(member: object) -> str:
    return getattr(member, "name", "unknown")


def _asked(subscription: SubscriptionData) -> Asked:
    kind, text = subscription.expression_type or "TAG", subscription.sub_string or "*"
    return subscription.topic, kind, frozenset(map(str.strip, text.split("||"))) if kind == "TAG" else text


class Agreement:
    """The wishes of one group."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._members: dict[Wish, dict[Channel, Client]] = {}
        self._wishes: dict[Channel, Wish] = {}
        self._quiet_until_ms = 0
        self._is_told = False
        self._untold: tuple[Client, Wish] | None = None

    def hear(self, client: Client, said: ConsumerData, now_ms: int) -> None:
        """Take in what a member's heartbeat asks for."""
        wish = wish_of(said)
        known = self._wishes.get(client.connection)
        if known == wish and (wish is None or self._members[wish][client.connection] is client):
            return
        self.leave(client.connection)
        if wish is None:
            return
        is_new = wish not in self._members
        self._members.setdefault(wish, {})[client.connection] = client
        self._wishes[client.connection] = wish
        if is_new and len(self._members) > 1:
            self._untold = client, wish
            self.tell(now_ms)

    def leave(self, connection: Channel) -> None:
        """A member is gone."""
        wish = self._wishes.pop(connection, None)
        if wish is None:
            return
        members = self._members[wish]
        del members[connection]
        if not members:
            del self._members[wish]
            if len(self._members) == 1 and self._is_told:
                self._is_told = False
                log.info("the members of group %s ask for the same again", self._group)

    def tell(self, now_ms: int) -> None:
        """Name the member whose wish is new and one that has another, unless the group had its line a moment ago."""
        if self._untold is None or now_ms < self._quiet_until_ms:
            return
        (client, wish), self._untold = self._untold, None
        other = self._other_than(client, wish)
        if client.connection not in self._members.get(wish, ()) or other is None:
            return
        self._quiet_until_ms = now_ms + QUIET_MS
        self._is_told = True
        log.warning(
            "the subscriptions of group %s contradict each other, messages of it get lost: %s subscribes to %s, %s to "
            "%s; let all of its members ask for the same, or give them groups of their own",
            self._group, client.client_id, in_words(wish, other[1]), other[0].client_id, in_words(other[1], wish),
        )  # fmt: skip

    def _other_than(self, client: Client, wish: Wish) -> tuple[Client, Wish] | None:
        """A member that asks for something else, and is not the same client on another connection."""
        for other_wish, members in self._members.items():
            if other_wish != wish:
                for member in members.values():
                    if member.client_id != client.client_id:
                        return member, other_wish
        return None


def in_words(wish: Wish, other: Wish) -> str:
    """Those parts of a wish in which it is other than the other one."""
    own = sorted(wish[2] - other[2], key=lambda asked: asked[:2])
    shown = {topic: " || ".join(sorted(text)) if kind == "TAG" else f"{kind}: {text}" for topic, kind, text in own}
    words = [str(dict(list(shown.items())[:TOPICS_SHOWN]))] if own or wish[:2] == other[:2] else []
    if len(own) > TOPICS_SHOWN:
        words.append(f"and {len(own) - TOPICS_SHOWN} more")
    words += [mine for mine, theirs in zip(wish[:2], other[:2], strict=True) if mine != theirs]
    return " ".join(words)
