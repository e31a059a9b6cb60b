"""Settings changed by request on a running broker: routes follow at once, and the next start finds them."""

from __future__ import annotations

import pytest
from kit import wire
from kit.cluster import Broker, Cluster

pytestmark = pytest.mark.slow

UPDATE_BROKER_CONFIG, GET_BROKER_CONFIG, GET_ROUTEINTO_BY_TOPIC = 25, 26, 105
BODY = "brokerPermission=4\nfileReservedTime=36\nflushDiskType=SYNC_FLUSH\nowner=hall 3\n"
WRITTEN = "# the broker of hall 1\nowner = hall 1\n\n"


def settings(broker: Broker) -> dict[str, str]:
    with wire.Peer(broker.address) as peer:
        lines = peer.ask(GET_BROKER_CONFIG).body.decode().splitlines()
    return dict(line.split("=", 1) for line in lines)


def permissions(cluster: Cluster) -> list[int]:
    with wire.Peer(cluster.namesrv_addr) as peer:
        route = peer.ask(GET_ROUTEINTO_BY_TOPIC, {"topic": "BenchmarkTest"}).json()
    return [queues["perm"] for queues in route["queueDatas"]]


def test_settings_changed_by_request_are_kept_over_a_restart(launcher, server_kind, tmp_path):
    cluster = Cluster(launcher(server_kind), tmp_path, ("broker-a",))
    file = cluster.a.properties
    before = WRITTEN + file.read_text()
    file.write_text(before)
    try:
        cluster.start()
        with wire.Peer(cluster.a.address) as peer:
            answer = peer.ask(UPDATE_BROKER_CONFIG, None, BODY)
        assert (answer.code, answer.remark) == (0, None)
        assert permissions(cluster) == [4]
        shown = settings(cluster.a)
        cluster.a.restart()
        cluster.wait_registered("broker-a")
        assert permissions(cluster) == [4]
        wanted = dict(line.split("=") for line in BODY.splitlines())
        assert {name: shown[name] for name in wanted} == {name: settings(cluster.a)[name] for name in wanted} == wanted
    finally:
        cluster.kill()
    if server_kind == "rocketpy":   # upstream writes the file anew
        changed = before.replace("owner = hall 1", "owner = hall 3").replace("=ASYNC_FLUSH", "=SYNC_FLUSH")
        assert file.read_text() == changed + "# set by request\nbrokerPermission=4\nfileReservedTime=36\n"
