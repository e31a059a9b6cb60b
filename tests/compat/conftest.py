"""Fixtures of the compat tests: `--server=rocketpy|upstream|both` says who serves; the clients are official ones."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kit import servers
from kit.clients import Client, CppClient, GoClient, JavaClient, Session
from kit.cluster import Cluster
from kit.topics import wait_known

KINDS = {"rocketpy": ["rocketpy"], "upstream": ["upstream"], "both": ["rocketpy", "upstream"]}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than about ten seconds")


def server_kind_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("server_kind", "")) if callspec else ""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server_kind" in metafunc.fixturenames:
        metafunc.parametrize("server_kind", KINDS[metafunc.config.getoption("--server")], scope="session")


@pytest.hookimpl(trylast=True)  # behind the runner's own grouping by parameters
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of one kind of server stand together: its cluster starts once. That start is part of the first test's
    time, so the limit is wider than the unit tests' one.
    """
    items.sort(key=server_kind_of)
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session")
def compared(pytestconfig: pytest.Config) -> tuple[str, str]:
    """The two sides of a comparison; with --server=upstream the oracle is held against itself, to prove the masks."""
    return "upstream", "upstream" if pytestconfig.getoption("--server") == "upstream" else "rocketpy"


@pytest.fixture(scope="session")
def launchers() -> dict[str, servers.Servers]:
    """Made once a run: finding the image or the jars takes a while."""
    return {}


@pytest.fixture(scope="session")
def launcher(launchers: dict[str, servers.Servers]):
    """The servers of one kind by name."""
    def of(kind: str) -> servers.Servers:
        if kind not in launchers:
            launchers[kind] = servers.by_name(kind)
        return launchers[kind]

    return of


@pytest.fixture(scope="session")
def cluster(server_kind: str, launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two masters shared by every test of the run: use fresh topics and groups, and leave both masters running."""
    cluster = Cluster(launcher(server_kind), tmp_path_factory.mktemp(f"cluster-{server_kind}"))
    try:
        yield cluster.start()
    finally:
        cluster.stop()


@pytest.fixture
def new_cluster(server_kind: str, launcher, tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Starts two masters for one test alone, with the settings given; killed at its end, whatever their state."""
    clusters: list[Cluster] = []

    def start(**settings: object) -> Cluster:
        clusters.append(Cluster(launcher(server_kind), tmp_path / f"cluster-{len(clusters)}", **settings))
        return clusters[-1].start()

    yield start
    for cluster in clusters:
        cluster.kill()


@pytest.fixture(scope="session", params=["java", "go"])
def client(request: pytest.FixtureRequest) -> Client:
    """Each official client in turn."""
    return JavaClient() if request.param == "java" else GoClient()


@pytest.fixture(scope="session")
def java() -> JavaClient:
    return JavaClient()


@pytest.fixture(scope="session", params=["4.9.8", "5.3.3"])
def newer_java(request: pytest.FixtureRequest) -> JavaClient:
    """The last Java client of 4.x, and one of 5.x over the same remoting."""
    return JavaClient(version=request.param)


@pytest.fixture(scope="session")
def cpp() -> CppClient:
    return CppClient()


@pytest.fixture
def open_session(tmp_path: Path) -> Iterator:
    """Starts client programs, none outlives the test: open_session(client, cluster, "consume", topic=…)."""
    sessions: list[Session] = []

    def start(client: Client, cluster: Cluster, command: str, **options: object) -> Session:
        home = tmp_path / f"{client.name}-{len(sessions)}"
        sessions.append(Session(client, home, cluster.namesrv_addr, command, **options))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()


@pytest.fixture
def run(open_session):
    """Runs a client command to its end and gives its events; name servers know of the topics that it made then.

    A Go client that starts before that looks again 30 s later.
    """
    def to_the_end(client: Client, cluster: Cluster, command: str, **options: object) -> Session:
        session = open_session(client, cluster, command, **options)
        session.finish()
        if command == "create-topic":
            wait_known(cluster, str(options["topic"]), set(cluster.brokers))
        elif command == "produce":
            wait_known(cluster, str(options["topic"]), {event.get("broker") for event in session.of("sent")} - {None})
        return session

    return to_the_end
