"""The topics of this broker, how a send creates one, and topics.json.

Invariant: every change of the table bumps the data version, was told to every `on_change` before the call returns (the
fast lane never works on an old row), and is on disk when `file.is_saved`: answers wait for that, so that a topic that a
client was answered for survives a kill.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from rocketpy.broker.config_file import ConfigFile
from rocketpy.broker.table_text import TableText, version_text
from rocketpy.clock import Clock
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import RequestRefused
from rocketpy.protocol import fastjson, names
from rocketpy.protocol.bodies import DataVersion, TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.perm import INHERIT, READ, WRITE, is_inherited

log = logging.getLogger("RocketmqBroker")

MANY = 1000  # as many topics that clients made are worth a word: none of them goes by itself
# Upstream has no limit, and a typing error makes it loop over two thousand million queues wherever it lists them. No
# process can map more than these.
MAX_QUEUE_NUMS = 65_536

UNLISTED = (names.SCHEDULE_TOPIC, names.TRANS_OP_HALF_TOPIC)  # stored, but never in the table

OnChange = Callable[[str, "TopicConfig | None"], None]


def system_topics(config: BrokerConfig) -> list[TopicConfig]:
    """The topics that exist at start; what topics.json says of them wins."""
    rw = READ | WRITE
    default = config.default_topic_queue_nums
    rows = [
        (names.SELF_TEST_TOPIC, 1, rw),
        (names.AUTO_CREATE_TOPIC_KEY_TOPIC, default, rw | INHERIT) if config.auto_create_topic_enable else None,
        (names.BENCHMARK_TOPIC, 1024, rw),
        (config.broker_cluster_name, 16, INHERIT | (rw if config.cluster_topic_enable else 0)),
        (config.broker_name, 1, INHERIT | (rw if config.broker_topic_enable else 0)),
        (names.OFFSET_MOVED_EVENT, 1, rw),
        (config.msg_trace_topic_name, 1, rw) if config.trace_topic_enable else None,
    ]
    return [_topic(name, queue_nums, perm) for name, queue_nums, perm in filter(None, rows)]


def check_topic(topic: TopicConfig) -> None:
    """RequestRefused when a topic could not be served under this name or with so many queues."""
    names.check_name("topic", topic.topic_name)
    check_queue_nums(readQueueNums=topic.read_queue_nums, writeQueueNums=topic.write_queue_nums)


def check_queue_nums(**numbers: int) -> None:
    """RequestRefused for what no topic or group can have; `numbers` by their names on the wire."""
    for name, number in numbers.items():
        if not 0 <= number <= MAX_QUEUE_NUMS:
            raise RequestRefused(ResponseCode.SYSTEM_ERROR, f"{name}={number} is out of range 0..{MAX_QUEUE_NUMS}")


def _topic(name: str, queue_nums: int, perm: int, sys_flag: int = 0) -> TopicConfig:
    return TopicConfig(
        topic_name=name, read_queue_nums=queue_nums, write_queue_nums=queue_nums, perm=perm, topic_sys_flag=sys_flag
    )


class Topics:
    """The table, its version and its file. A TopicConfig handed out is never changed: a change replaces it."""

    def __init__(self, config: BrokerConfig, path: Path, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self.table: dict[str, TopicConfig] = {}
        self.file = ConfigFile(path, self._file_text)
        self._text = TableText("topicConfigTable")
        self._rows: dict[str, bytes] = {}  # compact JSON of the table's rows, by topic
        for topic in system_topics(config):
            self._set(topic)
        self.system_topics: frozenset[str] = frozenset(self.table)
        self.data_version = DataVersion(timestamp=clock.now_ms(), counter=0)
        # Called with (topic, its config or None when it is gone) after each change and for each topic of a load.
        self.on_change: list[OnChange] = []

    # -- file

    def load(self) -> None:
        """Put the file's topics over those that exist at start."""
        stored = self.file.load(TopicConfigSerializeWrapper)
        if stored is not None:
            self.data_version = stored.data_version
            for name, topic in stored.topic_config_table.items():
                self._set(replace(topic, topic_name=topic.topic_name or name))
                log.info("load exist local topic, %s", topic)
        for topic in self.table.values():
            self._tell(topic.topic_name, topic)

    def restore(self, queues: Iterable[tuple[str, int]]) -> None:
        """Topics that the store has queues of, where the file was lost: a .bak may be older than a topic.

        Without its topic a message could be neither pulled nor found. `queues`: (topic, queue id).
        """
        if self.file.was_whole:
            return
        queue_nums: dict[str, int] = {}
        for topic, queue_id in queues:
            queue_nums[topic] = max(queue_nums.get(topic, 0), queue_id + 1)
        for topic, nums in sorted(queue_nums.items()):
            if topic not in UNLISTED and names.is_name(topic) and nums <= MAX_QUEUE_NUMS:
                self._restore(topic, nums)

    def _restore(self, topic: str, queue_nums: int) -> None:
        known = self.table.get(topic)
        if known is None:
            perm = WRITE if topic.startswith(names.DLQ_PREFIX) else READ | WRITE
            told = "topic %s was lost with topics.json, the store has %d queues of it: made anew"
            log.warning(told, topic, queue_nums)
            self._create(_topic(topic, queue_nums, perm))
        elif known.read_queue_nums < queue_nums:
            log.warning("topic %s has %d queues in the store: readQueueNums set to that", topic, queue_nums)
            self.put(replace(known, read_queue_nums=queue_nums))

    def _file_text(self) -> str:
        return self._text.text(version_text(self.data_version))

    def encode(self) -> bytes:
        """The same as `wrapper().encode()`, from rows that are kept: what a registration sends every 30 s."""
        rows = b",".join(self._rows.values())
        return b'{"dataVersion":%b,"topicConfigTable":{%b}}' % (self.data_version.encode(), rows)

    def wrapper(self) -> TopicConfigSerializeWrapper:
        """The body of code 21, and of a registration."""
        return TopicConfigSerializeWrapper(topic_config_table=dict(self.table), data_version=self.data_version)

    # -- questions

    def get(self, topic: str) -> TopicConfig | None:
        """A topic's config, or None."""
        return self.table.get(topic)

    # -- changes

    def create_in_send(
        self, topic: str, default_topic: str, remote: str, client_default_queue_nums: int, topic_sys_flag: int
    ) -> TopicConfig | None:
        """The topic, made after `default_topic` if it is not there yet; None when that one does not allow it."""
        known = self.table.get(topic)
        if known is not None:
            return known
        default = self._default_for_send(default_topic, remote)
        if default is None:
            return None
        queue_nums = max(0, min(client_default_queue_nums, default.write_queue_nums))
        made = replace(
            _topic(topic, queue_nums, default.perm & ~INHERIT, topic_sys_flag),
            topic_filter_type=default.topic_filter_type,
        )
        log.info("Create new topic by default topic:[%s] config:[%s] producer:[%s]", default_topic, made, remote)
        return self._create(made)

    def _default_for_send(self, default_topic: str, remote: str) -> TopicConfig | None:
        """The topic to copy from, if it exists and its inherit bit allows that."""
        default = self.table.get(default_topic)
        if default is None:
            log.warning(
                "Create new topic failed, because the default topic[%s] not exist. producer:[%s]", default_topic, remote
            )
            return None
        if default_topic == names.AUTO_CREATE_TOPIC_KEY_TOPIC and not self._config.auto_create_topic_enable:
            # A stored TBW102 outlives the switch; upstream takes its inherit bit away at the first such send.
            default = replace(default, perm=READ | WRITE)
            self._set(default)
            self._tell(default_topic, default)
        if is_inherited(default.perm):
            return default
        log.warning(
            "Create new topic failed, because the default topic[%s] has no perm [%d] producer:[%s]",
            default_topic, default.perm, remote,
        )  # fmt: skip
        return None

    def create_in_send_back(self, topic: str, queue_nums: int, perm: int, sys_flag: int) -> TopicConfig:
        """The retry or dead-letter topic of a group, made if it is not there yet."""
        known = self.table.get(topic)
        if known is not None:
            return known
        made = _topic(topic, max(0, queue_nums), perm, sys_flag)
        log.info("create new topic %s", made)
        return self._create(made)

    def _create(self, topic: TopicConfig) -> TopicConfig:
        check_topic(topic)
        self._set(topic)
        self._changed({topic.topic_name: topic})
        if len(self.table) % MANY == 0:
            log.warning("there are %d topics now, the last made by a client: %s", len(self.table), topic.topic_name)
        return topic

    def put(self, topic: TopicConfig) -> None:
        """Create or replace a topic, as an operator says; RequestRefused when it could not be one."""
        check_topic(topic)
        old = self.table.get(topic.topic_name)
        if old is None:
            log.info("create new topic [%s]", topic)
        else:
            log.info("update topic config, old:[%s] new:[%s]", old, topic)
        self._set(topic)
        self._changed({topic.topic_name: topic})

    def delete(self, topic: str) -> None:
        """Forget a topic."""
        old = self.table.pop(topic, None)
        if old is None:
            log.warning("delete topic config failed, topic: %s not exists", topic)
            return
        self._text.remove(topic)
        del self._rows[topic]
        log.info("delete topic config OK, topic: %s", old)
        self._changed({topic: None})

    def version_up(self) -> None:
        """Let name servers take the table once more, though it is the same: they look at its version."""
        self._changed({})

    def allow_auto_creation(self) -> None:
        """autoCreateTopicEnable is true from now on: TBW102 is there, to be copied."""
        name = names.AUTO_CREATE_TOPIC_KEY_TOPIC
        queue_nums = self._config.default_topic_queue_nums
        known = self.table.get(name) or _topic(name, queue_nums, READ | WRITE)
        if name not in self.table or not is_inherited(known.perm):
            self.put(replace(known, perm=known.perm | INHERIT))

    def apply_order_config(self, order_topics: Collection[str]) -> None:
        """Order topics are those the name server lists, and no others."""
        flipped = [topic for name, topic in self.table.items() if topic.order != (name in order_topics)]
        changed: dict[str, TopicConfig | None] = {}
        for topic in flipped:
            log.info("update order topic config, topic=%s, order=%s", topic.topic_name, not topic.order)
            changed[topic.topic_name] = self._set(replace(topic, order=not topic.order))
        if changed:
            self._changed(changed)

    def _set(self, topic: TopicConfig) -> TopicConfig:
        self.table[topic.topic_name] = topic
        self._text.put(topic.topic_name, topic)
        self._rows[topic.topic_name] = fastjson.dumps(topic.topic_name) + b":" + topic.encode()
        return topic

    def _changed(self, topics: dict[str, TopicConfig | None]) -> None:
        self.data_version = DataVersion(timestamp=self._clock.now_ms(), counter=self.data_version.counter + 1)
        self.file.changed()
        for name, topic in topics.items():
            self._tell(name, topic)

    def _tell(self, name: str, topic: TopicConfig | None) -> None:
        for told in self.on_change:
            told(name, topic)
