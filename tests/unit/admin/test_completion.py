"""What the shell is told while one types."""

import pytest
from click.shell_completion import ShellComplete

from rocketpy.admin import completion
from rocketpy.admin.cli import TOOL


def completed(*words, incomplete=""):
    shell = ShellComplete(TOOL, {}, "mqadmin", "_MQADMIN_COMPLETE")
    return [item.value for item in shell.get_completions(list(words), incomplete)]


def test_commands():
    assert completed(incomplete="topicR") == ["topicRoute"]
    assert "clusterList" in completed()


def test_options():
    assert {"-t", "--topic"} <= set(completed("topicRoute", incomplete="-"))


def test_names_come_from_the_cluster(cluster):
    cluster.create_topic("Orders")
    where = ("-n", cluster.namesrv_addr)
    assert completed("topicRoute", *where, "-t", incomplete="Ord") == ["Orders"]
    assert completed("brokerStatus", *where, "-c") == ["DefaultCluster"]
    assert completed("wipeWritePerm", *where, "-b") == ["quickstart"]
    assert completed("brokerStatus", *where, "-b", incomplete="127") == [cluster.broker_addr]


@pytest.mark.parametrize("where", [("-n", "127.0.0.1:1"), ("-n", "nonsense"), ()])
def test_a_cluster_that_does_not_answer_completes_nothing(no_servers, where, capsys):
    assert completed("topicRoute", *where, "-t", incomplete="O") == []
    assert capsys.readouterr().err == ""


def test_a_slow_cluster_is_not_waited_for(monkeypatch):
    import asyncio

    async def never(what, namesrv_addr):
        await asyncio.Event().wait()

    monkeypatch.setattr(completion, "asked", never)
    monkeypatch.setattr(completion, "ANSWER_MS", 1)
    assert completion.names_of("topic", "x:1") == set()


def test_groups_are_those_with_a_retry_topic(cluster):
    cluster.create_topic("%RETRY%billing")
    assert completed("consumerProgress", "-n", cluster.namesrv_addr, "-g", incomplete="b") == ["billing"]
