"""What each consumer group may do, and subscriptionGroup.json.

Invariant: every change bumps the data version, and is on disk when `file.is_saved`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rocketpy.broker.config_file import ConfigFile
from rocketpy.broker.table_text import TableText, version_text
from rocketpy.broker.topics import check_queue_nums
from rocketpy.clock import Clock
from rocketpy.config.broker import BrokerConfig
from rocketpy.protocol import names
from rocketpy.protocol.bodies import DataVersion, SubscriptionGroupConfig, SubscriptionGroupWrapper
from rocketpy.protocol.names import check_name, is_system_group

log = logging.getLogger("RocketmqBroker")

MANY = 1000  # as many groups that clients made are worth a word: none of them goes by itself

class SubscriptionGroups:
    """The table, its version and its file. A config handed out is never changed: a change replaces it."""

    def __init__(self, config: BrokerConfig, path: Path, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self.table: dict[str, SubscriptionGroupConfig] = {}
        self.file = ConfigFile(path, self._file_text)
        self._text = TableText("subscriptionGroupTable")
        # Called after every change of the table: the fast lane forgets what it knew of groups.
        self.on_change: list[Callable[[], None]] = []
        for name in names.GROUPS_AT_START:
            self._set(SubscriptionGroupConfig(group_name=name))
        self.data_version = DataVersion(timestamp=clock.now_ms(), counter=0)

    def load(self) -> None:
        """Put the file's groups over those that exist at start."""
        stored = self.file.load(SubscriptionGroupWrapper)
        if stored is None:
            return
        self.data_version = stored.data_version
        for name, group in stored.subscription_group_table.items():
            self._set(replace(group, group_name=group.group_name or name))
            log.info("load exist subscription group, %s", group)

    def _file_text(self) -> str:
        return self._text.text(version_text(self.data_version))

    def wrapper(self) -> SubscriptionGroupWrapper:
        """The body of code 201."""
        return SubscriptionGroupWrapper(subscription_group_table=dict(self.table), data_version=self.data_version)

    def find(self, group: str) -> SubscriptionGroupConfig | None:
        """A group's config, made with defaults where that is allowed; else None."""
        known = self.table.get(group)
        if known is not None:
            return known
        if not self._config.auto_create_subscription_group and not is_system_group(group):
            return None
        made = SubscriptionGroupConfig(group_name=check_name("group", group))
        log.info("auto create a subscription group, %s", made)
        self._set(made)
        self._changed()
        if len(self.table) % MANY == 0:
            log.warning("there are %d subscription groups now, the last made by a client: %s", len(self.table), group)
        return made

    def put(self, group: SubscriptionGroupConfig) -> None:
        """Create or replace a group, as an operator says."""
        check_name("group", group.group_name)
        check_queue_nums(retryQueueNums=max(0, group.retry_queue_nums))  # a negative number means: no retries
        old = self.table.get(group.group_name)
        if old is None:
            log.info("create new subscription group, %s", group)
        else:
            log.info("update subscription group config, old: %s new: %s", old, group)
        self._set(group)
        self._changed()

    def delete(self, group: str) -> None:
        """Forget a group."""
        old = self.table.pop(group, None)
        if old is None:
            log.warning("delete subscription group failed, subscription groupName: %s not exist", group)
            return
        self._text.remove(group)
        self._tell()
        log.info("delete subscription group OK, subscription group:%s", old)
        self._changed()

    def disable_consume(self, group: str) -> None:
        """Stop a group's pulls; not written to disk, as upstream."""
        old = self.table.get(group)
        if old is not None:
            self._set(replace(old, consume_enable=False))
            self._next_version()

    def _set(self, group: SubscriptionGroupConfig) -> None:
        self.table[group.group_name] = group
        self._text.put(group.group_name, group)
        self._tell()

    def _changed(self) -> None:
        self._next_version()
        self.file.changed()

    def _next_version(self) -> None:
        self.data_version = DataVersion(timestamp=self._clock.now_ms(), counter=self.data_version.counter + 1)

    def _tell(self) -> None:
        for told in self.on_change:
            told()
