"""Every name server hears of this broker in time, whatever the others do."""

import asyncio
import json
import logging
import selectors
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from rocketpy._core.command import Command, response
from rocketpy.broker.namesrv_link import NamesrvLink, addresses
from rocketpy.broker.topics import Topics
from rocketpy.clock import ManualClock
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.netty import NettyServerConfig
from rocketpy.protocol.bodies import KVTable, TopicConfig
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.register_body import body_crc32, decode_register_body

NS1, NS2 = "10.0.0.1:9876", "10.0.0.2:9876"


class Skipper(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Never waits: what would be waited for has passed."""

    skipped_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            return super().select(1)  # for a thread: a topic is written
        self.skipped_s += timeout
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time passes only by waiting."""

    def __init__(self) -> None:
        self.skipper = Skipper()
        super().__init__(self.skipper)

    def time(self) -> float:
        return self.skipper.skipped_s


def run(scenario: Coroutine[Any, Any, None]) -> None:
    async def all_of_it() -> None:
        await scenario
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    loop = Loop()
    try:
        loop.run_until_complete(all_of_it())
    finally:
        loop.close()


class Client:
    """A remoting client whose name servers answer as the test says."""

    def __init__(self) -> None:
        self.on_close: Callable[[object], object] | None = None
        self.sent: list[tuple[str, Command]] = []
        self.answers: dict[str, Callable[[Command], Command | Coroutine[Any, Any, Command]]] = {}

    async def invoke(self, address: str, command: Command, timeout_ms: int) -> Command:
        self.sent.append((address, command))
        answer = self.answers.get(address, lambda command: response(ext={}))(command)
        if isinstance(answer, Command):
            return answer
        return await asyncio.wait_for(answer, timeout_ms / 1000)

    async def oneway(self, address: str, command: Command) -> None:
        assert command.is_oneway
        self.sent.append((address, command))

    def take(self, address: str | None = None) -> list[tuple[str, int, bool]]:
        """(address, code, one-way) of what was sent since the last call."""
        taken = [(to, command.code, command.is_oneway) for to, command in self.sent if address in (None, to)]
        self.sent.clear()
        return sorted(taken)


def refuse(command: Command) -> Command:
    raise ConnectionRefusedError(111, "Connection refused")


def hang(command: Command) -> Coroutine[Any, Any, Command]:
    async def never() -> Command:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits an hour")

    return never()


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def make(tmp_path: Path, client: Client) -> Callable[..., tuple[NamesrvLink, Topics]]:
    """A link and its topics; keyword arguments are settings."""

    def make(**settings: object) -> tuple[NamesrvLink, Topics]:
        address = {"broker_ip1": "10.32.16.195", "broker_ip2": "10.32.16.195"}
        settings = {"namesrv_addr": f"{NS1};{NS2}"} | address | settings
        config = BrokerConfig(broker_name="broker-a", broker_cluster_name="C", **settings)
        topics = Topics(config, tmp_path / "topics.json", ManualClock())
        return NamesrvLink(config, NettyServerConfig(listen_port=10911), topics, client), topics

    return make


Make = Callable[..., tuple[NamesrvLink, Topics]]
REGISTER, UNREGISTER = int(RequestCode.REGISTER_BROKER), int(RequestCode.UNREGISTER_BROKER)


def test_addresses() -> None:
    assert addresses(f" {NS1} ;{NS2};;{NS1}") == [NS1, NS2]
    assert addresses(None) == addresses("") == []


def test_it_registers_at_start_after_ten_seconds_and_then_every_period(client: Client, make: Make) -> None:
    link, _ = make(register_name_server_period=20_000)

    async def scenario() -> None:
        await link.start()
        both = [(NS1, REGISTER, False), (NS2, REGISTER, False)]
        assert client.take() == both
        await asyncio.sleep(9.9)
        assert client.take() == []
        await asyncio.sleep(0.2)
        assert client.take() == both
        await asyncio.sleep(19.8)
        assert client.take() == []
        await asyncio.sleep(0.2)
        assert client.take() == both
        await link.stop()
        assert client.take() == [(NS1, UNREGISTER, False), (NS2, UNREGISTER, False)]

    run(scenario())


def test_what_a_registration_says(client: Client, make: Make) -> None:
    link, topics = make()
    run(link.register_all())
    _, command = client.sent[0]
    assert command.body is not None
    assert command.ext == {
        "brokerName": "broker-a", "brokerAddr": "10.32.16.195:10911", "clusterName": "C", "brokerId": "0",
        "haServerAddr": "10.32.16.195:10912", "compressed": "false", "bodyCrc32": str(body_crc32(command.body)),
    }  # fmt: skip
    assert decode_register_body(command.body, compressed=False, version=317) == (topics.wrapper(), [])
    assert list(json.loads(command.body)) == ["filterServerList", "topicConfigSerializeWrapper"]


def test_a_compressed_registration_says_the_same(client: Client, make: Make) -> None:
    link, topics = make(compressed_register=True)
    run(link.register_all())
    _, command = client.sent[0]
    assert command.ext is not None
    assert command.ext["compressed"] == "true"
    assert decode_register_body(command.body, compressed=True, version=317) == (topics.wrapper(), [])


def test_a_broker_that_may_not_be_written_registers_its_topics_so(client: Client, make: Make) -> None:
    link, topics = make(broker_permission=4)
    run(link.register_all())
    wrapper, _ = decode_register_body(client.sent[0][1].body, compressed=False, version=317)
    assert {topic.perm for topic in wrapper.topic_config_table.values()} == {4}
    assert wrapper.topic_config_table["BenchmarkTest"].read_queue_nums == 1024
    assert topics.table["BenchmarkTest"].perm == 6


def test_changes_of_topics_go_out_at_once_and_together(client: Client, make: Make) -> None:
    link, topics = make()

    async def scenario() -> None:
        await link.start()
        client.take()
        for number in range(100):
            topics.create_in_send(f"T{number}", "TBW102", "10.0.0.9:1", 4, 0)
        await asyncio.sleep(0.1)
        assert [sent.body == client.sent[0][1].body for _, sent in client.sent] == [True, True]
        wrapper, _ = decode_register_body(client.sent[0][1].body, compressed=False, version=317)
        assert len(wrapper.topic_config_table) == 106
        assert client.take() == [(NS1, REGISTER, True), (NS2, REGISTER, True)]
        topics.put(TopicConfig("U"))
        await asyncio.sleep(0.1)
        assert len(client.take()) == 2
        await link.stop()

    run(scenario())


def test_changes_in_between_do_not_put_off_the_registration_that_is_answered(client: Client, make: Make) -> None:
    """Only an answer brings the order topics."""
    link, topics = make(namesrv_addr=NS1)

    async def scenario() -> None:
        await link.start()
        client.take()
        for number in range(12):
            topics.put(TopicConfig(f"T{number}"))
            await asyncio.sleep(5)
        assert (NS1, REGISTER, False) in client.take()
        await link.stop()

    run(scenario())


def test_a_name_server_that_hangs_delays_nobody(
    client: Client, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.answers[NS1] = hang
    link, topics = make()

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        await link.start()
        assert loop.time() < 1.1
        topics.put(TopicConfig("T"))
        await asyncio.sleep(0.1)
        assert client.take(NS2) == [(NS2, REGISTER, False), (NS2, REGISTER, True)]
        await asyncio.sleep(60)
        assert len(client.take(NS2)) >= 2
        stop_s = loop.time()
        await link.stop()
        assert loop.time() == stop_s
        assert client.take() == [(NS2, UNREGISTER, False)]

    run(scenario())
    told = [record.getMessage() for record in caplog.records if NS1 in record.getMessage()]
    assert len(told) == 1, "a state is told once, not at every attempt"
    assert "not registered" in told[0]


def test_a_name_server_that_comes_back_is_registered_with_soon(
    client: Client, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.answers[NS1] = refuse
    link, _ = make(register_name_server_period=60_000)

    async def scenario() -> None:
        await link.start()
        await asyncio.sleep(12)
        del client.answers[NS1]
        client.take()
        await asyncio.sleep(5.1)
        assert client.take(NS1) == [(NS1, REGISTER, False)]
        await link.stop()

    run(scenario())
    told = [record.getMessage() for record in caplog.records if NS1 in record.getMessage()]
    assert ["not registered" in line for line in told] == [True, False, False]
    assert "Connection refused" in told[0]


def test_a_name_server_that_restarts_hears_of_us_at_once(client: Client, make: Make) -> None:
    link, _ = make(namesrv_addr=NS1, register_name_server_period=60_000)

    async def scenario() -> None:
        await link.start()
        await asyncio.sleep(30)
        client.take()
        assert client.on_close is not None
        client.on_close(object())
        assert client.take() == []
        await asyncio.sleep(1.1)
        assert client.take() == [(NS1, REGISTER, True)]
        await link.stop()
        client.on_close(object())
        await asyncio.sleep(5)
        assert client.take() == [(NS1, UNREGISTER, False)]

    run(scenario())


def test_an_answer_sets_order_topics_and_the_master(client: Client, make: Make) -> None:
    client.answers[NS1] = lambda command: response(
        ext={"masterAddr": "m:1", "haServerAddr": "m:2"}, body=KVTable(table={"BenchmarkTest": "broker-a:4"}).encode()
    )
    client.answers[NS2] = lambda command: response(ext={}, body=KVTable(table={}).encode())
    link, topics = make()

    async def scenario() -> None:
        await link.start()
        for _ in range(3):
            await asyncio.sleep(31)
            assert [name for name, topic in topics.table.items() if topic.order] == ["BenchmarkTest"]
        assert (link.master_addr, link.master_ha_addr) == ("m:1", "m:2")
        await link.stop()

    run(scenario())


def test_a_refusal_is_told(client: Client, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    client.answers[NS1] = lambda command: response(1, "crc32 not match", {})
    link, _ = make(namesrv_addr=NS1)
    run(link.register_all())
    assert "crc32 not match" in caplog.text


def test_without_force_the_version_is_asked_first(client: Client, make: Make) -> None:
    link, topics = make(namesrv_addr=NS1, force_register=False)
    ask = int(RequestCode.QUERY_DATA_VERSION)

    def answer(changed: str, body: bytes | None) -> Callable[[Command], Command]:
        return lambda command: response(ext={"changed": changed} if command.code == ask else {}, body=body)

    client.answers[NS1] = answer("false", topics.data_version.encode())
    run(link.register_all())
    assert client.take() == [(NS1, ask, False)]
    for changed, body in [("true", topics.data_version.encode()), ("false", None)]:
        client.answers[NS1] = answer(changed, body)
        run(link.register_all())
        assert client.take() == [(NS1, REGISTER, False), (NS1, ask, False)]


def test_no_name_server_is_told_once(client: Client, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    link, topics = make(namesrv_addr=None)

    async def scenario() -> None:
        await link.start()
        topics.put(TopicConfig("T"))
        await link.stop()

    run(scenario())
    assert client.sent == []
    assert "no name server is known" in caplog.text


def test_a_new_list_of_name_servers_is_registered_with_and_what_stays_is_not_disturbed(
    client: Client, make: Make
) -> None:
    link, _ = make(namesrv_addr=None)

    async def scenario() -> None:
        link.use([NS1])
        await link.start()
        assert client.take() == [(NS1, REGISTER, False)]
        link.use([NS1, NS2])
        await asyncio.sleep(1)
        assert client.take() == [(NS2, REGISTER, False)]
        link.use([NS2])
        await asyncio.sleep(60)
        assert {address for address, _, _ in client.take()} == {NS2}
        await link.stop()
        assert client.take() == [(NS2, UNREGISTER, False)]

    run(scenario())


def test_a_list_that_comes_after_the_start_is_registered_with(client: Client, make: Make) -> None:
    link, _ = make(namesrv_addr=None)

    async def scenario() -> None:
        await link.start()
        link.use([NS1])
        await asyncio.sleep(1)
        assert link.registered_with == [NS1]
        await link.stop()

    run(scenario())


def test_another_address_takes_the_place_of_the_old_one(make, client):
    async def scenario() -> None:
        link, _ = make()
        client.answers[NS2] = refuse
        await link.register_all()
        client.sent.clear()
        before = link.identity()
        link._config.broker_ip1 = "10.32.16.200"
        await link.move_from(before)

    run(scenario())
    assert [(to, command.code, (command.ext or {})["brokerAddr"]) for to, command in client.sent] == [
        (NS1, RequestCode.UNREGISTER_BROKER, "10.32.16.195:10911"),
        (NS1, RequestCode.REGISTER_BROKER, "10.32.16.200:10911"),
    ]
