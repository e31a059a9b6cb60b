"""Whatever brokers do, the tables of a name server hold together."""

from types import SimpleNamespace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rocketpy.clock import ManualClock
from rocketpy.namesrv.route_info import Registration, RouteInfo
from rocketpy.protocol.bodies import DataVersion, TopicConfig

names = st.sampled_from(["a", "b"])
ids = st.integers(0, 2)
addresses = st.sampled_from(["h1:1", "h2:1", "h3:1"])
clusters = st.sampled_from(["C", "D"])
topics = st.lists(st.builds(TopicConfig, st.sampled_from(["T", "U", "V"]), st.integers(1, 3)), max_size=3)
connections = [SimpleNamespace(name=name, close=lambda: None) for name in "xyz"]


class Brokers(RuleBasedStateMachine):
    """Brokers that come, go, move and fall silent in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.routes = RouteInfo(self.clock)

    @rule(cluster=clusters, name=names, id=ids, addr=addresses, topics=topics, version=st.integers(0, 3),
          connection=st.sampled_from(connections))  # fmt: skip
    def register(self, cluster, name, id, addr, topics, version, connection):  # type: ignore[no-untyped-def]
        said = Registration(cluster, name, id, addr, "ha", DataVersion(0, version), topics, ["f"])
        self.routes.register(said, connection)
        assert self.routes.brokers[name].broker_addrs[id] == addr
        assert list(self.routes.brokers[name].broker_addrs.values()).count(addr) == 1

    @rule(name=names, id=ids, addr=addresses)
    def unregister(self, name, id, addr):  # type: ignore[no-untyped-def]
        self.routes.unregister(name, id, addr)

    @rule(connection=st.sampled_from(connections))
    def close(self, connection):  # type: ignore[no-untyped-def]
        self.routes.connection_closed(connection, "somewhere:1")
        assert all(live.connection is not connection for live in self.routes.live.values())

    @rule(by_ms=st.sampled_from([60_000, 120_001]))
    def time_goes_by(self, by_ms):  # type: ignore[no-untyped-def]
        self.clock.advance(by_ms)
        self.routes.expire()

    @rule(name=names)
    def wipe(self, name):  # type: ignore[no-untyped-def]
        self.routes.wipe_write_perm(name)

    @invariant()
    def a_name_stands_everywhere_or_nowhere(self) -> None:
        routes = self.routes
        assert all(broker.broker_addrs for broker in routes.brokers.values())
        assert {name for names in routes.clusters.values() for name in names} == routes.brokers.keys()
        assert {name for queues in routes.topics.values() for name in queues} <= routes.brokers.keys()
        assert all(routes.topics.values())
        assert all(routes.clusters.values())

    @invariant()
    def every_topic_has_a_route(self) -> None:
        for topic in self.routes.topics:
            route = self.routes.route(topic)
            assert route is not None
            assert {queue.broker_name for queue in route.queue_datas} == {b.broker_name for b in route.broker_datas}

    @invariant()
    def filter_servers_are_of_live_brokers(self) -> None:
        assert self.routes.filter_servers.keys() <= self.routes.live.keys()


Brokers.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestBrokers = Brokers.TestCase
