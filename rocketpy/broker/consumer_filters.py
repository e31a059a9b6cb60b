"""What consumer groups filter by other than tags, by topic, and consumerFilter.json.

A heartbeat registers a group's expressions; a newer subscription replaces an older one, and a group that leaves is only
dead, for its bits stand in the bitmaps of stored messages: it goes `filterDataCleanTimeSpan` later. Invariant: a bitmap
stored after a filter was born was made with its expression, so after a crash, which may have lost a change of the file,
all of them are born anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from rocketpy._core.message_filter import ExpressionFilter, MessageFilter, RetryFilter
from rocketpy._core.sql_filter import Filter
from rocketpy.broker.config_file import ConfigFile
from rocketpy.broker.table_text import TableText
from rocketpy.clock import Clock
from rocketpy.config.broker import BrokerConfig
from rocketpy.filter import FilterSyntaxError, compile_expression
from rocketpy.filter.bloom import BloomFilter
from rocketpy.protocol.bodies import SubscriptionData
from rocketpy.protocol.filter_bodies import (
    BloomFilterData,
    ConsumerFilterData,
    ConsumerFilterTable,
    FilterDataMapByTopic,
)

log = logging.getLogger("RocketmqFilter")

SQL92 = "SQL92"
DEAD_BEFORE_LOAD_MS = 30_000  # upstream's guess of how long ago the consumers of a stopped broker left
MOST_FILTERS = 50_000  # peers make them
COMPILED_AT_ONCE = 32_768  # characters of a heartbeat: others wait while it is served
SHOWN = 200  # characters in the log of an expression that is none


def is_tag_type(expression_type: str | None) -> bool:
    """Whether a subscription is by tags: it says so, or nothing (upstream's ExpressionType.isTagType)."""
    return expression_type in (None, "", "TAG")


def compiled(expression_type: str | None, expression: str) -> Filter:
    """The expression's program; FilterSyntaxError when it has none."""
    if expression_type != SQL92:
        raise FilterSyntaxError(f"no filter of type {expression_type} is known, only {SQL92}", 0, 0)
    return compile_expression(expression)


@dataclass(slots=True)
class ConsumerFilter:
    """One group's expression in one topic: what the file holds of it, and its test of messages."""

    data: ConsumerFilterData
    test: MessageFilter

    @property
    def is_dead(self) -> bool:
        """Whether no client wants it now."""
        return self.data.dead_time >= self.data.born_time

    def dead_for_ms(self, now_ms: int) -> int:
        """How long it is dead; -1 while it lives."""
        return now_ms - self.data.dead_time if self.is_dead else -1


class ConsumerFilters:
    """The table, its file, and the bitmaps that come of it."""

    def __init__(self, config: BrokerConfig, path: Path, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self.bloom = BloomFilter(config.max_error_rate_of_bloom_filter, config.expect_consumer_num_use_filter)
        self.file = ConfigFile(path, self._file_text)
        self._text = TableText("filterDataByTopic")
        self._by_topic: dict[str, dict[str, ConsumerFilter]] = {}
        self._topics_of: dict[str, set[str]] = {}  # by group
        self._changed = True  # the file is written once in any case, as upstream's
        # Called after every change that a pull or a message can see, with the topic: lane rules and bitmaps follow.
        self.on_change: list[Callable[[str], None]] = []
        self._count = 0

    # -- questions

    def get(self, topic: str, group: str) -> ConsumerFilter | None:
        """A group's filter in a topic, dead or alive."""
        return self._by_topic.get(topic, {}).get(group)

    def tests_of(self, topic: str) -> list[MessageFilter]:
        """All tests whose outcome the bitmap of a message to the topic tells; of the dead ones too."""
        return [each.test for each in self._by_topic.get(topic, {}).values()]

    def retry_test(self, group: str) -> MessageFilter | None:
        """The test of messages in the group's retry topic (filterSupportRetry); None: all of them are wanted."""
        tests = {topic.encode(): self._by_topic[topic][group].test for topic in self._topics_of.get(group, ())}
        return RetryFilter(tests) if tests else None

    # -- changes

    def register(
        self, group: str, subscriptions: Collection[SubscriptionData], room: int = COMPILED_AT_ONCE
    ) -> int:
        """Take in what a group's heartbeat subscribes to; filters of topics it does not name any more are dead.

        What is left of `room`, the characters that may still be compiled; without any the next heartbeat is waited for.
        """
        for wanted in subscriptions:
            if is_tag_type(wanted.expression_type) or not wanted.sub_string:
                continue
            if self._is_to_compile(group, wanted):
                if room <= 0:
                    log.warning("the filter of group %s in topic %s waits for the next heartbeat", group, wanted.topic)
                    break
                room -= len(wanted.sub_string)
            self._register(group, wanted, wanted.sub_string)
        self._kill(group, self._topics_of.get(group, set()) - {wanted.topic for wanted in subscriptions})
        return room

    def _is_to_compile(self, group: str, wanted: SubscriptionData) -> bool:
        old = self.get(wanted.topic, group)
        if old is None:
            return True
        is_same = (wanted.sub_string, wanted.expression_type) == (old.data.expression, old.data.expression_type)
        return wanted.sub_version > old.data.client_version and not is_same

    def unregister(self, group: str) -> None:
        """The last client of a group is gone."""
        self._kill(group, self._topics_of.get(group, set()))

    def _register(self, group: str, wanted: SubscriptionData, expression: str) -> None:
        old = self.get(wanted.topic, group)
        if old is None:
            self._renew(group, wanted, expression)
            return
        is_same = (expression, wanted.expression_type) == (old.data.expression, old.data.expression_type)
        if wanted.sub_version > old.data.client_version:
            if not is_same:
                log.info("the filter of group %s in topic %s changes: %s", group, wanted.topic, old.data)
                self._renew(group, wanted, expression)
                return
            old.data.client_version = wanted.sub_version
            self._revive(old)
        elif not is_same:
            log.info(
                "the filter %s of group %s in topic %s is ignored: its version %d is not above %d of %s",
                expression, group, wanted.topic, wanted.sub_version, old.data.client_version, old.data.expression,
            )  # fmt: skip
        if wanted.sub_version == old.data.client_version and old.is_dead:
            self._revive(old)

    def _renew(self, group: str, wanted: SubscriptionData, expression: str) -> None:
        """Put a filter in the place of what was there; one that cannot be compiled leaves the place empty."""
        topic = wanted.topic
        old = self._take_out(topic, group)
        try:
            program = compiled(wanted.expression_type, expression)
        except FilterSyntaxError as error:
            words = error.remark[:SHOWN], expression[:SHOWN]
            log.error("the filter of group %s in topic %s is none: %s (%s)", group, topic, *words)
        else:
            bits = BloomFilterData(self.bloom.bit_num, self.bloom.positions(f"{group}#{topic}"))
            data = ConsumerFilterData(topic, group, expression, wanted.expression_type, wanted.sub_version)
            data.born_time, data.bloom_filter_data = self._clock.now_ms(), bits
            self._add(data, program)
        if old is not None or self.get(topic, group) is not None:
            self._tell(topic)

    def _add(self, data: ConsumerFilterData, program: Filter) -> None:
        if self._count >= MOST_FILTERS:
            log.error("there are %d filters already: that of group %s in topic %s is not kept", MOST_FILTERS,
                      data.consumer_group, data.topic)  # fmt: skip
            return
        bits = data.bloom_filter_data
        positions = bits.bit_pos if bits is not None else []
        test = ExpressionFilter(program, positions, self.bloom.bitmap_bytes, data.born_time)
        self._by_topic.setdefault(data.topic, {})[data.consumer_group] = ConsumerFilter(data, test)
        self._topics_of.setdefault(data.consumer_group, set()).add(data.topic)
        self._count += 1
        log.info("consumer filter: %s", data)

    def _take_out(self, topic: str, group: str) -> ConsumerFilter | None:
        old = self._by_topic.get(topic, {}).pop(group, None)
        if old is not None:
            old.test.retire()
            self._count -= 1
            if not self._by_topic[topic]:
                del self._by_topic[topic]
            self._topics_of[group].discard(topic)
            if not self._topics_of[group]:
                del self._topics_of[group]
        return old

    def _revive(self, old: ConsumerFilter) -> None:
        if old.is_dead:
            log.info("consumer filter lives again: %s", old.data)
            old.data.dead_time = 0
        self._tell(old.data.topic)

    def _kill(self, group: str, topics: Iterable[str]) -> None:
        for topic in topics:
            gone = self._by_topic[topic][group]
            if not gone.is_dead:
                gone.data.dead_time = self._clock.now_ms()
                self._changed = True
                log.info("consumer filter is dead: %s", gone.data)

    def _tell(self, topic: str) -> None:
        self._changed = True
        for told in self.on_change:
            told(topic)

    # -- the file

    def load(self, was_clean: bool) -> None:
        """Read the file; its consumers are taken for gone. When the bloom filter is another now, all are dropped."""
        stored = self.file.load(ConsumerFilterTable)
        if stored is None:
            return
        table = [data for groups in stored.filter_data_by_topic.values() for data in groups.group_filter_data.values()]
        for data in table:
            bits = data.bloom_filter_data
            if bits is None or not self.bloom.has_made(bits.bit_num, bits.bit_pos):
                log.info("the bloom filter is another one now, %s: all filters of the file are dropped", self.bloom)
                return
        for data in table:
            self._load_one(data, was_clean)
        for topic in list(self._by_topic):
            self._tell(topic)

    def _load_one(self, data: ConsumerFilterData, was_clean: bool) -> None:
        now_ms = self._clock.now_ms()
        if not was_clean:
            data.born_time = now_ms
        data.dead_time = max(data.dead_time or now_ms - DEAD_BEFORE_LOAD_MS, data.born_time)
        try:
            self._add(data, compiled(data.expression_type, data.expression))
        except ValueError as error:  # no expression here, or a position outside the bitmap
            log.error("a stored filter is dropped: %s: %s", error, data)

    def persist_changes(self) -> None:
        """Drop what is dead for too long, and write the file if anything changed."""
        self._clean()
        if self._changed:
            self._changed = False
            self.file.changed()

    def _clean(self) -> None:
        now_ms, span_ms = self._clock.now_ms(), self._config.filter_data_clean_time_span
        groups = [group for groups in self._by_topic.values() for group in groups.values()]
        for each in [each for each in groups if each.dead_for_ms(now_ms) >= span_ms]:
            log.info("consumer filter is dead for too long and goes: %s", each.data)
            self._take_out(each.data.topic, each.data.consumer_group)
            self._tell(each.data.topic)

    def _file_text(self) -> str:
        self._text.clear()
        for topic, groups in self._by_topic.items():
            for each in groups.values():
                each.data.dead = each.is_dead
            self._text.put(topic, FilterDataMapByTopic(topic, {name: each.data for name, each in groups.items()}))
        return self._text.text()
