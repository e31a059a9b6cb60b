"""rocketmq-exporter's list of metrics, beside what the endpoint says: every name, every label."""

from pathlib import Path

from tests.unit.metrics.conftest import Metered

TABLE = Path(__file__).parents[2] / "golden" / "data" / "exporter" / "metrics.txt"
"""`name label label ...` of every metric that rocketmq-exporter declares (RMQMetricsCollector of 0.0.3)."""

CLIENTS_ONLY = "only the consumers know: the exporter has every one of them asked, by the broker, for each scrape"
NOT_OURS = {
    "rocketmq_client_consume_fail_msg_count": CLIENTS_ONLY,
    "rocketmq_client_consume_fail_msg_tps": CLIENTS_ONLY,
    "rocketmq_client_consume_ok_msg_tps": CLIENTS_ONLY,
    "rocketmq_client_consume_rt": CLIENTS_ONLY,
    "rocketmq_client_consumer_pull_rt": CLIENTS_ONLY,
    "rocketmq_client_consumer_pull_tps": CLIENTS_ONLY,
}
EMPTY = {
    "rocketmq_group_dlqdiff": "the exporter skips dead-letter topics before it computes it",
    "rocketmq_group_consume_tps": "the exporter never sets it",
    "rocketmq_group_consume_total_offset": "the exporter never sets it",
    "rocketmq_broker_commitlog_diff": "there are no slaves in this release",
}


def exporters() -> dict[str, list[str]]:
    rows = [line.split(" ") for line in TABLE.read_text().splitlines()]
    return {name: labels for name, *labels in rows}


def test_the_table_is_the_exporters() -> None:
    assert len(exporters()) == 89
    assert sum(name.startswith("rocketmq_brokeruntime_") for name in exporters()) == 63


def test_no_name_is_missing_and_none_is_invented(metered: Metered) -> None:
    ours = {name for name in metered.families() if name.startswith("rocketmq_")}
    assert ours == exporters().keys() - NOT_OURS.keys()


def test_every_metric_has_the_exporters_labels(metered: Metered) -> None:
    families = metered.families()
    for name, labels in exporters().items():
        if name in NOT_OURS:
            continue
        samples = families[name].samples
        assert bool(samples) == (name not in EMPTY), name
        assert all(sample.labels.keys() == set(labels) for sample in samples), name
        assert families[name].type == "gauge"


def test_both_formats_say_the_same(metered: Metered) -> None:
    text, openmetrics = metered.families(), metered.openmetrics()
    assert text.keys() == openmetrics.keys()
    for name, family in text.items():
        other = openmetrics[name]
        assert family.type == other.type
        assert {repr(each.labels) for each in family.samples} == {repr(each.labels) for each in other.samples}
