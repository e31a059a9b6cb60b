"""Counters and figures: which names and keys there are after some traffic, and how figures are written."""

from __future__ import annotations

import re

from oracle.broker_scenarios import (
    CONSUMER_SEND_MSG_BACK,
    PULL_MESSAGE,
    SEND_MESSAGE,
    properties,
    pull_ext,
    put,
    send_ext,
)
from oracle.tool_scenarios import GET_BROKER_RUNTIME_INFO
from oracle.transcript import Side

VIEW_BROKER_STATS_DATA = 315
TOPIC, GROUP = "oracle_counters", "CG_oracle_counters"
SAMPLED = ("sum", "tps", "avgpt")  # what a window holds depends on the moment of its samples
COUNTERS = [
    ("TOPIC_PUT_NUMS", TOPIC),
    ("TOPIC_PUT_SIZE", TOPIC),
    ("TOPIC_PUT_NUMS", "oracle_counters_delayed"),
    ("TOPIC_PUT_NUMS", "SCHEDULE_TOPIC_XXXX"),
    ("TOPIC_PUT_NUMS", f"%RETRY%{GROUP}"),
    ("GROUP_GET_NUMS", f"{TOPIC}@{GROUP}"),
    ("GROUP_GET_SIZE", f"{TOPIC}@{GROUP}"),
    ("GROUP_GET_LATENCY", f"0@{TOPIC}@{GROUP}"),
    ("GROUP_GET_LATENCY", f"1@{TOPIC}@{GROUP}"),
    ("GROUP_GET_LATENCY", f"{TOPIC}@{GROUP}"),
    ("SNDBCK_PUT_NUMS", f"{TOPIC}@{GROUP}"),
    ("BROKER_PUT_NUMS", "CompatCluster"),
    ("BROKER_GET_NUMS", "CompatCluster"),
    ("BROKER_PUT_NUMS", ""),
    ("GROUP_GET_FALL_SIZE", f"0@{TOPIC}@{GROUP}"),
    ("GROUP_GET_FALL_TIME", f"0@{TOPIC}@{GROUP}"),
    ("GROUP_GET_FROM_DISK_NUMS", f"{TOPIC}@{GROUP}"),
]


def counters(side: Side) -> None:
    sent = side.peer("broker").ask(SEND_MESSAGE, send_ext(TOPIC), "again")
    side.settle(TOPIC, 0, 1)
    found = side.peer("broker").ask(PULL_MESSAGE, pull_ext(TOPIC, consumerGroup=GROUP))
    assert found.code == 0, found
    delayed = send_ext("oracle_counters_delayed", properties=properties(DELAY="3"))
    assert side.peer("broker").ask(SEND_MESSAGE, delayed, "later").code == 0
    back = {"group": GROUP, "offset": int(sent.ext["msgId"][16:], 16), "delayLevel": 0, "maxReconsumeTimes": 16}
    assert side.peer("broker").ask(CONSUMER_SEND_MSG_BACK, back).code == 0
    for name, key in COUNTERS:
        ext = {"statsName": name, "statsKey": key}
        side.ask(f"{name} {key}", VIEW_BROKER_STATS_DATA, ext, hide=SAMPLED)
    # What comes by itself comes now: what is stored after it would lie elsewhere.
    side.settle("oracle_counters_delayed", 0, 1)
    side.settle(f"%RETRY%{GROUP}", 0, 1)


def figures(side: Side) -> None:
    """Numbers are masked; how many of the three windows of a rate are full depends on how long the broker runs."""
    put(side, "oracle_figures", 0, 1)
    table = side.peer("broker").ask(GET_BROKER_RUNTIME_INFO).json()["table"]
    shapes = {key: _shape(value) for key, value in table.items() if "scheduleMessage" not in key}
    for key in shapes:
        if key.endswith("Tps") and key != "getTotalTps":
            shapes[key] = re.sub(r"0( 0)* *", "rates", shapes[key])
    side.note("formats of the figures", formats=shapes)


def _shape(value: str) -> str:
    return re.sub(r"[KMGT]iB|\bB\b", "unit", re.sub(r"-?\d+(\.\d+)?(E-?\d+)?", "0", value))


SCENARIOS = [counters, figures]
