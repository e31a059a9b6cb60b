"""What the name server's metrics are made of."""

from rocketpy.clock import ManualClock
from rocketpy.namesrv.route_info import Registration, RouteInfo
from rocketpy.protocol.bodies import DataVersion, TopicConfig


class Connection:
    def close(self) -> None: ...


def register(routes: RouteInfo, counter: int, *topics: str, broker_id: int = 0) -> Connection:
    connection = Connection()
    configs = [TopicConfig(topic, read_queue_nums=4, write_queue_nums=4) for topic in topics]
    version = DataVersion(timestamp=1, counter=counter)
    address = f"10.0.0.{broker_id}:10911"
    routes.register(Registration("C", "a", broker_id, address, "", version, configs), connection)
    return connection


def test_what_counts_as_a_change_of_routes() -> None:
    routes = RouteInfo(ManualClock())
    connection = register(routes, 1, "T", "U")
    assert routes.changes == 3, "a broker and two topics"
    register(routes, 1, "T", "U")
    assert routes.changes == 3, "it only said again what was known"
    register(routes, 1, broker_id=1)
    assert routes.changes == 4, "a slave"
    routes.wipe_write_perm("a")
    assert routes.changes == 6, "two topics"
    routes.delete_topic("T")
    routes.delete_topic("T")
    assert routes.changes == 7
    routes.unregister("a", 1, "10.0.0.1:10911")
    routes.unregister("a", 1, "10.0.0.1:10911")
    assert routes.changes == 8
    register(routes, 1, "U")
    routes.connection_closed(connection, "10.0.0.0:1")
    assert routes.changes == 8, "the broker speaks over another connection now"
    routes.unregister("a", 0, "10.0.0.0:10911")
    assert routes.changes == 9
