"""What users run into, made to happen: RocketPy says what docs/operating/symptoms.md says it does."""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rocketpy import cli
from rocketpy._core.command import Command, request
from rocketpy.access import Access
from rocketpy.acl.errors import AccessDenied
from rocketpy.advertised_address import choose_address, judge_address
from rocketpy.broker.overload import Overload
from rocketpy.client.calls import Calls
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig, Environment, MessageStoreConfig
from rocketpy.errors import RequestRefused, StartRefused
from rocketpy.launch import tell_java_options
from rocketpy.logs import BROKER_FILES, start_logging
from rocketpy.protocol.codes import RequestCode
from rocketpy.remoting.listen import bind
from rocketpy.store.lock import StoreLock
from rocketpy.store.paths import StorePaths, check_folder
from rocketpy.store.results import PutMessageStatus, PutResult
from rocketpy.testing import RunningCluster, cluster
from tests.ports import free_broker_port
from tests.symptoms import said
from tests.unit.broker.test_agreement import Agreement, member
from tests.unit.broker.test_agreement import said as entry
from tests.unit.broker.test_overload import Connection, Watch

REPO = Path(__file__).parents[2]
HOST = "127.0.0.1"


def refusal(start: Callable[[], object]) -> str:
    with pytest.raises(StartRefused) as refused:
        start()
    return str(refused.value)


# -- the server does not start


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The line of a broker that refuses to start before it opens anything."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ROCKETMQ_HOME", str(REPO))
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)

    def run(*words: str, properties: str = "") -> str:
        (tmp_path / "b.conf").write_text(properties)
        with pytest.raises(SystemExit):
            cli.main.main(["broker", "-c", str(tmp_path / "b.conf"), *words], standalone_mode=False)
        told = capsys.readouterr()
        return (told.err or told.out).strip()

    return run


def test_a_tree_made_by_hand(tmp_path: Path) -> None:
    paths = StorePaths(tmp_path, tmp_path / "commitlog")
    paths.checkpoint.mkdir()
    empty = refusal(paths.check)
    (paths.checkpoint / "x").touch()
    said("Java ends without a word", empty, refusal(paths.check))


def test_folders_of_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    (tmp_path / "logs").touch()
    said(
        "Permission denied",
        refusal(lambda: check_folder(tmp_path)),
        refusal(lambda: start_logging(BROKER_FILES, tmp_path / "logs")),
    )


def test_a_store_in_use(tmp_path: Path) -> None:
    lock = StoreLock(tmp_path / "lock")
    lock.acquire()
    try:
        said("Lock failed,MQ already started", refusal(StoreLock(tmp_path / "lock").acquire))
    finally:
        lock.release()


def test_a_port_in_use() -> None:
    with socket.create_server((HOST, 0)) as taken:
        said("Address already in use", refusal(lambda: bind(HOST, taken.getsockname()[1])))


def test_no_home(start: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROCKETMQ_HOME")
    said("Please set the ROCKETMQ_HOME variable", start())


@pytest.mark.parametrize("addresses", ["10.0.0.1", "10.0.0.1:9876,10.0.0.2:9876"])
def test_name_servers_that_are_none(start: Callable[..., str], addresses: str) -> None:
    said("The Name Server Address[…] illegal", start("-n", addresses))


def test_a_folder_for_a_file(start: Callable[..., str], tmp_path: Path) -> None:
    said("load config properties file: Is a directory", start("-c", str(tmp_path)))


def test_a_key_that_is_none(start: Callable[..., str]) -> None:
    said("a setting has no effect", start("-p", properties="autoCreateTopicEnabel=false\n").splitlines()[0])


def test_options_for_a_jvm(capsys: pytest.CaptureFixture[str]) -> None:
    options = "-Xms8g -XX:+UseConcMarkSweepGC -XX:-UseBiasedLocking"
    tell_java_options(Environment(variables={"JAVA_OPT_EXT": options}), logging.getLogger("test"))
    said(
        "Unrecognized VM option, Cannot allocate memory, Could not create the Java Virtual Machine, wrong JDK",
        capsys.readouterr().err,
    )


def test_a_uid_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("rocketpy.config.environment.Path.home", no_home)
    said("uid without a home", refusal(lambda: Environment(variables={}).home))


def test_a_slave(start: Callable[..., str]) -> None:
    said("a slave does not start", start(properties="brokerRole=SLAVE\nbrokerId=1\n"))


# -- clients do not find or reach a broker


class Broker:
    """A broker in a process of its own, as an operator starts it; it is ended at the end of the block."""

    def __init__(self, home: Path, *words: str, until: str, **variables: str) -> None:
        home.mkdir()
        settings = {"listenPort": free_broker_port(), "mappedFileSizeCommitLog": 1 << 20, "maxHashSlotNum": 100}
        (home / "b.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        environment = {"HOME": str(home), "ROCKETMQ_HOME": str(REPO), "PYTHONPATH": str(REPO), **variables}
        command = [sys.executable, "-m", "rocketpy.cli", "broker", "-c", str(home / "b.conf"), *words]
        self._until = until
        self._process = subprocess.Popen(
            command, env=environment, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def __enter__(self) -> list[str]:
        """What it said until it said this; of a line of the log, what it says."""
        assert self._process.stdout
        told: list[str] = []
        for line in self._process.stdout:
            told.append(line.strip().rpartition(" MainThread - ")[2])
            if self._until in line:
                break
        return told

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=20)


@pytest.fixture(scope="module")
def served() -> Iterator[RunningCluster]:
    with cluster() as running:
        yield running


Ask = Callable[..., str]


@pytest.fixture
def ask(served: RunningCluster) -> Ask:
    """An answer as the page writes it, without the line that leads to a FAQ."""

    def asking(code: int, ext: dict[str, object] | None = None, body: bytes | None = None, at: str = "") -> str:
        async def call() -> Command:
            calls = Calls(served.namesrv_addr)
            try:
                text = {name: str(value) for name, value in (ext or {}).items()}
                return await calls.call(at or served.broker_addr, request(code, text, body), timeout_ms=20_000)
            finally:
                await calls.close()

        answer = served.run(call(), timeout_s=30)
        return f"answer {answer.code}: {(answer.remark or '').partition(chr(10))[0].strip()}"

    return asking


def test_nobody_finds_a_broker(tmp_path: Path, ask: Ask, served: RunningCluster) -> None:
    with Broker(tmp_path / "one", until="boot success") as told:
        alone = [line for line in told if line.startswith("no name server")]
    said(
        "sendDefaultImpl call timeout, RemotingTooMuchRequestException, connect to …:10909 failed",
        *(line for line in told if line.startswith("clients are given")),
    )
    unknown_host = ("-n", "no-such-host.invalid:9876")
    with Broker(tmp_path / "two", *unknown_host, until="not registered", ROCKETMQ_LOG_STDOUT="true") as told:
        unreached = [line for line in told if line.startswith("not registered")]
    unknown = ask(RequestCode.GET_ROUTEINTO_BY_TOPIC, {"topic": "Unknown"}, at=served.namesrv_addr)
    said("No route info of this topic", *alone, *unreached, unknown)
    said("Name or service not known, UnknownHostException", *unreached)
    assert "no-such-host.invalid:9876: cannot be reached: " in unreached[0] and "Errno" not in unreached[0]


def test_an_address_that_others_do_not_reach() -> None:
    said("connect to 172.17.0.1:10911 failed", choose_address([("docker0", "172.17.0.1")], []).warning)
    said("connect to 127.0.0.1:10911 failed", judge_address(HOST, "brokerIP1").warning)


# -- sends are refused

DELAYED = "DELAY\x0130"  # of no such level: takes the full lane


def send(ask: Ask, topic: str = "T", queue: int = 0, properties: str = "") -> str:
    ext = {"a": "PG", "b": topic, "c": "TBW102", "d": 4, "e": queue, "f": 0, "g": 1, "h": 0, "i": properties, "j": 0,
           "k": "false", "m": "false"}
    return ask(RequestCode.SEND_MESSAGE_V2, ext, b"x")


def test_a_disk_that_fails(ask: Ask, served: RunningCluster, caplog: pytest.LogCaptureFixture,
                           monkeypatch: pytest.MonkeyPatch) -> None:
    store = served.broker.store
    failed = store._no_room(OSError(5, "Input/output error", "/store/commitlog/00000000000000000000"))
    monkeypatch.setattr(store, "put", lambda *_, **__: PutResult(failed))
    assert failed is PutMessageStatus.CREATE_MAPEDFILE_FAILED
    said(
        "create mapped file failed, server is busy or broken",
        send(ask, properties=DELAYED),
        *(line for line in caplog.messages if line.startswith("puts are refused")),
    )
    store._refusals.clear()


@pytest.fixture
def overload() -> Overload:
    config = BrokerConfig()
    return Overload(config, MessageStoreConfig(), Watch(), ManualClock())  # type: ignore[arg-type]


def busy(overload: Overload) -> str:
    with pytest.raises(RequestRefused) as refused:
        overload.check(RequestCode.SEND_MESSAGE, Connection(900))  # type: ignore[arg-type]
    return f"answer {int(refused.value.code)}: {refused.value.remark}"


def test_more_comes_than_is_served(overload: Overload, caplog: pytest.LogCaptureFixture) -> None:
    said("[TIMEOUT_CLEAN_QUEUE]broker busy", busy(overload), *caplog.messages)


def test_the_disk_holds_the_broker_up(overload: Overload) -> None:
    overload._watch.off_cpu_ms = 5_000  # type: ignore[misc]
    said("[PCBUSY_CLEAN_QUEUE]broker busy", busy(overload))


def test_a_topic_that_is_not_made(ask: Ask, served: RunningCluster) -> None:
    served.broker.config.auto_create_topic_enable = False
    try:
        said("topic[…] not exist, apply first please!", send(ask, "NotMade"))
    finally:
        served.broker.config.auto_create_topic_enable = True


def test_what_is_too_long(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    answered = send(ask, properties=f"A\x01{'x' * 33_000}")
    logged = [line for line in caplog.messages if "bytes of properties" in line]
    said("the message is illegal, maybe msg body or properties length not matched", answered, *logged)


def test_a_master_that_waits_for_slaves(start: Callable[..., str]) -> None:
    said("SLAVE_NOT_AVAILABLE", start("-p", properties="brokerRole=SYNC_MASTER\n").splitlines()[0])


def test_a_queue_that_is_none(ask: Ask, served: RunningCluster) -> None:
    served.create_topic("Four", 4)
    said("request queueId[…] is illegal", send(ask, "Four", queue=7))


# -- messages are not consumed


def pull(ask: Ask, group: str, flags: int = 0, **more: object) -> str:
    ext = {"consumerGroup": group, "topic": "Pulled", "queueId": 0, "queueOffset": 0, "maxMsgNums": 1, "sysFlag": flags,
           "commitOffset": 0, "suspendTimeoutMillis": 0, "subVersion": 1, **more}
    return ask(RequestCode.PULL_MESSAGE, ext)


SUBSCRIPTION_FLAG = 4  # of the sys flag: the pull brings its subscription along


def group_settings(ask: Ask, group: str, **more: object) -> None:
    ext = {"groupName": group, "consumeEnable": True, "consumeFromMinEnable": True, "consumeBroadcastEnable": True,
           "retryQueueNums": 1, "retryMaxTimes": 16, "brokerId": 0, "whichBrokerWhenConsumeSlowly": 1,
           "notifyConsumerIdsChangedEnable": True, **more}
    assert ask(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, None, json.dumps(ext).encode()) == "answer 0: "


def test_members_that_differ(caplog: pytest.LogCaptureFixture) -> None:
    agreement = Agreement("G")
    agreement.hear(member("one"), entry(("T", "A")), 0)
    agreement.hear(member("two"), entry(("T", "B")), 60_000)
    said("stuck consumption, messages of one tag missing", *caplog.messages)


def test_a_group_that_is_not_made(ask: Ask, served: RunningCluster) -> None:
    served.broker.config.auto_create_subscription_group = False
    try:
        said("subscription group […] does not exist", pull(ask, "NotMade"))
    finally:
        served.broker.config.auto_create_subscription_group = True


def test_a_group_that_may_not_consume(ask: Ask) -> None:
    group_settings(ask, "Stopped", consumeEnable=False)
    said("subscription group no permission", pull(ask, "Stopped"))


def test_no_permission_to_read(ask: Ask, served: RunningCluster) -> None:
    ext = {"topic": "WriteOnly", "defaultTopic": "TBW102", "readQueueNums": 4, "writeQueueNums": 4, "perm": 2,
           "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"}
    assert ask(RequestCode.UPDATE_AND_CREATE_TOPIC, ext) == "answer 0: "
    of_topic = pull(ask, "Reading", topic="WriteOnly")
    served.broker.config.broker_permission = 2
    try:
        said("the topic[…] pulling message is forbidden", of_topic, pull(ask, "Reading"))
    finally:
        served.broker.config.broker_permission = 6


def test_a_group_without_members(ask: Ask, served: RunningCluster) -> None:
    served.create_topic("Pulled")
    group_settings(ask, "Nobody")
    said("the consumer's group info not exist", pull(ask, "Nobody"))


def test_a_subscription_of_before(ask: Ask, served: RunningCluster) -> None:
    served.create_topic("Pulled")

    async def beat_and_pull() -> Command:
        calls = Calls(served.namesrv_addr)
        try:
            body = (
                b'{"clientID":"c@1","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":'
                b'"CONSUME_PASSIVELY","groupName":"Beating","messageModel":"CLUSTERING","subscriptionDataSet":[{"topic":'
                b'"Pulled","subString":"*","subVersion":1,"expressionType":"TAG","tagsSet":[],"codeSet":[],'
                b'"classFilterMode":false}],"unitMode":false}],"producerDataSet":[]}'
            )
            await calls.ask(served.broker_addr, request(RequestCode.HEART_BEAT, {}, body))
            ext = {"consumerGroup": "Beating", "topic": "Pulled", "queueId": "0", "queueOffset": "0", "maxMsgNums": "1",
                   "sysFlag": "0", "commitOffset": "0", "suspendTimeoutMillis": "0", "subVersion": "2"}
            return await calls.call(served.broker_addr, request(RequestCode.PULL_MESSAGE, ext))
        finally:
            await calls.close()

    answer = served.run(beat_and_pull())
    said("the consumer's subscription not latest", f"answer {answer.code}: {answer.remark}")


def test_filters_that_are_not_allowed(ask: Ask, served: RunningCluster) -> None:
    served.create_topic("Pulled")
    asked = pull(ask, "Filtering", SUBSCRIPTION_FLAG, subscription="a > 1", expressionType="SQL92")
    said("The broker does not support consumer to filter message by SQL92", asked)


# -- access and versions


def test_a_client_without_keys(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Peer:
        ip, address = "10.9.9.9", "10.9.9.9:1234"

    (tmp_path / "plain_acl.yml").write_text("accounts:\n- accessKey: account-one\n  secretKey: s3cr3t-of-one\n")
    access = Access(tmp_path / "plain_acl.yml", ManualClock(), logging.getLogger("RocketmqBroker"))
    access.load("aclEnable=true (default)")
    caplog.clear()
    with pytest.raises(AccessDenied) as denied:
        access.check(Peer(), Command(RequestCode.SEND_MESSAGE, {"b": "T"}))
    heard = f"answer {int(denied.value.code)}: {denied.value.remark}"
    said("signature validate failed, No accessKey is configured", heard, *caplog.messages)


def test_a_code_of_later_releases(ask: Ask) -> None:
    said("CODE: 3, request type … not supported", ask(200_050))
