"""Settings changed by request: what may be, when it is in force, what is kept, and what is refused."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import pytest

from rocketpy import settings_file
from rocketpy._core.command import Command
from rocketpy.broker.request_table import bind
from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.properties import load_properties
from rocketpy.config.setting import Setting
from rocketpy.settings_file import SettingsFile
from rocketpy.settings_update import SettingsUpdate

from .conftest import v2

GET, UPDATE = 26, 25
LOG = logging.getLogger("RocketmqBroker")
FILE = "# the broker of hall 3\nbrokerName = broker-a\nfileReservedTime : 48   # two days\nowner=me\n"
ROWS = [row for table in (BrokerConfig, NettyServerConfig, NettyClientConfig, MessageStoreConfig)
        for row in table.rows.values()]  # fmt: skip
NEITHER = {"msgTraceTopicName", "productEnvName", "autoCreateSubscriptionGroup", "regionId"}  # path, port nor identity
OTHERS = {"brokerIP1": "10.9.8.7", "namesrvAddr": "127.0.0.1:9", "deleteWhen": "05;17", "messageDelayLevel": "1s 2s"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "broker.conf"
    path.write_text(FILE)
    return path


@pytest.fixture
def broker(make_broker, clock, path):
    broker = make_broker()
    broker.config.extra["owner"] = "me"
    settings = (broker.config, broker.server_config, broker.client_config, broker.store_config)
    broker.settings_update = SettingsUpdate(settings, SettingsFile(path), clock, LOG, "updateBrokerConfig")
    return broker


@pytest.fixture
def update(ask):
    """update(name=value, …): code and remark."""

    def update(**values: object) -> tuple[int, str | None]:
        body = "".join(f"{name}={value}\n" for name, value in values.items())
        answer = ask(UPDATE, body=body.encode())
        return answer.code, answer.remark

    return update


def shown(ask) -> dict[str, str]:
    pairs = (line.partition("=") for line in ask(GET).body.decode().splitlines())
    return {name: text for name, _, text in pairs}


def other(row: Setting, text: str) -> str:
    """Another value that the setting may have."""
    if row.choices is not None:
        return next(str(choice.value) for choice in row.choices if choice.value != text)
    if row.java_type == "boolean":
        return "false" if text == "true" else "true"
    if row.java_type == "String":
        return OTHERS.get(row.name, "another")
    highest = row.high or 2**31 - 1
    return str(int(text) + 20 if int(text) + 20 <= highest else int(text) - 1)


def attribute(broker: Any, row: Setting) -> Any:
    parts = (broker.config, broker.server_config, broker.client_config, broker.store_config)
    return next(vars(part)[row.attribute] for part in parts if row.name in part.rows)


def test_what_is_fixed_is_refused_and_stays(broker, ask, update, path) -> None:
    for row in [row for row in ROWS if row.fixed]:
        before = attribute(broker, row)
        remark = f"{row.name} can not be updated from afar, {row.fixed}: change it in the -c file and restart"
        assert update(traceOn="false", **{row.name: other(row, shown(ask).get(row.name, ""))}) == (16, remark)
        assert (attribute(broker, row), path.read_text()) == (before, FILE)
    assert broker.config.trace_on


def test_every_other_setting_is_shown_and_kept_and_in_force_when_its_row_says_so(broker, ask, update, path) -> None:
    rows = [row for row in ROWS if not row.fixed]
    before = {row.name: attribute(broker, row) for row in rows}
    texts = {row.name: other(row, shown(ask).get(row.name, "")) for row in rows}
    assert update(**texts) == (0, None)
    assert texts.items() <= shown(ask).items()
    assert texts.items() <= in_file(path).items()
    assert {row.name for row in rows if attribute(broker, row) != before[row.name]} == {
        row.name for row in rows if row.hot
    }


def in_file(path: Path) -> dict[str, str]:
    return {key: entry.value for key, entry in load_properties(str(path)).in_force().items()}


def test_paths_ports_and_switches_of_security_are_fixed() -> None:
    for row in [*ROWS, *NamesrvConfig.rows.values()]:
        if re.search(r"(Path\w*|Dir|Home|Port|BindAddress|Role|Id|Name|Group|TLS|[aA]cl\w*)$", row.name):
            assert row.fixed or row.name in NEITHER, row.name


def test_what_acts_at_once_is_acted_on() -> None:
    assert [row.name for row in ROWS if row.hot and (row.fixed or not row.acts)] == []


def test_only_the_changed_values_change_in_the_file(ask, update, path) -> None:
    assert update(fileReservedTime=72, brokerPermission=4, owner="you", brokerName="broker-a") == (0, None)
    assert path.read_text() == (
        "# the broker of hall 3\nbrokerName = broker-a\nfileReservedTime : 72   # two days\nowner=you\n"
        "# set by request\nbrokerPermission=4\n"
    )
    assert update(brokerPermission=6) == (0, None)
    assert path.read_text().endswith("owner=you\n# set by request\nbrokerPermission=6\n")


def test_all_that_is_shown_may_be_sent_back(ask, path) -> None:
    answer = ask(UPDATE, body=ask(GET).body)
    assert (answer.code, answer.remark) == (0, None)
    assert path.read_text() == FILE.replace("48", "72")  # which is what is in force


@pytest.mark.parametrize(
    ("name", "value", "remark"),
    [
        ("brokerPermission", "9", "brokerPermission: 9 is out of range 0..7"),
        ("fileReservedTime", "a day", "fileReservedTime: a day is not a number"),
        ("traceOn", "yes", "traceOn: yes is neither true nor false"),
        ("deleteWhen", "25", "deleteWhen: 25 is no list of hours such as 04;16"),
        ("flushDiskType", "SOMETIMES", "flushDiskType: SOMETIMES is none of ASYNC_FLUSH, SYNC_FLUSH"),
        ("brokerIP1", "no.such.host.invalid", "brokerIP1: no.such.host.invalid is no IPv4 address and no host name .*"),
        ("namesrvAddr", "somewhere", "namesrvAddr: somewhere is no list such as .*"),
        ("regionId", "a\\u0000b", "regionId: the value has characters that cannot be printed"),
        ("regionId", "", "regionId: is empty"),
        ("brokerPermision", "4", "brokerPermision: there is no such setting; the nearest one is brokerPermission"),
        ("xyzzy", "4", "xyzzy: there is no such setting"),
    ],
)  # fmt: skip
def test_a_bad_value_is_named_and_nothing_of_the_request_is_done(ask, update, path, name, value, remark) -> None:
    before = ask(GET)
    code, told = update(maxMsgsNumBatch=7, autoCreateTopicEnable="false", **{name: value})
    assert code == 1 and re.fullmatch(remark, told or "")
    assert path.read_text() == FILE
    assert (ask(GET).body, ask(GET).ext) == (before.body, before.ext)


def test_a_body_that_is_no_text_and_none_at_all(ask) -> None:
    assert ask(UPDATE, body=b"a=\xff").code == 1
    assert ask(UPDATE).code == 0


def test_a_body_that_is_too_long_is_refused_unread(ask, path) -> None:
    answer = ask(UPDATE, body=b"traceOn=false" + b"\n" * (1 << 14))
    assert (answer.code, answer.remark) == (
        1, "the body has 16397 bytes, more than 16384: send what changes only"
    )  # fmt: skip
    assert path.read_text() == FILE


def test_remarks_of_one_request_are_few(ask, caplog) -> None:
    assert ask(UPDATE, body=b"traceOn=true\n" * 1000).code == 0
    assert len(caplog.messages) < 20 and any("983 remarks more" in line for line in caplog.messages)


def test_the_version_goes_up(ask, update, clock) -> None:
    started = json.loads(ask(GET).ext["version"])
    clock.advance(1000)
    update(traceOn="false")
    assert json.loads(ask(GET).ext["version"]) == {"counter": 1, "timestamp": started["timestamp"] + 1000}


def test_a_disk_that_refuses_is_told_and_nothing_changes(broker, ask, update, path, monkeypatch) -> None:
    def refuse(path, old, new):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(settings_file, "_replace", refuse)
    code, remark = update(brokerPermission=4)
    assert code == 1
    assert remark == f"nothing is changed, the settings cannot be kept: {path}: No space left on device"
    assert broker.config.broker_permission == 6 and path.read_text() == FILE


def test_without_a_file_it_is_said_that_nothing_is_kept(make_broker, ask_of, connection) -> None:
    answer = ask_of(make_broker(), connection)(UPDATE, body=b"brokerPermission=4")
    assert (answer.code, answer.remark) == (0, "in force until the server stops: no file keeps its settings")


def test_a_file_that_no_start_reads_is_named(broker, ask, clock, tmp_path) -> None:
    path = tmp_path / "home" / "broker.properties"
    file = SettingsFile(path, is_read=False)
    broker.settings_update = SettingsUpdate((broker.config,), file, clock, LOG, "updateBrokerConfig")
    answer = ask(UPDATE, body=b"brokerPermission=4")
    assert (answer.code, answer.remark) == (0, f"kept in {path}, which the next start reads with -c {path}")
    assert path.read_text() == "# set by request\nbrokerPermission=4\n"


def test_requests_at_a_time_are_taken_in_their_order(broker, connection, ask, path) -> None:
    async def scenario() -> None:
        table = bind(broker)
        asked = [table[UPDATE](connection, Command(UPDATE, None, b"fileReservedTime=%d" % hours)) for hours in range(9)]
        await asyncio.gather(*asked)  # type: ignore[arg-type]

    asyncio.run(scenario())
    assert "fileReservedTime : 8 " in path.read_text()
    assert broker.store_config.file_reserved_time == 8
    assert json.loads(ask(GET).ext["version"])["counter"] == 9


# -- what acts at once


def test_permission_acts_on_the_next_pull(update, send, pull) -> None:
    send("Made")
    update(brokerPermission=2)
    assert pull("Made").code == 16
    update(brokerPermission=6)
    assert pull("Made").code == 0


def test_permission_acts_on_the_next_send_to_an_order_topic(broker, update, send) -> None:
    """Upstream refuses no other sends: clients see the permission in their routes."""
    send("Made")
    broker.topics.apply_order_config({"Made"})
    update(brokerPermission=4)
    assert send("Made").code == 16


def test_topics_are_made_by_sends_again_once_it_is_allowed(broker, send, update) -> None:
    update(autoCreateTopicEnable="false")
    assert send("Fresh").code == 17
    update(autoCreateTopicEnable="true")
    assert send("Fresh").code == 0


def test_a_broker_that_started_without_makes_topics_too(make_broker, ask_of, connection) -> None:
    ask = ask_of(make_broker(auto_create_topic_enable=False), connection)
    assert ask(310, v2("Fresh"), b"x").code == 17
    ask(UPDATE, body=b"autoCreateTopicEnable=true")
    assert ask(310, v2("Fresh"), b"x").code == 0


def test_limits_of_a_pull_reach_the_store(send, pull, update) -> None:
    for _ in range(5):
        send("Made")
    update(maxTransferCountOnMessageInMemory=2)
    assert pull("Made").ext["nextBeginOffset"] == "2"


def test_replies_to_sends_name_the_region_of_now(send, update) -> None:
    update(regionId="hall-3", traceOn="false")
    answer = send("Made")
    assert (answer.ext["MSG_REGION"], answer.ext["TRACE_ON"]) == ("hall-3", "false")


def test_the_delay_levels_in_force_stay_those_of_the_start(broker, update) -> None:
    update(messageDelayLevel="1s 2s")
    update(maxTransferCountOnMessageInMemory=2)
    assert broker.store._max_delay_level == 18


