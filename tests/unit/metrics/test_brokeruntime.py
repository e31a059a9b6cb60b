"""What a broker answers to code 28, read as rocketmq-exporter reads it."""

import json
from pathlib import Path

import pytest

from rocketpy.metrics.brokeruntime import LABELS, METRICS, brokeruntime, bucket, number, size, word

LIVE = Path(__file__).parents[2] / "golden" / "data" / "json" / "BrokerRuntimeInfo_live.json"


@pytest.fixture
def upstreams() -> dict[str, str]:
    """A broker 4.5.2's answer."""
    table: dict[str, str] = json.loads(LIVE.read_text())["table"]
    return table


def test_what_a_java_broker_answers_is_read(upstreams: dict[str, str]) -> None:
    read = {name: read(upstreams) for name, read in METRICS.items()}
    assert len(read) == 63
    assert (read["msg_put_total_today_now"], read["commitlog_maxoffset"], read["pmdt_0to10ms"]) == (18, 3500, 1)
    assert read["commitlogdir_capacity_total"] > read["commitlogdir_capacity_free"] > 2**30
    assert (read["put_latency_99"], read["put_latency_999"]) == (-1, -1)


def test_every_family_has_the_labels(upstreams: dict[str, str]) -> None:
    families = list(brokeruntime("C", "10.0.0.1:10911", upstreams))
    (sample,) = families[0].samples
    assert tuple(sample.labels) == LABELS
    assert [sample.labels[name] for name in ("brokerIP", "brokerHost", "des")] == ["10.0.0.1:10911", "", "V4_5_2"]


def test_a_size_has_its_unit() -> None:
    info = {"d": "Total : 95.5 GiB, Free : 512 B."}
    assert (size("d", 0)(info), size("d", 1)(info)) == (95.5 * 2**30, 512)


def test_the_unit_of_what_is_to_be_flushed_is_dropped_as_the_exporter_does() -> None:
    assert number("r")({"r": "1.5 KiB"}) == 1.5


@pytest.mark.parametrize(("text", "rates"), [("", (0, 0, 0)), ("2.5  ", (2.5, 0, 0)), ("1.0 2.0 3.0", (1, 2, 3))])
def test_windows_that_are_not_full_yet_are_nothing(text: str, rates: tuple[float, ...]) -> None:
    assert tuple(word("putTps", index)({"putTps": text}) for index in range(3)) == rates


def test_a_bucket_is_found_by_its_name() -> None:
    info = {"putMessageDistributeTime": "[<=0ms]:3 [0~10ms]:1 [10s~]:7 "}
    assert [bucket(name)(info) for name in ("<=0ms", "0~10ms", "10s~", "1~2s")] == [3, 1, 7, 0]


@pytest.mark.parametrize("text", ["", "null", "many"])
def test_what_is_no_number_hides_nothing_else(text: str) -> None:
    assert number("k")({"k": text}) == 0
    assert size("k", 1)({"k": text}) == 0
    assert bucket("<=0ms")({"putMessageDistributeTime": text}) == 0
