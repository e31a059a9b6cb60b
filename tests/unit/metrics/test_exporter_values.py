"""Values under the exporter's names: what the admin calls answer, put together as the exporter does."""

import asyncio
import contextlib
import io
import json
from typing import Any

import pytest

from rocketpy._core.command import request
from rocketpy.admin import cli
from rocketpy.broker.figures import Figures
from rocketpy.client import Admin
from rocketpy.metrics.brokeruntime import METRICS, PREFIX
from rocketpy.protocol.admin_bodies import ConsumeStats, TopicStatsTable
from rocketpy.protocol.codes import RequestCode
from tests.unit.metrics.conftest import ASIDE, CONSUMED, GROUP, LOUD, SENT, TOPIC, Metered

BROKER = "quickstart"
MOVING = {"remain_howmanydata_toflush", "commitlogdir_capacity_free", "commitlog_disk_ratio", "consumequeue_disk_ratio"}


def ask(metered: Metered, code: int, **ext: str) -> bytes:
    async def asked() -> bytes:
        async with Admin(metered.cluster.namesrv_addr) as admin:
            return (await admin.ask(metered.cluster.broker_addr, request(code, ext))).body or b"{}"

    return asyncio.run(asked())


def consume_stats(metered: Metered, group: str) -> ConsumeStats:
    return ConsumeStats.decode(ask(metered, RequestCode.GET_CONSUME_STATS, consumerGroup=group, topic=TOPIC))


def test_ends_of_topics(metered: Metered) -> None:
    table = TopicStatsTable.decode(ask(metered, RequestCode.GET_TOPIC_STATS_INFO, topic=TOPIC)).offset_table
    ends = sum(offset.max_offset for offset in table.values())
    assert metered.value("rocketmq_producer_offset", topic=TOPIC) == ends == SENT
    assert metered.values("rocketmq_topic_dlq_offset") == {(BROKER, "DefaultCluster", GROUP): 1}


def test_how_far_groups_are(metered: Metered) -> None:
    for group in (GROUP, ASIDE):
        table = consume_stats(metered, group).offset_table
        consumed = sum(offset.consumer_offset for offset in table.values())
        behind = sum(offset.broker_offset - offset.consumer_offset for offset in table.values())
        assert metered.value("rocketmq_consumer_offset", topic=TOPIC, group=group) == consumed
        assert metered.value("rocketmq_group_diff", topic=TOPIC, group=group) == behind
    assert metered.value("rocketmq_consumer_offset", topic=TOPIC, group=GROUP) == CONSUMED


def test_a_group_that_broadcasts_has_an_offset_and_no_lag(metered: Metered) -> None:
    assert metered.value("rocketmq_consumer_offset", topic=TOPIC, group=LOUD) == 1
    assert metered.values("rocketmq_group_diff", group=LOUD) == {}
    assert metered.values("rocketmq_group_get_latency_by_storetime", group=LOUD) == {}


def test_who_is_online(metered: Metered) -> None:
    online = metered.values("rocketmq_group_diff", topic=TOPIC)
    assert {labels[:2] for labels in online} == {("2", GROUP), ("0", ASIDE)}
    assert metered.values("rocketmq_group_count", group=GROUP) == {("10.0.0.0:1,10.0.0.1:1", "client0,client1"): 2}
    assert metered.values("rocketmq_group_count", group=ASIDE) == {("", ""): 0}
    assert metered.value("rocketmq_producer_count", group="shop") == 1


def test_how_long_messages_wait(metered: Metered) -> None:
    waiting_ms = metered.value("rocketmq_group_get_latency_by_storetime", topic=TOPIC, group=ASIDE)
    span = metered.cluster.broker.clock.now_ms() - metered.cluster.broker.started_ms
    assert 0 < waiting_ms <= span


def test_a_group_that_has_caught_up_waits_for_nothing(metered: Metered) -> None:
    broker = metered.cluster.broker
    for queue_id in range(4):
        broker.offsets.commit("quick", TOPIC, queue_id, broker.store.max_offset(TOPIC, queue_id))
    assert metered.value("rocketmq_group_get_latency_by_storetime", topic=TOPIC, group="quick") == 0
    assert metered.value("rocketmq_group_diff", topic=TOPIC, group="quick") == 0


def test_an_offset_that_is_none_any_more_has_the_first_message_waiting(metered: Metered) -> None:
    broker = metered.cluster.broker
    for queue_id in range(4):
        broker.offsets.commit("beyond", TOPIC, queue_id, 1000)
    figures = Figures(broker)
    waits_ms = [metered.cluster.run(figures.waiting_ms(TOPIC, group)) for group in (ASIDE, "beyond", ASIDE)]
    assert waits_ms == sorted(waits_ms)     # the first message's, each of them a little later


def test_the_brokers_own_figures(metered: Metered) -> None:
    async def info() -> dict[str, str]:
        async with Admin(metered.cluster.namesrv_addr) as admin:
            return await admin.runtime_info(metered.cluster.broker_addr)

    families, table = metered.families(), asyncio.run(info())
    for name, read in METRICS.items():
        (sample,) = families[PREFIX + name].samples
        assert name in MOVING or sample.value == read(table), name
        assert (sample.labels["brokerIP"], sample.labels["des"]) == (metered.cluster.broker_addr, "V4_5_2")
    assert families[PREFIX + "msg_put_total_today_now"].samples[0].value > SENT


def mqadmin(metered: Metered, *words: str) -> list[dict[str, Any]]:
    """What the tool says to programs."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert cli.guarded([*words, "-n", metered.cluster.namesrv_addr, "--json"]) == 0
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_mqadmin_says_the_same(metered: Metered) -> None:
    ends = sum(row["maxOffset"] for row in mqadmin(metered, "topicStatus", "-t", TOPIC))
    assert metered.value("rocketmq_producer_offset", topic=TOPIC) == ends
    rows = [row for row in mqadmin(metered, "consumerProgress", "-g", GROUP) if row.get("topic") == TOPIC]
    assert metered.value("rocketmq_group_diff", topic=TOPIC, group=GROUP) == sum(row["diff"] for row in rows) > 0
    consumed = sum(row["consumerOffset"] for row in rows)
    assert metered.value("rocketmq_consumer_offset", topic=TOPIC, group=GROUP) == consumed
    (status,) = mqadmin(metered, "brokerStatus", "-b", metered.cluster.broker_addr)
    families = metered.families()
    for name in ("msg_put_total_today_now", "commitlog_maxoffset", "put_message_size_total"):
        (sample,) = families[PREFIX + name].samples
        assert sample.value == METRICS[name](status["runtimeInfo"]) > 0
    (stats,) = (row for row in mqadmin(metered, "statsAll", "-t", TOPIC) if row["consumerGroup"] == GROUP)
    assert metered.value("rocketmq_producer_tps", topic=TOPIC) == pytest.approx(stats["inTps"])
