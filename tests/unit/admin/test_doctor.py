"""mqadmin doctor as it is called: two lines a finding, one about all, and an exit code that says how bad it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocketpy.testing import RunningCluster
from tests.ports import free_broker_port, free_port
from tests.unit.admin.conftest import Mqadmin


def test_a_cluster_that_is_well(mqadmin: Mqadmin) -> None:
    run = mqadmin("doctor")
    assert (run.code, run.err) == (0, "")
    assert run.lines[-1].startswith("nothing is wrong with 1 name server, 1 broker, ")


def test_a_topic_that_is_not_there(mqadmin: Mqadmin, cluster: RunningCluster) -> None:
    run = mqadmin("DOCTOR", "-t", "NoSuch,Nor This", "--json")
    assert run.code == 2
    topics = [row for row in run.rows if row["check"] == "no-route"]
    assert [(row["severity"], row["subject"]) for row in topics] == [
        ("ERROR", "topic Nor This"),
        ("WARNING", "topic NoSuch"),
    ]
    assert {*topics[0]} == {"severity", "check", "subject", "what", "remedy"}


def test_a_name_server_that_is_dead(no_servers: Mqadmin) -> None:
    run = no_servers("doctor", "-n", f"127.0.0.1:{free_port()}", "-o", "500")
    assert run.code == 2
    assert run.lines[0].startswith("ERROR   name server 127.0.0.1:")
    assert run.lines[1].startswith("        -> start it")
    assert run.lines[-1] == "1 error in 1 name server, 0 brokers, 0 topics, 0 groups"


def test_no_name_server(no_servers: Mqadmin) -> None:
    run = no_servers("doctor")
    assert run.code == 1
    assert "NAMESRV_ADDR" in run.err


@pytest.mark.parametrize("option", ["-c", "-s"])
def test_a_file_of_any_name(
    option: str, no_servers: Mqadmin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux asks nothing of the bytes of a name."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "b\udcff.conf"
    path.write_text(f"brokerNam=x\nlistenPort={free_broker_port()}\n")
    run = no_servers("doctor", option, str(path), "--json")
    assert run.err == ""
    assert f"{path}:1" in {row["subject"] for row in run.rows}


@pytest.mark.parametrize("words", [("-c", "a", "-s", "b"), ("-l", "many"), ("-w", "-1")])
def test_mistakes_of_the_command_line(words: tuple[str, ...], mqadmin: Mqadmin) -> None:
    run = mqadmin("doctor", *words)
    assert run.code == 2
    assert run.err.count("\n") == 1


def test_a_start(no_servers: Mqadmin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "b.conf"
    path.write_text(f"listenPort={free_broker_port()}\nbrokerIP1=10.1.2.3\nbrokerId=7\nmappedFileSizeCommitLog=1048576\n")
    run = no_servers("doctor", "-c", str(path))
    assert run.code == 2
    assert "brokerId=7" in run.out
    assert run.lines[-1].endswith(f" in the start of a broker with {path}")
    path.write_text(f"listenPort={free_port()}\nkvConfigPath={tmp_path}/kv.json\n")
    run = no_servers("doctor", "-s", str(path), "--json")
    assert [row for row in run.rows if row["check"] not in ("disk-full", "open-files", "file-system")] == []
