"""Producers come with heartbeats and go with their connection, their word or their silence."""

import pytest

from rocketpy._core.command import Command
from rocketpy.broker.clients import Client
from rocketpy.broker.producers import Producers
from rocketpy.clock import ManualClock


class Connection:
    """A client's connection; closing it is only noted."""

    def __init__(self, address: str = "10.0.0.1:1") -> None:
        self.address = address
        self.closed = False
        self.is_open = self.is_writable = True

    def send(self, command: Command) -> None:
        raise AssertionError("producers are not spoken to")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def ids(producers: Producers, group: str = "PG") -> list[str] | None:
    clients = producers.clients(group)
    return None if clients is None else [client.client_id for client in clients]


def test_the_first_heartbeat_of_a_connection_counts(clock: ManualClock) -> None:
    producers = Producers(clock)
    connection = Connection()
    producers.register("PG", Client(connection, "a"))
    producers.register("PG", Client(connection, "b"))
    producers.register("PG", Client(Connection(), "c"))
    assert ids(producers) == ["a", "c"]
    assert ids(producers, "unknown") is None


def test_a_group_goes_with_its_last_client(clock: ManualClock) -> None:
    producers = Producers(clock)
    one, two = Connection(), Connection()
    producers.register("PG", Client(one, "a"))
    producers.register("PG", Client(two, "b"))
    producers.unregister("PG", one)
    producers.unregister("PG", one)
    assert ids(producers) == ["b"]
    producers.connection_closed(two)
    assert ids(producers) is None
    producers.unregister("unknown", two)
    assert producers.groups == {}


class Looked(Connection):
    """Counts how often it is looked up in a table."""

    times = 0

    def __hash__(self) -> int:
        self.times += 1
        return id(self)


def test_a_connection_that_closes_is_not_looked_for_in_the_groups_of_others(clock: ManualClock) -> None:
    producers = Producers(clock)
    for number in range(1000):
        producers.register(f"PG{number}", Client(Connection(), "a"))
    stranger = Looked()
    producers.register("own", Client(stranger, "b"))
    stranger.times = 0
    producers.connection_closed(stranger)
    assert stranger.times < 10
    assert ids(producers, "own") is None and len(producers.groups) == 1000


def test_silence_of_120_s_closes_the_connection(clock: ManualClock) -> None:
    producers = Producers(clock)
    silent, alive = Connection(), Connection()
    for connection in (silent, alive):
        producers.register("PG", Client(connection, "a"))
    clock.advance(120_000)
    producers.expire()
    assert ids(producers) == ["a", "a"]
    producers.register("PG", Client(alive, "a"))
    clock.advance(1)
    producers.expire()
    assert ids(producers) == ["a"]
    assert (silent.closed, alive.closed) == (True, False)


def test_connections_of_a_group_take_turns(clock: ManualClock) -> None:
    producers = Producers(clock)
    connections = [Connection(f"10.0.0.1:{port}") for port in range(3)]
    for connection in connections[:2]:
        producers.register("PG", Client(connection, "a"))
    assert {producers.available("PG") for _ in range(2)} == set(connections[:2])
    producers.register("PG", Client(connections[2], "a"))
    assert {producers.available("PG") for _ in range(3)} == set(connections)
    producers.connection_closed(connections[0])
    assert {producers.available("PG") for _ in range(2)} == set(connections[1:])
    assert producers.available("unknown") is None


def test_of_three_that_cannot_be_written_to_none_is_available(clock: ManualClock) -> None:
    producers = Producers(clock)
    connections = [Connection(f"10.0.0.1:{port}") for port in range(4)]
    for connection in connections:
        producers.register("PG", Client(connection, "a"))
        connection.is_writable = False
    connections[0].is_writable = True
    found = [producers.available("PG") for _ in range(4)]
    assert found.count(connections[0]) == 3 and found.count(None) == 1
