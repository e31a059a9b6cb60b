"""Stops consumer groups that are so far behind that their reads wear the disk out for all others (broker protection).

In force with disableConsumeIfConsumerReadSlowly and diskFallRecorded. Then each pull that looks at messages takes the
full lane and leaves a note here: bytes between what it looked at and the end of the log. Every three minutes a group
that has a note above consumerFallbehindThreshold loses its consumeEnable, until an operator gives it back. Invariant: a
queue has one note a group, its last pull's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from rocketpy.config.broker import BrokerConfig
from rocketpy.config.store import MessageStoreConfig

log = logging.getLogger("RocketmqProtection")

PROTECT_MS = 180_000


class SlowReaders:
    """How far groups were behind at their last pulls; `disable` stops one."""

    def __init__(self, config: BrokerConfig, store_config: MessageStoreConfig, disable: Callable[[str], None]) -> None:
        self._config, self._store_config = config, store_config
        self._disable = disable
        self._behind: dict[str, dict[tuple[str, int], int]] = {}

    @property
    def watches(self) -> bool:
        """Whether pulls are to be noted."""
        return self._config.disable_consume_if_consumer_read_slowly and self._store_config.disk_fall_recorded

    def note(self, group: str, topic: str, queue_id: int, behind_bytes: int) -> None:
        """A group pulled from a queue, so many bytes before the end of the log."""
        self._behind.setdefault(group, {})[topic, queue_id] = behind_bytes

    def protect(self) -> None:
        """Stop the groups that are too far behind, and forget their notes.

        Upstream keeps them: a group that an operator lets go on is stopped again before it has pulled.
        """
        threshold = self._config.consumer_fallbehind_threshold
        for group, notes in list(self._behind.items()):
            (topic, queue_id), behind_bytes = max(notes.items(), key=lambda note: note[1])
            if behind_bytes > threshold:
                log.warning(
                    "[PROTECT_BROKER] the consumer[%s] consume slowly, %d bytes, disable it: in queue %d of %s; "
                    "consumerFallbehindThreshold=%d. Set consumeEnable of the group to let it go on",
                    group, behind_bytes, queue_id, topic, threshold,
                )  # fmt: skip
                del self._behind[group]
                self._disable(group)
