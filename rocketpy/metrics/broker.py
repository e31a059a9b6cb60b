"""The broker's own metrics: what rocketmq-exporter does not tell, or tells as a rate where a counter says more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from rocketpy.figures import BrokerFigures
from rocketpy.metrics.families import Row
from rocketpy.metrics.own import Own, counter, durations, gauge, table


def _total(what: str) -> Callable[[BrokerFigures], float]:
    return lambda figures: figures.store_total(what)


def _pulls(figures: BrokerFigures) -> list[Row]:
    return [(("found",), figures.store_total("gets_found")), (("empty",), figures.store_total("gets_missed"))]


def _of_topics(stat: str) -> Callable[[BrokerFigures], Iterator[Row | None]]:
    def read(figures: BrokerFigures) -> Iterator[Row | None]:
        for topic in figures.topics()[: figures.row_limit]:
            count = figures.total(stat, topic)
            yield None if count is None else ((topic,), count)

    return read


def _of_groups(figures: BrokerFigures) -> Iterator[Row | None]:
    for topic, group in islice(figures.pairs(), figures.row_limit):
        count = figures.total("GROUP_GET_NUMS", f"{topic}@{group}")
        yield None if count is None else ((topic, group), count)


def _left_out(figures: BrokerFigures) -> list[Row]:
    counts = {
        "topics": figures.topic_count,
        "groups": figures.pair_count(),
        "producers": figures.producer_groups,
    }
    return [((what,), max(0, count - figures.row_limit)) for what, count in counts.items()]


def _delayed(figures: BrokerFigures) -> list[Row]:
    return [((str(level.level), f"{level.delay_ms / 1000:g}"), level.messages) for level in figures.delay_levels()]


BROKER: list[Own[BrokerFigures]] = [
    durations(
        "rocketpy_send_duration_seconds",
        "Sends, from what was read off the socket to the answer that may leave.",
        lambda figures: figures.duration("send"),
    ),
    durations(
        "rocketpy_pull_duration_seconds",
        "Pulls, the same way; those held for a message to come are not among them.",
        lambda figures: figures.duration("pull"),
    ),
    durations(
        "rocketpy_flush_duration_seconds",
        "Syncs of the commit log that brought something to the disk.",
        lambda figures: figures.duration("flush"),
    ),
    counter("rocketpy_messages_stored_total", "Messages put into the store.", _total("puts")),
    counter("rocketpy_stored_bytes_total", "Bytes of their records.", _total("put_bytes")),
    counter("rocketpy_messages_pulled_total", "Messages given to consumers.", _total("got")),
    table("rocketpy_pulls_total", "Pulls that found messages at once, and others.", ("result",), _pulls),
    table(
        "rocketpy_topic_messages_stored_total", "Messages put to a topic.", ("topic",), _of_topics("TOPIC_PUT_NUMS")
    ),
    table("rocketpy_topic_stored_bytes_total", "Bytes of their records.", ("topic",), _of_topics("TOPIC_PUT_SIZE")),
    table(
        "rocketpy_group_messages_pulled_total", "Messages of a topic given to a group.", ("topic", "group"), _of_groups
    ),
    table(
        "rocketpy_requests_total",
        "Requests served, but for sends and pulls on the fast lane.",
        ("code", "request"),
        lambda figures: (((code, name), count) for code, name, count in figures.requests()),
    ),
    counter(
        "rocketpy_overload_refusals_total",
        "Requests refused because they had waited too long.",
        lambda figures: figures.overload_refusals,
    ),
    gauge("rocketpy_connections", "Open connections to the broker's ports.", lambda figures: figures.connections),
    gauge(
        "rocketpy_producer_clients", "Clients that produce, once for each group.", lambda f: f.producer_clients
    ),
    gauge(
        "rocketpy_consumer_clients", "Clients that consume, once for each group.", lambda f: f.consumer_clients
    ),
    gauge("rocketpy_consumer_groups", "Groups with a consumer.", lambda figures: figures.consumer_groups),
    gauge("rocketpy_topics", "Topics of this broker.", lambda figures: figures.topic_count),
    gauge("rocketpy_held_pulls", "Pulls that wait for a message.", lambda figures: figures.held_pulls),
    gauge(
        "rocketpy_half_messages",
        "Half messages not passed by a check yet: open transactions, and all that came since the last round.",
        lambda figures: figures.half_messages,
    ),
    table(
        "rocketpy_delayed_messages",
        "Messages that wait for the end of their delay.",
        ("level", "delay_seconds"),
        _delayed,
    ),
    gauge("rocketpy_commit_log_bytes", "Bytes from its first to its last message.", lambda f: f.commit_log_bytes),
    gauge("rocketpy_flush_behind_bytes", "Bytes that are not on the disk yet.", lambda f: f.flush_behind_bytes),
    gauge("rocketpy_store_writeable", "1 while the store takes messages, else 0.", lambda f: float(f.is_writeable)),
    table(
        "rocketpy_disk_size_bytes",
        "Size of the file system of a folder.",
        ("folder",),
        lambda figures: [((disk.folder,), disk.size_bytes) for disk in figures.disks()],
    ),
    table(
        "rocketpy_disk_free_bytes",
        "What is free of it, for this user.",
        ("folder",),
        lambda figures: [((disk.folder,), disk.free_bytes) for disk in figures.disks()],
    ),
    table(
        "rocketpy_rows_left_out",
        "Topics, pairs of topic and group, and producer groups beyond metricsRowLimit: their metrics are not told.",
        ("of",),
        _left_out,
    ),
]
