"""RocketPy's own metrics: their values, and the table of docs/operating/metrics.md."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

from rocketpy.broker.clients import Client
from rocketpy.broker.figures import Figures
from rocketpy.broker.producers import Producers
from rocketpy.clock import ManualClock
from rocketpy.metrics.broker import BROKER
from rocketpy.metrics.docs import page_with_tables
from rocketpy.metrics.exporter import ExporterMetrics
from rocketpy.metrics.families import ROWS_A_SLICE
from rocketpy.metrics.name_server import NAME_SERVER
from tests.unit.metrics.conftest import GROUP, SENT, TOPIC, Metered, Peer

PAGE = Path(__file__).parents[3] / "docs" / "operating" / "metrics.md"
OF_EVERY_PROGRAM = {"rocketpy_build_info", "rocketpy_scrapes", "rocketpy_scrape_duration_seconds"}


def test_the_page_has_every_metric() -> None:
    assert page_with_tables(PAGE.read_text()) == PAGE.read_text(), "run: make docs"


def test_what_is_declared_is_told_and_nothing_else(metered: Metered) -> None:
    told = {name: family for name, family in metered.families().items() if name.startswith("rocketpy_")}
    declared = {row.name.removesuffix("_total"): row for row in BROKER}
    assert told.keys() == declared.keys() | OF_EVERY_PROGRAM
    for name, row in declared.items():
        assert (told[name].type, told[name].documentation) == (row.kind, row.text)
        assert told[name].samples, name
        assert all(sample.labels.keys() - {"le"} == set(row.labels) for sample in told[name].samples), name


def test_names_follow_the_conventions() -> None:
    for row in [*BROKER, *NAME_SERVER]:
        assert re.fullmatch(r"rocketpy_[a-z_]+", row.name)
        assert row.name.endswith("_total") == (row.kind == "counter"), row.name
        assert row.text.endswith("."), row.name


def test_what_came_in_and_went_out(metered: Metered) -> None:
    broker = metered.cluster.broker
    assert metered.value("rocketpy_topic_messages_stored_total", topic=TOPIC) == SENT  # the delayed one waits elsewhere
    assert metered.value("rocketpy_commit_log_bytes") == broker.store.commit_log_max_offset
    assert metered.value("rocketpy_group_messages_pulled_total", topic=TOPIC, group=GROUP) == SENT
    assert metered.values("rocketpy_pulls_total")[("found",)] == 4


def test_who_is_there(metered: Metered) -> None:
    families = metered.families()
    values = {name: family.samples[0].value for name, family in families.items() if len(family.samples) == 1}
    assert values["rocketpy_consumer_clients"] == 3
    assert values["rocketpy_consumer_groups"] == 2
    assert values["rocketpy_producer_clients"] == 1
    assert values["rocketpy_topics"] == len(metered.cluster.broker.topics.table)
    assert values["rocketpy_held_pulls"] == 0
    assert values["rocketpy_store_writeable"] == 1


def test_what_waits_for_its_delay(metered: Metered) -> None:
    waiting = {labels: count for labels, count in metered.values("rocketpy_delayed_messages").items() if count}
    assert waiting == {("300", "9"): 1, ("7200", "18"): 1}


def test_requests_are_counted_by_code(metered: Metered) -> None:
    assert metered.value("rocketpy_requests_total", request="CONSUMER_SEND_MSG_BACK", code="36") == 2


def test_how_long_sends_and_pulls_took(metered: Metered) -> None:
    for what, least in (("send", SENT + 1), ("pull", 4)):
        samples = metered.families()[f"rocketpy_{what}_duration_seconds"].samples
        buckets = [sample.value for sample in samples if sample.name.endswith("_bucket")]
        assert buckets == sorted(buckets)
        assert buckets[-1] >= least
        assert {sample.name: sample.value for sample in samples}[f"rocketpy_{what}_duration_seconds_sum"] > 0


def test_producer_groups_beyond_the_limit_are_left_out_and_counted(metered: Metered) -> None:
    """Peers make them: one heartbeat may name as many as fit into a frame."""
    broker = metered.cluster.broker
    config, groups = broker.config, len(broker.producers.groups)
    assert groups >= 1
    config.metrics_row_limit, before = 0, config.metrics_row_limit
    try:
        assert metered.values("rocketmq_producer_count") == {}
        assert metered.values("rocketpy_rows_left_out")[("producers",)] == groups
    finally:
        config.metrics_row_limit = before
    assert len(metered.values("rocketmq_producer_count")) == groups


def test_producer_groups_are_read_a_slice_at_a_time(metered: Metered) -> None:
    """There may be as many as the limit: all at once they would hold up the loop."""
    read = []

    class Many(Figures):
        def producers(self) -> Iterator[tuple[str, int]]:
            for number in range(1000):
                read.append(number)
                yield f"group{number}", 1

    families = ExporterMetrics(Many(metered.cluster.broker))._broker()
    first = next(family for family in families if family.name == "rocketmq_producer_count")
    assert len(read) == len(first.samples) == ROWS_A_SLICE


def test_a_producer_group_that_goes_meanwhile_is_left_out() -> None:
    producers, peer = Producers(ManualClock()), Peer("10.0.0.1:1")
    for group in ("a", "b", "c"):
        producers.register(group, Client(peer, "client"))
    rows = Figures(SimpleNamespace(producers=producers)).producers()  # type: ignore[arg-type]
    assert next(rows) == ("a", 1)
    producers.unregister("b", peer)
    assert list(rows) == [("c", 1)]


def test_rows_beyond_the_limit_are_left_out_and_counted(metered: Metered) -> None:
    config = metered.cluster.broker.config
    config.metrics_row_limit, before = 2, config.metrics_row_limit
    try:
        assert len(metered.values("rocketmq_producer_offset")) == 2
        assert len(metered.values("rocketmq_consumer_offset")) <= 2
        left_out = metered.values("rocketpy_rows_left_out")
    finally:
        config.metrics_row_limit = before
    assert left_out[("topics",)] == len(metered.cluster.broker.topics.table) - 2
    assert left_out[("groups",)] == len(metered.cluster.broker.offsets.table) - 2
