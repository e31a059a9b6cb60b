"""docs/mqadmin.md says which keys --json gives: every command has its row, and what comes is what stands there."""

import re
from pathlib import Path

import pytest

from rocketpy.admin import registry
from rocketpy.admin.session import Session

PAGE = (Path(__file__).parents[3] / "docs" / "mqadmin.md").read_text().partition("\n## JSON\n")[2]
ROWS = dict(re.findall(r"^\| (\w+) \| (.*) \|$", PAGE, re.MULTILINE))
CALLS = [
    "topicRoute -t TBW102",
    "topicStatus -t TBW102",
    "topicClusterList -t TBW102",
    "topicList",
    "topicList -c",
    "updateTopic -b BROKER -t Made",
    "updateTopic -c DefaultCluster -t Made -o true",
    "updateTopicPerm -b BROKER -t Made -p 6",
    "updateTopicPerm -b BROKER -t Made -p 4",
    "updateOrderConf -t Made -m get",
    "updateOrderConf -t Made -m put -v a:1",
    "updateOrderConf -t Made -m delete",
    "allocateMQ -t Made -i a,b",
    "deleteTopic -t Made -c DefaultCluster",
    "clusterList",
    "clusterList -m",
    "brokerStatus -b BROKER",
    "brokerConsumeStats -b BROKER",
    "getBrokerConfig -b BROKER",
    "cleanExpiredCQ",
    "cleanUnusedTopic",
    "sendMsgStatus -b quickstart -c 1",
    "clusterRT -s 1 -a 1",
    "clusterRT -s 1 -a 1 -p true",
    "updateKvConfig -s n -k k -v v",
    "deleteKvConfig -s n -k k",
    "wipeWritePerm -b nosuch",
    "getNamesrvConfig",
    "updateNamesrvConfig -k orderMessageEnable -v false",
    "startMonitoring",
]


def shapes(command):
    """The sets of keys that a command's objects may have."""
    return [set(re.findall(r"`(\w+)`", shape)) for shape in ROWS[command].split(" / ")]


def test_every_command_has_its_row():
    assert list(ROWS) == ["command"] + [entry.name for entry in (*registry.UPSTREAM, *registry.OWN)]


@pytest.mark.parametrize("call", CALLS)
def test_the_keys_are_those_of_the_page(mqadmin, cluster, monkeypatch, call):
    rounds = iter([None, None])

    async def wait(_, seconds):
        if next(rounds, StopIteration) is StopIteration or seconds != 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(Session, "wait", wait)
    words = call.replace("BROKER", cluster.broker_addr).split()
    found = mqadmin(*words, "--json")
    assert found.code in (0, 130), found.err
    for row in found.rows:
        assert set(row) in shapes(words[0]), row
