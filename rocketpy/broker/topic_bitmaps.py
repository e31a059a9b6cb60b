"""Keeps the bitmaps of stored messages in step with the filters of their topic (enableCalcFilterBitMap).

Invariant: from the change of a filter on, every unit's bitmap is made with the filters as they are; a topic that never
had one makes none.
"""

from __future__ import annotations

import logging

from rocketpy._core.message_filter import FilterBitmaps
from rocketpy.broker.consumer_filters import ConsumerFilters
from rocketpy.store.message_store import MessageStore

log = logging.getLogger("RocketmqFilter")

MOST_BITMAP_BYTES = 32_747  # the size of a unit in consumequeue_ext is a signed short


class TopicBitmaps:
    """Follows the changes of `filters` for the units that `store` writes."""

    def __init__(self, filters: ConsumerFilters, store: MessageStore) -> None:
        self._filters = filters
        self._store = store
        if filters.bloom.bitmap_bytes > MOST_BITMAP_BYTES:
            log.warning(
                "no bitmaps are made: %d bytes of each are more than a unit of consumequeue_ext can hold; "
                "lower expectConsumerNumUseFilter, or raise maxErrorRateOfBloomFilter", filters.bloom.bitmap_bytes,
            )  # fmt: skip
        else:
            filters.on_change.append(self.follow)

    def follow(self, topic: str) -> None:
        """The filters of a topic changed."""
        tables, key = self._store.filter_bitmaps, topic.encode("utf-8", "surrogateescape")
        is_new = key not in tables
        tables.setdefault(key, FilterBitmaps()).use(self._filters.tests_of(topic), self._filters.bloom.bitmap_bytes)
        if is_new:
            self._store.bitmaps_changed(key)
