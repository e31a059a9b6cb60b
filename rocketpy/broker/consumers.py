"""Which clients consume in which group, what they subscribe to, and the word to them when that changes.

Invariant: a group stands in the table exactly while it has a client. Whoever comes or goes, every client of the group
is sent NOTIFY_CONSUMER_IDS_CHANGED after the change: who caused it before its heartbeat is answered, the others at the
end of the loop's turn, so that a crowd that comes or goes together costs each of them one note and not one a head.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from rocketpy._core.command import Command
from rocketpy.broker.agreement import Agreement
from rocketpy.broker.clients import CLIENT_EXPIRES_MS, Channel, Client
from rocketpy.broker.same_ids import SameIds
from rocketpy.clock import Clock
from rocketpy.config.broker import BrokerConfig
from rocketpy.protocol.bodies import ConsumeFromWhere, ConsumerData, ConsumeType, MessageModel, SubscriptionData
from rocketpy.protocol.body import member_text
from rocketpy.protocol.codes import RequestCode

log = logging.getLogger("RocketmqBroker")

ONEWAY = 2


class ConsumerGroup:
    """One group: its clients, and the subscriptions as the last heartbeat left them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.consume_type: ConsumeType | None = None
        self.message_model: MessageModel | None = None
        self.consume_from_where: ConsumeFromWhere | None = None
        self.clients: dict[Channel, Client] = {}
        self.subscriptions: dict[str, SubscriptionData] = {}
        self.agreement = Agreement(name)
        self.same_ids = SameIds(name)

    def subscription(self, topic: str) -> SubscriptionData | None:
        """What the group subscribes to in a topic."""
        return self.subscriptions.get(topic)

    def client(self, client_id: str) -> Client | None:
        """A client by its id."""
        return next((client for client in self.clients.values() if client.client_id == client_id), None)

    @property
    def client_ids(self) -> list[str]:
        """Ids of all clients."""
        return [client.client_id for client in self.clients.values()]

    def update_client(self, client: Client, now_ms: int) -> bool:
        """Take a client's heartbeat in; True when it is a new connection."""
        known = self.clients.get(client.connection)
        if known is not None and known.client_id != client.client_id:
            log.error("consumer channel known under another clientId. GROUP: %s OLD: %s NEW: %s",
                      self.name, known, client)  # fmt: skip
        if known is None or known.client_id != client.client_id:
            if known is not None:
                self.same_ids.leave(known)
            self.clients[client.connection] = replace(client, last_update_ms=now_ms)
            self.same_ids.join(self.clients[client.connection])
        else:
            self.same_ids.hear(known, now_ms)
            known.last_update_ms = now_ms
        if known is None:
            kind, model = (member_text(each) for each in (self.consume_type, self.message_model))
            log.info("new consumer connected, group: %s %s %s channel: %s", self.name, kind, model, client)
        return known is None

    def update_subscriptions(self, subscriptions: Iterable[SubscriptionData]) -> bool:
        """The last heartbeat wins; True when a topic came or went."""
        asked = {subscription.topic: subscription for subscription in subscriptions}
        came = asked.keys() - self.subscriptions.keys()
        gone = self.subscriptions.keys() - asked.keys()
        for topic in gone:
            log.warning("subscription changed, group: %s remove topic %s %s",
                        self.name, topic, self.subscriptions.pop(topic))  # fmt: skip
        for topic, new in asked.items():
            old = self.subscriptions.get(topic)
            if old is None:
                log.info("subscription changed, add new topic, group: %s %s", self.name, new)
                self.subscriptions[topic] = new
            elif new.sub_version > old.sub_version:
                log.info("subscription changed, group: %s OLD: %s NEW: %s", self.name, old, new)
                self.subscriptions[topic] = new
        return bool(came or gone)


class Consumers:
    """The registry of all groups."""

    def __init__(self, config: BrokerConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._groups: dict[str, ConsumerGroup] = {}
        self._groups_of: dict[Channel, set[str]] = {}
        self._to_notify: dict[str, dict[Channel, None]] = {}
        self._notes_due = False
        # Called when what a group consumes, or how, changed, and when it came or went: the fast lane forgets it.
        self.on_change: list[Callable[[], None]] = []
        self.on_gone: list[Callable[[str], None]] = []  # called with a group whose last client is gone

    # -- questions

    def group(self, name: str) -> ConsumerGroup | None:
        """A group that has clients now."""
        return self._groups.get(name)

    def groups_of(self, topic: str) -> list[str]:
        """Groups that subscribe to a topic now."""
        return [group.name for group in self._groups.values() if topic in group.subscriptions]

    def may_consume(self, name: str, topic: str) -> bool:
        """Whether the group's clients subscribe to a topic; true of every topic while no subscription is known."""
        group = self._groups.get(name)
        return group is None or not group.subscriptions or topic in group.subscriptions

    @property
    def groups(self) -> Mapping[str, ConsumerGroup]:
        """The whole table, to read."""
        return self._groups

    # -- changes

    def register(self, said: ConsumerData, client: Client, notify: bool = True) -> bool:
        """Take a heartbeat's entry for one group in; True when its clients or topics changed."""
        group = self._groups.setdefault(said.group_name, ConsumerGroup(said.group_name))
        before = (group.message_model, dict(group.subscriptions))
        group.consume_type, group.message_model = said.consume_type, said.message_model
        group.consume_from_where = said.consume_from_where
        came = group.update_client(client, self._clock.now_ms())
        self._groups_of.setdefault(client.connection, set()).add(group.name)
        changed = group.update_subscriptions(said.subscription_data_set)
        group.agreement.hear(group.clients[client.connection], said, self._clock.now_ms())
        if before != (group.message_model, group.subscriptions):
            self._tell()
        if (came or changed) and notify:
            self._notify(group, client.connection)
        return came or changed

    def unregister(self, name: str, connection: Channel, notify: bool = True) -> None:
        """The client says good-bye to the group."""
        group = self._groups.get(name)
        if group is None:
            return
        client = self._remove(group, connection)
        if client is not None:
            log.info("unregister a consumer[%s] from group %s", client, name)
        if notify:
            self._notify(group)

    def connection_closed(self, connection: Channel) -> None:
        """Forget a client in all its groups; the others hear of it whatever the group's switch says."""
        for name in sorted(self._groups_of.get(connection, ())):
            group = self._groups[name]
            log.warning("consumer[%s] gone from group %s", self._remove(group, connection), name)
            self._notify(group)

    def expire(self) -> None:
        """Forget clients that are silent for 120 s, and close their connections; nobody is told, as upstream."""
        now_ms = self._clock.now_ms()
        last_ms = now_ms - CLIENT_EXPIRES_MS
        for group in list(self._groups.values()):
            group.agreement.tell(now_ms)
            for client in [client for client in group.clients.values() if client.last_update_ms < last_ms]:
                log.warning("SCAN: remove expired consumer[%s] from group %s", client, group.name)
                self._remove(group, client.connection)
                client.connection.close()

    def _remove(self, group: ConsumerGroup, connection: Channel) -> Client | None:
        client = group.clients.pop(connection, None)
        if client is not None:
            group.same_ids.leave(client)
        group.agreement.leave(connection)
        names = self._groups_of.get(connection, set())
        names.discard(group.name)
        if not names:
            self._groups_of.pop(connection, None)
        if not group.clients:
            self._groups.pop(group.name, None)
            self._tell()
            for told in self.on_gone:
                told(group.name)
            log.info("unregister consumer ok, no any connection, and remove consumer group, %s", group.name)
        return client

    def _notify(self, group: ConsumerGroup, first: Channel | None = None) -> None:
        if not self._config.notify_consumer_ids_changed_enable:
            return
        waiting = self._to_notify.setdefault(group.name, {})
        waiting.update(dict.fromkeys(group.clients))
        if first is not None:
            send_note(first, group.name)
            waiting.pop(first, None)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._notify_others()
            return
        if not self._notes_due:
            self._notes_due = True
            loop.call_soon(self._notify_others)

    def _notify_others(self) -> None:
        self._notes_due = False
        to_notify, self._to_notify = self._to_notify, {}
        for name, connections in to_notify.items():
            group = self._groups.get(name)
            for connection in connections:
                if group is not None and connection in group.clients:
                    send_note(connection, name)

    def _tell(self) -> None:
        for told in self.on_change:
            told()


def send_note(connection: Channel, group: str) -> None:
    """Make a client look who is in its group."""
    connection.send(Command(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, {"consumerGroup": group}, flag=ONEWAY))
