"""rocketmq-exporter's metrics of topics, groups and the broker, with its names, labels and arithmetic.

Source: rocketmq-exporter's MetricsCollectTask and RMQMetricsCollector; what stands here is what it would find in this
broker. A topic or group that goes while this is told is left out from there on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice

from prometheus_client.core import Metric

from rocketpy.figures import BrokerFigures, Progress
from rocketpy.metrics.brokeruntime import brokeruntime
from rocketpy.metrics.families import Row, gauges, gauges_later
from rocketpy.protocol.names import DLQ_PREFIX, RETRY_PREFIX

TOPIC = ("cluster", "broker", "topic")
GROUP = ("cluster", "broker", "topic", "group")
OWN_GROUP = ("cluster", "broker", "group")
BROKER = ("cluster", "brokerIP", "broker")
DIFF = ("group", "topic", "countOfOnlineConsumers", "msgModel")
CLIENTS = ("caddr", "localaddr", "group")
BROADCASTING, CLUSTERING = "0", "1"  # how the exporter writes MessageModel

# Names that the exporter declares, for which it finds nothing in a broker like this one.
NEVER_TOLD = {
    "rocketmq_group_dlqdiff": (DIFF, "Nobody consumes dead letters of DLQ topics, says the exporter: always empty."),
    "rocketmq_group_consume_tps": (GROUP, "Empty in rocketmq-exporter too: see rocketmq_consumer_tps."),
    "rocketmq_group_consume_total_offset": (GROUP, "Empty in rocketmq-exporter too: see rocketmq_consumer_offset."),
    "rocketmq_broker_commitlog_diff": (BROKER, "Bytes a slave is behind; there are no slaves in this release."),
}


class ExporterMetrics:
    """A broker as rocketmq-exporter shows it."""

    def __init__(self, figures: BrokerFigures) -> None:
        self._figures = figures

    async def families(self) -> AsyncIterator[Metric]:
        """All of them."""
        figures = self._figures
        for family in brokeruntime(figures.cluster, figures.address, figures.runtime_info()):
            yield family
        for part in (self._broker(), self._topics(), self._groups(), self._never_told()):
            for family in part:
                yield family
        async for family in self._latency():
            yield family

    # -- the broker

    def _broker(self) -> Iterator[Metric]:
        for metric, stat in (("rocketmq_broker_tps", "BROKER_PUT_NUMS"), ("rocketmq_broker_qps", "BROKER_GET_NUMS")):
            window = self._figures.last_minute(stat, self._figures.cluster)
            labels = (self._figures.cluster, self._figures.address, self._figures.name)
            rows = [] if window is None else [(labels, fixed(window.tps))]
            yield from gauges(metric, f"{stat} a second, in the last minute.", BROKER, rows)
        cluster, name = self._figures.cluster, self._figures.name
        producers = islice(self._figures.producers(), self._figures.row_limit)
        counts = (((cluster, name, group), count) for group, count in producers)
        yield from gauges("rocketmq_producer_count", "Clients of a producer group.", OWN_GROUP, counts)

    @staticmethod
    def _never_told() -> Iterator[Metric]:
        for name, (labels, why) in NEVER_TOLD.items():
            yield from gauges(name, why, labels)

    # -- topics

    def _topics(self) -> Iterator[Metric]:
        topics = self._figures.topics()[: self._figures.row_limit]
        for name, labels, prefix in (
            ("rocketmq_producer_offset", TOPIC, ""),
            ("rocketmq_topic_retry_offset", TOPIC, RETRY_PREFIX),
            ("rocketmq_topic_dlq_offset", OWN_GROUP, DLQ_PREFIX),
        ):
            puts = (self._put(topic) if prefix_of(topic) == prefix else None for topic in topics)
            yield from gauges(name, "Messages ever put: ends of the queues, added up.", labels, puts)
        for name, stat in (
            ("rocketmq_producer_tps", "TOPIC_PUT_NUMS"),
            ("rocketmq_producer_message_size", "TOPIC_PUT_SIZE"),
        ):
            rows = (None if prefix_of(topic) else self._topic_rate(stat, topic) for topic in topics)
            yield from gauges(name, f"{stat} a second, in the last minute.", TOPIC, rows)

    def _put(self, topic: str) -> Row | None:
        put = self._figures.messages_put(topic)
        labels = (self._figures.cluster, self._figures.name, topic.removeprefix(DLQ_PREFIX))
        return None if put is None else (labels, put)

    def _topic_rate(self, stat: str, topic: str) -> Row | None:
        window = self._figures.last_minute(stat, topic)
        labels = (self._figures.cluster, self._figures.name, topic)
        return None if window is None else (labels, fixed(window.tps))

    # -- groups

    def _groups(self) -> Iterator[Metric]:
        for name, stat in (
            ("rocketmq_consumer_tps", "GROUP_GET_NUMS"),
            ("rocketmq_consumer_message_size", "GROUP_GET_SIZE"),
            ("rocketmq_send_back_nums", "SNDBCK_PUT_NUMS"),
        ):
            text = f"{stat} of the last minute{'' if stat == 'SNDBCK_PUT_NUMS' else ', a second'}."
            yield from gauges(name, text, GROUP, self._group_stats(stat))
        consumed = "Queue offsets that the group has committed, added up."
        yield from gauges("rocketmq_consumer_offset", consumed, GROUP, self._offsets())
        behind = "Messages that a group has not consumed yet"
        yield from gauges("rocketmq_group_diff", f"{behind}.", DIFF, self._diffs(is_retry=False))
        yield from gauges("rocketmq_group_retrydiff", f"{behind} of those to retry.", DIFF, self._diffs(is_retry=True))
        yield from gauges("rocketmq_group_count", "Consumers of a group.", CLIENTS, self._counts())

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """Dead letters are left out, as in the exporter."""
        for topic, group in islice(self._figures.pairs(), self._figures.row_limit):
            if not topic.startswith(DLQ_PREFIX):
                yield topic, group

    def _group_stats(self, stat: str) -> Iterator[Row | None]:
        for topic, group in self._pairs():
            window = None if topic.startswith(RETRY_PREFIX) else self._figures.last_minute(stat, f"{topic}@{group}")
            value = None if window is None else window.sum if stat == "SNDBCK_PUT_NUMS" else fixed(window.tps)
            yield None if value is None else (self._labels(topic, group), value)

    def _offsets(self) -> Iterator[Row | None]:
        for topic, group in self._pairs():
            progress = self._figures.progress(topic, group)
            yield None if progress is None else (self._labels(topic, group), progress.consumed)

    def _diffs(self, is_retry: bool) -> Iterator[Row | None]:
        for topic, group in self._pairs():
            yield self._diff(topic, group) if topic.startswith(RETRY_PREFIX) == is_retry else None

    def _diff(self, topic: str, group: str) -> Row | None:
        progress = self._clustering(topic, group)
        online = self._figures.online(group)
        count = 0 if online is None else len(online.client_ids)
        return None if progress is None else ((group, topic, str(count), CLUSTERING), progress.end - progress.consumed)

    def _clustering(self, topic: str, group: str) -> Progress | None:
        """Groups that broadcast keep their offsets to themselves: the broker does not know how far they are."""
        online = self._figures.online(group)
        return None if online is not None and online.is_broadcasting else self._figures.progress(topic, group)

    def _counts(self) -> Iterator[Row | None]:
        told: set[str] = set()
        for group in islice(self._figures.groups(), self._figures.row_limit):
            yield None if group in told else self._count(group)
            told.add(group)

    def _count(self, group: str) -> Row:
        online = self._figures.online(group)
        if online is None:
            return ("", "", group), 0
        return (",".join(online.addresses), ",".join(online.client_ids), group), len(online.client_ids)

    async def _latency(self) -> AsyncIterator[Metric]:
        text = "How long ago the oldest message that a group has not consumed was stored, ms."
        async for family in gauges_later("rocketmq_group_get_latency_by_storetime", text, GROUP, self._waiting()):
            yield family

    async def _waiting(self) -> AsyncIterator[Row | None]:
        for topic, group in self._pairs():
            if self._clustering(topic, group) is None:
                yield None
            else:
                yield self._labels(topic, group), await self._figures.waiting_ms(topic, group)

    def _labels(self, topic: str, group: str) -> tuple[str, str, str, str]:
        return self._figures.cluster, self._figures.name, topic, group


def prefix_of(topic: str) -> str:
    """What makes it a topic of messages to retry, or of dead letters; empty for all others."""
    return next((prefix for prefix in (RETRY_PREFIX, DLQ_PREFIX) if topic.startswith(prefix)), "")


def fixed(value: float) -> float:
    """Two digits, the even one of two that are equally near, as the exporter rounds."""
    return round(value, 2)
