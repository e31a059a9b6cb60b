"""The operator's deployment: two hosts, the operator's own files byte for byte, the operator's own commands.

The hosts are network namespaces with the addresses of those files; each has its private /usr/local/rocketmq-4.5.2.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kit import builds, tools, wire
from kit.clients import JavaClient, Session
from kit.cluster import GET_BROKER_CLUSTER_INFO, unique
from kit.netns import Host, Network
from kit.process import wait_until
from kit.servers import REPO, rocketpy_python

from tests.needs import need_root

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FOLDER = Path("/usr/local/rocketmq-4.5.2")
FILES = builds.HERE.parent / "fixtures" / "guide"
DIGESTS = {
    "broker-a.properties": "45ad8c61bfd9662da997cfdfd23fea78b189239eb0a1a9fe892639f38c1cdb88",
    "broker-b.properties": "492d07f36893b25c7097c13093d82bda05d73809d9ed72d31d5992b8b0c691fe",
}
ADDRESSES = ("10.32.16.195", "10.32.16.196")
CLIENT_ADDRESS = "10.32.16.197"
UPDATE_AND_CREATE_TOPIC, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP = 17, 200
BUSY = "_CLEAN_QUEUE]broker busy"
NAMESRV = ";".join(f"{address}:9876" for address in ADDRESSES)

START_NAMESRV = "nohup sh mqnamesrv >/usr/local/rocketmq-4.5.2/logs/namesrv.log 2>&1 &"
START_BROKER = "nohup sh mqbroker -c /usr/local/rocketmq-4.5.2/conf/2m-noslave/{file} >/dev/null 2>&1 &"


@dataclass
class Master:
    """One of the two machines."""

    host: Host
    file: str
    release: Path

    def start_namesrv(self) -> None:
        self.host.shell(f"cd {FOLDER}/bin && {START_NAMESRV}")

    def start_broker(self) -> None:
        self.host.shell(f"cd {FOLDER}/bin && {START_BROKER.format(file=self.file)}")

    @property
    def broker_pid(self) -> int | None:
        return self.host.pid_of("BrokerStartup")

    @property
    def namesrv_pid(self) -> int | None:
        return self.host.pid_of("NamesrvStartup")


@dataclass
class Guide:
    """The whole deployment as a test sees it."""

    masters: tuple[Master, Master]
    client: Host
    home: Path

    def brokers(self, namesrv: str) -> dict[str, str]:
        """What a name server says about the masters: address by broker name."""
        try:
            body = wire.ask_from(self.client.prefix, f"{namesrv}:9876", GET_BROKER_CLUSTER_INFO)
        except ConnectionError:
            return {}
        return {name: data["brokerAddrs"]["0"] for name, data in wire.loads(body)["brokerAddrTable"].items()}

    def session(self, command: str, **options: object) -> Session:
        java = JavaClient(self.client.prefix)
        return Session(java, self.home / f"{command}-{unique('')}", NAMESRV, command, **options)

    def make_by_hand(self, topic: str, group: str) -> None:
        """Upstream reads `true ` in these files as false, so it makes neither topics nor groups by itself."""
        row = {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": 4, "writeQueueNums": 4, "perm": 6,
               "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": False}
        for address in ADDRESSES:
            broker = f"{address}:10911"
            wire.ask_from(self.client.prefix, broker, UPDATE_AND_CREATE_TOPIC, row)
            row_of_group = json.dumps({"groupName": group})
            wire.ask_from(self.client.prefix, broker, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, body=row_of_group)

    def wait_both_known(self) -> None:
        addresses = {f"{address}:10911" for address in ADDRESSES}
        for namesrv in ADDRESSES:
            known = lambda at=namesrv: set(self.brokers(at).values()) == addresses  # noqa: E731
            wait_until(known, f"both masters at {namesrv}", 45, 0.3)


@pytest.fixture
def network() -> Iterator[Network]:
    """Namespaces need root; without it the deployment is skipped with that reason."""
    need_root("the guide deployment makes network and mount namespaces")
    tools.need("ip", "unshare", "nsenter")
    network = Network()
    try:
        yield network
    finally:
        network.close()


@pytest.fixture
def mount_point() -> Iterator[Path]:
    """The operator's path must exist on this machine to be mounted over; a folder made for that goes away again."""
    made = not FOLDER.exists()
    if made:
        FOLDER.mkdir()
    yield FOLDER
    if made:
        FOLDER.rmdir()


@pytest.fixture
def guide(server_kind: str, network: Network, mount_point: Path, tmp_path: Path) -> Iterator[Guide]:
    """Both hosts set up as the guide says (release unpacked, empty store and logs folders), nothing started yet."""
    tools.need("java", "javac", "mvn")
    masters = []
    for name, address in zip("ab", ADDRESSES, strict=True):
        host = network.host(address)
        release = tmp_path / f"host-{name}" / FOLDER.name
        unpack(server_kind, release)
        host.mount(release, mount_point)
        home = tmp_path / f"host-{name}" / "home"
        home.mkdir()
        host.env = {"HOME": str(home), "NAMESRV_ADDR": "", "ROCKETMQ_HOME": "", **environment(server_kind, home)}
        masters.append(Master(host, f"broker-{name}.properties", release))
    yield Guide((masters[0], masters[1]), network.host(CLIENT_ADDRESS), tmp_path / "client")


def unpack(kind: str, release: Path) -> None:
    """A release folder with the operator's two files put over the ones it came with."""
    for folder in ("bin", "conf"):
        if kind == "rocketpy":
            shutil.copytree(REPO / folder, release / folder, symlinks=True)
    if kind == "upstream":
        shutil.copytree(builds.UPSTREAM / "bin", release / "bin")
        (release / "conf").mkdir()
        for program in ("namesrv", "broker"):
            shutil.copy(builds.UPSTREAM / "logback.xml", release / "conf" / f"logback_{program}.xml")
    for folder in ("store", "logs", "conf/2m-noslave"):
        (release / folder).mkdir(exist_ok=True)
    for file in DIGESTS:
        shutil.copyfile(FILES / file, release / "conf/2m-noslave" / file)


def environment(kind: str, home: Path) -> dict[str, str]:
    """How the scripts find what runs them."""
    if kind == "rocketpy":
        return rocketpy_python()
    return {"COMPAT_CLASS_PATH": builds.class_path(builds.UPSTREAM), "COMPAT_JAVA": " ".join(builds.JVM)}


def test_the_operator_s_files_are_byte_for_byte_as_they_were_written():
    assert {file: hashlib.sha256((FILES / file).read_bytes()).hexdigest() for file in DIGESTS} == DIGESTS


def test_the_two_master_cluster_serves_and_loses_nothing_when_a_master_is_killed(server_kind: str, guide: Guide):
    a, b = guide.masters
    for master in (a, b):
        master.start_namesrv()
    for master in (a, b):
        wait_until(lambda m=master: m.namesrv_pid is not None, "name server in the process list", 20)
        master.start_broker()
    for master in (a, b):
        wait_until(lambda m=master: m.broker_pid is not None, "broker in the process list", 20)
    guide.wait_both_known()
    if server_kind == "rocketpy":  # upstream takes the comment behind the name for a part of it
        assert guide.brokers(ADDRESSES[0]) == {"broker-a": "10.32.16.195:10911", "broker-b": "10.32.16.196:10911"}
    log = a.release / "logs/namesrv.log"
    wait_until(lambda: "The Name Server boot success" in log.read_text(), "the name server's word in its log", 10)
    topic, group = unique("Guide"), unique("CG")
    if server_kind == "upstream":
        guide.make_by_hand(topic, group)
    consumer = guide.session("consume", topic=topic, group=group)
    try:
        twenty_thousand_messages(guide, consumer, topic, server_kind)
        a_killed_master(guide, consumer, topic)
        consumer.stop()
    finally:
        consumer.close()
    leave_in_good_order(guide)


def twenty_thousand_messages(guide: Guide, consumer: Session, topic: str, server_kind: str) -> None:
    """All are sent and consumed; upstream refuses what a busy machine let wait for 200 ms, and may do so here."""
    sent = guide.session("produce", topic=topic, mode="async", count=20_000, size=200)
    sent.finish(120)
    events, refused = sent.of("sent"), [event["error"] for event in sent.of("failed")]
    assert not refused or (server_kind == "upstream" and all(BUSY in error for error in refused)), refused[:3]
    assert Counter(event["status"] for event in events) == {"SEND_OK": 20_000 - len(refused)}
    share = Counter(event["broker"] for event in events)
    assert len(share) == 2
    assert min(share.values()) > 5_000
    acknowledged = set(sent.indexes("sent"))
    consumer.wait(lambda: set(consumer.indexes("consumed")) >= acknowledged, "20,000 consumed", 90)
    assert len(acknowledged) > 15_000


def a_killed_master(guide: Guide, consumer: Session, topic: str) -> None:
    a = guide.masters[0]
    producer = guide.session("produce", topic=topic, first=20_000, count=3_000, pauseMs=2)
    try:
        producer.wait_for("sent", 500)
        pid = a.broker_pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        at = len(producer.of("sent"))
        producer.wait(lambda: len(producer.of("sent")) >= at + 300, "sends go on over the other master", 60)
        assert (a.release / "store/abort").exists()
        a.start_broker()
        guide.wait_both_known()
        producer.finish(120)
    finally:
        producer.close()
    acknowledged = {event["index"] for event in producer.of("sent")}
    assert len(acknowledged) > 2_900
    consumer.wait(lambda: acknowledged <= set(consumer.indexes("consumed")), "all acknowledged messages consumed", 60)


def leave_in_good_order(guide: Guide) -> None:
    """SIGTERM, as the operator's mqshutdown sends it: the brokers leave the name servers and mark a clean stop."""
    for master in guide.masters:
        pid = master.broker_pid
        assert pid
        os.kill(pid, signal.SIGTERM)
    for master in guide.masters:
        wait_until(lambda m=master: m.broker_pid is None, "broker stopped", 60)
        assert not (master.release / "store/abort").exists()
    wait_until(lambda: guide.brokers(ADDRESSES[1]) == {}, "no broker is registered", 20)
