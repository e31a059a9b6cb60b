"""Updates over a restart: what a request changed is what the next start reads."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from rocketpy.clock import ManualClock
from rocketpy.config.environment import Environment
from rocketpy.config.programs import BrokerProgram, broker_program, namesrv_program
from rocketpy.config.setting import Settings
from rocketpy.settings_file import SettingsFile
from rocketpy.settings_update import SettingsUpdate, nothing

BODY = (
    b"brokerPermission=4\nflushDiskType=SYNC_FLUSH\nmessageDelayLevel=1s 2s\n"
    b"regionId=\\u4e2d\nserverWorkerThreads=9\n"
)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(variables={"JAVA_OPT": f"-Duser.home={tmp_path}"})


def take(settings: tuple[Settings, ...], file: SettingsFile, body: bytes = BODY) -> str | None:
    log = logging.getLogger("RocketmqBroker")
    update = SettingsUpdate(settings, file, ManualClock(), log, "updateBrokerConfig")
    return asyncio.run(update.take(body, "10.0.0.9:1", nothing, nothing))


def texts(program: BrokerProgram) -> dict[str, str]:
    return {name: text for config in program.settings for name, text in config.properties()}


def test_a_restart_finds_what_was_changed(tmp_path: Path, environment: Environment) -> None:
    path = tmp_path / "broker.conf"
    path.write_text("brokerName=broker-a\nmapedFileSizeCommitLog=2048\n")
    program = broker_program(environment, str(path), None)
    assert program.kept_in == str(path)
    assert take(program.settings, SettingsFile(Path(program.kept_in))) is None
    again = broker_program(environment, str(path), None)
    assert texts(again) == texts(program)
    assert again.broker.broker_permission == 4 and again.broker.region_id == "\u4e2d"
    assert (again.store.flush_disk_type.value, program.store.flush_disk_type.value) == ("SYNC_FLUSH", "ASYNC_FLUSH")


def test_without_c_it_is_kept_where_upstream_keeps_it(tmp_path: Path, environment: Environment) -> None:
    program = broker_program(environment, None, None)
    assert program.kept_in == f"{tmp_path}/store/config/broker.properties"
    take(program.settings, SettingsFile(Path(program.kept_in), is_read=False))
    assert texts(broker_program(environment, program.kept_in, None)) == texts(program)


def test_a_name_server_too(tmp_path: Path, environment: Environment) -> None:
    path = tmp_path / "namesrv.conf"
    path.write_text("listenPort=9876\n")
    program = namesrv_program(environment, str(path))
    take(program.settings, SettingsFile(Path(program.namesrv.config_store_path)), b"orderMessageEnable=true")
    assert path.read_text() == "listenPort=9876\n# set by request\norderMessageEnable=true\n"
    assert namesrv_program(environment, str(path)).namesrv.order_message_enable


def test_each_change_is_a_line_in_the_log(
    tmp_path: Path, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "RocketmqBroker")
    take(broker_program(environment, None, None).settings, SettingsFile(tmp_path / "broker.conf"))
    assert [line.partition(": ")[2] for line in caplog.messages] == [
        "brokerPermission=4 (was 6), in force now",
        "flushDiskType=SYNC_FLUSH (was ASYNC_FLUSH), in force after a restart",
        "messageDelayLevel=1s 2s (was 1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h), "
        "in force after a restart",
        "regionId=\u4e2d (was DefaultRegion), in force now",
        "serverWorkerThreads=9 (was 8), without effect: one event loop serves every connection",
    ]


def test_a_key_of_the_file_that_is_no_setting_is_told_as_such(
    tmp_path: Path, environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "broker.conf"
    path.write_text("autoCreateTopicEnabel=true\nmapedFileSizeCommitLog=1048576\nrmqAddressServerDomain=a\n")
    program = broker_program(environment, str(path), None)
    caplog.set_level(logging.INFO, "RocketmqBroker")
    body = b"autoCreateTopicEnabel=false\nmapedFileSizeCommitLog=2097152\nrmqAddressServerDomain=b\n"
    take(program.settings, SettingsFile(path), body)
    assert [line.partition("), ")[2] for line in caplog.messages] == [
        "without effect: it is no setting, and only kept with the file",
        "in force after a restart",
        "in force after a restart",
    ]
