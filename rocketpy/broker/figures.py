"""The broker's state as figures to read, for the metrics: nothing here changes anything.

Long tables are handed out row by row, from a copy of their keys: whoever reads may let the loop go on between two rows,
and what goes meanwhile has no figures any more.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from rocketpy.broker.consumer_offsets import split_key
from rocketpy.broker.runtime_info import runtime_info
from rocketpy.figures import DelayLevel, Disk, Histogram, Online, Progress, Window
from rocketpy.protocol import names
from rocketpy.protocol.bodies import MessageModel
from rocketpy.protocol.codes import RequestCode
from rocketpy.stats import Span
from rocketpy.store.schedule import DelayLevels

if TYPE_CHECKING:
    from rocketpy.broker.broker import Broker


class Figures:
    """Of one broker that serves."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    # -- who it is, and how much it tells

    @property
    def cluster(self) -> str:
        return self._broker.config.broker_cluster_name

    @property
    def name(self) -> str:
        return self._broker.config.broker_name

    @property
    def address(self) -> str:
        return self._broker.address

    @property
    def row_limit(self) -> int:
        return self._broker.config.metrics_row_limit

    # -- statistics

    def runtime_info(self) -> Mapping[str, str]:
        """As code 28 answers it."""
        return runtime_info(self._broker)

    def store_total(self, what: str) -> int:
        """A field of the store's counts."""
        return int(getattr(self._broker.store.counts, what))

    def total(self, stat: str, key: str) -> int | None:
        """What a statistic counted since the start; None when it never counted."""
        return self._broker.stats.total(stat, key)

    def last_minute(self, stat: str, key: str) -> Window | None:
        """The same of the last minute."""
        found = self._broker.stats.window(stat, key, Span.MINUTE)
        # Right after the first count the rate is NaN, which tools read as null, and then as 0.
        return None if found is None else Window(found.sum, 0.0 if math.isnan(found.tps) else found.tps)

    # -- topics and groups

    def topics(self) -> list[str]:
        """Every topic in the table."""
        return list(self._broker.topics.table)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Each (topic, group) of a topic that exists and a group that has offsets in it or subscribes to it."""
        broker = self._broker
        for key in list(broker.offsets.table):
            pair = split_key(key)
            if pair is not None and pair[0] in broker.topics.table:
                yield pair
        for group in list(broker.consumers.groups.values()):
            for topic in list(group.subscriptions):
                if topic in broker.topics.table and f"{topic}@{group.name}" not in broker.offsets.table:
                    yield topic, group.name

    def pair_count(self) -> int:
        """About as many as `pairs` has."""
        return len(self._broker.offsets.table)

    def messages_put(self, topic: str) -> int | None:
        """The ends of a topic's queues, added up, as code 202 has them."""
        config = self._broker.topics.get(topic)
        if config is None or not config.write_queue_nums:
            return None
        return sum(self._broker.store.max_offset(topic, queue_id) for queue_id in range(config.write_queue_nums))

    def progress(self, topic: str, group: str) -> Progress | None:
        """How far a group is, as code 208 has it."""
        offsets = self._offsets(topic, group)
        if not offsets:
            return None
        return Progress(sum(offsets), sum(self._broker.store.max_offset(topic, id) for id in range(len(offsets))))

    def _offsets(self, topic: str, group: str) -> list[int]:
        """By queue id; none when nobody of the group consumes the topic."""
        config = self._broker.topics.get(topic)
        if config is None or not self._broker.consumers.may_consume(group, topic):
            return []
        committed = self._broker.offsets.queues(group, topic)
        return [max(0, committed.get(queue_id, 0)) for queue_id in range(config.read_queue_nums)]

    async def waiting_ms(self, topic: str, group: str) -> int:
        """How long the oldest message that the group has not consumed has been stored; 0 when there is none."""
        store = self._broker.store
        places = []
        for queue_id, offset in enumerate(self._offsets(topic, group)):
            first, end = store.min_offset(topic, queue_id), store.max_offset(topic, queue_id)
            if offset != end:  # an offset that is none any more, or not yet, has the first message waiting
                places.append((topic, queue_id, offset if first <= offset < end else first))
        if not places:
            return 0
        times_ms = [time_ms for time_ms in await store.store_times_patiently(places) if time_ms >= 0]
        return max(0, self._broker.clock.now_ms() - min(times_ms)) if times_ms else 0

    def groups(self) -> Iterable[str]:
        """Groups that have a consumer, or offsets in a topic that exists; one comes for each of its topics."""
        return (group for _, group in self.pairs())

    def online(self, group: str) -> Online | None:
        """Its consumers; None when there are none."""
        found = self._broker.consumers.group(group)
        if found is None:
            return None
        addresses = [client.connection.address for client in found.clients.values()]
        return Online(addresses, found.client_ids, found.message_model is MessageModel.BROADCASTING)

    def producers(self) -> Iterator[tuple[str, int]]:
        """(producer group, how many of its clients are there)."""
        groups = self._broker.producers.groups
        for group in list(groups):
            if group in groups:
                yield group, len(groups[group])

    # -- one figure each

    @property
    def connections(self) -> int:
        return self._broker.connection_count

    @property
    def producer_groups(self) -> int:
        return len(self._broker.producers.groups)

    @property
    def producer_clients(self) -> int:
        return sum(map(len, self._broker.producers.groups.values()))

    @property
    def consumer_clients(self) -> int:
        return sum(len(group.clients) for group in self._broker.consumers.groups.values())

    @property
    def consumer_groups(self) -> int:
        return len(self._broker.consumers.groups)

    @property
    def topic_count(self) -> int:
        return len(self._broker.topics.table)

    @property
    def held_pulls(self) -> int:
        return len(self._broker.holds)

    @property
    def half_messages(self) -> int:
        """Behind the progress of the checks, in all queues of half messages."""
        topic = self._broker.topics.get(names.TRANS_HALF_TOPIC)
        store, offsets = self._broker.store, self._broker.offsets
        total = 0
        for queue_id in range(topic.read_queue_nums if topic else 0):
            passed = offsets.query(names.TRANSACTION_GROUP, names.TRANS_HALF_TOPIC, queue_id)
            first = store.min_offset(names.TRANS_HALF_TOPIC, queue_id)
            total += max(0, store.max_offset(names.TRANS_HALF_TOPIC, queue_id) - max(first, passed))
        return total

    @property
    def commit_log_bytes(self) -> int:
        return self._broker.store.commit_log_max_offset - self._broker.store.commit_log_min_offset

    @property
    def flush_behind_bytes(self) -> int:
        return self._broker.store.bytes_to_flush

    @property
    def is_writeable(self) -> bool:
        return self._broker.store.writer.writeable

    @property
    def overload_refusals(self) -> int:
        return self._broker.overload.refused_total

    def duration(self, what: str) -> Histogram:
        """How long each `send`, `pull` or `flush` took: rocketpy/stats/latency.py says from when to when."""
        times = self._broker.latencies()[what]
        return Histogram(list(zip((*times.bounds_s, math.inf), times.counts, strict=True)), times.sum_s)

    def delay_levels(self) -> list[DelayLevel]:
        """What stands between the progress of each level and the end of its queue."""
        levels = DelayLevels(self._broker.store_config.message_delay_level)
        delivered = self._broker.schedule.offsets
        return [
            DelayLevel(level, levels.delay_ms(level), max(0, self._delay_end(level) - delivered.get(level, 0)))
            for level in range(1, levels.max_level + 1)
        ]

    def _delay_end(self, level: int) -> int:
        return self._broker.store.max_offset(names.SCHEDULE_TOPIC, level - 1)

    def disks(self) -> list[Disk]:
        """The file systems of the store's folders; one that is not there has none."""
        config = self._broker.store_config
        found = []
        for folder in dict.fromkeys((config.store_path_root_dir, config.store_path_commit_log)):
            try:
                disk = shutil.disk_usage(folder)
            except OSError:
                continue
            found.append(Disk(folder, disk.total, disk.free))
        return found

    def requests(self) -> list[tuple[str, str, int]]:
        """(code, its name, how many were served) of what did not take the fast lane."""
        return [(str(code), RequestCode(code).name, count) for code, count in self._broker.served.items()]
