"""The name server's metrics; rocketmq-exporter has none of it."""

from rocketpy.figures import NameServerFigures
from rocketpy.metrics.own import Own, counter, gauge, table

NAME_SERVER: list[Own[NameServerFigures]] = [
    gauge("rocketpy_namesrv_connections", "Open connections.", lambda figures: figures.connections),
    gauge("rocketpy_namesrv_brokers", "Brokers that are alive, slaves too.", lambda figures: figures.broker_addresses),
    gauge("rocketpy_namesrv_broker_sets", "Broker names: a master and its slaves are one.", lambda f: f.broker_names),
    gauge("rocketpy_namesrv_clusters", "Clusters.", lambda figures: figures.clusters),
    gauge("rocketpy_namesrv_topics", "Topics with a route.", lambda figures: figures.topic_count),
    counter(
        "rocketpy_namesrv_route_changes_total",
        "How often a broker or a topic's queues came, changed or went.",
        lambda figures: figures.route_changes,
    ),
    table(
        "rocketpy_namesrv_requests_total",
        "Requests served.",
        ("code", "request"),
        lambda figures: (((code, name), count) for code, name, count in figures.requests()),
    ),
]
