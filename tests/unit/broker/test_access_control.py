"""A broker with aclEnable over loopback: both lanes, both ports, and starts that are refused."""

import asyncio
import logging

import pytest

from rocketpy._core.command import Command
from rocketpy._core.guarded_lane import GuardedLane
from rocketpy._core.lane import Lane
from rocketpy.acl.signature import signed
from rocketpy.broker.access_control import access_of, load_rules
from rocketpy.broker.broker import Broker
from rocketpy.broker.fast_lane import FastLane
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig, Environment, MessageStoreConfig, NettyClientConfig, NettyServerConfig
from rocketpy.errors import StartRefused
from rocketpy.protocol.bodies import TopicConfig
from tests.ports import free_broker_port

SECRET = "s3cr3t-of-one"
RULES = f"""
accounts:
- accessKey: account-one
  secretKey: {SECRET}
  topicPerms: [T=PUB|SUB]
  groupPerms: [G=SUB]
"""
DENIED = "org.apache.rocketmq.acl.common.AclException: "
SEND = {"a": "PG", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1565000000123", "h": "0", "i": "", "j": "0"}
PULL = {"queueId": "0", "queueOffset": "0", "maxMsgNums": "32", "sysFlag": "4", "commitOffset": "0",
        "suspendTimeoutMillis": "0", "subscription": "*", "subVersion": "1", "expressionType": "TAG"}  # fmt: skip


@pytest.fixture
def home(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "plain_acl.yml").write_text(RULES)
    return tmp_path


def config_of(home, **settings):
    environment = Environment(variables={"ROCKETMQ_HOME": str(home), "HOME": str(home)})
    return BrokerConfig(environment, broker_ip1="127.0.0.1", broker_name="b", **settings)


def by_account(code, ext, body=None, flag=0):
    return Command(code, signed(ext, body, "account-one", SECRET), body, flag=flag)


async def talk(port, commands):
    """(code, remark, body) of each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = {}
    for opaque, command in enumerate(commands):
        command.opaque = opaque
    writer.write(b"".join(command.encode() for command in commands))
    for _ in range(sum(not command.is_oneway for command in commands)):
        head = await asyncio.wait_for(reader.readexactly(4), 30)
        answer = Command.decode(head + await reader.readexactly(int.from_bytes(head, "big")))
        answers[answer.opaque] = (answer.code, answer.remark, answer.ext, answer.body)
    writer.transport.abort()
    return [answers[opaque] for opaque in sorted(answers)]


async def serve(home, commands, vip=False):
    store = MessageStoreConfig(
        store_path_root_dir=str(home / "store"), mapped_file_size_commit_log=1 << 16,
        mapped_file_size_consume_queue=2000, max_hash_slot_num=100, max_index_num=400,
    )  # fmt: skip
    port = free_broker_port()
    server = NettyServerConfig(listen_port=port)
    broker = Broker(config_of(home, acl_enable=True), server, NettyClientConfig(), store, ManualClock())
    await broker.start()
    try:
        broker.topics.put(TopicConfig("T", read_queue_nums=1, write_queue_nums=1))
        broker.topics.put(TopicConfig("Secret", read_queue_nums=1, write_queue_nums=1))
        await broker.topics.file.saved()
        answers = await talk(port - 2 if vip else port, commands)
        return answers, broker.lane.served, broker.store.writer.log.end_offset
    finally:
        await broker.stop()


def scenario():
    return [
        by_account(310, {**SEND, "b": "T"}, b"one"),
        Command(310, {**SEND, "b": "T"}, b"unsigned"),
        by_account(310, {**SEND, "b": "Secret"}, b"denied"),
        by_account(310, {**SEND, "b": "T", "topic": "Secret"}, b"two topics"),
        by_account(310, {**SEND, "b": "Secret"}, b"denied one-way", flag=2),
        by_account(11, {**PULL, "topic": "T", "consumerGroup": "G"}),
        by_account(11, {**PULL, "topic": "Secret", "consumerGroup": "G"}),
        by_account(11, {**PULL, "topic": "T", "consumerGroup": "Other"}),
        by_account(17, {}),
        Command(26),
    ]


@pytest.mark.parametrize("lane", ["fast", "full"])
@pytest.mark.parametrize("vip", [False, True])
def test_every_request_is_checked_on_both_lanes_and_both_ports(home, monkeypatch, lane, vip):
    if lane == "full":
        monkeypatch.setattr(FastLane, "core", Lane())
    answers, served, _ = asyncio.run(serve(home, scenario(), vip))
    assert bool(served) is (lane == "fast")
    assert [(code, remark) for code, remark, _, _ in answers] == [
        (0, None),
        (1, f"{DENIED}No accessKey is configured"),
        (1, f"{DENIED}No default permission for topic:Secret"),
        (0, None),
        (0, "FOUND"),
        (1, f"{DENIED}No default permission for topic:Secret"),
        (1, f"{DENIED}No default permission for group:Other"),
        (1, f"{DENIED}Need admin permission for request code=17, but accessKey=account-one is not"),
        (1, f"{DENIED}No accessKey is configured"),
    ]
    assert all(ext is None for code, _, ext, _ in answers if code == 1)
    found = answers[4][3]
    assert b"one" in found
    assert b"two topics" in found
    assert b"denied" not in found


def test_both_lanes_store_and_answer_the_same(home, tmp_path, monkeypatch):
    fast, _, end = asyncio.run(serve(home, scenario()))
    with monkeypatch.context() as patch:
        patch.setattr(FastLane, "core", Lane())
        (tmp_path / "full" / "conf").mkdir(parents=True)
        (tmp_path / "full" / "conf" / "plain_acl.yml").write_text(RULES)
        full, _, full_end = asyncio.run(serve(tmp_path / "full", scenario()))
    assert end == full_end
    assert [answer[:2] for answer in fast] == [answer[:2] for answer in full]


def test_without_it_the_lane_stands_alone(home):
    class NoLane:
        _lane = Lane()
        _broker = type("B", (), {"access": None})

    assert FastLane.core.fget(NoLane) is NoLane._lane
    NoLane._broker = type("B", (), {"access": access_of(config_of(home, acl_enable=True), ManualClock())})
    assert isinstance(FastLane.core.fget(NoLane), GuardedLane)
    assert access_of(config_of(home), ManualClock()) is None


def test_a_broker_without_rules_does_not_start_and_touches_nothing(home):
    (home / "conf" / "plain_acl.yml").unlink()
    with pytest.raises(StartRefused, match=r"aclEnable=true \(default\): .*plain_acl.yml: No such file"):
        asyncio.run(serve(home, []))
    assert not (home / "store").exists()


def test_strictness_alone_would_guard_nothing(home):
    with pytest.raises(StartRefused, match=r"aclStrictAdmin=true .* is nothing without aclEnable=true"):
        load_rules(config_of(home, acl_strict_admin=True), None)


@pytest.mark.parametrize("strict", [True, False])
def test_accounts_that_anyone_may_change_are_warned_of(home, caplog, strict):
    caplog.set_level(logging.WARNING)
    config = config_of(home, acl_enable=True, acl_strict_admin=strict)
    load_rules(config, access_of(config, ManualClock()))
    assert ("any account may change accounts" in caplog.text) is not strict
