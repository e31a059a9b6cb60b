"""Routes follow what brokers say, and their going."""

from collections.abc import Sequence

import pytest

from rocketpy.clock import ManualClock
from rocketpy.namesrv.route_info import Registration, RouteInfo
from rocketpy.protocol.bodies import DataVersion, TopicConfig
from tests.symptoms import said

A, A_SLAVE, B = "10.32.16.195:10911", "10.32.16.195:20911", "10.32.16.196:10911"


class Connection:
    """A connection that remembers being closed."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def topic(name: str, queue_nums: int = 4, perm: int = 6, sys_flag: int = 0) -> TopicConfig:
    return TopicConfig(
        topic_name=name, read_queue_nums=queue_nums, write_queue_nums=queue_nums, perm=perm, topic_sys_flag=sys_flag
    )


def register(
    routes: RouteInfo,
    name: str = "broker-a",
    addr: str = A,
    broker_id: int = 0,
    topics: Sequence[TopicConfig] = (topic("T"),),
    version: int = 1,
    cluster: str = "C",
    filter_servers: list[str] | None = None,
    connection: Connection | None = None,
) -> tuple[Connection, tuple[str, str] | None]:
    connection = connection or Connection()
    said = Registration(
        cluster=cluster,
        broker_name=name,
        broker_id=broker_id,
        broker_addr=addr,
        ha_server_addr="ha-of-" + addr,
        data_version=DataVersion(timestamp=7, counter=version),
        topics=topics,
        filter_servers=filter_servers,
    )
    return connection, routes.register(said, connection)


def twins(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in caplog.messages if "while the one at" in line]


def test_two_brokers_under_one_name_are_told_of(routes: RouteInfo, caplog: pytest.LogCaptureFixture) -> None:
    register(routes, addr=A)
    register(routes, addr=A_SLAVE, broker_id=1)
    assert twins(caplog) == []
    register(routes, addr=B)
    said("clusterList shows one broker, then another, under one name", *twins(caplog))


def test_a_broker_at_another_address_is_no_second_one(routes: RouteInfo, caplog: pytest.LogCaptureFixture) -> None:
    connection, _ = register(routes, addr=A)
    register(routes, addr=B, connection=connection)  # brokerIP1 was set while it ran
    routes.unregister("broker-a", 0, B)
    register(routes, addr=A)
    assert twins(caplog) == []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def routes(clock: ManualClock) -> RouteInfo:
    return RouteInfo(clock)


def broker_names(routes: RouteInfo, name: str = "T") -> list[str]:
    found = routes.route(name)
    return [] if found is None else [queue.broker_name for queue in found.queue_datas]


def test_a_registered_topic_has_a_route(routes: RouteInfo) -> None:
    register(routes)
    found = routes.route("T")
    assert found is not None
    assert [(q.broker_name, q.read_queue_nums, q.write_queue_nums, q.perm) for q in found.queue_datas] == [
        ("broker-a", 4, 4, 6)
    ]
    assert [(b.cluster, b.broker_name, b.broker_addrs) for b in found.broker_datas] == [("C", "broker-a", {0: A})]
    assert found.filter_server_table == {}
    assert found.order_topic_conf is None
    assert routes.route("unknown") is None


def test_two_masters_share_a_topic_in_the_order_of_their_last_change(routes: RouteInfo) -> None:
    register(routes)
    register(routes, "broker-b", B)
    assert broker_names(routes) == ["broker-a", "broker-b"]
    register(routes, topics=[topic("T", 8)], version=2)
    assert broker_names(routes) == ["broker-b", "broker-a"]
    register(routes, "broker-b", B, version=2)
    assert broker_names(routes) == ["broker-b", "broker-a"], "an identical entry stays where it is"


def test_the_same_version_changes_no_topic(routes: RouteInfo) -> None:
    register(routes)
    register(routes, topics=[topic("T", 8), topic("U")])
    assert routes.topics["T"]["broker-a"].read_queue_nums == 4
    assert "U" not in routes.topics
    register(routes, topics=[topic("U")], version=2)
    assert sorted(routes.topics) == ["T", "U"], "a topic missing from the body stays"


def test_a_broker_that_lost_its_id_registers_its_topics_again(routes: RouteInfo) -> None:
    register(routes)
    register(routes, addr=A_SLAVE, broker_id=1)
    routes.unregister("broker-a", 0, A)
    routes.delete_topic("T")
    register(routes)
    assert broker_names(routes) == ["broker-a"]


def test_a_slave_changes_no_topic_and_is_told_its_master(routes: RouteInfo) -> None:
    assert register(routes, addr=A_SLAVE, broker_id=1)[1] is None
    assert routes.topics == {}
    assert register(routes)[1] is None
    assert register(routes, addr=A_SLAVE, broker_id=1)[1] == ("ha-of-" + A, A)
    found = routes.route("T")
    assert found is not None
    assert found.broker_datas[0].broker_addrs == {1: A_SLAVE, 0: A}


def test_a_promoted_slave_stands_under_its_new_id_only(routes: RouteInfo) -> None:
    register(routes, addr=A_SLAVE, broker_id=1)
    register(routes, addr=A_SLAVE, broker_id=0)
    assert routes.brokers["broker-a"].broker_addrs == {0: A_SLAVE}


def test_the_route_given_out_does_not_change_later(routes: RouteInfo) -> None:
    register(routes)
    found = routes.route("T")
    register(routes, addr=A_SLAVE, broker_id=1)
    assert found is not None
    assert found.broker_datas[0].broker_addrs == {0: A}


def test_filter_servers_are_kept_replaced_and_removed(routes: RouteInfo) -> None:
    register(routes, filter_servers=["f1"])
    register(routes, filter_servers=None)
    found = routes.route("T")
    assert found is not None
    assert found.filter_server_table == {A: ["f1"]}
    register(routes, filter_servers=[])
    assert routes.filter_servers == {}


def test_data_version_query(routes: RouteInfo, clock: ManualClock) -> None:
    assert routes.is_changed(A, DataVersion(timestamp=7, counter=1))
    register(routes)
    assert not routes.is_changed(A, DataVersion(timestamp=7, counter=1))
    assert routes.is_changed(A, DataVersion(timestamp=7, counter=2))
    assert routes.is_changed(A, DataVersion(timestamp=8, counter=1))
    clock.advance(120_000)
    routes.refresh(A)
    routes.refresh("unknown")
    clock.advance(120_000)
    routes.expire()
    assert broker_names(routes) == ["broker-a"], "asking keeps the broker alive"


def test_unregister_removes_names_and_queues_with_the_last_address(routes: RouteInfo) -> None:
    register(routes)
    register(routes, addr=A_SLAVE, broker_id=1)
    register(routes, "broker-b", B)
    routes.unregister("broker-a", 0, A)
    assert broker_names(routes) == ["broker-a", "broker-b"], "a slave is left: topics stay"
    routes.unregister("broker-a", 1, A_SLAVE)
    assert broker_names(routes) == ["broker-b"]
    assert routes.cluster_info().cluster_addr_table == {"C": ["broker-b"]}
    routes.unregister("broker-b", 0, B)
    routes.unregister("broker-b", 0, B)
    assert (routes.topics, routes.brokers, routes.clusters, routes.live) == ({}, {}, {}, {})


def test_a_broker_that_changed_its_cluster_leaves_both(routes: RouteInfo) -> None:
    register(routes)
    connection, _ = register(routes, cluster="D")
    assert routes.cluster_info().cluster_addr_table == {"C": ["broker-a"], "D": ["broker-a"]}
    routes.connection_closed(connection, "")
    assert routes.clusters == {}


def test_a_closed_connection_takes_its_broker_along(routes: RouteInfo) -> None:
    connection, _ = register(routes)
    register(routes, "broker-b", B)
    routes.connection_closed(connection, "10.0.0.1:33333")
    assert broker_names(routes) == ["broker-b"]
    assert list(routes.live) == [B]
    assert routes.clusters == {"C": {"broker-b": None}}


def test_an_older_connection_of_a_broker_that_came_back_takes_nothing(routes: RouteInfo) -> None:
    old, _ = register(routes)
    register(routes)
    routes.connection_closed(old, "10.0.0.1:33333")
    assert broker_names(routes) == ["broker-a"]


def test_a_lost_master_leaves_its_slave_and_the_topics(routes: RouteInfo) -> None:
    connection, _ = register(routes)
    register(routes, addr=A_SLAVE, broker_id=1)
    routes.connection_closed(connection, "")
    found = routes.route("T")
    assert found is not None
    assert found.broker_datas[0].broker_addrs == {1: A_SLAVE}


def test_every_broker_of_a_connection_goes_with_it(routes: RouteInfo) -> None:
    connection, _ = register(routes)
    register(routes, "broker-b", B, connection=connection)
    routes.connection_closed(connection, "")
    assert routes.topics == {}


def test_a_silent_broker_expires_after_120_s(routes: RouteInfo, clock: ManualClock) -> None:
    connection, _ = register(routes)
    clock.advance(60_000)
    register(routes, "broker-b", B)
    clock.advance(60_000)
    routes.expire()
    assert broker_names(routes) == ["broker-a", "broker-b"]
    clock.advance(1)
    routes.expire()
    assert broker_names(routes) == ["broker-b"]
    assert connection.closed
    routes.connection_closed(connection, "10.0.0.1:33333")
    assert broker_names(routes) == ["broker-b"]


def test_wiped_write_permission_lasts_until_the_version_changes(routes: RouteInfo) -> None:
    register(routes, topics=[topic("T"), topic("U", perm=7)])
    register(routes, "broker-b", B)
    assert routes.wipe_write_perm("broker-a") == 2
    assert routes.wipe_write_perm("unknown") == 0
    register(routes)
    assert {name: q.perm for name, q in routes.topics["T"].items()} == {"broker-a": 4, "broker-b": 6}
    assert routes.topics["U"]["broker-a"].perm == 5
    register(routes, topics=[topic("T"), topic("U", perm=7)], version=2)
    assert routes.topics["T"]["broker-a"].perm == 6


def test_a_deleted_topic_comes_back_with_the_next_version(routes: RouteInfo) -> None:
    register(routes)
    routes.delete_topic("T")
    routes.delete_topic("T")
    register(routes)
    assert routes.route("T") is None
    register(routes, version=2)
    assert broker_names(routes) == ["broker-a"]


def test_lists(routes: RouteInfo) -> None:
    flags = {"T": 0, "unit": 1, "sub": 2, "both": 3}
    register(routes, topics=[topic(name, sys_flag=flag) for name, flag in flags.items()])
    register(routes, "broker-b", B, topics=[topic("U")], cluster="D")
    assert routes.topics_of_cluster("C") == ["T", "unit", "sub", "both"]
    assert routes.topics_of_cluster("D") == ["U"]
    assert routes.topics_of_cluster("unknown") == []
    assert list(routes.topics_by_sys_flag(1)) == ["unit", "both"]
    assert list(routes.topics_by_sys_flag(2)) == ["sub", "both"]
    assert list(routes.topics_by_sys_flag(2, none_of=1)) == ["sub"]
    assert routes.system_topics() == (["C", "broker-a", "D", "broker-b"], A)


def test_system_topics_of_nobody(routes: RouteInfo) -> None:
    assert routes.system_topics() == ([], None)
