"""A name server and two masters of one kind in a folder of their own, on free ports of the loopback interface."""

from __future__ import annotations

import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kit import wire
from kit.process import is_open, wait_until
from kit.servers import Running, Servers
from tests.ports import free_broker_port, free_port

GET_BROKER_CLUSTER_INFO = 106
START_TIMEOUT_S = 40.0
CLUSTER = "CompatCluster"

# Files small enough for a test's folder; delays short enough for its patience. Everything else is upstream's default.
BROKER_DEFAULTS = {
    "brokerClusterName": CLUSTER,
    "brokerId": 0,
    "brokerRole": "ASYNC_MASTER",
    "flushDiskType": "ASYNC_FLUSH",
    "brokerIP1": "127.0.0.1",
    "brokerIP2": "127.0.0.1",
    "defaultTopicQueueNums": 4,
    "mappedFileSizeCommitLog": 64 * 1024 * 1024,
    "maxHashSlotNum": 10_000,
    "maxIndexNum": 40_000,
    "messageDelayLevel": "1s 1s 1s 1s 1s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s 2s",
    "flushConsumerOffsetInterval": 1000,
    # A loaded test machine must not look like an overloaded broker (upstream's default is 200 ms).
    "waitTimeMillsInSendQueue": 15_000,
    "osPageCacheBusyTimeOutMills": 15_000,
    "diskMaxUsedSpaceRatio": 95,
}


class NameServer:
    """One name server that can be stopped and started again on its port."""

    def __init__(self, servers: Servers, home: Path) -> None:
        self._servers = servers
        self._running: Running | None = None
        self.home = home
        self.port = free_port()
        home.mkdir(parents=True, exist_ok=True)
        self.properties = home / "namesrv.properties"
        self.properties.write_text(f"listenPort={self.port}\nkvConfigPath={home}/kvConfig.json\n")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._running = self._servers.namesrv(self.home, self.properties)
        self._running.wait_ready(lambda: is_open(self.port), f"name server listens on {self.port}", START_TIMEOUT_S)

    def stop(self) -> None:
        running, self._running = self._running, None
        if running:
            running.stop()

    def kill(self) -> None:
        running, self._running = self._running, None
        if running:
            running.kill()


class Broker:
    """One master that can be stopped, killed and started again on its port and store."""

    def __init__(self, servers: Servers, home: Path, name: str, settings: dict[str, object]) -> None:
        self._servers = servers
        self._running: Running | None = None
        self.name = name
        self.home = home
        self.port = int(str(settings.get("listenPort") or free_broker_port()))
        self.store = Path(str(settings.get("storePathRootDir") or home / "store"))
        home.mkdir(parents=True, exist_ok=True)
        self.properties = home / "broker.properties"
        rows = {
            "brokerName": name, "listenPort": self.port, "haListenPort": self.port + 1,
            "storePathRootDir": self.store, "storePathCommitLog": self.store / "commitlog",
            **BROKER_DEFAULTS, **settings,
        }
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in rows.items()))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._running is not None and self._running.is_running

    def start(self) -> None:
        self._running = self._servers.broker(self.home, self.properties)
        self._running.wait_ready(lambda: is_open(self.port), f"{self.name} listens on {self.port}", START_TIMEOUT_S)

    def stop(self) -> int:
        running, self._running = self._running, None
        return running.stop() if running else 0

    def kill(self) -> None:
        running, self._running = self._running, None
        if running:
            running.kill()

    def restart(self) -> None:
        self.stop()
        self.start()


class Cluster:
    """Masters behind one name server: two unless other names are given."""

    def __init__(
        self, servers: Servers, root: Path, names: tuple[str, ...] = ("broker-a", "broker-b"), **settings: object
    ) -> None:
        self.kind = servers.name
        self.root = root
        self.tls: ssl.SSLContext | None = None  # for a test's own connections, where servers take no others
        self.namesrv = NameServer(servers, root / "namesrv")
        settings = {"namesrvAddr": self.namesrv.address, **settings}
        self.brokers = {name: Broker(servers, root / name, name, settings) for name in names}

    @property
    def namesrv_addr(self) -> str:
        return self.namesrv.address

    @property
    def a(self) -> Broker:
        return self.brokers["broker-a"]

    @property
    def b(self) -> Broker:
        return self.brokers["broker-b"]

    def start(self) -> Cluster:
        self.namesrv.start()
        for broker in self.brokers.values():
            broker.start()
        self.wait_registered(*self.brokers)
        return self

    def stop(self) -> None:
        """Stops every server, the last one too when an earlier one would not stop."""
        problems = []
        with ThreadPoolExecutor() as pool:  # upstream's broker takes some seconds to stop
            for done in [pool.submit(broker.stop) for broker in self.brokers.values()]:
                if problem := done.exception():
                    problems.append(str(problem))
        self.namesrv.stop()
        assert not problems, "\n".join(problems)

    def kill(self) -> None:
        for server in (*self.brokers.values(), self.namesrv):
            server.kill()

    def wait_registered(self, *names: str, timeout_s: float = 60.0) -> None:
        """Until the name server knows exactly these brokers."""
        wait_until(lambda: self.registered() == set(names), f"brokers {names} registered", timeout_s, every_s=0.1)

    def registered(self) -> set[str]:
        with wire.Peer(self.namesrv_addr, tls=self.tls) as peer:
            answer = peer.ask(GET_BROKER_CLUSTER_INFO)
            while answer.code != 0:     # upstream reads its tables without their lock here, and may meet a change
                answer = peer.ask(GET_BROKER_CLUSTER_INFO)
        return set(answer.json()["brokerAddrTable"])


def unique(prefix: str) -> str:
    """A topic or group name that no other test of the run uses."""
    return f"{prefix}_{time.time_ns() // 1000}"
